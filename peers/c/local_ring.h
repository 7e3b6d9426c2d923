/* Two rings of octets in memory that two processes share, one for each direction. Owns the layout (machine.md, Shared
 * memory) and the order of loads and stores. Does not know where the memory comes from, nor who waits for what. */
#ifndef LOCAL_RING_H
#define LOCAL_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RINGS_HEAD = 640 }; /* octets in front of the rings */

struct rings {
    uint8_t *memory;
    size_t size;       /* of the memory */
    uint64_t capacity; /* of each ring */
    unsigned in, out;  /* their numbers */
};

/* The server, last of all: so that a client may begin. */
void rings_lay_out(struct rings *rings);
/* The client: false if the server is not that far, or the memory too small for what it says. */
bool rings_are_laid_out(struct rings *rings);
void rings_arrive(struct rings *rings);
bool rings_arrived(const struct rings *rings);

/* 0, EAGAIN, EPIPE (writing, when the reader is gone), or EPROTO: the numbers cannot be those of a ring. */
int rings_read(struct rings *rings, void *to, size_t room, size_t *got);
int rings_write(struct rings *rings, const void *from, size_t size, size_t *put);
/* No more will be written, or read. */
void rings_end(struct rings *rings);
void rings_leave(struct rings *rings);

#endif
