/* FTP control connections of a service; see ftp_server.h. */
#include "ftp_server.h"

#include "ftp_data.h"
#include "ftp_session.h"
#include "talk.h"
#include "telnet.h"

#include <stdlib.h>

enum {
    LONGEST_LINE = 4 * 1024,
    MOST_OUT = 64 * 1024,            /* read of a file and not yet sent */
    DATA_PATIENCE = 5 * 1000 * 1000, /* for a data connection: the contract gives 6 s */
    PATIENCE = 300 * 1000 * 1000,    /* for the client to say something */
};

/* Of a transfer. COUNTING: it is over, and the file that came is counted before that is replied. */
enum stage { NONE, OPENING, MOVING, COUNTING };

struct ftp_conn {
    struct talk talk;
    struct telnet telnet;
    bool whole; /* the line in `telnet` */
    struct ftp_session session;
    enum stage stage;
    struct ftp_data data;
    bool active;        /* the client waits for the next data connection */
    struct timer timer; /* of the data connection; while counting, of the next turn */
};

/* ---- the end ---- */

static void end(struct ftp_conn *c, int code) {
    ftp_data_close(&c->data);
    timer_end(&c->timer);
    ftp_session_free(&c->session);
    talk_end(&c->talk, code);
    telnet_free(&c->telnet);
    free(c);
}

static void stop(struct conn *conn) {
    end(owner_of(conn, struct ftp_conn, talk.conn), 0);
}

/* ---- transfers: each returns false if it can do no more for now ---- */

static bool end_transfer(struct ftp_conn *c, const char *reply) {
    ftp_data_close(&c->data);
    timer_end(&c->timer);
    ftp_transfer_clear(&c->session.transfer);
    c->stage = NONE;
    ftp_say(&c->talk.out, reply);
    return true;
}

static void tell_stored(struct ftp_conn *c) {
    struct report *report = &c->talk.conn.report;
    struct octets path = {0};
    ftp_tree_put_path(&path, c->session.transfer.file);
    step_open(report, "stored");
    step_text(report, "name", (struct view){octets_front(&path) + 1, octets_size(&path) - 1});
    step_octets(report, &c->session.transfer.sum);
    step_close(report);
    report_now(report);
    octets_free(&path);
}

static bool begin_transfer(struct ftp_conn *c) {
    if (!c->active && !ftp_data_is_there(&c->data))
        return end_transfer(c, "425 Say PASV or PORT first");
    ftp_say(&c->talk.out, "150 Here it goes");
    pump_out(c->talk.conn.sock, &c->talk.out); /* before the data; if it fails, it will fail again */
    if (c->active)
        ftp_data_connect(&c->data, &c->session.local, &c->session.data);
    c->active = false;
    c->stage = OPENING;
    timer_set(&c->timer, clock_now() + DATA_PATIENCE);
    return true;
}

static bool open_data(struct ftp_conn *c) {
    enum ftp_standing standing = ftp_data_stands(&c->data);
    if (standing == FTP_NOT_YET)
        return false;
    if (standing == FTP_FAILED)
        return end_transfer(c, "425 The data connection did not come about");
    timer_end(&c->timer);
    ftp_transfer_open(&c->session.transfer);
    c->stage = MOVING;
    return true;
}

static bool give(struct ftp_conn *c) {
    bool more = true;
    while (more && octets_size(&c->data.out) < MOST_OUT)
        more = ftp_transfer_give(&c->session.transfer, &c->data.out);
    if (pump_out(c->data.sock, &c->data.out))
        return end_transfer(c, "426 The data connection broke");
    return !more && !octets_size(&c->data.out) && end_transfer(c, "226 That is all");
}

static bool take(struct ftp_conn *c) {
    struct incoming *in = &c->data.in;
    pump_in(c->data.sock, in);
    if (!ftp_transfer_take(&c->session.transfer, &in->octets, in->ended))
        return end_transfer(c, "552 There is no more room");
    if (in->broken)
        return end_transfer(c, "426 The data connection broke");
    if (!in->ended)
        return false;
    ftp_data_close(&c->data);
    ftp_transfer_count(&c->session.transfer);
    c->stage = COUNTING;
    return true;
}

static bool count(struct ftp_conn *c) {
    if (c->talk.conn.service->silent)
        return end_transfer(c, "226 I have it");
    if (!ftp_transfer_count_on(&c->session.transfer)) {
        timer_set(&c->timer, clock_now());
        return false;
    }
    tell_stored(c);
    return end_transfer(c, "226 I have it");
}

static bool transfer(struct ftp_conn *c) {
    switch (c->stage) {
    case NONE:
        break;
    case OPENING:
        return open_data(c);
    case MOVING:
        return c->session.transfer.takes ? take(c) : give(c);
    case COUNTING:
        return count(c);
    }
    return false;
}

/* No way to a data connection is agreed upon any more. */
static void forget_data(struct ftp_conn *c) {
    ftp_data_close(&c->data);
    c->active = false;
}

