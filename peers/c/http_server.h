/* HTTP/1.1 connections of a service. Owns one from `accepted` to `closed`: exchanges one after the other, how long it
 * persists, and how it ends (RFC 9112, section 9). Grammar, content and the site stand elsewhere. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http_site.h"
#include "service.h"

void http_server_accept(struct service *service, sock_t sock, const struct address *remote);

#endif
