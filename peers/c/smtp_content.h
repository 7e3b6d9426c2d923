/* The content of a message as it passes between 354 and CRLF.CRLF, with the dots of transparency (RFC 5321,
 * section 4.5.2). Owns where lines begin: behind CRLF alone, since anything else would let mail be smuggled in. Knows
 * no command. */
#ifndef SMTP_CONTENT_H
#define SMTP_CONTENT_H

#include "octets.h"
#include "payload.h"
#include "sha256.h"

#include <stdbool.h>

/* Content that comes. None of it is held. */
struct smtp_taker {
    bool within;       /* the line has begun */
    struct sha256 sum; /* without what is there for transparency */
};

void smtp_take_start(struct smtp_taker *taker);
/* Takes what can be taken off `in`. True: that was the end. */
bool smtp_take(struct smtp_taker *taker, struct octets *in);

/* Content that goes. */
struct smtp_giver {
    struct source source;
    struct sha256 sum; /* of the content itself */
    uint8_t last[2];   /* octets of it that went out */
    bool over;         /* the end is in `out`, too */
};

/* The payload must live as long. */
void smtp_give_start(struct smtp_giver *giver, const struct payload *content);
/* Adds the next piece to `out`. */
void smtp_give(struct smtp_giver *giver, struct octets *out);

#endif
