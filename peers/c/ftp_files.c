/* Commands of an FTP server that are about files; see ftp_session.h. */
#include "ftp_listing.h"
#include "ftp_session.h"
#include "json.h"
#include "words.h"

static enum ftp_next say(struct octets *out, const char *reply) {
    ftp_say(out, reply);
    return FTP_COMMAND;
}

static enum ftp_next done(struct octets *out) {
    return say(out, "250 Done");
}

static enum ftp_next not_there(struct octets *out) {
    return say(out, "550 There is nothing of that name");
}

static struct ftp_node *find(const struct ftp_session *session, struct view path) {
    return ftp_tree_find(session->here, path);
}

static struct ftp_node *find_file(const struct ftp_session *session, struct view path) {
    struct ftp_node *node = find(session, path);
    return node && !node->is_folder ? node : NULL;
}

/* The path in double quotes, those within it doubled (RFC 959, appendix II). */
static void put_quoted_path(struct octets *out, const struct ftp_node *node) {
    struct octets path = {0};
    ftp_tree_put_path(&path, node);
    octets_add_text(out, "\"");
    for (; octets_size(&path); octets_drop(&path, 1)) {
        octets_add(out, octets_front(&path), 1);
        if (*octets_front(&path) == '"')
            octets_add_text(out, "\"");
    }
    octets_add_text(out, "\"");
    octets_free(&path);
}

static enum ftp_next say_path(struct octets *out, const struct ftp_node *node, const char *rest) {
    octets_add_text(out, "257 ");
    put_quoted_path(out, node);
    octets_add_text(out, rest);
    octets_add_text(out, "\r\n");
    return FTP_COMMAND;
}

/* ---- transfers ---- */

/* The place that REST told, once. */
static uint64_t take_restart(struct ftp_session *session) {
    uint64_t restart = session->restart;
    session->restart = 0;
    return restart;
}

static enum ftp_next begin(struct ftp_session *session, struct ftp_node *file, bool takes, uint64_t from,
                           struct octets *out) {
    if (!ftp_transfer_begin(&session->transfer, file, takes, session->ascii, from))
        return say(out, "554 No transfer begins there"); /* RFC 1123, section 4.1.3.4 */
    return FTP_TRANSFER;
}

enum ftp_next ftp_retrieve(struct ftp_session *session, struct view path, struct octets *out) {
    uint64_t from = take_restart(session);
    struct ftp_node *file = find_file(session, path);
    return file ? begin(session, file, false, from, out) : say(out, "550 There is no file of that name");
}

/* The file of that name, made if it is missing. NULL: that cannot be one. */
static struct ftp_node *file_to_write(struct ftp_session *session, struct view path) {
    struct view name;
    struct ftp_node *folder = ftp_tree_place(session->here, path, &name);
    struct ftp_node *node = folder ? ftp_tree_child(folder, name) : NULL;
    if (node)
        return node->is_folder ? NULL : node;
    return folder ? ftp_tree_add(folder, name, false) : NULL;
}

enum ftp_next ftp_store(struct ftp_session *session, struct view path, struct octets *out) {
    uint64_t from = take_restart(session);
    struct ftp_node *file = from ? find_file(session, path) : file_to_write(session, path);
    if (!file)
        return say(out, from ? "550 There is no file of that name" : "553 No file can have that name");
    return begin(session, file, true, from, out);
}

enum ftp_next ftp_append(struct ftp_session *session, struct view path, struct octets *out) {
    take_restart(session);
    struct ftp_node *file = file_to_write(session, path);
    if (!file)
        return say(out, "553 No file can have that name");
    return begin(session, file, true, ftp_transfer_size(file, session->ascii), out);
}

/* ---- lists ---- */

static void put_all(struct octets *to, const struct ftp_node *node, struct view name,
                    void (*put)(struct octets *, const struct ftp_node *, struct view)) {
    if (!node->is_folder)
        put(to, node, name);
    for (const struct ftp_node *one = node->first; one; one = one->next)
        put(to, one, view_of(one->name));
}

static enum ftp_next list(struct ftp_session *session, struct view path, struct octets *out,
                          void (*put)(struct octets *, const struct ftp_node *, struct view)) {
    const struct ftp_node *node = find(session, path);
    take_restart(session);
    if (!node)
        return say(out, "450 There is nothing of that name");
    ftp_transfer_clear(&session->transfer);
    put_all(&session->transfer.list, node, path, put);
    return FTP_TRANSFER;
}

enum ftp_next ftp_list(struct ftp_session *session, struct view path, struct octets *out) {
    return list(session, path, out, ftp_put_long);
}

enum ftp_next ftp_list_names(struct ftp_session *session, struct view path, struct octets *out) {
    return list(session, path, out, ftp_put_name);
}

