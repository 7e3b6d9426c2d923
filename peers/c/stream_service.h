/* The simple services over TCP. Owns one connection of them, from `accepted` to `closed`. */
#ifndef STREAM_SERVICE_H
#define STREAM_SERVICE_H

#include "service.h"

void stream_accept(struct service *service, sock_t sock, const struct address *remote);

#endif
