/* Replies of an FTP server (RFC 959, section 4.2). Owns their grammar: codes and lines, and what a path or an entry of
 * a list looks like in them. */
#ifndef FTP_REPLY_H
#define FTP_REPLY_H

#include "octets.h"

#include <stdbool.h>

enum ftp_reply_state { FTP_REPLY_NONE, FTP_REPLY_WHOLE, FTP_REPLY_BAD };

struct ftp_reply {
    int code;         /* of its first line; 0: none came */
    struct view text; /* of its last line, behind the code */
};

/* Takes the next line of it, without its end. */
enum ftp_reply_state ftp_reply_read(struct ftp_reply *reply, struct view line);

/* The path of a 257: between quotes, of which each within it stands twice. False: there is none. */
bool ftp_read_path(struct octets *path, struct view text);

/* A line of MLSD (RFC 3659, section 7.2): its name, and the facts that are looked for. */
struct ftp_entry {
    struct view name, type, size;
};
bool ftp_read_entry(struct ftp_entry *entry, struct view line);

#endif
