/* The SMTP client (RFC 5321). Owns the conversation of an `ask`: one session, one message after the other, each command
 * sent when the reply to the last one came. Grammar and content stand elsewhere. */
#ifndef SMTP_CLIENT_H
#define SMTP_CLIENT_H

#include "command.h"

/* Carries `ask` out. Takes over `id` if it succeeds; else *fault says why not. */
bool smtp_client_ask(const struct json *command, char *id, struct fault *fault);

#endif