static void abort_transfer(struct ftp_conn *c) {
    if (c->stage != NONE)
        end_transfer(c, "426 As you like");
    forget_data(c);
    ftp_say(&c->talk.out, "226 There is no transfer");
}

/* ---- commands ---- */

static void open_passive(struct ftp_conn *c) {
    struct address bound;
    const struct ftp_session *session = &c->session;
    c->active = false;
    if (ftp_data_listen(&c->data, &session->local, &session->remote, &bound))
        ftp_say(&c->talk.out, "425 There are no more ports");
    else
        ftp_say_passive(session, &bound, &c->talk.out);
}

static void carry_out(struct ftp_conn *c, enum ftp_next next) {
    switch (next) {
    case FTP_COMMAND:
        break;
    case FTP_PASSIVE:
        open_passive(c);
        break;
    case FTP_ACTIVE:
        forget_data(c);
        c->active = true;
        break;
    case FTP_ANEW:
        forget_data(c);
        break;
    case FTP_TRANSFER:
        begin_transfer(c);
        break;
    case FTP_STATUS:
        ftp_say_status(&c->session, c->stage != NONE, &c->talk.out);
        break;
    case FTP_ABORT:
        abort_transfer(c);
        break;
    case FTP_LEAVE:
        c->talk.parting = LEAVES;
        break;
    }
}

static struct view line_of(const struct ftp_conn *c) {
    return (struct view){octets_front(&c->telnet.line), octets_size(&c->telnet.line)};
}

/* False: there is no line, or it has to wait for the end of the transfer. */
static bool read_command(struct ftp_conn *c) {
    if (c->talk.parting != STAYS || !talk_may_read(&c->talk))
        return false;
    if (!c->whole)
        c->whole = telnet_read(&c->telnet, &c->talk.in.octets, &c->talk.out, LONGEST_LINE);
    struct view line = line_of(c);
    bool waits = c->stage == COUNTING || (c->stage != NONE && !ftp_is_urgent(line));
    if (!c->whole || waits)
        return false;
    if (c->telnet.overlong)
        ftp_say(&c->talk.out, "500 That line is too long");
    else
        carry_out(c, ftp_reply(&c->session, line, &c->talk.out));
    telnet_next(&c->telnet);
    c->whole = false;
    return true;
}

/* ---- the connection ---- */

static bool work(struct talk *talk) {
    struct ftp_conn *c = owner_of(talk, struct ftp_conn, talk);
    return read_command(c) || transfer(c);
}

/* The client has ended. A transfer is finished if it said QUIT, and else aborted (RFC 959, section 4.1.1). */
static bool is_over(const struct ftp_conn *c) {
    bool quits = c->whole && ftp_is_last(line_of(c));
    return c->talk.in.ended && !octets_size(&c->talk.out) && (c->stage == NONE || !quits);
}

static void wait_on(struct ftp_conn *c) {
    bool takes = c->session.transfer.takes;
    talk_wait_on(&c->talk, talk_may_read(&c->talk), false, PATIENCE);
    if (c->stage == OPENING || c->stage == MOVING)
        ftp_data_wait_on(&c->data, takes, !takes);
}

static void go_on(struct ftp_conn *c) {
    int code = talk_go_on(&c->talk, work);
    if (code || is_over(c))
        end(c, code);
    else
        wait_on(c);
}

static void ready(struct watch *watch, short events) {
    (void)events;
    go_on(owner_of(watch, struct ftp_conn, talk.watch));
}

static void data_ready(struct watch *watch, short events) {
    struct ftp_conn *c = owner_of(watch, struct ftp_conn, data.watch);
    (void)events;
    c->data.woken = true;
    go_on(c);
}

static void data_due(struct timer *timer) {
    struct ftp_conn *c = owner_of(timer, struct ftp_conn, timer);
    if (c->stage == OPENING)
        end_transfer(c, "425 The data connection did not come");
    go_on(c);
}

static void due(struct timer *timer) {
    struct ftp_conn *c = owner_of(timer, struct ftp_conn, talk.timer);
    if (c->talk.parting != STAYS) {
        end(c, 0);
        return;
    }
    if (c->stage != NONE)
        end_transfer(c, "426 Nothing came, or went, for too long");
    ftp_say(&c->talk.out, "421 Nothing came for too long");
    c->talk.parting = LEAVES;
    go_on(c);
}

static void accepted(struct service *service, sock_t sock, const struct address *remote) {
    static const struct talk_acts acts = {stop, ready, due};
    struct address local = {.size = 0};
    struct ftp_conn *c = must_alloc(sizeof *c);
    talk_begin(&c->talk, service, sock, remote, &acts);
    net_take_urgent_in_line(sock); /* both fail only where the connection is gone already: reading tells */
    net_local(sock, &local);
    ftp_session_start(&c->session, service->files, &local, remote);
    ftp_data_start(&c->data, data_ready);
    c->timer.due = data_due;
    ftp_greet(&c->talk.out);
    go_on(c);
}

int ftp_server_begin(struct service *service) {
    service_accept(service, accepted);
    return 0;
}
