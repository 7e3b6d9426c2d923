/* Payload recipes; see payload.h. */
#include "payload.h"

#include <stdlib.h>
#include <string.h>

enum { LINE = 74, COLUMNS = 72, PRINTABLE = 95 };

static const uint64_t LARGEST = 1ULL << 53;

static bool read_pattern(struct payload *payload, const struct json *recipe, struct fault *fault) {
    static const struct {
        const char *name;
        enum pattern pattern;
    } patterns[] = {
        {"every-octet", EVERY_OCTET},
        {"constant",    CONSTANT   },
        {"text",        TEXT       },
        {"random",      RANDOM     },
    };
    struct view name;
    uint64_t seed = 0;
    if (!need_text(recipe, "pattern", &name, fault) || !maybe_whole(recipe, "seed", UINT32_MAX, &seed, fault) ||
        !need_whole(recipe, "size", LARGEST, &payload->size, fault))
        return false;
    payload->seed = (uint32_t)seed;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        if (json_is(json_member(recipe, "pattern"), patterns[i].name)) {
            payload->pattern = patterns[i].pattern;
            return true;
        }
    }
    return unsupported(fault, "the payload pattern '%.40s' is not known", (const char *)name.at);
}

static bool read_literal(struct payload *payload, const struct json *recipe, struct fault *fault) {
    struct octets octets = {0};
    struct view text = {0};
    bool is_hex = json_member(recipe, "hex") != NULL;
    if (is_hex ? !maybe_hex(recipe, "hex", &octets, fault) : !need_text(recipe, "text", &text, fault)) {
        octets_free(&octets);
        return false;
    }
    payload->pattern = LITERAL;
    payload->literal = is_hex ? octets.memory : view_copy(text);
    payload->size = is_hex ? octets_size(&octets) : text.size;
    return true;
}

bool payload_read(struct payload *payload, const struct json *recipe, struct fault *fault) {
    *payload = (struct payload){0};
    if (!recipe)
        return bad_command(fault, "'payload' is missing");
    if (json_member(recipe, "pattern"))
        return read_pattern(payload, recipe, fault);
    if (json_member(recipe, "text") || json_member(recipe, "hex"))
        return read_literal(payload, recipe, fault);
    return bad_command(fault, "a payload must be an object with 'pattern', 'text' or 'hex'");
}

void payload_free(struct payload *payload) {
    free(payload->literal);
    *payload = (struct payload){0};
}

void text_pattern(uint32_t seed, uint64_t at, uint8_t *to, size_t size) {
    uint64_t line = at / LINE;
    uint32_t column = (uint32_t)(at % LINE);
    uint32_t glyph = (uint32_t)((seed + line + column) % PRINTABLE);
    for (size_t i = 0; i < size; i++) {
        to[i] = (uint8_t)(column < COLUMNS ? 32 + glyph : column == COLUMNS ? '\r' : '\n');
        glyph = glyph + 1 == PRINTABLE ? 0 : glyph + 1;
        if (++column == LINE) {
            column = 0;
            glyph = (uint32_t)((seed + ++line) % PRINTABLE);
        }
    }
}

void source_start(struct source *source, const struct payload *payload, uint32_t more) {
    uint32_t seed = payload->seed + more;
    *source = (struct source){payload, 0, seed, seed ? seed : 2654435769U};
}

uint64_t source_left(const struct source *source) {
    return source->payload->size - source->at;
}

static void random_pattern(struct source *source, uint8_t *to, size_t size) {
    uint32_t x = source->x;
    for (size_t i = 0; i < size; i++) {
        unsigned octet = (unsigned)((source->at + i) % 4);
        if (octet == 0) {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
        }
        to[i] = (uint8_t)(x >> (24 - 8 * octet));
    }
    source->x = x;
}

size_t source_take(struct source *source, uint8_t *to, size_t room) {
    size_t size = source_left(source) < room ? (size_t)source_left(source) : room;
    switch (source->payload->pattern) {
    case LITERAL:
        if (size)
            memcpy(to, source->payload->literal + source->at, size);
        break;
    case EVERY_OCTET:
        for (size_t i = 0; i < size; i++)
            to[i] = (uint8_t)(source->seed + source->at + i);
        break;
    case CONSTANT:
        memset(to, (int)(source->seed % 256), size);
        break;
    case TEXT:
        text_pattern(source->seed, source->at, to, size);
        break;
    case RANDOM:
        random_pattern(source, to, size);
        break;
    }
    source->at += size;
    return size;
}
