/* The DNS client; see dns_client.h. */
#include "dns_client.h"

#include "dns_ask.h"
#include "loop.h"
#include "report.h"
#include "running.h"
#include "turn.h"

#include <stdlib.h>

enum {
    LENGTH = 2,
    AGAIN_AFTER = 1500 * 1000, /* microseconds without an answer; then twice as long, and so on */
    DATAGRAMS_A_ROUND = 64,
};

struct client {
    struct running running;
    struct report report;
    struct dns_questions questions;
    size_t index;
    struct timer timer;
    int64_t deadline;
    unsigned id;

    sock_t sock; /* UDP: for all questions */
    struct watch watch;
    int64_t again, patience; /* when the query is sent again, and how long after that once more */
    bool unsent;             /* the system did not take it yet */

    sock_t stream; /* TCP: for one question */
    struct watch stream_watch;
    bool connecting;
    struct octets out, in;
};

static enum turn ask_next(struct client *c);

static const struct dns_question *current(const struct client *c) {
    return &c->questions.list[c->index];
}

static enum turn fail(struct client *c, const char *error, const char *says) {
    step_failed(&c->report, (int64_t)c->index, error, says);
    return OVER;
}

static enum turn fail_with(struct client *c, int code) {
    step_failed_with(&c->report, (int64_t)c->index, code);
    return OVER;
}

/* ---- answers ---- */

static void close_stream(struct client *c) {
    if (c->stream == NO_SOCKET)
        return;
    watch_end(&c->stream_watch);
    net_close(c->stream);
    c->stream = NO_SOCKET;
    octets_clear(&c->in);
    octets_clear(&c->out);
}

static void tell(struct client *c, const struct dns_answer *answer) {
    static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
    step_open(&c->report, "answer");
    struct octets *to = step_member(&c->report, "records");
    if (to)
        octets_add(to, octets_front(&answer->records), octets_size(&answer->records));
    if (answer->rcode < sizeof names / sizeof *names)
        step_word(&c->report, "rcode", names[answer->rcode]);
    step_close(&c->report);
}

static enum turn finish(struct client *c, const struct dns_answer *answer) {
    tell(c, answer);
    close_stream(c);
    c->index++;
    return ask_next(c);
}

/* ---- over TCP ---- */

static enum turn receive_stream(struct client *c) {
    struct dns_answer answer = {.records = {0}};
    const uint8_t *in = octets_front(&c->in);
    size_t size = octets_size(&c->in) < LENGTH ? DNS_LARGEST : (size_t)in[0] << 8 | in[1];
    if (octets_size(&c->in) < LENGTH + size)
        return WAIT_ON;
    enum turn turn;
    if (dns_ask_answer(&answer, current(c), c->id, (struct view){in + LENGTH, size}) && !answer.truncated)
        turn = finish(c, &answer);
    else
        turn = fail(c, "other", "what came over TCP is no answer to the question");
    octets_free(&answer.records);
    return turn;
}

static enum turn read_stream(struct client *c) {
    size_t got;
    int code = net_read(c->stream, octets_reserve(&c->in, DNS_LARGEST), DNS_LARGEST, &got);
    octets_grown(&c->in, got);
    if (net_would_block(code))
        return WAIT_ON;
    if (code)
        return fail_with(c, code);
    return got ? receive_stream(c) : fail(c, "ended", "the connection was closed before the answer came");
}

static enum turn write_stream(struct client *c) {
    size_t put;
    int code = octets_size(&c->out) ? net_write(c->stream, octets_front(&c->out), octets_size(&c->out), &put) : 0;
    if (octets_size(&c->out))
        octets_drop(&c->out, put);
    return code && !net_would_block(code) ? fail_with(c, code) : WAIT_ON;
}

static enum turn use_stream(struct client *c) {
    int code = c->connecting ? net_connect_result(c->stream) : 0;
    if (code)
        return fail_with(c, code);
    c->connecting = false;
    return write_stream(c) == OVER ? OVER : read_stream(c);
}

static enum turn open_stream(struct client *c) {
    uint8_t query[DNS_DATAGRAM];
    size_t size = dns_ask_query(current(c), c->id, query);
    int code = net_socket(c->questions.address.name.ss_family, SOCK_STREAM, &c->stream);
    if (code)
        return fail_with(c, code);
    octets_add(&c->out, (const uint8_t[]){(uint8_t)(size >> 8), (uint8_t)size}, LENGTH);
    octets_add(&c->out, query, size);
    code = net_connect(c->stream, &c->questions.address);
    c->connecting = true;
    return code && !net_would_block(code) ? fail_with(c, code) : WAIT_ON;
}

/* ---- over UDP ---- */

