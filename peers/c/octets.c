/* Growable octet buffers; see octets.h. */
#include "octets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 512 };

static void *or_end(void *memory) {
    if (memory)
        return memory;
    fputs("peer: out of memory\n", stderr);
    exit(70);
}

void *must_alloc(size_t size) {
    return or_end(calloc(1, size ? size : 1));
}

void *must_resize(void *memory, size_t size) {
    return or_end(realloc(memory, size ? size : 1));
}

static void move_to_start(struct octets *o) {
    memmove(o->memory, o->memory + o->from, octets_size(o));
    o->end -= o->from;
    o->from = 0;
}

static void grow(struct octets *o, size_t size) {
    size_t room = o->room ? o->room : SMALLEST;
    while (room < o->end + size)
        room *= 2;
    o->memory = must_resize(o->memory, room);
    o->room = room;
}

uint8_t *octets_reserve(struct octets *o, size_t size) {
    if (o->from && o->room - o->end < size && o->from >= octets_size(o))
        move_to_start(o);
    if (o->room - o->end < size || !o->memory)
        grow(o, size);
    return o->memory + o->end;
}

void octets_grown(struct octets *o, size_t size) {
    o->end += size;
}

void octets_add(struct octets *o, const void *from, size_t size) {
    if (!size)
        return;
    memcpy(octets_reserve(o, size), from, size);
    o->end += size;
}

void octets_add_text(struct octets *o, const char *text) {
    octets_add(o, text, strlen(text));
}

void octets_drop(struct octets *o, size_t size) {
    o->from += size;
    if (o->from == o->end)
        octets_clear(o);
}

void octets_clear(struct octets *o) {
    o->from = o->end = 0;
}

void octets_free(struct octets *o) {
    free(o->memory);
    *o = (struct octets){0};
}

uint8_t *view_copy(struct view view) {
    uint8_t *copy = must_alloc(view.size + 1);
    if (view.size)
        memcpy(copy, view.at, view.size);
    return copy;
}
