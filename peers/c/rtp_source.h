/* What a receiver knows of one source of RTP (RFC 3550, A.1, A.3 and A.8). Owns that arithmetic, and the payloads until
 * the source leaves. Knows no socket, and no clock: moments are handed in, in microseconds. */
#ifndef RTP_SOURCE_H
#define RTP_SOURCE_H

#include "rtp_packet.h"
#include "sha256.h"

struct rtp_piece {
    int64_t number; /* extended sequence number */
    size_t at, size;
};

struct rtp_source {
    uint32_t ssrc, rate;
    bool begun;
    uint16_t base, highest;
    uint32_t cycles; /* counted in sequence numbers: times 65536 */
    uint32_t bad;    /* the number that would begin the source anew */
    uint64_t received;
    int64_t expected_before, received_before; /* at the report before */
    uint32_t transit, jitter;                 /* of the jitter: 16 times */
    uint32_t lsr;
    int64_t reported; /* when the SR came; 0: none did */
    struct octets payloads;
    struct rtp_piece *pieces; /* by number */
    size_t piece_count, piece_room;
};

void rtp_source_take(struct rtp_source *source, const struct rtp_packet *packet, int64_t now);
/* An SR came: `middle` are the middle 32 bits of its NTP timestamp. */
void rtp_source_reported(struct rtp_source *source, uint32_t middle, int64_t now);
/* The block of the next report, and what is told of the source at its end. */
struct rtcp_block rtp_source_block(struct rtp_source *source, int64_t now);
int64_t rtp_source_lost(const struct rtp_source *source);
uint32_t rtp_source_highest(const struct rtp_source *source);
uint32_t rtp_source_jitter(const struct rtp_source *source);
void rtp_source_sum(const struct rtp_source *source, struct sha256 *sum);
void rtp_source_free(struct rtp_source *source);

#endif
