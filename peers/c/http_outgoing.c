/* HTTP content on its way out; see http_outgoing.h. */
#include "http_outgoing.h"

#include <stdio.h>

enum { PIECE = 32 * 1024 };

void http_put_field(struct octets *out, struct view name, struct view value) {
    octets_add(out, name.at, name.size);
    octets_add(out, ": ", 2);
    octets_add(out, value.at, value.size);
    octets_add(out, "\r\n", 2);
}

void http_put_fields(struct octets *out, const struct http_fields *fields) {
    for (size_t i = 0; i < fields->count; i++)
        http_put_field(out, http_field_name(fields, i), http_field_value(fields, i));
}

void http_put_framing(struct octets *out, enum http_coding coding, uint64_t size) {
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)size);
    if (coding == CONTENT_LENGTH)
        http_put_field(out, view_of("Content-Length"), view_of(digits));
    if (coding == CONTENT_CHUNKED)
        http_put_field(out, view_of("Transfer-Encoding"), view_of("chunked"));
}

/* Adds the text, from UTF-8 to the Latin-1 in which fields travel. False: it has other characters. */
static bool add_latin1(struct octets *to, struct view utf8) {
    for (size_t i = 0; i < utf8.size; i++) {
        uint8_t c = utf8.at[i];
        if (c >= 0xc4)
            return false;
        if (c >= 0x80)
            c = (uint8_t)(c << 6 | (utf8.at[++i] & 0x3f));
        octets_add(to, &c, 1);
    }
    return true;
}

static bool is_framing(struct view name) {
    return view_is_caseless(name, "Content-Length") || view_is_caseless(name, "Transfer-Encoding");
}

static bool is_pair_of_texts(const struct json *field) {
    return field->kind == JSON_LIST && field->count == 2 && field->first->kind == JSON_TEXT &&
           field->first->next->kind == JSON_TEXT;
}

static bool read_field(struct http_fields *fields, const struct json *field, struct fault *fault) {
    struct octets name = {0}, value = {0};
    bool good = is_pair_of_texts(field) && add_latin1(&name, field->first->text) &&
                add_latin1(&value, field->first->next->text);
    struct view name_view = {octets_front(&name), octets_size(&name)};
    struct view value_view = {octets_front(&value), octets_size(&value)};
    good = good && http_is_token(name_view) && http_is_value(value_view);
    if (!good)
        bad_command(fault, "'fields' must be pairs of a name and a value that HTTP can carry");
    else if (is_framing(name_view))
        good = unsupported(fault, "this stack frames its messages itself: see 'coding'");
    else
        http_fields_add(fields, name_view, value_view);
    octets_free(&name);
    octets_free(&value);
    return good;
}

bool http_read_fields(struct http_fields *fields, const struct json *object, struct fault *fault) {
    const struct json *list;
    if (!json_member(object, "fields"))
        return true;
    if (!need_list(object, "fields", &list, fault))
        return false;
    for (const struct json *field = list->first; field; field = field->next)
        if (!read_field(fields, field, fault))
            return false;
    return octets_size(&fields->text) <= HTTP_LONGEST_FIELDS || bad_command(fault, "'fields' are too long");
}

bool http_read_coding(const struct json *object, bool *chunked, struct fault *fault) {
    const struct json *coding = json_member(object, "coding");
    *chunked = json_is(coding, "chunked");
    return !coding || *chunked || json_is(coding, "length") ||
           bad_command(fault, "'coding' must be \"length\" or \"chunked\"");
}

void http_outgoing_start(struct http_outgoing *outgoing, const struct payload *payload, enum http_coding coding) {
    source_start(&outgoing->source, payload, 0);
    outgoing->coding = coding;
    outgoing->over = false;
    sha256_start(&outgoing->sum);
}

void http_outgoing_none(struct http_outgoing *outgoing) {
    outgoing->over = true;
    sha256_start(&outgoing->sum);
}

static void put_content(struct http_outgoing *outgoing, struct octets *out) {
    uint8_t *at = octets_reserve(out, PIECE);
    size_t size = source_take(&outgoing->source, at, PIECE);
    sha256_add(&outgoing->sum, at, size);
    octets_grown(out, size);
}

static void put_chunk(struct http_outgoing *outgoing, struct octets *out) {
    char size[24];
    uint64_t left = source_left(&outgoing->source);
    snprintf(size, sizeof size, "%llx\r\n", (unsigned long long)(left < PIECE ? left : PIECE));
    octets_add_text(out, size);
    put_content(outgoing, out);
    octets_add(out, "\r\n", 2);
}

void http_outgoing_put(struct http_outgoing *outgoing, struct octets *out) {
    if (source_left(&outgoing->source)) {
        if (outgoing->coding == CONTENT_CHUNKED)
            put_chunk(outgoing, out);
        else
            put_content(outgoing, out);
    }
    outgoing->over = !source_left(&outgoing->source);
    if (outgoing->over && outgoing->coding == CONTENT_CHUNKED)
        octets_add_text(out, "0\r\n\r\n");
}
