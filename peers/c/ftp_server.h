/* FTP control connections of a service (RFC 959), and their data connections. Owns a session from `accepted` to
 * `closed`: lines, transfers, and how they end. What is replied is a matter of ftp_session.c. */
#ifndef FTP_SERVER_H
#define FTP_SERVER_H

#include "service.h"

/* Serves from now on: the socket listens. */
int ftp_server_begin(struct service *service);

#endif
