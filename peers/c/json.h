/* JSON as RFC 8259 has it: a strict reader into a tree, and a writer into a buffer.
 * Owns grammar, escapes, UTF-8 and the bound on depth. Knows no command and no event. */
#ifndef JSON_H
#define JSON_H

#include "octets.h"

#include <stdbool.h>
#include <stdint.h>

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_OBJECT };

struct json {
    enum json_kind kind;
    bool whole; /* the number is a whole one, exactly held in `number` */
    int64_t number;
    struct view text;        /* of a text: unescaped UTF-8, a zero octet behind it */
    struct view name;        /* of a member of an object: its name, likewise */
    const struct json *next; /* within the list or object that holds this one */
    const struct json *first;
    size_t count; /* of a list or object */
};

/* What a tree is made of; all zero is an empty one. json_reset() makes every tree read with it invalid. */
struct json_memory {
    struct json_block *blocks;
};
void json_reset(struct json_memory *memory);

/* The tree of the text, or NULL, and then *says is why. */
const struct json *json_read(struct json_memory *memory, struct view text, const char **says);
/* The member of that name (the last one, if it stands twice), or NULL; also NULL if this is no object. */
const struct json *json_member(const struct json *object, const char *name);
bool json_is(const struct json *text, const char *expected);

bool json_is_utf8(struct view octets);

/* The writer: each adds one value. Text must be UTF-8; Latin-1 octets are turned into it. */
void json_put_text(struct octets *to, struct view utf8);
void json_put_latin1(struct octets *to, struct view octets);
/* Octets that somebody has chosen as a name: UTF-8, or Latin-1 if they are none. */
void json_put_name(struct octets *to, struct view octets);
void json_put_hex(struct octets *to, struct view octets);
void json_put_whole(struct octets *to, int64_t number);

#endif
