/* Operations of the command `ask`; see ftp_ask.h. */
#include "ftp_ask.h"

#include <stdlib.h>

static const struct ftp_kind kinds[] = {
    [FTP_RETRIEVE] = {"retrieve", "RETR", true,  true,  false, false},
    [FTP_STORE] = {"store",    "STOR", true,  true,  false, true },
    [FTP_APPEND] = {"append",   "APPE", true,  true,  false, true },
    [FTP_NAMES] = {"names",    "NLST", true,  true,  true,  false},
    [FTP_ENTRIES] = {"entries",  "MLSD", true,  true,  true,  false},
    [FTP_SIZE_OF] = {"size",     "SIZE", true,  false, false, false},
    [FTP_RENAME] = {"rename",   "RNFR", true,  false, false, false},
    [FTP_DELETE] = {"delete",   "DELE", true,  false, false, false},
    [FTP_MAKE] = {"make",     "MKD",  true,  false, false, false},
    [FTP_REMOVE] = {"remove",   "RMD",  true,  false, false, false},
    [FTP_ENTER] = {"enter",    "CWD",  true,  false, false, false},
    [FTP_WHERE] = {"where",    "PWD",  false, false, false, false},
};

static const uint64_t MOST_OFFSET = 1ULL << 53;

const struct ftp_kind *ftp_kind_of(const struct ftp_operation *operation) {
    return &kinds[operation->op];
}

/* What would end its line is none. */
static bool read_word(const struct json *object, const char *member, char **word, struct fault *fault) {
    struct view text;
    if (!need_text(object, member, &text, fault))
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (text.at[i] < ' ' || text.at[i] == 0x7f)
            return bad_command(fault, "'%s' must not have control characters", member);
    *word = (char *)view_copy(text);
    return true;
}

static bool read_op(struct ftp_operation *operation, const struct json *object, struct fault *fault) {
    struct view op;
    if (!need_text(object, "op", &op, fault))
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (json_is(json_member(object, "op"), kinds[i].op)) {
            operation->op = (enum ftp_op)i;
            return true;
        }
    }
    return unsupported(fault, "there is no operation '%.40s' here", (const char *)op.at);
}

static bool read_type(struct ftp_operation *operation, const struct json *object, struct fault *fault) {
    const struct json *type = json_member(object, "type");
    operation->ascii = json_is(type, "ascii");
    return !type || operation->ascii || json_is(type, "image") ||
           bad_command(fault, "'type' must be \"image\" or \"ascii\"");
}

static bool read_operation(struct ftp_operation *operation, const struct json *object, struct fault *fault) {
    if (!read_op(operation, object, fault) || !read_type(operation, object, fault) ||
        !maybe_whole(object, "offset", MOST_OFFSET, &operation->offset, fault))
        return false;
    const struct ftp_kind *kind = ftp_kind_of(operation);
    return (!kind->has_name || read_word(object, "name", &operation->name, fault)) &&
           (operation->op != FTP_RENAME || read_word(object, "to", &operation->to, fault)) &&
           (!kind->gives || payload_read(&operation->content, json_member(object, "content"), fault));
}

bool ftp_ask_read(struct ftp_operations *operations, const struct json *command, struct fault *fault) {
    const struct json *list, *active = json_member(command, "active");
    operations->deadline = 10 * 1000 * 1000;
    operations->active = active && active->kind == JSON_TRUE;
    if (active && active->kind != JSON_TRUE && active->kind != JSON_FALSE)
        return bad_command(fault, "'active' must be true or false");
    if (!need_address(command, &operations->address, fault) ||
        !maybe_time(command, "deadline", &operations->deadline, fault) ||
        !read_word(command, "user", &operations->user, fault) ||
        !read_word(command, "password", &operations->password, fault) ||
        !need_list(command, "operations", &list, fault))
        return false;
    operations->list = must_alloc(list->count * sizeof *operations->list);
    for (const struct json *object = list->first; object; object = object->next)
        if (!read_operation(&operations->list[operations->count++], object, fault))
            return false;
    return true;
}

void ftp_ask_free(struct ftp_operations *operations) {
    for (size_t i = 0; i < operations->count; i++) {
        free(operations->list[i].name);
        free(operations->list[i].to);
        payload_free(&operations->list[i].content);
    }
    free(operations->list);
    free(operations->user);
    free(operations->password);
}
