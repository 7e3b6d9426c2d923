/* The HTTP/1.1 client; see http_client.h. */
#include "http_client.h"

#include "ask.h"
#include "call.h"
#include "http_reply.h"
#include "http_report.h"
#include "running.h"

#include <stdlib.h>

enum {
    MOST_OUT = 64 * 1024,
    CONTINUE_WAIT = 1000 * 1000, /* for a 100: RFC 9110, section 10.1.1 wants no client to wait for ever */
};

static const uint64_t MOST_TAKEN = 1ULL << 53; /* of one content: none of it is held */

enum stage { HEAD, CONTENT };

struct client {
    struct running running;
    struct report report;
    struct ask_requests requests;
    size_t index;
    struct call call;
    bool reused; /* an earlier exchange was held on this connection */
    struct timer timer;
    int64_t deadline;

    enum stage stage;
    struct octets kept;
    struct http_outgoing outgoing;
    int64_t hold; /* the content back until then, or until a 100 comes; 0: not at all */
    struct http_reply reply;
    struct http_content content;
    struct sha256 sum;
};

static const struct ask_request *current(const struct client *c) {
    return &c->requests.list[c->index];
}

static enum turn fail(struct client *c, const char *error, const char *says) {
    step_failed(&c->report, (int64_t)c->index, error, says);
    return OVER;
}

static enum turn fail_with(struct client *c, int code) {
    step_failed_with(&c->report, (int64_t)c->index, code);
    return OVER;
}

/* ---- connections ---- */

static void begin_exchange(struct client *c) {
    const struct ask_request *request = current(c);
    octets_clear(&c->call.out);
    octets_clear(&c->kept);
    http_reply_clear(&c->reply);
    sha256_start(&c->sum);
    ask_put_head(&c->call.out, request, &c->requests.address);
    if (request->has_body)
        http_outgoing_start(&c->outgoing, &request->body, request->chunked ? CONTENT_CHUNKED : CONTENT_LENGTH);
    else
        http_outgoing_none(&c->outgoing);
    bool expects = request->has_body && http_fields_list(&request->fields, "Expect", "100-continue");
    c->hold = expects ? clock_now() + CONTINUE_WAIT : 0;
    c->stage = HEAD;
}

static enum turn begun(struct client *c, int code) {
    if (net_would_block(code))
        return WAIT_ON;
    if (code)
        return fail_with(c, code);
    begin_exchange(c);
    return AGAIN;
}

static enum turn connect_anew(struct client *c) {
    c->reused = false;
    return begun(c, call_connect(&c->call, &c->report, &c->requests.address));
}

static enum turn next_request(struct client *c) {
    if (c->index == c->requests.count)
        return OVER;
    if (c->call.sock == NO_SOCKET)
        return connect_anew(c);
    begin_exchange(c);
    return AGAIN;
}

/* ---- responses ---- */

/* RFC 9112, section 9.3. What nobody asked for, or a request that was not sent to its end, spoils the connection. */
static bool can_be_reused(const struct client *c) {
    bool close = http_fields_list(&c->reply.fields, "Connection", "close") ||
                 http_fields_list(&current(c)->fields, "Connection", "close");
    bool keep = c->reply.minor || http_fields_list(&c->reply.fields, "Connection", "keep-alive");
    return keep && !close && call_lasts(&c->call) && !c->call.unsent && c->outgoing.over &&
           !octets_size(&c->call.out) && !octets_size(&c->call.in.octets) && c->content.coding != CONTENT_TO_END;
}

static enum turn finish(struct client *c, bool complete) {
    const struct octets *kept = current(c)->keep ? &c->kept : NULL;
    http_step_reply(&c->report, &c->reply, &c->sum, &c->content.trailers, complete, kept);
    c->reused = complete && can_be_reused(c);
    if (!c->reused)
        call_drop(&c->call);
    c->index++;
    return next_request(c);
}

/* A persistent connection may be closed just when the next request is sent (RFC 9112, section 9.3.1). */
static enum turn no_response(struct client *c) {
    if (c->reused && !c->reply.has_line && !octets_size(&c->call.in.octets) && ask_is_idempotent(current(c))) {
        call_drop(&c->call);
        return connect_anew(c);
    }
    if (c->call.in.broken || c->call.unsent)
        return fail_with(c, c->call.in.broken ? c->call.in.broken : c->call.unsent);
    return fail(c, "ended", "the connection was closed before a whole response head came");
}

static bool has_no_content(const struct client *c) {
    return c->reply.status == 204 || c->reply.status == 304 || view_is(view_of(current(c)->method), "HEAD");
}

