/* SMTP connections of a service; see smtp_server.h. */
#include "smtp_server.h"

#include "smtp_content.h"
#include "smtp_session.h"
#include "talk.h"

#include <stdlib.h>
#include <string.h>

enum {
    LONGEST_LINE = 4 * 1024,      /* RFC 5321, section 4.5.3.1: 512 at least */
    PATIENCE = 300 * 1000 * 1000, /* RFC 5321, section 4.5.3.2.7 */
};

enum state { COMMANDS, CONTENT };

struct mail_conn {
    struct talk talk;
    enum state state;
    bool overlong; /* the rest of a line that is too long is still to be skipped */
    struct smtp_session session;
    struct smtp_taker content;
};

/* ---- the end ---- */

static void end(struct mail_conn *c, int code) {
    talk_end(&c->talk, code);
    smtp_session_free(&c->session);
    free(c);
}

static void stop(struct conn *conn) {
    end(owner_of(conn, struct mail_conn, talk.conn), 0);
}

/* ---- mail ---- */

static void tell_recipients(struct mail_conn *c) {
    const char *recipient = (const char *)octets_front(&c->session.recipients);
    struct octets *to = step_member(&c->talk.conn.report, "recipients");
    for (size_t i = 0; to && i < c->session.recipient_count; i++, recipient += strlen(recipient) + 1) {
        octets_add_text(to, i ? "," : "[");
        json_put_text(to, (struct view){(const uint8_t *)recipient, strlen(recipient)});
    }
    if (to)
        octets_add_text(to, "]");
}

static void tell_mail(struct mail_conn *c) {
    struct report *report = &c->talk.conn.report;
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
    size_t size = octets_size(&c->talk.in.octets);
    if (size > LONGEST_LINE) {
        octets_drop(&c->talk.in.octets, size - (octets_front(&c->talk.in.octets)[size - 1] == '\r'));
        c->overlong = true;
    }
    return false;
}

static void answer(struct mail_conn *c, struct view line) {
    enum smtp_next next = smtp_reply(&c->session, line, &c->talk.out);
    if (next == SMTP_LEAVE)
        c->talk.parting = LEAVES;
    if (next != SMTP_CONTENT)
        return;
    smtp_take_start(&c->content);
    c->state = CONTENT;
}

static bool read_command(struct mail_conn *c) {
    size_t size;
    if (!talk_may_read(&c->talk))
        return false;
    if (!octets_size(&c->talk.in.octets) || !find_line(&c->talk.in.octets, &size))
        return wait_for_line(c);
    if (c->overlong || size > LONGEST_LINE)
        smtp_refuse_line(&c->talk.out);
    else
        answer(c, (struct view){octets_front(&c->talk.in.octets), size});
    c->overlong = false;
    octets_drop(&c->talk.in.octets, size + 2);
    return true;
}

static bool read_content(struct mail_conn *c) {
    if (!smtp_take(&c->content, &c->talk.in.octets))
        return false;
    if (smtp_judge(&c->session, c->content.sum.size, &c->talk.out))
        tell_mail(c);
    smtp_forget(&c->session);
    c->state = COMMANDS;
    return true;
}

static bool (*const states[])(struct mail_conn *) = {[COMMANDS] = read_command, [CONTENT] = read_content};

/* ---- the connection ---- */

static bool work(struct talk *talk) {
    struct mail_conn *c = owner_of(talk, struct mail_conn, talk);
    return talk->parting == STAYS && states[c->state](c);
}

static bool is_over(const struct mail_conn *c) {
    return c->talk.in.ended && !octets_size(&c->talk.out);
}

static void go_on(struct mail_conn *c) {
    int code = talk_go_on(&c->talk, work);
    if (code || is_over(c))
        end(c, code);
    else
        talk_wait_on(&c->talk, talk_may_read(&c->talk), false, PATIENCE);
}

static void ready(struct watch *watch, short events) {
    (void)events;
    go_on(owner_of(watch, struct mail_conn, talk.watch));
}

static void due(struct timer *timer) {
    struct mail_conn *c = owner_of(timer, struct mail_conn, talk.timer);
    if (c->talk.parting != STAYS) {
        end(c, 0);
        return;
    }
    octets_add_text(&c->talk.out, "421 Nothing came for too long\r\n");
    c->talk.parting = LEAVES;
    go_on(c);
}

static void accepted(struct service *service, sock_t sock, const struct address *remote) {
    static const struct talk_acts acts = {stop, ready, due};
    struct mail_conn *c = must_alloc(sizeof *c);
    talk_begin(&c->talk, service, sock, remote, &acts);
    smtp_greet(&c->talk.out);
    go_on(c);
}

int smtp_server_begin(struct service *service) {
    service_accept(service, accepted);
    return 0;
}
