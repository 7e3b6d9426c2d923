/* The simple services over UDP; see datagram_service.h. */
#include "datagram_service.h"

#include "dns_message.h"
#include "dns_zone.h"
#include "payload.h"
#include "rtp_receiver.h"
#include "sha256.h"
#include "trades.h"

#include <stdlib.h>
#include <string.h>

enum { LARGEST_DATAGRAM = 64 * 1024 };

/* The answer that the system did not take yet: until then nothing more is read. */
struct datagrams {
    struct address remote;
    size_t size;
    bool waiting;
    uint8_t answer[LARGEST_DATAGRAM];
};

static uint8_t datagram[LARGEST_DATAGRAM];

static void tell(struct service *service, const char *name, const uint8_t *at, size_t size,
                 const struct address *remote) {
    struct sha256 sum;
    if (service->silent)
        return;
    sha256_start(&sum);
    sha256_add(&sum, at, size);
    step_open(&service->report, name);
    step_octets(&service->report, &sum);
    step_address(&service->report, "remote", remote);
    step_close(&service->report);
}

static bool answer_query(const struct dns_zone *zone, size_t *size) {
    uint8_t response[DNS_DATAGRAM];
    *size = dns_zone_answer(zone, (struct view){datagram, *size}, response, sizeof response);
    memcpy(datagram, response, *size);
    return *size != 0;
}

static bool answer_stream(struct service *service, size_t *size, const struct address *remote) {
    uint8_t answer[RTP_LONGEST_ANSWER];
    struct report *report = service->silent ? NULL : &service->report;
    *size = rtp_receiver_take(service->receiver, (struct view){datagram, *size}, remote, report, answer);
    memcpy(datagram, answer, *size);
    return *size != 0;
}

/* The answer to the datagram, written over it; false: none. */
static bool make_answer(struct service *service, size_t *size, const struct address *remote) {
    const struct trade *trade = service->trade;
    if (service->receiver)
        return answer_stream(service, size, remote);
    if (service->zone)
        return answer_query(service->zone, size);
    if (trade->generates) {
        text_pattern(CHARGEN_SEED, 0, datagram, CHARGEN_DATAGRAM);
        *size = CHARGEN_DATAGRAM;
    } else if (trade->answer) {
        *size = trade->answer(datagram);
    }
    return trade->generates || trade->answer || trade->echoes;
}

/* False: the system takes no more for now. An answer that it refuses for good was not sent, and is not reported. */
static bool send_answer(struct service *service, const uint8_t *from, size_t size, const struct address *remote) {
    int code = net_write_to(service->sock, from, size, remote);
    if (net_would_block(code))
        return false;
    if (!code)
        tell(service, "sent", from, size, remote);
    return true;
}

static void hold(struct datagrams *d, size_t size, const struct address *remote) {
    memcpy(d->answer, datagram, size);
    d->size = size;
    d->remote = *remote;
    d->waiting = true;
}

static void send_held(struct service *service) {
    struct datagrams *d = service->datagrams;
    if (d->waiting)
        d->waiting = !send_answer(service, d->answer, d->size, &d->remote);
}

/* False: nothing came, or nothing can be answered for now. *turn grows by what it took. */
static bool serve_one(struct service *service, size_t *turn) {
    struct address remote;
    size_t size;
    int code = net_read_from(service->sock, datagram, sizeof datagram, &size, &remote);
    *turn += size + CALL;
    if (code)
        return !net_would_block(code); /* anything else is the echo of an older answer that did not arrive */
    tell(service, "received", datagram, size, &remote);
    if (!make_answer(service, &size, &remote) || send_answer(service, datagram, size, &remote))
        return true;
    hold(service->datagrams, size, &remote);
    return false;
}

static void ready(struct watch *watch, short events) {
    struct service *service = owner_of(watch, struct service, watch);
    (void)events;
    send_held(service);
    for (size_t turn = 0; turn < TURN && !service->datagrams->waiting && serve_one(service, &turn);)
        continue;
    watch_want(watch, service->sock, service->datagrams->waiting ? POLLOUT : POLLIN);
}

void datagrams_begin(struct service *service) {
    service->datagrams = must_alloc(sizeof *service->datagrams);
    service->watch.ready = ready;
}

void datagrams_free(struct datagrams *datagrams) {
    free(datagrams);
}
