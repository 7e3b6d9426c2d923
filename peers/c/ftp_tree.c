/* The files of a session of the FTP server; see ftp_tree.h. */
#include "ftp_tree.h"

#include "payload.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

enum {
    LONGEST_NAME = 255,
    LONGEST_PATH = 4096,
    MOST_WRITTEN = 2 * MOST_HELD, /* octets of one file */
    ZEROS = 64 * 1024,
};

static const uint64_t LARGEST_HOLE = 1ULL << 53;

/* ---- nodes ---- */

static struct ftp_node *make(struct view name, bool is_folder) {
    struct ftp_node *node = must_alloc(sizeof *node);
    node->name = (char *)view_copy(name);
    node->is_folder = is_folder;
    node->changed = time(NULL);
    return node;
}

static void put_in(struct ftp_node *node, struct ftp_node *folder) {
    struct ftp_node **link = &folder->first;
    while (*link)
        link = &(*link)->next;
    *link = node;
    node->parent = folder;
    node->next = NULL;
    folder->changed = node->changed;
}

static void take_out(struct ftp_node *node) {
    struct ftp_node **link = &node->parent->first;
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    node->parent->changed = time(NULL);
    node->parent = NULL;
}

struct ftp_node *ftp_tree_add(struct ftp_node *folder, struct view name, bool is_folder) {
    struct ftp_node *node = make(name, is_folder);
    put_in(node, folder);
    return node;
}

void ftp_tree_move(struct ftp_node *node, struct ftp_node *folder, struct view name) {
    char *renamed = (char *)view_copy(name);
    take_out(node);
    free(node->name);
    node->name = renamed;
    put_in(node, folder);
}

/* Without recursion: nobody knows how deep the folders of a session go. */
void ftp_tree_remove(struct ftp_node *node) {
    if (node->parent)
        take_out(node);
    while (node) {
        while (node->first)
            node = node->first;
        struct ftp_node *parent = node->parent;
        if (parent)
            parent->first = node->next;
        octets_free(&node->written);
        free(node->name);
        free(node);
        node = parent;
    }
}

struct ftp_node *ftp_tree_copy(const struct ftp_node *root) {
    struct ftp_node *copy = make(view_of(root->name), root->is_folder);
    copy->changed = root->changed;
    copy->basis = root->is_folder ? NULL : root;
    copy->kept = ftp_file_size(root);
    for (const struct ftp_node *node = root->first; node; node = node->next)
        put_in(ftp_tree_copy(node), copy);
    return copy;
}

/* ---- names and paths ---- */

struct ftp_node *ftp_tree_child(const struct ftp_node *folder, struct view name) {
    for (struct ftp_node *node = folder->first; node; node = node->next)
        if (view_is(name, node->name))
            return node;
    return NULL;
}

static struct ftp_node *root_of(struct ftp_node *node) {
    while (node->parent)
        node = node->parent;
    return node;
}

/* What the name leads to; the folder above the root is the root. */
static struct ftp_node *step_into(struct ftp_node *node, struct view name) {
    if (!node->is_folder)
        return NULL;
    if (!name.size || view_is(name, "."))
        return node;
    if (view_is(name, ".."))
        return node->parent ? node->parent : node;
    return ftp_tree_child(node, name);
}

struct ftp_node *ftp_tree_find(struct ftp_node *from, struct view path) {
    struct ftp_node *node = path.size && path.at[0] == '/' ? root_of(from) : from;
    while (node && path.size)
        node = step_into(node, view_split(&path, '/'));
    return node;
}

static bool can_be_a_name(struct view name) {
    return name.size && name.size <= LONGEST_NAME && !view_is(name, ".") && !view_is(name, "..") &&
           !memchr(name.at, 0, name.size);
}

struct ftp_node *ftp_tree_place(struct ftp_node *from, struct view path, struct view *name) {
    while (path.size > 1 && path.at[path.size - 1] == '/')
        path.size--;
    size_t size = path.size;
    while (size && path.at[size - 1] != '/')
        size--;
    *name = view_part(path, size, path.size - size);
    struct ftp_node *folder = ftp_tree_find(from, view_part(path, 0, size));
    return folder && folder->is_folder && can_be_a_name(*name) ? folder : NULL;
}

bool ftp_tree_is_within(const struct ftp_node *node, const struct ftp_node *folder) {
    while (node && node != folder)
        node = node->parent;
    return node != NULL;
}

