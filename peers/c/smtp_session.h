/* What an SMTP server knows of a session, and what it replies to each command (RFC 5321, section 4). Owns the verbs,
 * their order, the paths, and which mailboxes refuse what. Opens no socket: lines come in, replies go into a buffer. */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include "octets.h"

#include <stdbool.h>

enum { SMTP_LARGEST = 64 * 1024 * 1024 };

struct smtp_session {
    bool greeted, in_mail;
    char *from;
    struct octets recipients; /* each with a zero octet behind it */
    size_t recipient_count;
};

/* What comes after the reply to a command. */
enum smtp_next { SMTP_COMMAND, SMTP_CONTENT, SMTP_LEAVE };

void smtp_greet(struct octets *out);
/* Replies to the line, which is without its end. */
enum smtp_next smtp_reply(struct smtp_session *session, struct view line, struct octets *out);
void smtp_refuse_line(struct octets *out);
/* The content came. True: it is taken, and the mail is to be told before `out` is sent. */
bool smtp_judge(const struct smtp_session *session, uint64_t size, struct octets *out);
/* The transaction is over. */
void smtp_forget(struct smtp_session *session);
void smtp_session_free(struct smtp_session *session);

#endif
