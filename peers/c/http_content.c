/* Taking content off a stream; see http_content.h. */
#include "http_content.h"

#include <string.h>

enum {
    LONGEST_CHUNK_LINE = 4 * 1024,
    MOST_EXTENSIONS = 64 * 1024, /* octets in chunk extensions of one message: RFC 9112, section 7.1.1 wants a limit */
};

/* ---- what the fields say ---- */

static enum http_framing read_length(struct view digits, uint64_t *length) {
    uint64_t number = 0;
    bool overflow = false;
    if (!digits.size)
        return FRAMED_BADLY;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return FRAMED_BADLY;
        overflow |= number > (INT64_MAX - 9) / 10;
        number = number * 10 + (uint64_t)(digits.at[i] - '0');
    }
    *length = number;
    return overflow ? FRAMED_TOO_LARGE : FRAMED;
}

/* RFC 9112, section 6.3, item 5: several values are good only if each is valid and all are the same. */
static enum http_framing frame_by_length(struct http_content *content, const struct http_fields *fields) {
    struct view value, element;
    bool first = true;
    for (size_t i = 0; http_fields_find(fields, "Content-Length", &i, &value); i++) {
        bool any = false;
        while (http_list_next(&value, &element)) {
            uint64_t length;
            enum http_framing framing = read_length(element, &length);
            if (framing != FRAMED)
                return framing;
            if (!first && length != content->left)
                return FRAMED_BADLY;
            content->left = length;
            first = false;
            any = true;
        }
        if (!any)
            return FRAMED_BADLY;
    }
    content->coding = CONTENT_LENGTH;
    return content->left > content->most ? FRAMED_TOO_LARGE : FRAMED;
}

/* Chunked must be there once, and last (RFC 9112, section 6.3, item 4). */
static enum http_framing frame_by_coding(struct http_content *content, const struct http_fields *fields) {
    struct view value, coding;
    size_t chunked = 0, others = 0;
    bool last = false;
    for (size_t i = 0; http_fields_find(fields, "Transfer-Encoding", &i, &value); i++) {
        while (http_list_next(&value, &coding)) {
            last = view_is_caseless(coding, "chunked");
            chunked += last;
            others += !last;
        }
    }
    content->coding = CONTENT_CHUNKED;
    if (chunked != 1 || !last)
        return FRAMED_BADLY;
    return others ? FRAMED_UNKNOWN : FRAMED;
}

enum http_framing http_content_frame(struct http_content *content, const struct http_fields *fields, int minor,
                                     bool response, uint64_t most) {
    http_content_none(content);
    content->most = most;
    bool length = http_fields_have(fields, "Content-Length");
    if (http_fields_have(fields, "Transfer-Encoding"))
        return minor == 0 || length ? FRAMED_BADLY : frame_by_coding(content, fields);
    if (length)
        return frame_by_length(content, fields);
    if (response)
        content->coding = CONTENT_TO_END;
    return FRAMED;
}

void http_content_none(struct http_content *content) {
    struct http_fields trailers = content->trailers;
    http_fields_clear(&trailers);
    *content = (struct http_content){.coding = CONTENT_LENGTH, .trailers = trailers};
}

void http_content_free(struct http_content *content) {
    http_fields_free(&content->trailers);
}

/* ---- chunks ---- */

static size_t skip_space(struct view text, size_t i) {
    while (i < text.size && (text.at[i] == ' ' || text.at[i] == '\t'))
        i++;
    return i;
}

static size_t skip_token(struct view text, size_t i) {
    size_t start = i;
    while (i < text.size && http_is_token(view_part(text, i, 1)))
        i++;
    return i > start ? i : 0;
}

static size_t skip_quoted(struct view text, size_t i) {
    for (i++; i < text.size; i++) {
        if (text.at[i] == '"')
            return i + 1;
        if (text.at[i] == '\\')
            i++;
        if (i < text.size && !http_is_value(view_part(text, i, 1)))
            return 0;
    }
    return 0;
}

/* chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] ) */
static bool are_extensions(struct view text) {
    size_t i = skip_space(text, 0);
    if (i && i == text.size)
        return false;
    while (i < text.size) {
        if (text.at[i] != ';' || !(i = skip_token(text, skip_space(text, i + 1))))
            return false;
        size_t end = i;
        i = skip_space(text, i);
        if (i < text.size && text.at[i] == '=') {
            i = skip_space(text, i + 1);
            end = i = i < text.size && text.at[i] == '"' ? skip_quoted(text, i) : skip_token(text, i);
            if (!i)
                return false;
            i = skip_space(text, i);
        }
        if (i == text.size && end != i)
            return false;
    }
    return true;
}

static bool hex_digit(uint8_t c, uint64_t *digit) {
    if (c >= '0' && c <= '9')
        *digit = (uint64_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
        *digit = (uint64_t)(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F')
        *digit = (uint64_t)(c - 'A' + 10);
    else
        return false;
    return true;
}

static enum http_piece read_chunk_line(struct http_content *c, struct view line) {
    uint64_t size = 0, digit;
    size_t i = 0;
    for (; i < line.size && hex_digit(line.at[i], &digit); i++) {
        if (size >> 59)
            return PIECE_TOO_LARGE;
        size = size << 4 | digit;
    }
    c->extensions += line.size - i;
    if (!i || !are_extensions(view_part(line, i, line.size - i)) || c->extensions > MOST_EXTENSIONS)
        return PIECE_BAD;
    if (size > c->most - c->size)
        return PIECE_TOO_LARGE;
    c->left = size;
    c->state = size ? CHUNK_DATA : TRAILERS;
    return PIECE_NONE;
}

static enum http_piece read_trailer(struct http_content *c, struct view line) {
    if (!line.size)
        return PIECE_LAST;
    c->trailer_octets += line.size;
    if (c->trailer_octets > HTTP_LONGEST_FIELDS || !http_fields_add_line(&c->trailers, line))
        return PIECE_BAD;
    return PIECE_NONE;
}

static enum http_piece read_line(struct http_content *c, struct view line) {
    if (c->state == CHUNK_SIZE)
        return read_chunk_line(c, line);
    if (c->state == TRAILERS)
        return read_trailer(c, line);
    c->state = CHUNK_SIZE;
    return line.size ? PIECE_BAD : PIECE_NONE;
}

/* Reads lines until there is a chunk's data, the end, or nothing more. */
static enum http_piece read_lines(struct http_content *c, struct octets *in) {
    struct view line;
    while (c->state != CHUNK_DATA) {
        size_t longest = c->state == TRAILERS ? HTTP_LONGEST_FIELDS : c->state == CHUNK_END ? 0 : LONGEST_CHUNK_LINE;
        enum http_line taken = http_line_take(in, &c->seen, longest, &line);
        if (taken != LINE_WHOLE)
            return taken == LINE_NONE ? PIECE_NONE : PIECE_BAD;
        enum http_piece piece = read_line(c, line);
        http_line_drop(in, &c->seen, line);
        if (piece != PIECE_NONE)
            return piece;
    }
    return PIECE_THERE;
}

static enum http_piece take_data(struct http_content *c, const struct octets *in, struct view *piece) {
    size_t size = octets_size(in);
    if (!size)
        return PIECE_NONE;
    if (c->coding != CONTENT_TO_END && size > c->left)
        size = (size_t)c->left;
    if (c->coding == CONTENT_TO_END && size > c->most - c->size)
        return PIECE_TOO_LARGE;
    c->left -= c->coding == CONTENT_TO_END ? 0 : size;
    c->size += size;
    c->handed = size;
    *piece = (struct view){octets_front(in), size};
    if (c->coding == CONTENT_CHUNKED && !c->left)
        c->state = CHUNK_END;
    return PIECE_THERE;
}

enum http_piece http_content_take(struct http_content *content, struct octets *in, struct view *piece) {
    octets_drop(in, content->handed);
    content->handed = 0;
    if (content->coding == CONTENT_CHUNKED) {
        enum http_piece lines = read_lines(content, in);
        if (lines != PIECE_THERE)
            return lines;
    } else if (content->coding == CONTENT_LENGTH && !content->left) {
        return PIECE_LAST;
    }
    return take_data(content, in, piece);
}
