/* SMTP connections of a service; see smtp_server.h. */
#include "smtp_server.h"

#include "smtp_content.h"
#include "smtp_session.h"

#include <stdlib.h>
#include <string.h>

enum {
    PIECE = 64 * 1024,
    LONGEST_LINE = 4 * 1024, /* RFC 5321, section 4.5.3.1: 512 at least */
    MOST_OUT = 64 * 1024,    /* replies that the client did not take: then no more commands are read */
    FAREWELL = 5 * 1000 * 1000,
    PATIENCE = 300 * 1000 * 1000, /* RFC 5321, section 4.5.3.2.7 */
};

enum state { COMMANDS, CONTENT, LEAVE, LINGER };

struct mail_conn {
    struct conn conn;
    struct watch watch;
    struct timer timer;
    enum state state;
    struct octets in, out;
    bool ended;    /* the client's FIN was read */
    bool overlong; /* the rest of a line that is too long is still to be skipped */
    struct smtp_session session;
    struct smtp_taker content;
};

/* ---- the end ---- */

static void end(struct mail_conn *c, int code) {
    watch_end(&c->watch);
    timer_end(&c->timer);
    if (code)
        conn_broke(&c->conn, code);
    conn_end(&c->conn);
    octets_free(&c->in);
    octets_free(&c->out);
    smtp_session_free(&c->session);
    free(c);
}

static void stop(struct conn *conn) {
    end(owner_of(conn, struct mail_conn, conn), 0);
}

/* ---- mail ---- */

static void tell_recipients(struct mail_conn *c) {
    const char *recipient = (const char *)octets_front(&c->session.recipients);
    struct octets *to = step_member(&c->conn.report, "recipients");
    for (size_t i = 0; to && i < c->session.recipient_count; i++, recipient += strlen(recipient) + 1) {
        octets_add_text(to, i ? "," : "[");
        json_put_text(to, (struct view){(const uint8_t *)recipient, strlen(recipient)});
    }
    if (to)
        octets_add_text(to, "]");
}

static void tell_mail(struct mail_conn *c) {
    struct report *report = &c->conn.report;
    step_open(report, "mail");
    step_word(report, "from", c->session.from);
    tell_recipients(c);
    step_octets(report, &c->content.sum);
    step_close(report);
    report_now(report);
}

/* ---- the states: each returns false if it can do no more for now ---- */

/* The size of the line that came, without its CRLF; false: there is none. */
static bool find_line(const struct octets *in, size_t *size) {
    const uint8_t *start = octets_front(in), *end = start + octets_size(in);
    for (const uint8_t *at = start; at && at < end; at++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (at && at > start && at[-1] == '\r') {
            *size = (size_t)(at - start) - 1;
            return true;
        }
        if (!at)
            break;
    }
    return false;
}

/* No line ends in what came. If that is too much, it is dropped, but for a CR that may belong to the end. */
static bool wait_for_line(struct mail_conn *c) {
    size_t size = octets_size(&c->in);
    if (size > LONGEST_LINE) {
        octets_drop(&c->in, size - (octets_front(&c->in)[size - 1] == '\r'));
        c->overlong = true;
    }
    return false;
}

static void answer(struct mail_conn *c, struct view line) {
    static const enum state after[] = {[SMTP_COMMAND] = COMMANDS, [SMTP_CONTENT] = CONTENT, [SMTP_LEAVE] = LEAVE};
    c->state = after[smtp_reply(&c->session, line, &c->out)];
    if (c->state == CONTENT)
        smtp_take_start(&c->content);
}

static bool read_command(struct mail_conn *c) {
    size_t size;
    if (octets_size(&c->out) >= MOST_OUT)
        return false;
    if (!octets_size(&c->in) || !find_line(&c->in, &size))
        return wait_for_line(c);
    if (c->overlong || size > LONGEST_LINE)
        smtp_refuse_line(&c->out);
    else
        answer(c, (struct view){octets_front(&c->in), size});
    c->overlong = false;
    octets_drop(&c->in, size + 2);
    return true;
}

