/* The files of a session of the FTP server. They stand in memory alone: so each session has its own at once, and
 * nothing is left of them however it ends. Owns names, paths and contents. Knows no command.
 *
 * A session's tree is a copy of the service's, which lives longer; of contents only what was written is copied: a file
 * is the first so many octets of another one (or of zeros: a hole), and what was written behind them. */
#ifndef FTP_TREE_H
#define FTP_TREE_H

#include "command.h"

#include <time.h>

struct ftp_node {
    char *name; /* of the root: "" */
    bool is_folder;
    time_t changed;
    struct ftp_node *parent, *first, *next; /* what is in a folder, in the order in which it came there */
    const struct ftp_node *basis;           /* whose octets stand first; NULL: zeros do */
    uint64_t kept;                          /* how many of those */
    struct octets written;
};

/* The tree of the member `files`. NULL: *fault says why not. */
struct ftp_node *ftp_tree_read(const struct json *command, struct fault *fault);
struct ftp_node *ftp_tree_copy(const struct ftp_node *root);
/* Frees a node, and all that is in it; it is taken out of its folder. */
void ftp_tree_remove(struct ftp_node *node);

/* What the path leads to from there; NULL: nothing. */
struct ftp_node *ftp_tree_find(struct ftp_node *from, struct view path);
/* The folder in which the path's last name stands, or would stand, and that name. NULL: there is no such folder, or
 * nothing can have that name. */
struct ftp_node *ftp_tree_place(struct ftp_node *from, struct view path, struct view *name);
struct ftp_node *ftp_tree_child(const struct ftp_node *folder, struct view name);
struct ftp_node *ftp_tree_add(struct ftp_node *folder, struct view name, bool is_folder);
/* The folder must not be within the node. */
void ftp_tree_move(struct ftp_node *node, struct ftp_node *folder, struct view name);
bool ftp_tree_is_within(const struct ftp_node *node, const struct ftp_node *folder);
/* Adds the path from the root, "/" in front. */
void ftp_tree_put_path(struct octets *to, const struct ftp_node *node);

uint64_t ftp_file_size(const struct ftp_node *file);
/* The octets from there on, one or more of them but at most so many; none at the end. */
struct view ftp_file_part(const struct ftp_node *file, uint64_t from, size_t most);
/* Only the first so many octets are left. */
void ftp_file_cut(struct ftp_node *file, uint64_t size);
/* False: there is no room for more. */
bool ftp_file_add(struct ftp_node *file, struct view octets);

#endif
