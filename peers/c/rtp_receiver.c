/* The service rtp; see rtp_receiver.h. */
#include "rtp_receiver.h"

#include "command.h"
#include "loop.h"
#include "rtp_source.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_SOURCES = 4096 }; /* that have not left: further ones count for nothing */

struct known {
    struct known *next;
    struct address remote;
    struct rtp_source source;
};

struct rtp_receiver {
    uint32_t ssrc;
    struct known *first;
    size_t count;
    size_t held; /* octets of payloads */
};

/* No source is likely to have it (section 8.1). */
static uint32_t make_ssrc(void) {
    static uint32_t made;
    return ((uint32_t)clock_now() ^ (uint32_t)(uintptr_t)&made) * 2654435761U + ++made;
}

struct rtp_receiver *rtp_receiver_new(void) {
    struct rtp_receiver *receiver = must_alloc(sizeof *receiver);
    receiver->ssrc = make_ssrc();
    return receiver;
}

/* ---- sources ---- */

static bool same_address(const struct address *one, const struct address *other) {
    return address_port(one) == address_port(other) && address_same_host(one, other);
}

/* Where the source stands, or would stand. */
static struct known **find(struct rtp_receiver *receiver, uint32_t ssrc, const struct address *remote) {
    struct known **link = &receiver->first;
    while (*link && !((*link)->source.ssrc == ssrc && same_address(&(*link)->remote, remote)))
        link = &(*link)->next;
    return link;
}

static void forget(struct rtp_receiver *receiver, struct known **link) {
    struct known *known = *link;
    *link = known->next;
    receiver->count--;
    receiver->held -= octets_size(&known->source.payloads);
    rtp_source_free(&known->source);
    free(known);
}

void rtp_receiver_free(struct rtp_receiver *receiver) {
    while (receiver && receiver->first)
        forget(receiver, &receiver->first);
    free(receiver);
}

/* ---- RTP ---- */

static void take_rtp(struct rtp_receiver *receiver, struct view datagram, const struct address *remote) {
    struct rtp_packet packet;
    if (!rtp_read(&packet, datagram) || receiver->held + packet.payload.size > MOST_HELD)
        return;
    struct known **link = find(receiver, packet.ssrc, remote);
    if (!*link && receiver->count == MOST_SOURCES)
        return;
    if (!*link) {
        *link = must_alloc(sizeof **link);
        (*link)->remote = *remote;
        receiver->count++;
    }
    struct rtp_source *source = &(*link)->source;
    receiver->held -= octets_size(&source->payloads);
    rtp_source_take(source, &packet, clock_now());
    receiver->held += octets_size(&source->payloads);
}

/* ---- RTCP ---- */

static void tell_stream(struct report *report, const struct known *known) {
    const struct rtp_source *source = &known->source;
    struct sha256 sum;
    step_open(report, "stream");
    step_whole(report, "ssrc", source->ssrc);
    step_whole(report, "packets", (int64_t)source->received);
    step_whole(report, "lost", rtp_source_lost(source));
    step_whole(report, "highest", rtp_source_highest(source));
    step_whole(report, "jitter", rtp_source_jitter(source));
    rtp_source_sum(source, &sum);
    step_octets(report, &sum);
    step_address(report, "remote", &known->remote);
    step_close(report);
}

/* Sources that leave are forgotten. */
static void take_byes(struct rtp_receiver *receiver, struct view datagram, const struct address *remote,
                      struct report *report) {
    struct rtcp_packet packet;
    while (rtcp_next(&datagram, &packet)) {
        for (size_t i = 0; packet.type == RTCP_BYE && i < packet.count; i++) {
            struct known **link = find(receiver, rtcp_word(&packet, i), remote);
            if (!*link)
                continue;
            if (report)
                tell_stream(report, *link);
            forget(receiver, link);
        }
    }
}

/* The source that asks to be reported on: that of the first SR; NULL: none does. */
static struct rtp_source *find_asking(struct rtp_receiver *receiver, struct view datagram,
                                      const struct address *remote) {
    struct rtcp_packet packet;
    while (rtcp_next(&datagram, &packet)) {
        if (packet.type != RTCP_SR)
            continue;
        struct known *known = *find(receiver, rtcp_word(&packet, 0), remote);
        if (!known)
            continue;
        rtp_source_reported(&known->source, rtcp_word(&packet, 1) << 16 | rtcp_word(&packet, 2) >> 16, clock_now());
        return &known->source;
    }
    return NULL;
}

static size_t put_answer(const struct rtp_receiver *receiver, struct rtp_source *source,
                         uint8_t answer[RTP_LONGEST_ANSWER]) {
    struct octets made = {0};
    struct rtcp_block block = rtp_source_block(source, clock_now());
    rtcp_put_receiver_report(&made, receiver->ssrc, &block);
    rtcp_put_name(&made, receiver->ssrc);
    size_t size = octets_size(&made);
    memcpy(answer, octets_front(&made), size);
    octets_free(&made);
    return size;
}

size_t rtp_receiver_take(struct rtp_receiver *receiver, struct view datagram, const struct address *remote,
                         struct report *report, uint8_t answer[RTP_LONGEST_ANSWER]) {
    if (!rtp_is_rtcp(datagram)) {
        take_rtp(receiver, datagram, remote);
        return 0;
    }
    if (!rtcp_is_valid(datagram))
        return 0;
    take_byes(receiver, datagram, remote, report);
    struct rtp_source *source = find_asking(receiver, datagram, remote);
    return source ? put_answer(receiver, source, answer) : 0;
}
