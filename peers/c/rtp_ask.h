/* The command `ask` of rtp: the stream that is to be sent. Owns what it consists of. Opens no socket. */
#ifndef RTP_ASK_H
#define RTP_ASK_H

#include "command.h"
#include "payload.h"
#include "rtp_packet.h"

/* Numbers of a list. */
struct numbers {
    uint32_t *list;
    size_t count;
};
bool numbers_have(const struct numbers *numbers, uint32_t number);

struct rtp_stream {
    struct address address;
    int64_t deadline; /* microseconds from now */
    uint32_t ssrc, timestamp, advance;
    unsigned type;
    uint16_t sequence;
    struct payload payload;
    struct numbers order, gaps, reports, marked, csrc; /* of `gaps`: milliseconds */
    bool has_extension;
    uint16_t profile;
    struct octets extension;
    uint8_t padding;
};

/* After a fault what was read is still to be freed. */
bool rtp_ask_read(struct rtp_stream *stream, const struct json *command, struct fault *fault);
void rtp_ask_free(struct rtp_stream *stream);

uint32_t rtp_ask_timestamp(const struct rtp_stream *stream, uint32_t number);
/* Adds the packet of that number. */
void rtp_ask_put(struct octets *to, const struct rtp_stream *stream, uint32_t number);

#endif
