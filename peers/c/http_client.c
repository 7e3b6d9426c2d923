/* The HTTP/1.1 client; see http_client.h. */
#include "http_client.h"

#include "ask.h"
#include "http_reply.h"
#include "http_report.h"
#include "loop.h"
#include "running.h"

#include <stdlib.h>

enum {
    PIECE = 64 * 1024,
    MOST_IN = 128 * 1024, /* more than the longest head */
    MOST_OUT = 64 * 1024,
    CONTINUE_WAIT = 1000 * 1000, /* for a 100: RFC 9110, section 10.1.1 wants no client to wait for ever */
};

static const uint64_t MOST_TAKEN = 1ULL << 53; /* of one content: none of it is held */

enum stage { CONNECTING, HEAD, CONTENT };

struct client {
    struct running running;
    struct report report;
    struct ask_requests requests;
    size_t index;
    struct watch watch;
    struct timer timer;
    int64_t deadline;

    sock_t sock;
    bool had_socket;
    bool reused; /* an earlier exchange was held on this connection */
    bool ended;  /* the FIN was read */
    int broken;  /* the code with which reading broke off; 0: it did not */
    int unsent;  /* the code with which sending broke off; 0: it did not */

    enum stage stage;
    struct octets in, out, kept;
    struct http_outgoing outgoing;
    int64_t hold; /* the content back until then, or until a 100 comes; 0: not at all */
    struct http_reply reply;
    struct http_content content;
    struct sha256 sum;
};

/* What came of a part of the work: there is more to do at once, the socket has to be waited for, all is over. */
enum turn { AGAIN, WAIT_ON, OVER };

static const struct ask_request *current(const struct client *c) {
    return &c->requests.list[c->index];
}

static enum turn fail(struct client *c, const char *error, const char *says) {
    step_failed(&c->report, (int64_t)c->index, error, says);
    return OVER;
}

static enum turn fail_with(struct client *c, int code) {
    return fail(c, net_error_word(code), net_error_says(code));
}

/* ---- connections ---- */

static void drop_connection(struct client *c) {
    if (c->sock == NO_SOCKET)
        return;
    watch_end(&c->watch);
    net_close(c->sock);
    c->sock = NO_SOCKET;
}

static void begin_exchange(struct client *c) {
    const struct ask_request *request = current(c);
    octets_clear(&c->out);
    octets_clear(&c->kept);
    http_reply_clear(&c->reply);
    sha256_start(&c->sum);
    ask_put_head(&c->out, request, &c->requests.address);
    if (request->has_body)
        http_outgoing_start(&c->outgoing, &request->body, request->chunked ? CONTENT_CHUNKED : CONTENT_LENGTH);
    else
        http_outgoing_none(&c->outgoing);
    bool expects = request->has_body && http_fields_list(&request->fields, "Expect", "100-continue");
    c->hold = expects ? clock_now() + CONTINUE_WAIT : 0;
    c->stage = HEAD;
}

static enum turn stands(struct client *c) {
    struct address local;
    int code = net_local(c->sock, &local);
    if (code)
        return fail_with(c, code);
    step_open(&c->report, "connected");
    step_address(&c->report, "local", &local);
    step_address(&c->report, "remote", &c->requests.address);
    step_close(&c->report);
    begin_exchange(c);
    return AGAIN;
}

static enum turn connect_anew(struct client *c) {
    int code = net_socket(c->requests.address.name.ss_family, SOCK_STREAM, &c->sock);
    if (code)
        return fail_with(c, code);
    c->had_socket = true;
    c->reused = c->ended = false;
    c->broken = c->unsent = 0;
    octets_clear(&c->in);
    code = net_connect(c->sock, &c->requests.address);
    if (!code)
        return stands(c);
    c->stage = CONNECTING;
    return net_would_block(code) ? WAIT_ON : fail_with(c, code);
}

static enum turn connected(struct client *c) {
    int code = net_connect_result(c->sock);
    return code ? fail_with(c, code) : stands(c);
}

static enum turn next_request(struct client *c) {
    if (c->index == c->requests.count)
        return OVER;
    if (c->sock == NO_SOCKET)
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
    return keep && !close && !c->ended && !c->broken && !c->unsent && c->outgoing.over && !octets_size(&c->out) &&
           !octets_size(&c->in) && c->content.coding != CONTENT_TO_END;
}

