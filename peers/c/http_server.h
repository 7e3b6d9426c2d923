/* HTTP/1.1 connections of a service. Owns one from `accepted` to `closed`: exchanges one after the other, how long it
 * persists, and how it ends (RFC 9112, section 9). Grammar, content and the site stand elsewhere.
 * The build links one implementation: http_server.c, or http_server_libmicrohttpd.c, which leaves HTTP to that. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http_site.h"
#include "service.h"

/* Whether the stack can send what the site asks for; if not, *fault says why. */
bool http_server_can_send(const struct http_site *site, struct fault *fault);
/* Serves the site from now on: the socket listens. 0, or one of the system's codes. */
int http_server_begin(struct service *service);

#endif
