/* Domain names; see dns_name.h. */
#include "dns_name.h"

#include <stdio.h>
#include <string.h>

static uint8_t lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* The next octet of the text: itself, or what an escape stands for (RFC 1035, section 5.1). False: none can be read. */
static bool next_octet(struct view *text, uint8_t *octet, bool *escaped) {
    size_t size = 1;
    unsigned code = text->at[0];
    *escaped = code == '\\';
    if (*escaped && text->size >= 4 && text->at[1] >= '0' && text->at[1] <= '9') {
        code = 0;
        for (size = 1; size < 4; size++)
            code = code * 10 + (unsigned)(text->at[size] - '0');
    } else if (*escaped && text->size >= 2) {
        code = text->at[1];
        size = 2;
    } else if (*escaped) {
        return false;
    }
    *octet = (uint8_t)code;
    *text = (struct view){text->at + size, text->size - size};
    return code <= UINT8_MAX;
}

/* Takes a label and the dot behind it off the text. */
static bool read_label(struct dns_name *name, struct view *text) {
    size_t start = name->size++;
    uint8_t octet;
    bool escaped;
    while (text->size) {
        if (!next_octet(text, &octet, &escaped))
            return false;
        if (octet == '.' && !escaped)
            break;
        if (name->size - start > DNS_LONGEST_LABEL || name->size == sizeof name->at - 1)
            return false;
        name->at[name->size++] = octet;
    }
    name->at[start] = (uint8_t)(name->size - start - 1);
    return name->at[start] != 0;
}

bool dns_name_read(struct dns_name *name, struct view text) {
    name->size = 0;
    if (text.size == 1 && *text.at == '.')
        text.size = 0;
    while (text.size)
        if (name->size >= sizeof name->at - 1 || !read_label(name, &text))
            return false;
    name->at[name->size++] = 0;
    return true;
}

static void put_octet(struct octets *to, uint8_t octet) {
    char text[5] = {(char)octet};
    if (octet <= ' ' || octet > '~')
        snprintf(text, sizeof text, "\\%03u", octet);
    else if (octet == '.' || octet == '\\')
        snprintf(text, sizeof text, "\\%c", octet);
    octets_add_text(to, text);
}

void dns_name_put(struct octets *to, const struct dns_name *name) {
    for (const uint8_t *label = name->at; *label; label += 1 + *label) {
        if (label != name->at)
            octets_add_text(to, ".");
        for (size_t i = 1; i <= *label; i++)
            put_octet(to, label[i]);
    }
}

bool dns_labels_same(const uint8_t *one, const uint8_t *other, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (lower(one[i]) != lower(other[i])) /* a length is less than any letter */
            return false;
    return true;
}

bool dns_name_same(const struct dns_name *one, const struct dns_name *other) {
    return one->size == other->size && dns_labels_same(one->at, other->at, one->size);
}

bool dns_name_within(const struct dns_name *name, const struct dns_name *other) {
    const uint8_t *label = name->at, *end = name->at + name->size;
    while ((size_t)(end - label) > other->size)
        label += 1 + *label;
    return (size_t)(end - label) == other->size && dns_labels_same(label, other->at, other->size);
}
