/* The sender of a stream of RTP; see rtp_client.h. */
#include "rtp_client.h"

#include "loop.h"
#include "report.h"
#include "rtp_ask.h"
#include "running.h"
#include "sha256.h"
#include "turn.h"

#include <stdlib.h>

enum {
    ANSWER_WAIT = 1000 * 1000, /* microseconds for the answer to a report */
    USUAL_GAP = 20,            /* milliseconds */
    LARGEST_DATAGRAM = 64 * 1024,
    DATAGRAMS_A_ROUND = 64,
};

/* What is to be done next. ANSWER: nothing but to wait for it. */
enum stage { PACKET, REPORT, ANSWER, BYE };

struct client {
    struct running running;
    struct report report;
    struct rtp_stream stream;
    struct watch watch;
    struct timer timer;
    sock_t sock;
    int64_t deadline;
    enum stage stage;
    int64_t wake;         /* when a packet is due, or an answer is not to be waited for any longer */
    struct octets out;    /* a datagram that is to be sent */
    size_t sent;          /* packets */
    uint32_t sent_octets; /* of their payloads */
    uint32_t timestamp;   /* of the last packet */
    int64_t left;         /* when that was sent */
};

static void fail(struct client *c, const char *error, const char *says) {
    step_failed(&c->report, (int64_t)c->sent, error, says);
}

static enum turn fail_with(struct client *c, int code) {
    step_failed_with(&c->report, (int64_t)c->sent, code);
    return OVER;
}

/* ---- datagrams ---- */

static void tell(struct client *c, const char *name, struct view datagram) {
    struct sha256 sum;
    sha256_start(&sum);
    sha256_add(&sum, datagram.at, datagram.size);
    step_open(&c->report, name);
    step_octets(&c->report, &sum);
    step_address(&c->report, "remote", &c->stream.address);
    step_close(&c->report);
}

/* Sends what is in `out`. */
static enum turn send_out(struct client *c) {
    struct view datagram = {octets_front(&c->out), octets_size(&c->out)};
    int code = net_write_to(c->sock, datagram.at, datagram.size, NULL);
    if (net_would_block(code))
        return WAIT_ON;
    if (code)
        return fail_with(c, code);
    tell(c, "sent", datagram);
    octets_clear(&c->out);
    return AGAIN;
}

/* The moment of now as the stream's clock has it. */
static uint32_t stream_time(const struct client *c) {
    int64_t since = clock_now() - c->left;
    return c->timestamp + (uint32_t)(c->sent ? since * rtp_rate(c->stream.type) / 1000000 : 0);
}

static void put_report(struct client *c, bool leaves) {
    struct rtcp_sender sender = {c->stream.ssrc, stream_time(c), (uint32_t)c->sent, c->sent_octets};
    octets_clear(&c->out);
    rtcp_put_sender_report(&c->out, &sender);
    rtcp_put_name(&c->out, c->stream.ssrc);
    if (leaves)
        rtcp_put_bye(&c->out, c->stream.ssrc);
}

/* ---- what is sent ---- */

static bool is_asked_for(const struct client *c) {
    return c->sent == c->stream.order.count || numbers_have(&c->stream.reports, (uint32_t)c->sent);
}

/* Before the packet that is next. */
static int64_t gap(const struct client *c) {
    const struct numbers *gaps = &c->stream.gaps;
    size_t place = c->sent - 1 < gaps->count ? c->sent - 1 : gaps->count - 1;
    return 1000 * (int64_t)(gaps->count ? gaps->list[place] : USUAL_GAP);
}

static enum turn after_answer(struct client *c) {
    c->stage = c->sent == c->stream.order.count ? BYE : PACKET;
    c->wake = clock_now() + (c->stage == PACKET ? gap(c) : 0);
    return AGAIN;
}

static enum turn send_packet(struct client *c) {
    uint32_t number = c->stream.order.list[c->sent];
    if (clock_now() < c->wake)
        return WAIT_ON;
    if (!octets_size(&c->out))
        rtp_ask_put(&c->out, &c->stream, number);
    enum turn turn = send_out(c);
    if (turn != AGAIN)
        return turn;
    c->left = clock_now();
    c->timestamp = rtp_ask_timestamp(&c->stream, number);
    c->sent++;
    c->sent_octets += (uint32_t)c->stream.payload.size;
    if (!is_asked_for(c))
        return after_answer(c);
    c->stage = REPORT;
    return AGAIN;
}

static enum turn send_report(struct client *c) {
    if (!octets_size(&c->out))
        put_report(c, false);
    enum turn turn = send_out(c);
    if (turn == AGAIN) {
        c->stage = ANSWER;
        c->wake = clock_now() + ANSWER_WAIT;
    }
    return turn;
}

static enum turn send_bye(struct client *c) {
    if (!octets_size(&c->out))
        put_report(c, true);
    enum turn turn = send_out(c);
    return turn == AGAIN ? OVER : turn;
}

