/* Growable octet buffers, and memory that is there or the program ends.
 * Owns allocation policy. Does not know what the octets mean; whoever fills a buffer sets its bound. */
#ifndef OCTETS_H
#define OCTETS_H

#include <stddef.h>
#include <stdint.h>

/* Memory of that many octets, zeroed; never NULL. */
void *must_alloc(size_t size);
/* realloc() that never returns NULL; new octets are not cleared. */
void *must_resize(void *memory, size_t size);

/* A queue of octets: added at the end, dropped at the front. All zero is an empty one. */
struct octets {
    uint8_t *memory;
    size_t from, end, room;
};

static inline size_t octets_size(const struct octets *o) {
    return o->end - o->from;
}

static inline uint8_t *octets_front(const struct octets *o) {
    return o->memory ? o->memory + o->from : NULL;
}

/* Makes room for `size` more octets and returns where they go; octets_grown() then tells how many were written. */
uint8_t *octets_reserve(struct octets *o, size_t size);
void octets_grown(struct octets *o, size_t size);
void octets_add(struct octets *o, const void *from, size_t size);
void octets_add_text(struct octets *o, const char *text);
void octets_drop(struct octets *o, size_t size);
void octets_clear(struct octets *o);
void octets_free(struct octets *o);

/* Octets that stand somewhere else. */
struct view {
    const uint8_t *at;
    size_t size;
};

/* A copy that the caller frees, with a zero octet behind it. */
uint8_t *view_copy(struct view view);

#endif
