/* Replies of an SMTP server; see smtp_reply.h. */
#include "smtp_reply.h"

#include "words.h"

#include <string.h>

enum { CODE_DIGITS = 3, LONGEST_LINE = 64 * 1024 };

void smtp_reply_clear(struct smtp_reply *reply) {
    *reply = (struct smtp_reply){0};
}

/* The code that the line begins with, or 0. */
static int code_of(struct view line) {
    int code = 0;
    if (line.size < CODE_DIGITS || line.at[0] < '2' || line.at[0] > '5')
        return 0;
    for (size_t i = 0; i < CODE_DIGITS; i++) {
        if (line.at[i] < '0' || line.at[i] > '9')
            return 0;
        code = code * 10 + (line.at[i] - '0');
    }
    return line.size == CODE_DIGITS || line.at[CODE_DIGITS] == ' ' || line.at[CODE_DIGITS] == '-' ? code : 0;
}

/* Whether the text of the line is that word, in any case. */
static bool says(struct view line, const char *word) {
    return line.size > CODE_DIGITS &&
           view_is_caseless(view_part(line, CODE_DIGITS + 1, line.size - CODE_DIGITS - 1), word);
}

static enum smtp_reply_state read_line(struct smtp_reply *reply, struct view line) {
    int code = code_of(line);
    if (!code || (reply->code && code != reply->code))
        return SMTP_REPLY_BAD;
    reply->code = code;
    reply->eight = reply->eight || says(line, "8BITMIME");
    return line.size > CODE_DIGITS && line.at[CODE_DIGITS] == '-' ? SMTP_REPLY_NONE : SMTP_REPLY_WHOLE;
}

enum smtp_reply_state smtp_reply_read(struct smtp_reply *reply, struct octets *in) {
    enum smtp_reply_state state = SMTP_REPLY_NONE;
    while (state == SMTP_REPLY_NONE && octets_size(in)) {
        const uint8_t *start = octets_front(in), *newline = memchr(start, '\n', octets_size(in));
        if (!newline)
            return octets_size(in) > LONGEST_LINE ? SMTP_REPLY_BAD : SMTP_REPLY_NONE;
        size_t size = (size_t)(newline - start);
        state = read_line(reply, (struct view){start, size - (size && start[size - 1] == '\r')});
        octets_drop(in, size + 1);
    }
    return state;
}
