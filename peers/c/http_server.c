/* HTTP/1.1 connections of a service; see http_server.h. */
#include "http_server.h"

#include "http_report.h"
#include "http_response.h"

#include <stdlib.h>

enum {
    PIECE = 64 * 1024,
    ANSWERS_A_TURN = 2,          /* how often what was handed over may be sent at once */
    MOST_IN = 128 * 1024,        /* read and not yet parsed; more than the longest head */
    MOST_OUT = 64 * 1024,        /* handed over and not yet sent, before the next piece is made */
    FAREWELL = 5 * 1000 * 1000,  /* how long the other side has to end, too */
    PATIENCE = 60 * 1000 * 1000, /* how long it may say nothing */
};

enum state { HEAD, CONTENT, ANSWER, LEAVE, LINGER };

struct http_conn {
    struct conn conn;
    struct watch watch;
    struct timer timer;
    enum state state;
    struct octets in, out;
    bool ended; /* the client's FIN was read */
    bool persists;
    bool more; /* could be done at once, but it is the turn of others */

    struct http_request request;
    struct http_content content;
    struct sha256 sum; /* of the request's content */
    bool mirrors;
    struct octets mirrored;

    struct payload payload; /* of the answer; what it points to is owned by the site or by `mirrored` */
    struct http_outgoing outgoing;
    int status;
};

/* ---- the end ---- */

static void end(struct http_conn *c, int code) {
    watch_end(&c->watch);
    timer_end(&c->timer);
    if (code)
        conn_broke(&c->conn, code);
    conn_end(&c->conn);
    octets_free(&c->in);
    octets_free(&c->out);
    octets_free(&c->mirrored);
    http_request_free(&c->request);
    http_content_free(&c->content);
    free(c);
}

static void stop(struct conn *conn) {
    end(owner_of(conn, struct http_conn, conn), 0);
}

/* ---- answering ---- */

/* The message is so bad that nothing behind it can be read: say so, and leave (RFC 9112, section 9.6). */
static void refuse(struct http_conn *c, int status) {
    http_put_refusal(&c->out, status);
    c->persists = false;
    c->state = LEAVE;
}

static void answer(struct http_conn *c) {
    struct http_answer answer = http_site_answer(c->conn.service->site, &c->request);
    c->payload = http_answer_content(&answer, &c->mirrored);
    struct http_response response = http_response_for(&answer, &c->request, c->payload.size);
    c->persists = response.persists;
    c->status = answer.status;
    http_put_response(&c->out, &response, &answer, &c->request);
    octets_free(&answer.allow);
    if (response.has_content)
        http_outgoing_start(&c->outgoing, &c->payload, response.coding);
    else
        http_outgoing_none(&c->outgoing);
    c->state = ANSWER;
}

/* ---- the states: each returns false if it can do no more for now ---- */

