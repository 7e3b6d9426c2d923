/* The HTTP/1.1 client. Owns the conversation of an `ask`: its connections, one request after the other, and when a
 * connection can be used again (RFC 9112, section 9). Grammar and content stand elsewhere.
 * The build links one implementation: http_client.c, or http_client_libcurl.c, which leaves HTTP to that. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "command.h"

/* Carries `ask` out. Takes over `id` if it succeeds; else *fault says why not. */
bool http_client_ask(const struct json *command, char *id, struct fault *fault);

#endif
