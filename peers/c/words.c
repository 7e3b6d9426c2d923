/* Words in lines of text protocols; see words.h. */
#include "words.h"

#include <string.h>

struct view view_of(const char *text) {
    return (struct view){(const uint8_t *)text, strlen(text)};
}

struct view view_part(struct view text, size_t from, size_t size) {
    return (struct view){text.at + from, size};
}

bool view_is(struct view text, const char *expected) {
    return text.size == strlen(expected) && (!text.size || memcmp(text.at, expected, text.size) == 0);
}

static uint8_t lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

bool view_is_caseless(struct view text, const char *expected) {
    if (text.size != strlen(expected))
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (lower(text.at[i]) != lower((uint8_t)expected[i]))
            return false;
    return true;
}

static bool is_space(uint8_t c) {
    return c == ' ' || c == '\t';
}

struct view view_trim(struct view text) {
    while (text.size && is_space(text.at[0]))
        text = view_part(text, 1, text.size - 1);
    while (text.size && is_space(text.at[text.size - 1]))
        text.size--;
    return text;
}

struct view view_split(struct view *rest, uint8_t octet) {
    const uint8_t *found = rest->size ? memchr(rest->at, octet, rest->size) : NULL;
    struct view part = {rest->at, found ? (size_t)(found - rest->at) : rest->size};
    size_t taken = part.size + (found != NULL);
    *rest = view_part(*rest, taken, rest->size - taken);
    return part;
}

bool word_skip(struct view *text, const char *word) {
    size_t size = strlen(word);
    if (text->size < size || !view_is_caseless((struct view){text->at, size}, word))
        return false;
    *text = view_part(*text, size, text->size - size);
    return true;
}

void word_skip_spaces(struct view *text) {
    while (word_skip(text, " "))
        continue;
}

struct view word_next(struct view *text) {
    word_skip_spaces(text);
    const uint8_t *space = text->size ? memchr(text->at, ' ', text->size) : NULL;
    size_t size = space ? (size_t)(space - text->at) : text->size;
    struct view word = {text->at, size};
    *text = view_part(*text, size, text->size - size);
    return word;
}

bool word_number(struct view *text, uint64_t most, uint64_t *number) {
    size_t digits = 0;
    *number = 0;
    for (; digits < text->size && text->at[digits] >= '0' && text->at[digits] <= '9'; digits++) {
        uint64_t digit = (uint64_t)(text->at[digits] - '0');
        *number = *number > (most - digit) / 10 ? most : *number * 10 + digit;
    }
    *text = view_part(*text, digits, text->size - digits);
    return digits != 0;
}