/* There is no time left: the stream ends with what was said. */
static enum turn give_up(struct client *c, const char *says) {
    fail(c, "timeout", says);
    octets_clear(&c->out);
    c->stage = BYE;
    return AGAIN;
}

static enum turn await_answer(struct client *c) {
    return clock_now() < c->wake ? WAIT_ON : give_up(c, "no answer to a report came");
}

/* ---- what comes ---- */

static void tell_block(struct client *c, const struct rtcp_block *block) {
    step_open(&c->report, "report");
    step_whole(&c->report, "ssrc", block->ssrc);
    step_whole(&c->report, "fraction", block->fraction);
    step_whole(&c->report, "lost", block->lost);
    step_whole(&c->report, "highest", block->highest);
    step_whole(&c->report, "jitter", block->jitter);
    step_whole(&c->report, "lsr", block->lsr);
    step_whole(&c->report, "dlsr", block->dlsr);
    step_close(&c->report);
}

/* Tells the blocks on the stream. Returns how many there are. */
static size_t tell_blocks(struct client *c, struct view datagram) {
    struct rtcp_packet packet;
    size_t told = 0;
    while (rtcp_next(&datagram, &packet)) {
        for (size_t i = 0; i < rtcp_blocks(&packet); i++) {
            struct rtcp_block block = rtcp_block(&packet, i);
            if (block.ssrc != c->stream.ssrc)
                continue;
            tell_block(c, &block);
            told++;
        }
    }
    return told;
}

static void received(struct client *c, struct view datagram) {
    tell(c, "received", datagram);
    if (!rtp_is_rtcp(datagram) || !rtcp_is_valid(datagram))
        return;
    if (tell_blocks(c, datagram) && c->stage == ANSWER)
        after_answer(c);
}

static enum turn read_some(struct client *c) {
    static uint8_t datagram[LARGEST_DATAGRAM];
    size_t got;
    for (int i = 0; i < DATAGRAMS_A_ROUND; i++) {
        int code = net_read(c->sock, datagram, sizeof datagram, &got);
        if (net_would_block(code))
            return AGAIN;
        if (code)
            return fail_with(c, code);
        received(c, (struct view){datagram, got});
    }
    return AGAIN;
}

/* ---- the conversation ---- */

static void end(struct client *c) {
    timer_end(&c->timer);
    watch_end(&c->watch);
    if (c->sock != NO_SOCKET) {
        net_close(c->sock);
        step(&c->report, "closed");
    }
    report_done(&c->report);
    rtp_ask_free(&c->stream);
    octets_free(&c->out);
    running_end(&c->running);
    free(c);
}

static void stop(struct running *running) {
    end(owner_of(running, struct client, running));
}

static void wait_on(struct client *c) {
    bool blocked = octets_size(&c->out);
    watch_want(&c->watch, c->sock, (short)(POLLIN | (blocked ? POLLOUT : 0)));
    timer_set(&c->timer, !blocked && c->wake < c->deadline ? c->wake : c->deadline);
}

static enum turn work(struct client *c) {
    static enum turn (*const stages[])(struct client *) = {
        [PACKET] = send_packet, [REPORT] = send_report, [ANSWER] = await_answer, [BYE] = send_bye};
    return stages[c->stage](c);
}

static void go_on(struct client *c, enum turn turn) {
    for (int i = 0; turn == AGAIN && i < DATAGRAMS_A_ROUND; i++)
        turn = work(c);
    if (turn == OVER)
        end(c);
    else
        wait_on(c);
}

static void ready(struct watch *watch, short events) {
    struct client *c = owner_of(watch, struct client, watch);
    (void)events;
    go_on(c, read_some(c));
}

/* The stream ends, also where its last datagram cannot be sent. */
static void due(struct timer *timer) {
    struct client *c = owner_of(timer, struct client, timer);
    if (clock_now() < c->deadline) {
        go_on(c, AGAIN);
        return;
    }
    give_up(c, "there was no time left");
    send_bye(c);
    end(c);
}

static enum turn begin(struct client *c) {
    struct address local;
    int code = net_socket(c->stream.address.name.ss_family, SOCK_DGRAM, &c->sock);
    if (code)
        return fail_with(c, code);
    step(&c->report, "created");
    code = net_connect(c->sock, &c->stream.address);
    if (!code)
        code = net_local(c->sock, &local);
    if (code)
        return fail_with(c, code);
    step_with_both(&c->report, "connected", &local, &c->stream.address);
    report_now(&c->report);
    return AGAIN;
}

bool rtp_client_ask(const struct json *command, char *id, struct fault *fault) {
    struct client *c = must_alloc(sizeof *c);
    if (!rtp_ask_read(&c->stream, command, fault)) {
        rtp_ask_free(&c->stream);
        free(c);
        return false;
    }
    c->sock = NO_SOCKET;
    c->deadline = clock_now() + c->stream.deadline;
    c->watch.ready = ready;
    c->timer.due = due;
    running_start(&c->running, id, stop);
    report_open(&c->report, id, 0, false);
    go_on(c, begin(c));
    return true;
}