/* What the fields say before the content is read. 0, or the status of the refusal. */
static int weigh(struct http_conn *c) {
    static const int refusals[] = {
        [FRAMED] = 0, [FRAMED_BADLY] = 400, [FRAMED_UNKNOWN] = 501, [FRAMED_TOO_LARGE] = 413};
    const struct http_fields *fields = &c->request.fields;
    int refusal = refusals[http_content_frame(&c->content, fields, c->request.minor, false, MOST_HELD)];
    if (refusal || !c->request.minor || !http_fields_have(fields, "Expect"))
        return refusal;
    if (!http_fields_list(fields, "Expect", "100-continue"))
        return 417;
    bool to_come = c->content.coding == CONTENT_CHUNKED || c->content.left;
    if (to_come && !octets_size(&c->in))
        octets_add_text(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
    return 0;
}

static bool read_head(struct http_conn *c) {
    int refusal = 0;
    if (octets_size(&c->out) >= MOST_OUT)
        return false;
    enum http_head head = http_request_read(&c->request, &c->in, &refusal);
    if (head == HEAD_NONE) {
        if (c->ended)
            c->state = LEAVE;
        return c->ended;
    }
    if (head == HEAD_WHOLE)
        refusal = weigh(c);
    if (refusal) {
        refuse(c, refusal);
        return true;
    }
    c->mirrors = http_site_mirrors(c->conn.service->site, &c->request);
    sha256_start(&c->sum);
    octets_clear(&c->mirrored);
    c->state = CONTENT;
    return true;
}

static bool read_content(struct http_conn *c) {
    struct view piece;
    switch (http_content_take(&c->content, &c->in, &piece)) {
    case PIECE_NONE:
        if (c->ended)
            c->state = LEAVE;
        return c->ended;
    case PIECE_THERE:
        sha256_add(&c->sum, piece.at, piece.size);
        if (c->mirrors)
            octets_add(&c->mirrored, piece.at, piece.size);
        return true;
    case PIECE_LAST:
        http_step_request(&c->conn.report, &c->request, &c->sum, &c->content.trailers);
        answer(c);
        return true;
    case PIECE_BAD:
        refuse(c, 400);
        return true;
    case PIECE_TOO_LARGE:
        refuse(c, 413);
        return true;
    }
    return false;
}

static bool put_answer(struct http_conn *c) {
    while (!c->outgoing.over && octets_size(&c->out) < MOST_OUT)
        http_outgoing_put(&c->outgoing, &c->out);
    if (!c->outgoing.over)
        return false;
    http_step_answer(&c->conn.report, c->status, &c->outgoing.sum);
    http_request_clear(&c->request);
    c->state = c->persists ? HEAD : LEAVE;
    return true;
}

/* Once everything is sent: half-close, so that no RST can destroy what the client has not read yet. */
static bool leave(struct http_conn *c) {
    if (octets_size(&c->out) || c->ended)
        return false;
    net_shut_sending(c->conn.sock); /* fails only where the connection is gone already: reading tells */
    c->state = LINGER;
    return true;
}

static bool linger(struct http_conn *c) {
    octets_clear(&c->in);
    return false;
}

static bool (*const states[])(struct http_conn *) = {
    [HEAD] = read_head, [CONTENT] = read_content, [ANSWER] = put_answer, [LEAVE] = leave, [LINGER] = linger};

/* ---- the connection ---- */

static bool may_read(const struct http_conn *c) {
    return !c->ended && octets_size(&c->in) < MOST_IN;
}

static int read_some(struct http_conn *c) {
    static uint8_t piece[PIECE];
    size_t got;
    for (size_t turn = 0; turn < TURN && may_read(c); turn += got + CALL) {
        int code = net_read(c->conn.sock, piece, sizeof piece, &got);
        if (code)
            return net_would_block(code) ? 0 : code;
        octets_add(&c->in, piece, got);
        c->ended = got == 0;
    }
    return 0;
}

static int send_some(struct http_conn *c) {
    size_t put = 0;
    while (octets_size(&c->out)) {
        int code = net_write(c->conn.sock, octets_front(&c->out), octets_size(&c->out), &put);
        octets_drop(&c->out, put);
        if (code)
            return net_would_block(code) ? 0 : code;
    }
    return 0;
}

/* Parses and answers until the socket has to be waited for, in one direction or the other. */
static int advance(struct http_conn *c) {
    c->more = true;
    for (int i = 0; i < ANSWERS_A_TURN && c->more; i++) {
        while (states[c->state](c))
            continue;
        bool full = octets_size(&c->out) >= MOST_OUT;
        int code = send_some(c);
        if (code)
            return code;
        c->more = !octets_size(&c->out) && (full || (c->state == LEAVE && !c->ended));
    }
    return 0;
}

static bool is_over(const struct http_conn *c) {
    return c->ended && !octets_size(&c->out) && (c->state == LEAVE || c->state == LINGER);
}

static void wait_on(struct http_conn *c) {
    short read = may_read(c) ? POLLIN : 0;
    short send = octets_size(&c->out) || c->more ? POLLOUT : 0;
    watch_want(&c->watch, c->conn.sock, (short)(read | send));
    if (c->state != LINGER)
        timer_set(&c->timer, clock_now() + PATIENCE);
    else if (!c->timer.place || c->timer.at > clock_now() + FAREWELL)
        timer_set(&c->timer, clock_now() + FAREWELL);
}

static void go_on(struct http_conn *c) {
    int code = read_some(c);
    if (!code)
        code = advance(c);
    if (code || is_over(c))
        end(c, code);
    else
        wait_on(c);
}

static void ready(struct watch *watch, short events) {
    (void)events;
    go_on(owner_of(watch, struct http_conn, watch));
}

/* Nothing came for too long: in the midst of a request that is worth an answer (RFC 9110, section 15.5.9). */
static void due(struct timer *timer) {
    struct http_conn *c = owner_of(timer, struct http_conn, timer);
    bool midst = c->state == CONTENT || (c->state == HEAD && http_request_begun(&c->request, &c->in));
    if (!midst) {
        end(c, 0);
        return;
    }
    refuse(c, 408);
    go_on(c);
}

static void accepted(struct service *service, sock_t sock, const struct address *remote) {
    struct http_conn *c = must_alloc(sizeof *c);
    conn_begin(&c->conn, service, sock, remote, stop);
    c->watch.ready = ready;
    c->timer.due = due;
    c->persists = true;
    go_on(c);
}

bool http_server_can_send(const struct http_site *site, struct fault *fault) {
    (void)site;
    (void)fault;
    return true;
}

int http_server_begin(struct service *service) {
    service_accept(service, accepted);
    return 0;
}
