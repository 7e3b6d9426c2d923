/* SMTP connections of a service (RFC 5321). Owns one from `accepted` to `closed`: lines, content, how it ends. What is
 * replied is a matter of smtp_session.c. */
#ifndef SMTP_SERVER_H
#define SMTP_SERVER_H

#include "service.h"

/* Serves from now on: the socket listens. */
int smtp_server_begin(struct service *service);

#endif
