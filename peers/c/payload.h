/* Payload recipes: which octets a pattern stands for. Owns the patterns. Does not know where the octets go. */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include "command.h"

enum pattern { LITERAL, EVERY_OCTET, CONSTANT, TEXT, RANDOM };

struct payload {
    enum pattern pattern;
    uint32_t seed;
    uint64_t size;
    uint8_t *literal; /* of a LITERAL: `size` octets, owned by the payload */
};

bool payload_read(struct payload *payload, const struct json *recipe, struct fault *fault);
void payload_free(struct payload *payload);

/* The octets of a payload, from the first to the last, in pieces. */
struct source {
    const struct payload *payload;
    uint64_t at;
    uint32_t seed;
    uint32_t x; /* of RANDOM: the four octets that the current one belongs to */
};

/* `more` is added to the seed. The payload must live as long as the source. */
void source_start(struct source *source, const struct payload *payload, uint32_t more);
uint64_t source_left(const struct source *source);
/* Writes the next octets, `room` at most, and returns how many. */
size_t source_take(struct source *source, uint8_t *to, size_t room);

/* The pattern `text` alone: `size` octets from octet `at` on. */
void text_pattern(uint32_t seed, uint64_t at, uint8_t *to, size_t size);

#endif
