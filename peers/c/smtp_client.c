/* The SMTP client; see smtp_client.h. */
#include "smtp_client.h"

#include "call.h"
#include "running.h"
#include "smtp_ask.h"
#include "smtp_content.h"
#include "smtp_reply.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 64 * 1024, MOST_OUT = 64 * 1024 };

/* What was sent last, and is waiting for its reply. */
enum stage { GREETING, EHLO, HELO, RSET, MAIL, RCPT, DATA, CONTENT, QUIT };

/* Codes that something hangs on (RFC 5321, section 4.2.3). */
enum { READY = 220, OK = 250, GO_ON = 354, GOING_DOWN = 421, NOT_UNDERSTOOD = 500, NOT_THERE = 502 };

struct client {
    struct running running;
    struct report report;
    struct smtp_messages messages;
    size_t index, recipient; /* the message, and whom of its recipients was spoken of last */
    size_t taken;            /* recipients */
    struct octets refused;   /* the others, as JSON */
    struct call call;
    struct timer timer;

    enum stage stage;
    struct smtp_reply reply;
    struct smtp_giver content;
    bool eight;   /* 8BITMIME is offered */
    bool in_mail; /* the server holds a transaction open */
};

static const struct smtp_message *current(const struct client *c) {
    return &c->messages.list[c->index];
}

/* The number of the message, or -1 before the first. */
static int64_t place(const struct client *c) {
    if (c->stage < RSET || !c->messages.count)
        return -1;
    return (int64_t)(c->index < c->messages.count ? c->index : c->messages.count - 1);
}

static enum turn fail(struct client *c, const char *error, const char *says) {
    step_failed(&c->report, place(c), error, says);
    return OVER;
}

static enum turn fail_with(struct client *c, int code) {
    step_failed_with(&c->report, place(c), code);
    return OVER;
}

/* ---- commands ---- */

static enum turn command(struct client *c, enum stage stage, const char *verb, const char *path, const char *rest) {
    octets_add_text(&c->call.out, verb);
    if (path) {
        octets_add_text(&c->call.out, "<");
        octets_add_text(&c->call.out, path);
        octets_add_text(&c->call.out, ">");
    }
    octets_add_text(&c->call.out, rest);
    octets_add_text(&c->call.out, "\r\n");
    c->stage = stage;
    return AGAIN;
}

static bool has_eight_bits(const struct payload *content) {
    uint8_t piece[PIECE / 16];
    struct source source;
    source_start(&source, content, 0);
    for (size_t size = 1; size;) {
        size = source_take(&source, piece, sizeof piece);
        for (size_t i = 0; i < size; i++)
            if (piece[i] & 0x80)
                return true;
    }
    return false;
}

static enum turn begin_message(struct client *c) {
    const struct smtp_message *message = current(c);
    const char *body = c->eight && has_eight_bits(&message->content) ? " BODY=8BITMIME" : "";
    octets_clear(&c->refused);
    c->recipient = c->taken = 0;
    smtp_give_start(&c->content, &message->content);
    return command(c, MAIL, "MAIL FROM:", message->from, body);
}

static enum turn next_message(struct client *c) {
    if (c->index == c->messages.count)
        return command(c, QUIT, "QUIT", NULL, "");
    if (c->in_mail)
        return command(c, RSET, "RSET", NULL, "");
    return begin_message(c);
}

static enum turn next_recipient(struct client *c) {
    return command(c, RCPT, "RCPT TO:", current(c)->recipients[c->recipient], "");
}

/* ---- what became of a message ---- */

/* Counts the content also where none of it was sent, or not all. */
static const struct sha256 *sum_of(struct client *c) {
    static uint8_t piece[PIECE];
    size_t size;
    while ((size = source_take(&c->content.source, piece, sizeof piece)) != 0)
        sha256_add(&c->content.sum, piece, size);
    return &c->content.sum;
}

static void tell(struct client *c, int status) {
    step_open(&c->report, "mail");
    step_whole(&c->report, "status", status);
    struct octets *to = octets_size(&c->refused) ? step_member(&c->report, "refused") : NULL;
    if (to) {
        octets_add_text(to, "[");
        octets_add(to, octets_front(&c->refused), octets_size(&c->refused));
        octets_add_text(to, "]");
    }
    step_octets(&c->report, sum_of(c));
    step_close(&c->report);
}

/* The server has said its last word: it closes. */
static enum turn went_down(struct client *c) {
    return c->index < c->messages.count ? fail(c, "ended", "the server has ended the session") : OVER;
}

static enum turn finish(struct client *c, int status) {
    tell(c, status);
    c->index++;
    return status == GOING_DOWN ? went_down(c) : next_message(c);
}

/* No message can be sent in this session. */
static enum turn cannot_begin(struct client *c, int status) {
    if (c->messages.count) {
        smtp_give_start(&c->content, &current(c)->content);
        tell(c, status);
    }
    return status == GOING_DOWN || !call_lasts(&c->call) ? OVER : command(c, QUIT, "QUIT", NULL, "");
}

/* ---- replies ---- */

static enum turn after_hello(struct client *c, int code) {
    bool again = c->stage == EHLO && (code == NOT_UNDERSTOOD || code == NOT_THERE);
    if (again)
        return command(c, HELO, "HELO client.example", NULL, "");
    if (code != OK)
        return cannot_begin(c, code);
    c->eight = c->stage == EHLO && c->reply.eight;
    return next_message(c);
}

