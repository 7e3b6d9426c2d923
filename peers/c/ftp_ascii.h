/* Contents in TYPE A (RFC 959, section 3.1.1.1): on the wire lines end in CRLF, in a file in LF. Owns how one is made
 * of the other. */
#ifndef FTP_ASCII_H
#define FTP_ASCII_H

#include "octets.h"

#include <stdbool.h>

/* Adds the lines of a file as they go over the wire. */
void ftp_ascii_put(struct octets *to, struct view lines);

/* Content that comes; all zero is its beginning. */
struct ftp_ascii {
    bool held; /* a CR came last: it may belong to the end of a line */
};

/* Adds what came, as it stands in a file. */
void ftp_ascii_take(struct ftp_ascii *ascii, struct octets *to, struct view came);
/* Nothing more comes. */
void ftp_ascii_end(struct ftp_ascii *ascii, struct octets *to);

#endif
