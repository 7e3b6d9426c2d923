/* The sender of a stream of RTP (RFC 3550). Owns the conversation of an `ask`: packets in their time, reports, and the
 * answers to them. Packets are made elsewhere. */
#ifndef RTP_CLIENT_H
#define RTP_CLIENT_H

#include "command.h"

/* Carries `ask` out. Takes over `id` if it succeeds; else *fault says why not. */
bool rtp_client_ask(const struct json *command, char *id, struct fault *fault);

#endif