static enum turn finish(struct client *c, bool complete) {
    const struct octets *kept = current(c)->keep ? &c->kept : NULL;
    http_step_reply(&c->report, &c->reply, &c->sum, &c->content.trailers, complete, kept);
    c->reused = complete && can_be_reused(c);
    if (!c->reused)
        drop_connection(c);
    c->index++;
    return next_request(c);
}

/* A persistent connection may be closed just when the next request is sent (RFC 9112, section 9.3.1). */
static enum turn no_response(struct client *c) {
    if (c->reused && !c->reply.has_line && !octets_size(&c->in) && ask_is_idempotent(current(c))) {
        drop_connection(c);
        return connect_anew(c);
    }
    if (c->broken || c->unsent)
        return fail_with(c, c->broken ? c->broken : c->unsent);
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
    switch (http_reply_read(&c->reply, &c->in)) {
    case REPLY_BAD:
        return fail(c, "other", "what came is no HTTP/1.x response");
    case REPLY_NONE:
        return c->ended || c->broken ? no_response(c) : WAIT_ON;
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
    switch (http_content_take(&c->content, &c->in, &piece)) {
    case PIECE_THERE:
        take(c, piece);
        return AGAIN;
    case PIECE_LAST:
        return finish(c, true);
    case PIECE_NONE:
        if (!c->ended && !c->broken)
            return WAIT_ON;
        return finish(c, c->content.coding == CONTENT_TO_END && !c->broken);
    case PIECE_BAD:
    case PIECE_TOO_LARGE:
        break;
    }
    return finish(c, false);
}

/* ---- the socket ---- */

static bool may_read(const struct client *c) {
    return !c->ended && !c->broken && octets_size(&c->in) < MOST_IN;
}

static void read_some(struct client *c) {
    static uint8_t piece[PIECE];
    size_t got;
    for (size_t turn = 0; turn < TURN && may_read(c); turn += got + CALL) {
        int code = net_read(c->sock, piece, sizeof piece, &got);
        if (net_would_block(code))
            return;
        octets_add(&c->in, piece, got);
        c->broken = code;
        c->ended = !code && !got;
    }
}

/* A server may answer, and close, before it read the whole request: so a write that fails is no end yet. */
static void give_up_sending(struct client *c, int code) {
    octets_clear(&c->out);
    http_outgoing_none(&c->outgoing);
    c->unsent = code;
}

static void send_some(struct client *c) {
    size_t put;
    for (size_t turn = 0; turn < TURN; turn += put + CALL) {
        while (!c->hold && !c->outgoing.over && octets_size(&c->out) < MOST_OUT)
            http_outgoing_put(&c->outgoing, &c->out);
        if (!octets_size(&c->out))
            return;
        int code = net_write(c->sock, octets_front(&c->out), octets_size(&c->out), &put);
        octets_drop(&c->out, put);
        if (net_would_block(code))
            return;
        if (code) {
            give_up_sending(c, code);
            return;
        }
    }
}

/* ---- the conversation ---- */

static void end(struct client *c) {
    drop_connection(c);
    timer_end(&c->timer);
    if (c->had_socket)
        step(&c->report, "closed");
    report_done(&c->report);
    ask_free(&c->requests);
    octets_free(&c->in);
    octets_free(&c->out);
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
    bool sending = c->stage == CONNECTING || octets_size(&c->out) || (!c->outgoing.over && !c->hold);
    short events = (short)((sending ? POLLOUT : 0) | (c->stage != CONNECTING && may_read(c) ? POLLIN : 0));
    watch_want(&c->watch, c->sock, events);
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
    struct client *c = owner_of(watch, struct client, watch);
    (void)events;
    if (c->stage == CONNECTING) {
        go_on(c, connected(c));
        return;
    }
    read_some(c);
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
    c->sock = NO_SOCKET;
    c->deadline = clock_now() + c->requests.deadline;
    c->watch.ready = ready;
    c->timer.due = due;
    running_start(&c->running, id, stop);
    report_open(&c->report, id, 0, false);
    go_on(c, next_request(c));
    return true;
}
