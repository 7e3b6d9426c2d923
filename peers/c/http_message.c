/* HTTP messages up to their content; see http_message.h. */
#include "http_message.h"

#include <stdlib.h>
#include <string.h>

struct http_field {
    size_t name, name_size, value, value_size; /* places in the text */
};

/* ---- grammar ---- */

bool http_is_token(struct view text) {
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.at[i];
        bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alphanumeric && !(c && strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return text.size != 0;
}

bool http_is_value(struct view text) {
    for (size_t i = 0; i < text.size; i++)
        if ((text.at[i] < 0x20 && text.at[i] != '\t') || text.at[i] == 0x7f)
            return false;
    return true;
}

/* How long the element is that the text begins with: up to a comma outside of quotes. */
static size_t element_size(struct view text) {
    bool quoted = false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] == '"')
            quoted = !quoted;
        else if (quoted && text.at[i] == '\\')
            i++;
        else if (!quoted && text.at[i] == ',')
            return i;
    }
    return text.size;
}

bool http_list_next(struct view *rest, struct view *element) {
    while (rest->size) {
        size_t size = element_size(*rest), taken = size < rest->size ? size + 1 : size;
        *element = view_trim(view_part(*rest, 0, size));
        *rest = view_part(*rest, taken, rest->size - taken);
        if (element->size)
            return true;
    }
    return false;
}

bool http_is_version(struct view text, int *major, int *minor) {
    if (text.size != 8 || memcmp(text.at, "HTTP/", 5) != 0 || text.at[6] != '.')
        return false;
    *major = text.at[5] - '0';
    *minor = text.at[7] - '0';
    return *major >= 0 && *major <= 9 && *minor >= 0 && *minor <= 9;
}

/* ---- lines ---- */

enum http_line http_line_take(const struct octets *in, size_t *seen, size_t longest, struct view *line) {
    const uint8_t *start = octets_front(in);
    size_t size = octets_size(in);
    const uint8_t *feed = size > *seen ? memchr(start + *seen, '\n', size - *seen) : NULL;
    if (!feed) {
        *seen = size;
        return size > longest + 1 ? LINE_LONG : LINE_NONE;
    }
    *seen = (size_t)(feed - start);
    if (*seen > longest + 1)
        return LINE_LONG;
    if (!*seen || feed[-1] != '\r' || memchr(start, '\r', *seen - 1))
        return LINE_BAD;
    *line = (struct view){start, *seen - 1};
    return LINE_WHOLE;
}

void http_line_drop(struct octets *in, size_t *seen, struct view line) {
    octets_drop(in, line.size + 2);
    *seen = 0;
}

/* ---- fields ---- */

void http_fields_add(struct http_fields *fields, struct view name, struct view value) {
    if (fields->count == fields->room) {
        fields->room = fields->room ? 2 * fields->room : 16;
        fields->list = must_resize(fields->list, fields->room * sizeof *fields->list);
    }
    size_t at = octets_size(&fields->text);
    fields->list[fields->count++] = (struct http_field){at, name.size, at + name.size, value.size};
    octets_add(&fields->text, name.at, name.size);
    octets_add(&fields->text, value.at, value.size);
}

bool http_fields_add_line(struct http_fields *fields, struct view line) {
    struct view value = line, name = view_split(&value, ':');
    value = view_trim(value);
    if (name.size == line.size || !http_is_token(name) || !http_is_value(value))
        return false;
    http_fields_add(fields, name, value);
    return true;
}

bool http_fields_fold(struct http_fields *fields, struct view line) {
    struct view rest = view_trim(line);
    if (!fields->count || !http_is_value(rest))
        return false;
    octets_add(&fields->text, (const uint8_t *)" ", 1);
    octets_add(&fields->text, rest.at, rest.size);
    fields->list[fields->count - 1].value_size += 1 + rest.size;
    return true;
}

static struct view text_of(const struct http_fields *fields, size_t at, size_t size) {
    return (struct view){size ? octets_front(&fields->text) + at : (const uint8_t *)"", size};
}

struct view http_field_name(const struct http_fields *fields, size_t i) {
    return text_of(fields, fields->list[i].name, fields->list[i].name_size);
}

struct view http_field_value(const struct http_fields *fields, size_t i) {
    return text_of(fields, fields->list[i].value, fields->list[i].value_size);
}

bool http_fields_find(const struct http_fields *fields, const char *name, size_t *i, struct view *value) {
    for (; *i < fields->count; ++*i) {
        if (view_is_caseless(http_field_name(fields, *i), name)) {
            *value = http_field_value(fields, *i);
            return true;
        }
    }
    return false;
}

bool http_fields_have(const struct http_fields *fields, const char *name) {
    struct view value;
    return http_fields_find(fields, name, &(size_t){0}, &value);
}

bool http_fields_list(const struct http_fields *fields, const char *name, const char *token) {
    struct view value, element;
    for (size_t i = 0; http_fields_find(fields, name, &i, &value); i++)
        while (http_list_next(&value, &element))
            if (view_is_caseless(element, token))
                return true;
    return false;
}

void http_fields_clear(struct http_fields *fields) {
    octets_clear(&fields->text);
    fields->count = 0;
}

void http_fields_free(struct http_fields *fields) {
    octets_free(&fields->text);
    free(fields->list);
    *fields = (struct http_fields){0};
}
