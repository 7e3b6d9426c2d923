/* The FTP client (RFC 959; 2428, 3659). Owns the conversation of an `ask`: one session, one operation after the other,
 * each command sent when the reply to the last one came. Grammar and contents stand elsewhere. */
#ifndef FTP_CLIENT_H
#define FTP_CLIENT_H

#include "command.h"

/* Carries `ask` out. Takes over `id` if it succeeds; else *fault says why not. */
bool ftp_client_ask(const struct json *command, char *id, struct fault *fault);

#endif
