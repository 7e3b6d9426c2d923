/* Replies of an FTP server; see ftp_reply.h. */
#include "ftp_reply.h"

#include "words.h"

enum { CODE_DIGITS = 3 };

/* The code that the line begins with, or 0. */
static int code_of(struct view line) {
    int code = 0;
    if (line.size < CODE_DIGITS || line.at[0] < '1' || line.at[0] > '5')
        return 0;
    for (size_t i = 0; i < CODE_DIGITS; i++) {
        if (line.at[i] < '0' || line.at[i] > '9')
            return 0;
        code = code * 10 + (line.at[i] - '0');
    }
    return code;
}

static uint8_t behind_code(struct view line) {
    return line.size > CODE_DIGITS ? line.at[CODE_DIGITS] : ' ';
}

enum ftp_reply_state ftp_reply_read(struct ftp_reply *reply, struct view line) {
    int code = code_of(line);
    if (!reply->code) {
        reply->code = code;
        if (!code || (behind_code(line) != ' ' && behind_code(line) != '-'))
            return FTP_REPLY_BAD;
    }
    if (code != reply->code || behind_code(line) != ' ')
        return FTP_REPLY_NONE; /* lines between the first and the last one are free */
    size_t front = line.size > CODE_DIGITS ? CODE_DIGITS + 1 : CODE_DIGITS;
    reply->text = view_part(line, front, line.size - front);
    return FTP_REPLY_WHOLE;
}

bool ftp_read_path(struct octets *path, struct view text) {
    if (!word_skip(&text, "\""))
        return false;
    for (;;) {
        struct view part = view_split(&text, '"');
        octets_add(path, part.at, part.size);
        if (part.at + part.size == text.at)
            return false; /* it was the rest, and no quote behind it */
        if (!word_skip(&text, "\""))
            return true;
        octets_add_text(path, "\"");
    }
}

bool ftp_read_entry(struct ftp_entry *entry, struct view line) {
    struct view facts = view_split(&line, ' ');
    *entry = (struct ftp_entry){.name = line};
    while (facts.size) {
        struct view value = view_split(&facts, ';'), name = view_split(&value, '=');
        if (view_is_caseless(name, "type"))
            entry->type = value;
        else if (view_is_caseless(name, "size"))
            entry->size = value;
    }
    return line.size != 0;
}