/* A query that is lost is sent again, also if it was the system that did not take it. */
static enum turn send_query(struct client *c) {
    uint8_t query[DNS_DATAGRAM];
    size_t size = dns_ask_query(current(c), c->id, query);
    int code = net_write_to(c->sock, query, size, NULL);
    c->unsent = net_would_block(code);
    c->again = clock_now() + c->patience;
    c->patience *= 2;
    return code && !c->unsent ? fail_with(c, code) : WAIT_ON;
}

/* The id shall not be guessed from the one before it (RFC 5452, section 4.3); xorshift, from the clock. */
static unsigned next_id(void) {
    static uint32_t x;
    x = x ? x : (uint32_t)clock_now() | 1;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x >> 16;
}

static enum turn ask_next(struct client *c) {
    if (c->index == c->questions.count)
        return OVER;
    c->id = next_id();
    c->patience = AGAIN_AFTER;
    return send_query(c);
}

static enum turn received(struct client *c, struct view response) {
    struct dns_answer answer = {.records = {0}};
    enum turn turn = WAIT_ON;
    if (c->stream == NO_SOCKET && dns_ask_answer(&answer, current(c), c->id, response))
        turn = answer.truncated ? open_stream(c) : finish(c, &answer);
    octets_free(&answer.records);
    return turn;
}

static enum turn read_datagrams(struct client *c) {
    static uint8_t datagram[DNS_LARGEST];
    enum turn turn = WAIT_ON;
    size_t got;
    for (int i = 0; i < DATAGRAMS_A_ROUND && turn == WAIT_ON; i++) {
        int code = net_read(c->sock, datagram, sizeof datagram, &got);
        if (net_would_block(code))
            return WAIT_ON;
        if (code)
            return c->stream == NO_SOCKET ? fail_with(c, code) : WAIT_ON;
        turn = received(c, (struct view){datagram, got});
    }
    return turn;
}

static enum turn begin(struct client *c) {
    int code = net_socket(c->questions.address.name.ss_family, SOCK_DGRAM, &c->sock);
    if (code)
        return fail_with(c, code);
    step(&c->report, "created");
    code = net_connect(c->sock, &c->questions.address);
    return code ? fail_with(c, code) : ask_next(c);
}

/* ---- the conversation ---- */

static void end(struct client *c) {
    timer_end(&c->timer);
    watch_end(&c->watch);
    close_stream(c);
    if (c->sock != NO_SOCKET) {
        net_close(c->sock);
        step(&c->report, "closed");
    }
    report_done(&c->report);
    dns_ask_free(&c->questions);
    octets_free(&c->in);
    octets_free(&c->out);
    running_end(&c->running);
    free(c);
}

static void stop(struct running *running) {
    end(owner_of(running, struct client, running));
}

static void wait_on(struct client *c) {
    watch_want(&c->watch, c->sock, (short)(POLLIN | (c->unsent ? POLLOUT : 0)));
    if (c->stream != NO_SOCKET) {
        bool sending = c->connecting || octets_size(&c->out);
        watch_want(&c->stream_watch, c->stream, sending ? POLLOUT : POLLIN);
    }
    bool repeats = c->stream == NO_SOCKET && c->again < c->deadline;
    timer_set(&c->timer, repeats ? c->again : c->deadline);
}

static void go_on(struct client *c, enum turn turn) {
    if (turn == WAIT_ON)
        wait_on(c);
    else
        end(c);
}

static void ready(struct watch *watch, short events) {
    struct client *c = owner_of(watch, struct client, watch);
    if (c->unsent && (events & POLLOUT) && send_query(c) == OVER)
        go_on(c, OVER);
    else
        go_on(c, read_datagrams(c));
}

static void stream_ready(struct watch *watch, short events) {
    struct client *c = owner_of(watch, struct client, stream_watch);
    (void)events;
    go_on(c, use_stream(c));
}

static void due(struct timer *timer) {
    struct client *c = owner_of(timer, struct client, timer);
    if (clock_now() >= c->deadline)
        go_on(c, fail(c, "timeout", "there was no time left"));
    else
        go_on(c, send_query(c));
}

bool dns_client_ask(const struct json *command, char *id, struct fault *fault) {
    struct client *c = must_alloc(sizeof *c);
    if (!dns_ask_read(&c->questions, command, fault)) {
        dns_ask_free(&c->questions);
        free(c);
        return false;
    }
    c->sock = c->stream = NO_SOCKET;
    c->deadline = clock_now() + c->questions.deadline;
    c->watch.ready = ready;
    c->stream_watch.ready = stream_ready;
    c->timer.due = due;
    running_start(&c->running, id, stop);
    report_open(&c->report, id, 0, false);
    go_on(c, begin(c));
    return true;
}
