/* The command `ask` of smtp: what it asks for. Owns the messages. Opens no socket. */
#ifndef SMTP_ASK_H
#define SMTP_ASK_H

#include "command.h"
#include "payload.h"

struct smtp_message {
    char *from;
    char **recipients;
    size_t recipient_count;
    struct payload content;
};

struct smtp_messages {
    struct address address;
    int64_t deadline; /* microseconds from now */
    struct smtp_message *list;
    size_t count;
};

/* After a fault what was read is still to be freed. */
bool smtp_ask_read(struct smtp_messages *messages, const struct json *command, struct fault *fault);
void smtp_ask_free(struct smtp_messages *messages);

#endif
