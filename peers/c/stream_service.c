/* The simple services over TCP; see stream_service.h. */
#include "stream_service.h"

#include "dns_zone.h"
#include "payload.h"
#include "sha256.h"
#include "trades.h"

#include <stdlib.h>

enum {
    PIECE = 64 * 1024,
    MOST_TO_ECHO = 256 * 1024, /* read but not yet sent back: then the client has to read first */
    FAREWELL = 5 * 1000 * 1000,
};

struct stream {
    struct conn conn;
    struct watch watch;
    struct timer farewell;
    struct octets out; /* to be sent, not yet taken by the system */
    struct octets in;  /* of dns: of a query that is not whole, or cannot be answered yet */
    struct sha256 came, went;
    uint64_t generated;
    bool came_over, went_over;
};

static uint8_t piece[PIECE];

static void tell_came(struct stream *s) {
    if (s->came_over)
        return;
    s->came_over = true;
    step_open(&s->conn.report, "received");
    step_octets(&s->conn.report, &s->came);
    step_close(&s->conn.report);
}

static void tell_went(struct stream *s) {
    if (s->went_over)
        return;
    s->went_over = true;
    step_open(&s->conn.report, "sent");
    step_octets(&s->conn.report, &s->went);
    step_close(&s->conn.report);
}

static void end(struct stream *s, int code) {
    watch_end(&s->watch);
    timer_end(&s->farewell);
    tell_came(s);
    tell_went(s);
    if (code)
        conn_broke(&s->conn, code);
    conn_end(&s->conn);
    octets_free(&s->out);
    octets_free(&s->in);
    free(s);
}

static void stop(struct conn *conn) {
    end(owner_of(conn, struct stream, conn), 0);
}

static void farewell_due(struct timer *timer) {
    end(owner_of(timer, struct stream, farewell), 0);
}

/* Sends what it can; *put tells how much. A full socket is no error. */
static int send_some(struct stream *s, const uint8_t *from, size_t size, size_t *put) {
    int code = net_write(s->conn.sock, from, size, put);
    if (!s->conn.service->silent)
        sha256_add(&s->went, from, *put);
    return net_would_block(code) ? 0 : code;
}

static int send_out(struct stream *s) {
    size_t put = 1;
    int code = 0;
    while (!code && put && octets_size(&s->out)) {
        code = send_some(s, octets_front(&s->out), octets_size(&s->out), &put);
        octets_drop(&s->out, put);
    }
    return code;
}

static int echo(struct stream *s, const uint8_t *from, size_t size) {
    size_t put = 0;
    int code = octets_size(&s->out) ? 0 : send_some(s, from, size, &put);
    octets_add(&s->out, from + put, size - put);
    return code;
}

static int converse(struct stream *s, const uint8_t *from, size_t size) {
    int code;
    size_t before;
    octets_add(&s->in, from, size);
    do {
        before = octets_size(&s->in);
        dns_zone_converse(s->conn.service->zone, &s->in, &s->out, MOST_TO_ECHO);
        code = send_out(s);
    } while (!code && !octets_size(&s->out) && octets_size(&s->in) < before);
    return code;
}

static int take(struct stream *s, const uint8_t *from, size_t size) {
    if (s->conn.service->zone)
        return converse(s, from, size);
    return s->conn.service->trade->echoes ? echo(s, from, size) : 0;
}

static int generate(struct stream *s) {
    size_t put;
    text_pattern(CHARGEN_SEED, s->generated, piece, PIECE);
    int code = send_some(s, piece, PIECE, &put);
    s->generated += put;
    return code;
}

/* The one answer was sent: "end" as the contract has it, so that no RST can destroy it. */
static void say_goodbye(struct stream *s) {
    tell_went(s);
    if (net_shut_sending(s->conn.sock) == 0) /* else the connection is gone already: reading tells how */
        step(&s->conn.report, "half-closed");
    timer_set(&s->farewell, clock_now() + FAREWELL);
}

static bool may_read(const struct stream *s) {
    return !s->came_over && octets_size(&s->out) < MOST_TO_ECHO;
}

static int read_some(struct stream *s) {
    size_t got;
    for (size_t turn = 0; turn < TURN && may_read(s); turn += got + CALL) {
        int code = net_read(s->conn.sock, piece, PIECE, &got);
        if (code)
            return net_would_block(code) ? 0 : code;
        if (!got) {
            tell_came(s);
            step(&s->conn.report, "end");
            break;
        }
        if (!s->conn.service->silent)
            sha256_add(&s->came, piece, got);
        code = take(s, piece, got);
        if (code)
            return code;
    }
    return 0;
}

static int advance(struct stream *s) {
    const struct trade *trade = s->conn.service->trade;
    int code = send_out(s);
    if (!code && octets_size(&s->in))
        code = converse(s, NULL, 0);
    if (!code && trade->answer && !s->went_over && !octets_size(&s->out))
        say_goodbye(s);
    if (!code)
        code = read_some(s);
    if (!code && trade->generates && !s->came_over)
        code = generate(s);
    return code;
}

static void go_on(struct stream *s) {
    int code = advance(s);
    bool sending = octets_size(&s->out) || (s->conn.service->trade->generates && !s->came_over);
    if (code || (s->came_over && !sending))
        end(s, code);
    else
        watch_want(&s->watch, s->conn.sock, (short)((may_read(s) ? POLLIN : 0) | (sending ? POLLOUT : 0)));
}

static void ready(struct watch *watch, short events) {
    (void)events;
    go_on(owner_of(watch, struct stream, watch));
}

void stream_accept(struct service *service, sock_t sock, const struct address *remote) {
    struct stream *s = must_alloc(sizeof *s);
    conn_begin(&s->conn, service, sock, remote, stop);
    s->watch.ready = ready;
    s->farewell.due = farewell_due;
    sha256_start(&s->came);
    sha256_start(&s->went);
    if (service->trade->answer)
        octets_grown(&s->out, service->trade->answer(octets_reserve(&s->out, LONGEST_ANSWER)));
    go_on(s); /* the first octets often are there already */
}
