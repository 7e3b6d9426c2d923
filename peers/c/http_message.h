/* HTTP messages up to their content: lines, fields, lists and tokens (RFC 9110, section 5; RFC 9112, sections 2 to 5).
 * Owns that grammar, strictly: CRLF only, folding only where it is asked for, no space before a colon. Does no I/O and
 * knows no method.
 *
 * HTTP is written here, and not taken from a library, because this peer is built with nothing but a C compiler, also
 * as a static program for systems (musl, Windows, QEMU) where no such library is installed. */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "words.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    HTTP_LONGEST_START = 16 * 1024, /* RFC 9112, section 3 recommends 8000 at least */
    HTTP_LONGEST_FIELDS = 64 * 1024,
};

/* Field lines, in the order in which they came. All zero is an empty section. */
struct http_fields {
    struct octets text;
    struct http_field *list;
    size_t count, room;
};
/* Adds what a field line says. False: it is none. */
bool http_fields_add_line(struct http_fields *fields, struct view line);
/* Adds what a line that begins with whitespace says to the value before it, with one SP between (RFC 9112,
 * section 5.2). False: there is none before it, or it cannot be part of a value. */
bool http_fields_fold(struct http_fields *fields, struct view line);
void http_fields_add(struct http_fields *fields, struct view name, struct view value);
struct view http_field_name(const struct http_fields *fields, size_t i);
struct view http_field_value(const struct http_fields *fields, size_t i);
/* The first field of that name from *i on, whatever its case; *i becomes its place. */
bool http_fields_find(const struct http_fields *fields, const char *name, size_t *i, struct view *value);
bool http_fields_have(const struct http_fields *fields, const char *name);
/* Whether a field that is a list of tokens has this one, whatever its case. */
bool http_fields_list(const struct http_fields *fields, const char *name, const char *token);
void http_fields_clear(struct http_fields *fields);
void http_fields_free(struct http_fields *fields);

/* One line off a stream. LINE_NONE: it is not whole yet. `*seen` remembers what was looked at, 0 at first. */
enum http_line { LINE_NONE, LINE_WHOLE, LINE_BAD, LINE_LONG };
enum http_line http_line_take(const struct octets *in, size_t *seen, size_t longest, struct view *line);
/* Drops the line that was taken, and its CRLF. */
void http_line_drop(struct octets *in, size_t *seen, struct view line);

bool http_is_token(struct view text);
bool http_is_value(struct view text); /* no control characters but HTAB */
/* The next element of a comma-separated list that is not empty. Commas in quoted strings do not count. */
bool http_list_next(struct view *rest, struct view *element);
/* "HTTP/1.1"; *minor is its last digit. False: no version. */
bool http_is_version(struct view text, int *major, int *minor);

#endif
