/* The command `ask` of ftp: what it asks for. Owns the operations. Opens no socket. */
#ifndef FTP_ASK_H
#define FTP_ASK_H

#include "command.h"
#include "payload.h"

enum ftp_op {
    FTP_RETRIEVE,
    FTP_STORE,
    FTP_APPEND,
    FTP_NAMES,
    FTP_ENTRIES,
    FTP_SIZE_OF,
    FTP_RENAME,
    FTP_DELETE,
    FTP_MAKE,
    FTP_REMOVE,
    FTP_ENTER,
    FTP_WHERE
};

struct ftp_operation {
    enum ftp_op op;
    char *name, *to; /* NULL: it has none */
    bool ascii;
    uint64_t offset;
    struct payload content;
};

/* What is known of each kind of operation. */
struct ftp_kind {
    const char *op, *verb;
    bool has_name;
    bool has_data;  /* there is a data connection */
    bool has_lines; /* which carries a list */
    bool gives;     /* the client sends over it */
};
const struct ftp_kind *ftp_kind_of(const struct ftp_operation *operation);

struct ftp_operations {
    struct address address;
    int64_t deadline; /* microseconds from now */
    char *user, *password;
    bool active;
    struct ftp_operation *list;
    size_t count;
};

/* After a fault what was read is still to be freed. */
bool ftp_ask_read(struct ftp_operations *operations, const struct json *command, struct fault *fault);
void ftp_ask_free(struct ftp_operations *operations);

#endif
