/* What passes over a data connection of the FTP server: a file in one direction or the other, or a list.
 * Owns how its octets are turned into those of the wire. Knows neither sockets nor commands. */
#ifndef FTP_TRANSFER_H
#define FTP_TRANSFER_H

#include "ftp_ascii.h"
#include "ftp_tree.h"
#include "sha256.h"

struct ftp_transfer {
    bool takes;            /* the client sends */
    bool ascii;            /* of a file */
    struct ftp_node *file; /* NULL: it is the list that is sent */
    uint64_t at;           /* in the file: what is sent next, or counted next */
    struct octets list;
    struct ftp_ascii lines; /* that come */
    struct sha256 sum;      /* of the file that is whole */
};

/* Afterwards it is one of a list, and the list is empty. */
void ftp_transfer_clear(struct ftp_transfer *transfer);
/* `from` octets of the transfer are passed over (RFC 3659, section 5). False: there are not so many, or the line end of
 * TYPE A would be cut. */
bool ftp_transfer_begin(struct ftp_transfer *transfer, struct ftp_node *file, bool takes, bool ascii, uint64_t from);

/* There is a data connection: what of the file is to be replaced is cut off. */
void ftp_transfer_open(struct ftp_transfer *transfer);
/* Adds what is to be sent next. False: all is sent. */
bool ftp_transfer_give(struct ftp_transfer *transfer, struct octets *out);
/* Takes what came; `ended`: nothing more comes. False: there is no room for it. */
bool ftp_transfer_take(struct ftp_transfer *transfer, struct octets *in, bool ended);
/* Begins to count the octets of the file that came, and goes on with it. True: all are counted. */
void ftp_transfer_count(struct ftp_transfer *transfer);
bool ftp_transfer_count_on(struct ftp_transfer *transfer);

/* How many octets a transfer of the file has. */
uint64_t ftp_transfer_size(const struct ftp_node *file, bool ascii);

#endif
