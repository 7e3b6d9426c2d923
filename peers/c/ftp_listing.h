/* Files and folders as they are listed: NLST and LIST (RFC 959), MLSD and MLST (RFC 3659, section 7). Owns those forms.
 * Every line ends in CRLF, whatever the type is (RFC 1123, section 4.1.2.7). */
#ifndef FTP_LISTING_H
#define FTP_LISTING_H

#include "ftp_tree.h"

/* The facts of MLSD and MLST, each a bit. */
enum { FTP_TYPE = 1, FTP_SIZE = 2, FTP_MODIFY = 4, FTP_PERM = 8, FTP_ALL_FACTS = 15 };

/* The facts of a list like "size;type;"; those that are not known are passed over. */
unsigned ftp_facts_named(struct view list);
/* "type;size;" of those facts; with `mark` all are named, and those are marked by a star. */
void ftp_put_facts(struct octets *to, unsigned facts, bool mark);

/* A line of each kind for one node, called so. */
void ftp_put_name(struct octets *to, const struct ftp_node *node, struct view name);
void ftp_put_long(struct octets *to, const struct ftp_node *node, struct view name);
/* YYYYMMDDHHMMSS */
void ftp_put_time(struct octets *to, time_t time);
/* " " and the name alone, if there are no facts to tell. */
void ftp_put_entry(struct octets *to, const struct ftp_node *node, struct view name, unsigned facts);

#endif