static enum turn interim(struct client *c) {
    if (c->reply.status == 101)
        return fail(c, "other", "it switches protocols, which nobody asked for");
    c->hold = 0;
    http_reply_clear(&c->reply);
    return AGAIN;
}

static enum turn read_head(struct client *c) {
    switch (http_reply_read(&c->reply, &c->call.in.octets)) {
    case REPLY_BAD:
        return fail(c, "other", "what came is no HTTP/1.x response");
    case REPLY_NONE:
        return !call_lasts(&c->call) ? no_response(c) : WAIT_ON;
    case REPLY_WHOLE:
        break;
    }
    if (c->reply.status < 200)
        return interim(c);
    enum http_framing framing = http_content_frame(&c->content, &c->reply.fields, c->reply.minor, true, MOST_TAKEN);
    if (has_no_content(c))
        http_content_none(&c->content);
    else if (framing != FRAMED)
        return fail(c, "other", "nobody can tell where the content of the response ends");
    c->stage = CONTENT;
    return AGAIN;
}

static void take(struct client *c, struct view piece) {
    size_t room = current(c)->keep - octets_size(&c->kept);
    octets_add(&c->kept, piece.at, piece.size < room ? piece.size : room);
    sha256_add(&c->sum, piece.at, piece.size);
}

static enum turn read_content(struct client *c) {
    struct view piece;
    switch (http_content_take(&c->content, &c->call.in.octets, &piece)) {
    case PIECE_THERE:
        take(c, piece);
        return AGAIN;
    case PIECE_LAST:
        return finish(c, true);
    case PIECE_NONE:
        if (call_lasts(&c->call))
            return WAIT_ON;
        return finish(c, c->content.coding == CONTENT_TO_END && !c->call.in.broken);
    case PIECE_BAD:
    case PIECE_TOO_LARGE:
        break;
    }
    return finish(c, false);
}

/* ---- the socket ---- */

/* What cannot be sent any more is not needed either. */
static void give_up_sending(struct client *c) {
    octets_clear(&c->call.out);
    http_outgoing_none(&c->outgoing);
}

static bool is_making(const struct client *c) {
    return !c->hold && !c->outgoing.over;
}

static void send_some(struct client *c) {
    while (is_making(c) && octets_size(&c->call.out) < MOST_OUT)
        http_outgoing_put(&c->outgoing, &c->call.out);
    call_send(&c->call);
    if (c->call.unsent)
        give_up_sending(c);
}

/* ---- the conversation ---- */

static void end(struct client *c) {
    timer_end(&c->timer);
    call_end(&c->call, &c->report);
    report_done(&c->report);
    ask_free(&c->requests);
    octets_free(&c->kept);
    http_reply_free(&c->reply);
    http_content_free(&c->content);
    running_end(&c->running);
    free(c);
}

static void stop(struct running *running) {
    end(owner_of(running, struct client, running));
}

static void wait_on(struct client *c) {
    call_wait_on(&c->call, octets_size(&c->call.out) || is_making(c));
    timer_set(&c->timer, c->hold && c->hold < c->deadline ? c->hold : c->deadline);
}

static void go_on(struct client *c, enum turn turn) {
    while (turn == AGAIN) {
        send_some(c);
        turn = c->stage == HEAD ? read_head(c) : read_content(c);
    }
    if (turn == WAIT_ON)
        wait_on(c);
    else
        end(c);
}

static void ready(struct watch *watch, short events) {
    struct client *c = owner_of(watch, struct client, call.watch);
    (void)events;
    if (c->call.connecting) {
        go_on(c, begun(c, call_stands(&c->call, &c->report, &c->requests.address)));
        return;
    }
    pump_in(c->call.sock, &c->call.in);
    go_on(c, AGAIN);
}

static void due(struct timer *timer) {
    struct client *c = owner_of(timer, struct client, timer);
    if (clock_now() >= c->deadline) {
        go_on(c, fail(c, "timeout", "there was no time left"));
        return;
    }
    c->hold = 0;
    go_on(c, AGAIN);
}

bool http_client_ask(const struct json *command, char *id, struct fault *fault) {
    struct client *c = must_alloc(sizeof *c);
    if (!ask_read(&c->requests, command, fault)) {
        ask_free(&c->requests);
        free(c);
        return false;
    }
    call_start(&c->call, ready);
    c->deadline = clock_now() + c->requests.deadline;
    c->timer.due = due;
    running_start(&c->running, id, stop);
    report_open(&c->report, id, 0, false);
    go_on(c, next_request(c));
    return true;
}
