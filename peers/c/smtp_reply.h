/* Replies of an SMTP server (RFC 5321, section 4.2). Owns their grammar: codes and lines. */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "octets.h"

#include <stdbool.h>

enum smtp_reply_state { SMTP_REPLY_NONE, SMTP_REPLY_WHOLE, SMTP_REPLY_BAD };

struct smtp_reply {
    int code;   /* of its first line; 0: none came */
    bool eight; /* one of its lines is 8BITMIME */
};

void smtp_reply_clear(struct smtp_reply *reply);
/* Takes its lines off `in` as they come. */
enum smtp_reply_state smtp_reply_read(struct smtp_reply *reply, struct octets *in);

#endif
