/* What a receiver knows of one source; see rtp_source.h. */
#include "rtp_source.h"

#include <stdlib.h>
#include <string.h>

enum {
    CYCLE = 65536,
    MOST_AHEAD = 3000, /* MAX_DROPOUT of A.1 */
    MOST_BEHIND = 100, /* MAX_MISORDER */
    MOST_LOST = 0x7fffff,
    SECOND = 1000 * 1000,
};

/* ---- sequence numbers (A.1) ---- */

static void begin(struct rtp_source *source, uint16_t sequence) {
    source->begun = true;
    source->base = source->highest = sequence;
    source->cycles = 0;
    source->bad = CYCLE + 1; /* no number is that */
    source->received = 0;
    source->expected_before = source->received_before = 0;
    octets_clear(&source->payloads);
    source->piece_count = 0;
}

/* False: it counts for nothing. */
static bool update(struct rtp_source *source, uint16_t sequence) {
    uint16_t ahead = (uint16_t)(sequence - source->highest);
    if (ahead < MOST_AHEAD) {
        source->cycles += sequence < source->highest ? CYCLE : 0;
        source->highest = sequence;
    } else if (ahead <= CYCLE - MOST_BEHIND) { /* a great leap: two in a row, and the source has begun anew */
        if (sequence != source->bad) {
            source->bad = (uint16_t)(sequence + 1);
            return false;
        }
        begin(source, sequence);
    } /* else it came late, or twice */
    source->received++;
    return true;
}

/* Of a number not far from the highest: those above it are of the cycle before. */
static int64_t extended(const struct rtp_source *source, uint16_t sequence) {
    return (int64_t)source->cycles + sequence - (sequence > source->highest ? CYCLE : 0);
}

uint32_t rtp_source_highest(const struct rtp_source *source) {
    return source->cycles + source->highest;
}

/* ---- payloads ---- */

/* Puts it in its place, most often the last. What came twice is not kept twice. */
static void keep(struct rtp_source *source, int64_t number, struct view payload) {
    size_t place = source->piece_count;
    while (place && source->pieces[place - 1].number >= number)
        place--;
    if (place < source->piece_count && source->pieces[place].number == number)
        return;
    if (source->piece_count == source->piece_room) {
        source->piece_room = source->piece_room ? 2 * source->piece_room : 64;
        source->pieces = must_resize(source->pieces, source->piece_room * sizeof *source->pieces);
    }
    struct rtp_piece *piece = &source->pieces[place];
    memmove(piece + 1, piece, (source->piece_count++ - place) * sizeof *piece);
    *piece = (struct rtp_piece){number, octets_size(&source->payloads), payload.size};
    octets_add(&source->payloads, payload.at, payload.size);
}

void rtp_source_sum(const struct rtp_source *source, struct sha256 *sum) {
    sha256_start(sum);
    for (size_t i = 0; i < source->piece_count; i++)
        sha256_add(sum, octets_front(&source->payloads) + source->pieces[i].at, source->pieces[i].size);
}

/* ---- jitter (A.8) ---- */

static void measure(struct rtp_source *source, uint32_t timestamp, int64_t now, bool first) {
    uint32_t arrival = (uint32_t)((uint64_t)now * source->rate / SECOND);
    uint32_t transit = arrival - timestamp;
    uint32_t later = transit - source->transit, earlier = source->transit - transit;
    source->transit = transit;
    if (!first) /* by the lesser of both: the difference is modulo 2^32 */
        source->jitter += (later < earlier ? later : earlier) - ((source->jitter + 8) >> 4);
}

uint32_t rtp_source_jitter(const struct rtp_source *source) {
    return source->jitter >> 4;
}

void rtp_source_take(struct rtp_source *source, const struct rtp_packet *packet, int64_t now) {
    bool first = !source->begun;
    if (first) {
        source->ssrc = packet->ssrc;
        source->rate = rtp_rate(packet->type);
        begin(source, packet->sequence);
    }
    if (!update(source, packet->sequence))
        return;
    measure(source, packet->timestamp, now, first);
    keep(source, extended(source, packet->sequence), packet->payload);
}

/* ---- reports (A.3) ---- */

static int64_t expected(const struct rtp_source *source) {
    return (int64_t)rtp_source_highest(source) - source->base + 1;
}

int64_t rtp_source_lost(const struct rtp_source *source) {
    return expected(source) - (int64_t)source->received;
}

/* Since the report before. */
static unsigned fraction(struct rtp_source *source) {
    int64_t interval = expected(source) - source->expected_before;
    int64_t lost = interval - ((int64_t)source->received - source->received_before);
    source->expected_before = expected(source);
    source->received_before = (int64_t)source->received;
    return interval && lost > 0 ? (unsigned)(lost * 256 / interval) : 0;
}

void rtp_source_reported(struct rtp_source *source, uint32_t middle, int64_t now) {
    source->lsr = middle;
    source->reported = now;
}

struct rtcp_block rtp_source_block(struct rtp_source *source, int64_t now) {
    int64_t lost = rtp_source_lost(source);
    return (struct rtcp_block){
        .ssrc = source->ssrc,
        .fraction = fraction(source),
        .lost = (int32_t)(lost > MOST_LOST        ? MOST_LOST
                          : lost < -MOST_LOST - 1 ? -MOST_LOST - 1
                                                  : lost),
        .highest = rtp_source_highest(source),
        .jitter = rtp_source_jitter(source),
        .lsr = source->lsr,
        .dlsr = source->reported ? (uint32_t)((now - source->reported) * CYCLE / SECOND) : 0,
    };
}

void rtp_source_free(struct rtp_source *source) {
    octets_free(&source->payloads);
    free(source->pieces);
}
