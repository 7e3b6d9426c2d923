/* Content with the dots of transparency; see smtp_content.h. */
#include "smtp_content.h"

#include <string.h>

enum { PIECE = 16 * 1024, END = 3 };

static const uint8_t END_LINE[] = {'.', '\r', '\n'};

void smtp_take_start(struct smtp_taker *taker) {
    taker->within = false;
    sha256_start(&taker->sum);
}

static void take(struct smtp_taker *taker, struct octets *in, size_t size) {
    sha256_add(&taker->sum, octets_front(in), size);
    octets_drop(in, size);
}

enum beginning { PLAIN, DOT, END_OF_ALL, UNCLEAR };

/* How the line begins. */
static enum beginning look(const struct octets *in) {
    size_t size = octets_size(in) < END ? octets_size(in) : END;
    if (*octets_front(in) != '.')
        return PLAIN;
    if (memcmp(octets_front(in), END_LINE, size) != 0)
        return DOT;
    return size == END ? END_OF_ALL : UNCLEAR;
}

/* Where the line ends, CRLF and all; 0: not in what came. */
static size_t line_size(const uint8_t *at, size_t size) {
    const uint8_t *end = at + size;
    for (const uint8_t *from = at; from < end; from++) {
        from = memchr(from, '\n', (size_t)(end - from));
        if (!from)
            return 0;
        if (from > at && from[-1] == '\r')
            return (size_t)(from - at) + 1;
    }
    return 0;
}

/* The rest of a line, or what has come of it. A CR at the end of that waits: it may be the line's. */
static bool take_line(struct smtp_taker *taker, struct octets *in) {
    const uint8_t *at = octets_front(in);
    size_t size = octets_size(in), line = line_size(at, size);
    taker->within = !line;
    if (line)
        take(taker, in, line);
    else
        take(taker, in, size - (at[size - 1] == '\r'));
    return line != 0;
}

bool smtp_take(struct smtp_taker *taker, struct octets *in) {
    while (octets_size(in)) {
        enum beginning beginning = taker->within ? PLAIN : look(in);
        if (beginning == UNCLEAR)
            return false;
        if (beginning == END_OF_ALL) {
            octets_drop(in, END);
            return true;
        }
        if (beginning == DOT)
            octets_drop(in, 1);
        if (!take_line(taker, in))
            return false;
    }
    return false;
}

void smtp_give_start(struct smtp_giver *giver, const struct payload *content) {
    *giver = (struct smtp_giver){
        .last = {'\r', '\n'}
    };
    source_start(&giver->source, content, 0);
    sha256_start(&giver->sum);
}

static bool begins_line(const struct smtp_giver *giver) {
    return giver->last[0] == '\r' && giver->last[1] == '\n';
}

static void finish(struct smtp_giver *giver, struct octets *out) {
    if (!begins_line(giver))
        octets_add_text(out, "\r\n");
    octets_add(out, END_LINE, sizeof END_LINE);
    giver->over = true;
}

void smtp_give(struct smtp_giver *giver, struct octets *out) {
    uint8_t piece[PIECE];
    size_t size = source_take(&giver->source, piece, sizeof piece);
    uint8_t *start = octets_reserve(out, 2 * size), *to = start;
    sha256_add(&giver->sum, piece, size);
    for (size_t i = 0; i < size; i++) {
        if (piece[i] == '.' && begins_line(giver))
            *to++ = '.';
        *to++ = piece[i];
        giver->last[0] = giver->last[1];
        giver->last[1] = piece[i];
    }
    octets_grown(out, (size_t)(to - start));
    if (!source_left(&giver->source))
        finish(giver, out);
}
