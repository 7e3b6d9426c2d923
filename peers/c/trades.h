/* What the simple services say: echo, discard, chargen, qotd, daytime, time (RFC 862 to 868).
 * Owns their texts. Knows neither TCP nor UDP. */
#ifndef TRADES_H
#define TRADES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LONGEST_ANSWER = 512, CHARGEN_SEED = 1, CHARGEN_DATAGRAM = 256 };

struct trade {
    const char *name;
    bool echoes;                                  /* each octet back */
    bool generates;                               /* the text pattern, without end */
    size_t (*answer)(uint8_t to[LONGEST_ANSWER]); /* one answer, whatever was asked; NULL: none */
    bool has_zone;                                /* dns: what is answered stands there */
};

/* NULL if there is none of that name. */
const struct trade *trade_named(const char *name);

#endif