static void refuse(struct client *c, int code) {
    const char *recipient = current(c)->recipients[c->recipient];
    octets_add_text(&c->refused, octets_size(&c->refused) ? ",[" : "[");
    json_put_text(&c->refused, (struct view){(const uint8_t *)recipient, strlen(recipient)});
    octets_add_text(&c->refused, ",");
    json_put_whole(&c->refused, code);
    octets_add_text(&c->refused, "]");
}

static bool is_good(int code) {
    return code / 100 == 2;
}

static enum turn after_recipient(struct client *c, int code) {
    if (is_good(code))
        c->taken++;
    else
        refuse(c, code);
    if (code == GOING_DOWN)
        return finish(c, code);
    if (++c->recipient < current(c)->recipient_count)
        return next_recipient(c);
    return c->taken ? command(c, DATA, "DATA", NULL, "") : finish(c, code);
}

static enum turn after_data(struct client *c, int code) {
    if (code != GO_ON)
        return finish(c, code);
    c->stage = CONTENT;
    return AGAIN;
}

static enum turn replied(struct client *c, int code) {
    switch (c->stage) {
    case GREETING:
        return code == READY ? command(c, EHLO, "EHLO client.example", NULL, "") : cannot_begin(c, code);
    case EHLO:
    case HELO:
        return after_hello(c, code);
    case RSET:
        return begin_message(c);
    case MAIL:
        c->in_mail = is_good(code);
        return c->in_mail ? next_recipient(c) : finish(c, code);
    case RCPT:
        return after_recipient(c, code);
    case DATA:
        return after_data(c, code);
    case CONTENT:
        c->in_mail = false;
        return finish(c, code);
    case QUIT:
        break;
    }
    return OVER;
}

static enum turn no_reply(struct client *c) {
    const struct call *call = &c->call;
    if (call_lasts(call))
        return WAIT_ON;
    if (c->stage == QUIT)
        return OVER;
    if (call->in.broken || call->unsent)
        return fail_with(c, call->in.broken ? call->in.broken : call->unsent);
    return fail(c, "ended", "the connection was closed before the reply came");
}

/* Whether all of what is to be replied to is out. */
static bool is_sent(const struct client *c) {
    return c->call.unsent || (!octets_size(&c->call.out) && (c->stage != CONTENT || c->content.over));
}

static enum turn read_reply(struct client *c) {
    if (!is_sent(c) && call_lasts(&c->call))
        return WAIT_ON;
    switch (smtp_reply_read(&c->reply, &c->call.in.octets)) {
    case SMTP_REPLY_NONE:
        return no_reply(c);
    case SMTP_REPLY_BAD:
        return c->stage == QUIT ? OVER : fail(c, "other", "what came is no reply of SMTP");
    case SMTP_REPLY_WHOLE:
        break;
    }
    int code = c->reply.code;
    enum turn turn = replied(c, code);
    smtp_reply_clear(&c->reply);
    return turn;
}

/* ---- the socket ---- */

static enum turn begun(struct client *c, int code) {
    if (net_would_block(code))
        return WAIT_ON;
    return code ? fail_with(c, code) : AGAIN;
}

static void send_some(struct client *c) {
    while (c->stage == CONTENT && !c->content.over && octets_size(&c->call.out) < MOST_OUT)
        smtp_give(&c->content, &c->call.out);
    call_send(&c->call);
}

/* ---- the conversation ---- */

static void end(struct client *c) {
    timer_end(&c->timer);
    call_end(&c->call, &c->report);
    report_done(&c->report);
    smtp_ask_free(&c->messages);
    octets_free(&c->refused);
    running_end(&c->running);
    free(c);
}

static void stop(struct running *running) {
    end(owner_of(running, struct client, running));
}

static void go_on(struct client *c, enum turn turn) {
    while (turn == AGAIN) {
        send_some(c);
        turn = read_reply(c);
    }
    if (turn == WAIT_ON)
        call_wait_on(&c->call, !is_sent(c));
    else
        end(c);
}

static void ready(struct watch *watch, short events) {
    struct client *c = owner_of(watch, struct client, call.watch);
    (void)events;
    if (c->call.connecting) {
        go_on(c, begun(c, call_stands(&c->call, &c->report, &c->messages.address)));
        return;
    }
    pump_in(c->call.sock, &c->call.in);
    go_on(c, AGAIN);
}

static void due(struct timer *timer) {
    struct client *c = owner_of(timer, struct client, timer);
    go_on(c, fail(c, "timeout", "there was no time left"));
}

bool smtp_client_ask(const struct json *command, char *id, struct fault *fault) {
    struct client *c = must_alloc(sizeof *c);
    if (!smtp_ask_read(&c->messages, command, fault)) {
        smtp_ask_free(&c->messages);
        free(c);
        return false;
    }
    call_start(&c->call, ready);
    c->timer.due = due;
    timer_set(&c->timer, clock_now() + c->messages.deadline);
    running_start(&c->running, id, stop);
    report_open(&c->report, id, 0, false);
    go_on(c, begun(c, call_connect(&c->call, &c->report, &c->messages.address)));
    return true;
}