void ftp_tree_put_path(struct octets *to, const struct ftp_node *node) {
    size_t size = 0;
    for (const struct ftp_node *at = node; at->parent; at = at->parent)
        size += 1 + strlen(at->name);
    uint8_t *end = octets_reserve(to, size + 1) + size;
    octets_grown(to, size);
    for (const struct ftp_node *at = node; at->parent; at = at->parent) {
        end -= strlen(at->name);
        memcpy(end, at->name, strlen(at->name));
        *--end = '/';
    }
    if (!size)
        octets_add_text(to, "/");
}

/* ---- contents ---- */

uint64_t ftp_file_size(const struct ftp_node *file) {
    return file->kept + octets_size(&file->written);
}

static struct view part_of_kept(const struct ftp_node *file, uint64_t from, size_t most) {
    static const uint8_t zeros[ZEROS];
    size_t size = file->kept - from < most ? (size_t)(file->kept - from) : most;
    if (file->basis)
        return ftp_file_part(file->basis, from, size);
    return (struct view){zeros, size < ZEROS ? size : ZEROS};
}

struct view ftp_file_part(const struct ftp_node *file, uint64_t from, size_t most) {
    if (from < file->kept)
        return part_of_kept(file, from, most);
    size_t at = (size_t)(from - file->kept), left = octets_size(&file->written) - at;
    return (struct view){octets_front(&file->written) + at, left < most ? left : most};
}

void ftp_file_cut(struct ftp_node *file, uint64_t size) {
    if (size <= file->kept)
        octets_free(&file->written);
    else
        file->written.end -= (size_t)(ftp_file_size(file) - size);
    file->kept = size < file->kept ? size : file->kept;
    file->changed = time(NULL);
}

bool ftp_file_add(struct ftp_node *file, struct view octets) {
    if (octets_size(&file->written) + octets.size > MOST_WRITTEN)
        return false;
    octets_add(&file->written, octets.at, octets.size);
    file->changed = time(NULL);
    return true;
}

/* ---- the member `files` ---- */

/* The folder that the file is to stand in, made if it is missing, and the file's name. NULL: it can't be there. */
static struct ftp_node *make_folders(struct ftp_node *root, struct view path, struct view *name) {
    struct ftp_node *folder = root;
    for (*name = view_split(&path, '/'); path.size; *name = view_split(&path, '/')) {
        struct ftp_node *next = can_be_a_name(*name) ? ftp_tree_child(folder, *name) : NULL;
        if (!next && can_be_a_name(*name))
            next = ftp_tree_add(folder, *name, true);
        if (!next || !next->is_folder)
            return NULL;
        folder = next;
    }
    return can_be_a_name(*name) && !ftp_tree_child(folder, *name) ? folder : NULL;
}

static bool read_content(struct ftp_node *file, const struct json *object, struct fault *fault) {
    struct payload content;
    struct source source;
    if (!maybe_whole(object, "hole", LARGEST_HOLE, &file->kept, fault) ||
        !payload_read(&content, json_member(object, "content"), fault))
        return false;
    bool good = content.size <= MOST_HELD || unsupported(fault, "a file has at most %d octets here", MOST_HELD);
    if (good) {
        source_start(&source, &content, 0);
        uint8_t *to = octets_reserve(&file->written, (size_t)content.size);
        octets_grown(&file->written, source_take(&source, to, (size_t)content.size));
    }
    payload_free(&content);
    return good;
}

static bool read_file(struct ftp_node *root, const struct json *object, struct fault *fault) {
    struct view path, name;
    if (!need_text(object, "name", &path, fault))
        return false;
    struct ftp_node *folder = path.size <= LONGEST_PATH ? make_folders(root, path, &name) : NULL;
    if (!folder)
        return bad_command(fault, "no file can have the name '%.80s' here", (const char *)path.at);
    return read_content(ftp_tree_add(folder, name, false), object, fault);
}

struct ftp_node *ftp_tree_read(const struct json *command, struct fault *fault) {
    const struct json *list;
    if (!need_list(command, "files", &list, fault))
        return NULL;
    struct ftp_node *root = make((struct view){0}, true);
    bool good = true;
    for (const struct json *object = list->first; object && good; object = object->next)
        good = read_file(root, object, fault);
    if (good)
        return root;
    ftp_tree_remove(root);
    return NULL;
}