static bool read_content(struct mail_conn *c) {
    if (!smtp_take(&c->content, &c->in))
        return false;
    if (smtp_judge(&c->session, c->content.sum.size, &c->out))
        tell_mail(c);
    smtp_forget(&c->session);
    c->state = COMMANDS;
    return true;
}

/* Once everything is sent: half-close, so that no RST can destroy what the client has not read yet. */
static bool leave(struct mail_conn *c) {
    if (octets_size(&c->out) || c->ended)
        return false;
    net_shut_sending(c->conn.sock); /* fails only where the connection is gone already: reading tells */
    c->state = LINGER;
    return true;
}

static bool linger(struct mail_conn *c) {
    octets_clear(&c->in);
    return false;
}

static bool (*const states[])(struct mail_conn *) = {
    [COMMANDS] = read_command, [CONTENT] = read_content, [LEAVE] = leave, [LINGER] = linger};

/* ---- the connection ---- */

static bool may_read(const struct mail_conn *c) {
    return !c->ended && octets_size(&c->out) < MOST_OUT;
}

static int send_some(struct mail_conn *c) {
    size_t put;
    while (octets_size(&c->out)) {
        int code = net_write(c->conn.sock, octets_front(&c->out), octets_size(&c->out), &put);
        octets_drop(&c->out, put);
        if (code)
            return net_would_block(code) ? 0 : code;
    }
    return 0;
}

/* Answers what can be answered, and sends that. */
static int advance(struct mail_conn *c) {
    int code;
    bool more;
    do {
        while (states[c->state](c))
            continue;
        bool full = octets_size(&c->out) >= MOST_OUT;
        code = send_some(c);
        more = !octets_size(&c->out) && (full || (c->state == LEAVE && !c->ended));
    } while (!code && more);
    return code;
}

static int read_some(struct mail_conn *c) {
    static uint8_t piece[PIECE];
    size_t got = 0;
    int code = 0;
    for (size_t turn = 0; turn < TURN && may_read(c) && !code; turn += got + CALL) {
        code = net_read(c->conn.sock, piece, sizeof piece, &got);
        if (code)
            return net_would_block(code) ? 0 : code;
        octets_add(&c->in, piece, got);
        c->ended = got == 0;
        code = advance(c);
    }
    return code;
}

static void wait_on(struct mail_conn *c) {
    short read = may_read(c) ? POLLIN : 0, send = octets_size(&c->out) ? POLLOUT : 0;
    watch_want(&c->watch, c->conn.sock, (short)(read | send));
    if (c->state != LINGER)
        timer_set(&c->timer, clock_now() + PATIENCE);
    else if (!c->timer.place || c->timer.at > clock_now() + FAREWELL)
        timer_set(&c->timer, clock_now() + FAREWELL);
}

static void go_on(struct mail_conn *c) {
    int code = advance(c);
    if (!code)
        code = read_some(c);
    if (code || (c->ended && !octets_size(&c->out)))
        end(c, code);
    else
        wait_on(c);
}

static void ready(struct watch *watch, short events) {
    (void)events;
    go_on(owner_of(watch, struct mail_conn, watch));
}

static void due(struct timer *timer) {
    struct mail_conn *c = owner_of(timer, struct mail_conn, timer);
    if (c->state == LEAVE || c->state == LINGER) {
        end(c, 0);
        return;
    }
    octets_add_text(&c->out, "421 Nothing came for too long\r\n");
    c->state = LEAVE;
    go_on(c);
}

static void accepted(struct service *service, sock_t sock, const struct address *remote) {
    struct mail_conn *c = must_alloc(sizeof *c);
    conn_begin(&c->conn, service, sock, remote, stop);
    c->watch.ready = ready;
    c->timer.due = due;
    timer_set(&c->timer, clock_now() + PATIENCE);
    smtp_greet(&c->out);
    go_on(c);
}

int smtp_server_begin(struct service *service) {
    service_accept(service, accepted);
    return 0;
}
