/* HTTP/1.1 connections of a service; see http_server.h. */
#include "http_server.h"

#include "http_report.h"
#include "http_response.h"
#include "talk.h"

#include <stdlib.h>

enum {
    ANSWERS_A_TURN = 2,          /* how often what was handed over may be sent at once */
    PATIENCE = 60 * 1000 * 1000, /* how long it may say nothing */
};

enum state { HEAD, CONTENT, ANSWER };

struct http_conn {
    struct talk talk;
    enum state state;
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
    talk_end(&c->talk, code);
    octets_free(&c->mirrored);
    http_request_free(&c->request);
    http_content_free(&c->content);
    free(c);
}

static void stop(struct conn *conn) {
    end(owner_of(conn, struct http_conn, talk.conn), 0);
}

/* ---- answering ---- */

/* The message is so bad that nothing behind it can be read: say so, and leave (RFC 9112, section 9.6). */
static void refuse(struct http_conn *c, int status) {
    http_put_refusal(&c->talk.out, status);
    c->persists = false;
    c->talk.parting = LEAVES;
}

static void answer(struct http_conn *c) {
    struct http_answer answer = http_site_answer(c->talk.conn.service->site, &c->request);
    c->payload = http_answer_content(&answer, &c->mirrored);
    struct http_response response = http_response_for(&answer, &c->request, c->payload.size);
    c->persists = response.persists;
    c->status = answer.status;
    http_put_response(&c->talk.out, &response, &answer, &c->request);
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
    if (to_come && !octets_size(&c->talk.in.octets))
        octets_add_text(&c->talk.out, "HTTP/1.1 100 Continue\r\n\r\n");
    return 0;
}

/* Nothing more can be made of what came. */
static bool leave_at_end(struct http_conn *c) {
    if (c->talk.in.ended)
        c->talk.parting = LEAVES;
    return false;
}

static bool read_head(struct http_conn *c) {
    int refusal = 0;
    if (!talk_may_read(&c->talk))
        return false;
    enum http_head head = http_request_read(&c->request, &c->talk.in.octets, &refusal);
    if (head == HEAD_NONE)
        return leave_at_end(c);
    if (head == HEAD_WHOLE)
        refusal = weigh(c);
    if (refusal) {
        refuse(c, refusal);
        return true;
    }
    c->mirrors = http_site_mirrors(c->talk.conn.service->site, &c->request);
    sha256_start(&c->sum);
    octets_clear(&c->mirrored);
    c->state = CONTENT;
    return true;
}

static bool read_content(struct http_conn *c) {
    struct view piece;
    switch (http_content_take(&c->content, &c->talk.in.octets, &piece)) {
    case PIECE_NONE:
        return leave_at_end(c);
    case PIECE_THERE:
        sha256_add(&c->sum, piece.at, piece.size);
        if (c->mirrors)
            octets_add(&c->mirrored, piece.at, piece.size);
        return true;
    case PIECE_LAST:
        http_step_request(&c->talk.conn.report, &c->request, &c->sum, &c->content.trailers);
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
    while (!c->outgoing.over && talk_may_read(&c->talk))
        http_outgoing_put(&c->outgoing, &c->talk.out);
    if (!c->outgoing.over)
        return false;
    http_step_answer(&c->talk.conn.report, c->status, &c->outgoing.sum);
    http_request_clear(&c->request);
    c->state = HEAD;
    c->talk.parting = c->persists ? STAYS : LEAVES;
    return true;
}

static bool (*const states[])(struct http_conn *) = {
    [HEAD] = read_head, [CONTENT] = read_content, [ANSWER] = put_answer};

/* ---- the connection ---- */

/* Parses and answers until the socket has to be waited for, in one direction or the other. */
static int advance(struct http_conn *c) {
    int code = c->talk.in.broken;
    c->more = true;
    for (int i = 0; i < ANSWERS_A_TURN && c->more && !code; i++) {
        while (c->talk.parting == STAYS && states[c->state](c))
            continue;
        bool full = !talk_may_read(&c->talk);
        code = pump_out(c->talk.conn.sock, &c->talk.out);
        c->more = full && !octets_size(&c->talk.out);
    }
    talk_part(&c->talk);
    return code;
}

static void go_on(struct http_conn *c) {
    pump_in(c->talk.conn.sock, &c->talk.in);
    int code = advance(c);
    if (code || talk_is_over(&c->talk))
        end(c, code);
    else
        talk_wait_on(&c->talk, true, c->more, PATIENCE);
}

static void ready(struct watch *watch, short events) {
    (void)events;
    go_on(owner_of(watch, struct http_conn, talk.watch));
}

/* Nothing came for too long: in the midst of a request that is worth an answer (RFC 9110, section 15.5.9). */
static void due(struct timer *timer) {
    struct http_conn *c = owner_of(timer, struct http_conn, talk.timer);
    bool midst = c->talk.parting == STAYS &&
                 (c->state == CONTENT || (c->state == HEAD && http_request_begun(&c->request, &c->talk.in.octets)));
    if (!midst) {
        end(c, 0);
        return;
    }
    refuse(c, 408);
    go_on(c);
}

static void accepted(struct service *service, sock_t sock, const struct address *remote) {
    static const struct talk_acts acts = {stop, ready, due};
    struct http_conn *c = must_alloc(sizeof *c);
    talk_begin(&c->talk, service, sock, remote, &acts);
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
