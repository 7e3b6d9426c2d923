/* The JSON reader; see json.h. One pass, recursive descent, nothing accepted that RFC 8259 does not have. */
#include "json.h"

#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 32, BLOCK = 16 * 1024 };

struct json_block {
    struct json_block *older;
    size_t used, room;
};

struct reader {
    struct json_memory *memory;
    const uint8_t *at, *end;
    const char *says;
    unsigned depth;
};

static bool value(struct reader *r, struct json *v);

static void *take(struct json_memory *memory, size_t size) {
    size = (size + sizeof(void *) - 1) / sizeof(void *) * sizeof(void *);
    struct json_block *block = memory->blocks;
    if (!block || block->room - block->used < size) {
        size_t room = size > BLOCK ? size : BLOCK;
        struct json_block *fresh = must_resize(NULL, sizeof *fresh + room);
        *fresh = (struct json_block){block, 0, room};
        memory->blocks = block = fresh;
    }
    uint8_t *at = (uint8_t *)(block + 1) + block->used;
    block->used += size;
    return at;
}

void json_reset(struct json_memory *memory) {
    while (memory->blocks && memory->blocks->older) {
        struct json_block *block = memory->blocks;
        memory->blocks = block->older;
        free(block);
    }
    if (memory->blocks)
        memory->blocks->used = 0;
}

static struct json *node(struct reader *r) {
    struct json *fresh = take(r->memory, sizeof *fresh);
    memset(fresh, 0, sizeof *fresh);
    return fresh;
}

static bool bad(struct reader *r, const char *says) {
    if (!r->says)
        r->says = says;
    return false;
}

static void skip_space(struct reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\r' || *r->at == '\n'))
        r->at++;
}

static bool accept(struct reader *r, uint8_t c) {
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static bool word(struct reader *r, const char *word, struct json *v, enum json_kind kind) {
    size_t size = strlen(word);
    if ((size_t)(r->end - r->at) < size || memcmp(r->at, word, size) != 0)
        return bad(r, "a value is no JSON value");
    r->at += size;
    v->kind = kind;
    return true;
}

/* The length of the well-formed UTF-8 sequence that starts here (RFC 3629, section 4), or 0. */
static size_t utf8_sequence(const uint8_t *at, const uint8_t *end) {
    uint8_t lead = at[0];
    size_t size = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (!size || (size_t)(end - at) < size)
        return 0;
    if ((lead == 0xe0 && at[1] < 0xa0) || (lead == 0xed && at[1] > 0x9f) || (lead == 0xf0 && at[1] < 0x90) ||
        (lead == 0xf4 && at[1] > 0x8f))
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

bool json_is_utf8(struct view octets) {
    const uint8_t *at = octets.at, *end = at + octets.size;
    while (at < end) {
        size_t size = utf8_sequence(at, end);
        if (!size)
            return false;
        at += size;
    }
    return true;
}

static bool four_digits(struct reader *r, uint32_t *code) {
    if (r->end - r->at < 4)
        return bad(r, "a \\u escape is cut short");
    *code = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        uint8_t c = *r->at;
        uint32_t digit = c >= '0' && c <= '9'   ? c - '0'
                         : c >= 'a' && c <= 'f' ? c - 'a' + 10
                         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                : 16;
        if (digit > 15)
            return bad(r, "a \\u escape needs four hexadecimal digits");
        *code = *code << 4 | digit;
    }
    return true;
}

static uint8_t *put_code_point(uint8_t *to, uint32_t code) {
    if (code < 0x80) {
        *to++ = (uint8_t)code;
        return to;
    }
    if (code < 0x800) {
        *to++ = (uint8_t)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *to++ = (uint8_t)(0xe0 | code >> 12);
        } else {
            *to++ = (uint8_t)(0xf0 | code >> 18);
            *to++ = (uint8_t)(0x80 | (code >> 12 & 0x3f));
        }
        *to++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    }
    *to++ = (uint8_t)(0x80 | (code & 0x3f));
    return to;
}