enum ftp_next ftp_list_entries(struct ftp_session *session, struct view path, struct octets *out) {
    const struct ftp_node *folder = find(session, path);
    take_restart(session);
    if (!folder)
        return not_there(out);
    if (!folder->is_folder)
        return say(out, "501 That is no folder"); /* RFC 3659, section 7.2.1 */
    ftp_transfer_clear(&session->transfer);
    for (const struct ftp_node *node = folder->first; node; node = node->next)
        ftp_put_entry(&session->transfer.list, node, view_of(node->name), session->facts);
    return FTP_TRANSFER;
}

enum ftp_next ftp_tell_entry(struct ftp_session *session, struct view path, struct octets *out) {
    struct octets full = {0};
    const struct ftp_node *node = find(session, path);
    if (!node)
        return not_there(out);
    ftp_tree_put_path(&full, node);
    octets_add_text(out, "250-It is\r\n ");
    ftp_put_entry(out, node, (struct view){octets_front(&full), octets_size(&full)}, session->facts);
    octets_free(&full);
    return say(out, "250 So much of it");
}

/* STAT of a path: what LIST would send. A space in front, so that no line is taken for the last one. */
static void put_long_behind_space(struct octets *to, const struct ftp_node *node, struct view name) {
    octets_add_text(to, " ");
    ftp_put_long(to, node, name);
}

enum ftp_next ftp_tell_files(struct ftp_session *session, struct view path, struct octets *out) {
    const struct ftp_node *node = find(session, path);
    if (!node)
        return say(out, "450 There is nothing of that name");
    octets_add_text(out, node->is_folder ? "212-It holds\r\n" : "213-It is\r\n");
    put_all(out, node, path, put_long_behind_space);
    return say(out, node->is_folder ? "212 That is all" : "213 That is all");
}

/* ---- facts ---- */

enum ftp_next ftp_tell_size(struct ftp_session *session, struct view path, struct octets *out) {
    const struct ftp_node *file = find_file(session, path);
    if (!file)
        return say(out, "550 There is no file of that name");
    octets_add_text(out, "213 ");
    json_put_whole(out, (int64_t)ftp_transfer_size(file, session->ascii));
    return say(out, "");
}

enum ftp_next ftp_tell_time(struct ftp_session *session, struct view path, struct octets *out) {
    const struct ftp_node *file = find_file(session, path);
    if (!file)
        return say(out, "550 There is no file of that name");
    octets_add_text(out, "213 ");
    ftp_put_time(out, file->changed);
    return say(out, "");
}

/* ---- folders ---- */

enum ftp_next ftp_where(struct ftp_session *session, struct view path, struct octets *out) {
    (void)path;
    return say_path(out, session->here, "");
}

enum ftp_next ftp_enter(struct ftp_session *session, struct view path, struct octets *out) {
    struct ftp_node *folder = find(session, path);
    if (!folder || !folder->is_folder)
        return say(out, "550 There is no folder of that name");
    session->here = folder;
    return done(out);
}

enum ftp_next ftp_go_up(struct ftp_session *session, struct view path, struct octets *out) {
    (void)path;
    return ftp_enter(session, view_of(".."), out);
}

enum ftp_next ftp_make(struct ftp_session *session, struct view path, struct octets *out) {
    struct view name;
    struct ftp_node *folder = ftp_tree_place(session->here, path, &name);
    if (!folder || ftp_tree_child(folder, name))
        return say(out, "550 No folder can be made there");
    return say_path(out, ftp_tree_add(folder, name, true), " is made");
}

enum ftp_next ftp_remove(struct ftp_session *session, struct view path, struct octets *out) {
    struct ftp_node *folder = find(session, path);
    if (!folder || !folder->is_folder)
        return say(out, "550 There is no folder of that name");
    if (folder->first || folder == session->here || folder == session->root)
        return say(out, "550 That folder is still needed");
    ftp_tree_remove(folder);
    return done(out);
}

enum ftp_next ftp_delete(struct ftp_session *session, struct view path, struct octets *out) {
    struct ftp_node *file = find_file(session, path);
    if (!file)
        return say(out, "550 There is no file of that name");
    ftp_tree_remove(file);
    return done(out);
}

/* ---- names ---- */

enum ftp_next ftp_rename_from(struct ftp_session *session, struct view path, struct octets *out) {
    struct ftp_node *node = find(session, path);
    if (!node || node == session->root)
        return not_there(out);
    session->renamed = node;
    return say(out, "350 To which name?");
}

/* A file takes the place of a file that has the name already. */
enum ftp_next ftp_rename_to(struct ftp_session *session, struct view path, struct octets *out) {
    struct view name;
    struct ftp_node *node = session->renamed, *folder = ftp_tree_place(session->here, path, &name);
    session->renamed = NULL;
    if (!node)
        return say(out, "503 Say RNFR first");
    if (!folder || ftp_tree_is_within(folder, node))
        return say(out, "553 Nothing can have that name");
    struct ftp_node *other = ftp_tree_child(folder, name);
    if (other && other != node && (other->is_folder || node->is_folder))
        return say(out, "553 There is something of that name");
    if (other && other != node)
        ftp_tree_remove(other);
    ftp_tree_move(node, folder, name);
    return done(out);
}
