/* Where a data connection goes, as commands and replies say it (RFC 959, section 4.1.2; RFC 2428). Owns those forms,
 * for both sides. Opens no socket. */
#ifndef FTP_ADDRESS_H
#define FTP_ADDRESS_H

#include "address.h"

/* What EPRT and EPSV call the families. */
enum { FTP_IPV4 = 1, FTP_IPV6 = 2 };
int ftp_family(const struct address *address);

/* 198,18,0,1,4,1 of an IPv4 address. */
void ftp_put_numbers(struct octets *to, const struct address *address);
/* |1|198.18.0.1|1025| */
void ftp_put_extended(struct octets *to, const struct address *address);

/* False: it is none, or the port is 0. */
bool ftp_read_numbers(struct address *address, struct view text);
/* *family is the number that stands there, also if it is unknown, and then the rest is not read; 0: there is none. */
bool ftp_read_extended(struct address *address, int *family, struct view text);

/* The port that the text of a 227, or of a 229, tells. */
bool ftp_read_227(uint16_t *port, struct view text);
bool ftp_read_229(uint16_t *port, struct view text);

#endif