static bool unicode_escape(struct reader *r, uint8_t **to) {
    uint32_t code, low;
    if (!four_digits(r, &code))
        return false;
    if (code >= 0xdc00 && code < 0xe000)
        return bad(r, "a low surrogate stands alone");
    if (code >= 0xd800 && code < 0xdc00) {
        if (!accept(r, '\\') || !accept(r, 'u') || !four_digits(r, &low) || low < 0xdc00 || low > 0xdfff)
            return bad(r, "a high surrogate stands alone");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    *to = put_code_point(*to, code);
    return true;
}

static bool escape(struct reader *r, uint8_t **to) {
    static const char names[] = "\"\\/bfnrt", stands_for[] = "\"\\/\b\f\n\r\t";
    if (r->at == r->end)
        return bad(r, "a text does not end");
    uint8_t c = *r->at++;
    if (c == 'u')
        return unicode_escape(r, to);
    const char *found = c ? strchr(names, c) : NULL;
    if (!found)
        return bad(r, "an escape is unknown");
    *(*to)++ = (uint8_t)stands_for[found - names];
    return true;
}

/* Where the text ends, so that its memory can be taken before it is unescaped (which never makes it longer). */
static const uint8_t *closing_quote(const struct reader *r) {
    const uint8_t *at = r->at;
    while (at < r->end && *at != '"')
        at += *at == '\\' && r->end - at > 1 ? 2 : 1;
    return at;
}

static bool text(struct reader *r, struct view *out) {
    if (!accept(r, '"'))
        return bad(r, "a text must begin with a quotation mark");
    uint8_t *start = take(r->memory, (size_t)(closing_quote(r) - r->at) + 1), *to = start;
    for (;;) {
        if (r->at == r->end)
            return bad(r, "a text does not end");
        uint8_t c = *r->at;
        if (c == '"')
            break;
        if (c < 0x20)
            return bad(r, "a control character stands in a text");
        if (c == '\\') {
            r->at++;
            if (!escape(r, &to))
                return false;
            continue;
        }
        size_t size = utf8_sequence(r->at, r->end);
        if (!size)
            return bad(r, "the line is not UTF-8");
        memcpy(to, r->at, size);
        to += size;
        r->at += size;
    }
    r->at++;
    *to = 0;
    *out = (struct view){start, (size_t)(to - start)};
    return true;
}

static bool digits(struct reader *r) {
    const uint8_t *start = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > start || bad(r, "a number lacks a digit");
}

/* A number with a fraction or an exponent may still be whole: 1e3, 5.0. */
static void from_floating(const uint8_t *start, size_t size, struct json *v) {
    char copy[64];
    if (size >= sizeof copy)
        return;
    memcpy(copy, start, size);
    copy[size] = 0;
    double number = strtod(copy, NULL);
    if (!(number > -9e15 && number < 9e15))
        return;
    v->number = (int64_t)number;
    v->whole = (double)v->number == number;
}

static void from_digits(const uint8_t *at, const uint8_t *end, struct json *v) {
    bool negative = *at == '-';
    if (end - at - negative > 18)
        return;
    for (at += negative; at < end; at++)
        v->number = v->number * 10 + (*at - '0');
    if (negative)
        v->number = -v->number;
    v->whole = true;
}

static bool number(struct reader *r, struct json *v) {
    const uint8_t *start = r->at;
    bool floating = false;
    accept(r, '-');
    if (r->at == r->end || *r->at < '0' || *r->at > '9')
        return bad(r, "a value is no JSON value");
    if (!accept(r, '0') && !digits(r))
        return false;
    if (accept(r, '.')) {
        floating = true;
        if (!digits(r))
            return false;
    }
    if (accept(r, 'e') || accept(r, 'E')) {
        floating = true;
        if (!accept(r, '+'))
            accept(r, '-');
        if (!digits(r))
            return false;
    }
    v->kind = JSON_NUMBER;
    if (floating)
        from_floating(start, (size_t)(r->at - start), v);
    else
        from_digits(start, r->at, v);
    return true;
}

static bool item_name(struct reader *r, struct json *item) {
    skip_space(r);
    if (!text(r, &item->name))
        return false;
    skip_space(r);
    return accept(r, ':') || bad(r, "a member lacks its colon");
}

/* The rest of a list or object, its opening bracket read. */
static bool items(struct reader *r, struct json *v, enum json_kind kind, uint8_t close) {
    const struct json **link = &v->first;
    v->kind = kind;
    skip_space(r);
    if (accept(r, close))
        return true;
    if (++r->depth > DEEPEST)
        return bad(r, "lists and objects stand too deep in one another");
    do {
        struct json *item = node(r);
        if ((kind == JSON_OBJECT && !item_name(r, item)) || !value(r, item))
            return false;
        *link = item;
        link = &item->next;
        v->count++;
        skip_space(r);
    } while (accept(r, ','));
    r->depth--;
    return accept(r, close) || bad(r, "a list or object does not end");
}

static bool value(struct reader *r, struct json *v) {
    skip_space(r);
    if (accept(r, '{'))
        return items(r, v, JSON_OBJECT, '}');
    if (accept(r, '['))
        return items(r, v, JSON_LIST, ']');
    switch (r->at < r->end ? *r->at : 0) {
    case '"':
        v->kind = JSON_TEXT;
        return text(r, &v->text);
    case 't':
        return word(r, "true", v, JSON_TRUE);
    case 'f':
        return word(r, "false", v, JSON_FALSE);
    case 'n':
        return word(r, "null", v, JSON_NULL);
    default:
        return number(r, v);
    }
}

const struct json *json_read(struct json_memory *memory, struct view text, const char **says) {
    struct reader r = {memory, text.at, text.at + text.size, NULL, 0};
    struct json *root = node(&r);
    if (value(&r, root)) {
        skip_space(&r);
        if (r.at == r.end)
            return root;
        bad(&r, "something stands behind the value");
    }
    *says = r.says;
    return NULL;
}

const struct json *json_member(const struct json *object, const char *name) {
    const struct json *found = NULL;
    size_t size = strlen(name);
    if (object->kind != JSON_OBJECT)
        return NULL;
    for (const struct json *item = object->first; item; item = item->next)
        if (item->name.size == size && memcmp(item->name.at, name, size) == 0)
            found = item;
    return found;
}

bool json_is(const struct json *text, const char *expected) {
    return text && text->kind == JSON_TEXT && text->text.size == strlen(expected) &&
           memcmp(text->text.at, expected, text->text.size) == 0;
}
