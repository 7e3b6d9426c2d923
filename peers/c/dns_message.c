/* Messages of the DNS; see dns_message.h. */
#include "dns_message.h"

#include <string.h>

enum { POINTER = 0xc0, FARTHEST = 0x3fff };

/* ---- reading ---- */

struct view dns_read_octets(struct dns_reader *reader, size_t size) {
    const uint8_t *at = reader->message.at + reader->place;
    if (reader->broken || reader->message.size - reader->place < size) {
        reader->broken = true;
        return (struct view){NULL, 0};
    }
    reader->place += size;
    return (struct view){at, size};
}

unsigned dns_read_8(struct dns_reader *reader) {
    struct view octet = dns_read_octets(reader, 1);
    return octet.at ? octet.at[0] : 0;
}

unsigned dns_read_16(struct dns_reader *reader) {
    struct view octets = dns_read_octets(reader, 2);
    return octets.at ? (unsigned)octets.at[0] << 8 | octets.at[1] : 0;
}

uint32_t dns_read_32(struct dns_reader *reader) {
    uint32_t high = dns_read_16(reader);
    return high << 16 | dns_read_16(reader);
}

/* The labels from there on are added. A pointer leads back to before where this piece of the name began, or it would go
 * in circles; *begin moves there. False: the name goes on at *begin. */
static bool read_labels(struct dns_reader *reader, struct dns_name *name, size_t *begin) {
    for (;;) {
        unsigned length = dns_read_8(reader);
        if (length >= POINTER) {
            size_t to = (length & ~(unsigned)POINTER) << 8 | dns_read_8(reader);
            reader->broken = reader->broken || to >= *begin || to < DNS_HEADER;
            *begin = to;
            return reader->broken;
        }
        struct view label = dns_read_octets(reader, length);
        if (reader->broken || length > DNS_LONGEST_LABEL || name->size + length + 1 > sizeof name->at) {
            reader->broken = true;
            return true;
        }
        name->at[name->size++] = (uint8_t)length;
        memcpy(name->at + name->size, label.at, length);
        name->size += length;
        if (!length)
            return true;
    }
}

void dns_read_name(struct dns_reader *reader, struct dns_name *name) {
    struct dns_reader there = *reader;
    size_t begin = reader->place, after = 0;
    name->size = 0;
    while (!read_labels(&there, name, &begin)) {
        after = after ? after : there.place; /* behind the first pointer the message goes on */
        there.place = begin;
    }
    reader->broken = there.broken;
    reader->place = after ? after : there.place;
    if (reader->broken)
        *name = (struct dns_name){.size = 1};
}

void dns_read_head(struct dns_reader *reader, struct dns_record_head *head) {
    dns_read_name(reader, &head->name);
    head->type = dns_read_16(reader);
    head->class = dns_read_16(reader);
    head->ttl = dns_read_32(reader);
    head->size = dns_read_16(reader);
    reader->broken = reader->broken || reader->message.size - reader->place < head->size;
}

/* ---- writing ---- */

void dns_write_octets(struct dns_writer *writer, const void *from, size_t size) {
    writer->full = writer->full || writer->limit - writer->size < size;
    if (writer->full || !size)
        return;
    memcpy(writer->at + writer->size, from, size);
    writer->size += size;
}

void dns_write_16(struct dns_writer *writer, unsigned number) {
    dns_write_octets(writer, (const uint8_t[]){(uint8_t)(number >> 8), (uint8_t)number}, 2);
}

void dns_write_32(struct dns_writer *writer, uint32_t number) {
    dns_write_16(writer, number >> 16);
    dns_write_16(writer, number & 0xffff);
}

void dns_set_16(struct dns_writer *writer, size_t place, unsigned number) {
    writer->at[place] = (uint8_t)(number >> 8);
    writer->at[place + 1] = (uint8_t)number;
}

/* The name that stands there, which was written here. */
static void name_at(const struct dns_writer *writer, size_t place, struct dns_name *name) {
    struct dns_reader reader = {
        {writer->at, writer->size},
        place, false
    };
    dns_read_name(&reader, name);
}

/* Where the same labels stand already; 0: nowhere. */
static size_t find(const struct dns_writer *writer, const uint8_t *labels, size_t size) {
    struct dns_name there;
    for (size_t i = 0; i < writer->name_count; i++) {
        name_at(writer, writer->names[i], &there);
        if (there.size == size && dns_labels_same(there.at, labels, size))
            return writer->names[i];
    }
    return 0;
}

static void remember(struct dns_writer *writer) {
    if (writer->size <= FARTHEST && writer->name_count < sizeof writer->names / sizeof *writer->names)
        writer->names[writer->name_count++] = (uint16_t)writer->size;
}

/* What is remembered before it is whole is not looked at before it is. */
void dns_write_name(struct dns_writer *writer, const struct dns_name *name, bool may_point) {
    const uint8_t *label = name->at, *end = name->at + name->size;
    size_t known = writer->name_count, to = 0, begin = writer->size;
    while (*label && may_point && (to = find(writer, label, (size_t)(end - label))) == 0)
        label += 1 + *label;
    size_t own = may_point ? (size_t)(label - name->at) : name->size;
    for (const uint8_t *at = name->at; *at && at < name->at + own; at += 1 + *at) {
        remember(writer);
        dns_write_octets(writer, at, 1 + (size_t)*at);
    }
    if (to)
        dns_write_16(writer, (unsigned)POINTER << 8 | (unsigned)to);
    else
        dns_write_octets(writer, "", 1);
    if (writer->full) {
        writer->name_count = known;
        writer->size = begin;
    }
}

void dns_cut(struct dns_writer *writer, size_t size) {
    writer->size = size;
    writer->full = false;
    while (writer->name_count && writer->names[writer->name_count - 1] >= size)
        writer->name_count--;
}
