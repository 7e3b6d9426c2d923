/* The DNS client: a stub resolver (RFC 1035, section 7; RFC 7766). Owns the conversation of an `ask`: one question
 * after the other, sent again where no answer comes, and once more over TCP where the answer was truncated. */
#ifndef DNS_CLIENT_H
#define DNS_CLIENT_H

#include "command.h"

/* Carries `ask` out. Takes over `id` if it succeeds; else *fault says why not. */
bool dns_client_ask(const struct json *command, char *id, struct fault *fault);

#endif
