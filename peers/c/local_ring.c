/* Two rings in shared memory; see local_ring.h. A number is stored after what it stands for (release), and loaded
 * before that is looked at (acquire). */
#include "local_ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

/* Where the numbers lie; those of a ring once more for each ring, RING octets further on. */
enum { CAPACITY = 0, ARRIVED = 64, WRITTEN = 128, TAKEN = 192, NO_MORE = 256, GONE = 320, RING = 256 };

/* Little-endian, as it lies in memory, and as this machine has it. */
static uint64_t turn(uint64_t number) {
    uint8_t octets[sizeof number];
    uint64_t turned = 0;
    memcpy(octets, &number, sizeof octets);
    for (unsigned i = 0; i < sizeof octets; i++)
        turned |= (uint64_t)octets[i] << (8 * i);
    return turned;
}

static _Atomic uint64_t *number_at(const struct rings *rings, unsigned at) {
    return (_Atomic uint64_t *)(void *)(rings->memory + at);
}

static uint64_t load(const struct rings *rings, unsigned at) {
    return turn(atomic_load_explicit(number_at(rings, at), memory_order_acquire));
}

static void store(struct rings *rings, unsigned at, uint64_t number) {
    atomic_store_explicit(number_at(rings, at), turn(number), memory_order_release);
}

static unsigned of_ring(unsigned member, unsigned ring) {
    return member + ring * RING;
}

void rings_lay_out(struct rings *rings) {
    store(rings, CAPACITY, rings->capacity);
}

bool rings_are_laid_out(struct rings *rings) {
    rings->capacity = load(rings, CAPACITY);
    return rings->capacity && rings->capacity <= (rings->size - RINGS_HEAD) / 2;
}

void rings_arrive(struct rings *rings) {
    store(rings, ARRIVED, 1);
}

bool rings_arrived(const struct rings *rings) {
    return load(rings, ARRIVED) != 0;
}

static uint8_t *octets_of(const struct rings *rings, unsigned ring) {
    return rings->memory + RINGS_HEAD + ring * rings->capacity;
}

static size_t least(uint64_t a, uint64_t b) {
    return (size_t)(a < b ? a : b);
}

int rings_read(struct rings *rings, void *to, size_t room, size_t *got) {
    const uint8_t *ring = octets_of(rings, rings->in);
    bool no_more = load(rings, of_ring(NO_MORE, rings->in)) != 0; /* first: before it the last octets were written */
    uint64_t taken = load(rings, of_ring(TAKEN, rings->in));
    uint64_t there = load(rings, of_ring(WRITTEN, rings->in)) - taken, start = taken % rings->capacity;
    *got = 0;
    if (there > rings->capacity)
        return EPROTO;
    if (!there)
        return no_more ? 0 : EAGAIN;
    *got = least(there, room);
    size_t first = least(*got, rings->capacity - start);
    memcpy(to, ring + start, first);
    memcpy((uint8_t *)to + first, ring, *got - first);
    store(rings, of_ring(TAKEN, rings->in), taken + *got);
    return 0;
}

int rings_write(struct rings *rings, const void *from, size_t size, size_t *put) {
    uint8_t *ring = octets_of(rings, rings->out);
    uint64_t written = load(rings, of_ring(WRITTEN, rings->out)), start = written % rings->capacity;
    uint64_t held = written - load(rings, of_ring(TAKEN, rings->out));
    *put = 0;
    if (load(rings, of_ring(GONE, rings->out)))
        return EPIPE;
    if (held > rings->capacity)
        return EPROTO;
    *put = least(size, rings->capacity - held);
    size_t first = least(*put, rings->capacity - start);
    memcpy(ring + start, from, first);
    memcpy(ring, (const uint8_t *)from + first, *put - first);
    if (*put)
        store(rings, of_ring(WRITTEN, rings->out), written + *put);
    return *put || !size ? 0 : EAGAIN;
}

void rings_end(struct rings *rings) {
    store(rings, of_ring(NO_MORE, rings->out), 1);
}

void rings_leave(struct rings *rings) {
    rings_end(rings);
    store(rings, of_ring(GONE, rings->in), 1);
}
