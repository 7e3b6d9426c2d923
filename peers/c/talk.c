/* Connections that are talks; see talk.h. */
#include "talk.h"

enum {
    MOST_OUT = 64 * 1024,      /* said and not taken: then no more is read */
    FAREWELL = 5 * 1000 * 1000 /* how long the other side has to end, too */
};

void talk_begin(struct talk *talk, struct service *service, sock_t sock, const struct address *remote,
                const struct talk_acts *acts) {
    conn_begin(&talk->conn, service, sock, remote, acts->stop);
    talk->watch.ready = acts->ready;
    talk->timer.due = acts->due;
}

/* Once everything is sent: half-close, so that no RST can destroy what the client has not read yet. */
void talk_part(struct talk *talk) {
    if (talk->parting == LEAVES && !octets_size(&talk->out) && !talk->in.ended) {
        net_shut_sending(talk->conn.sock); /* fails only where the connection is gone already: reading tells */
        talk->parting = LINGERS;
    }
    if (talk->parting == LINGERS)
        octets_clear(&talk->in.octets);
}

bool talk_may_read(const struct talk *talk) {
    return octets_size(&talk->out) < MOST_OUT;
}

int talk_go_on(struct talk *talk, bool (*work)(struct talk *talk)) {
    int code;
    bool full;
    if (talk_may_read(talk))
        pump_in(talk->conn.sock, &talk->in);
    do {
        while (work(talk))
            continue;
        full = !talk_may_read(talk);
        code = pump_out(talk->conn.sock, &talk->out);
    } while (!code && full && !octets_size(&talk->out));
    talk_part(talk);
    return code ? code : talk->in.broken; /* what came before it broke is taken first */
}

bool talk_is_over(const struct talk *talk) {
    return talk->in.ended && !octets_size(&talk->out) && talk->parting != STAYS;
}

void talk_wait_on(struct talk *talk, bool reads, bool sends, int64_t patience) {
    short read = reads && pump_may_read(&talk->in) ? POLLIN : 0;
    short send = sends || octets_size(&talk->out) ? POLLOUT : 0;
    watch_want(&talk->watch, talk->conn.sock, (short)(read | send));
    if (talk->parting != LINGERS)
        timer_set(&talk->timer, clock_now() + patience);
    else if (!talk->timer.place || talk->timer.at > clock_now() + FAREWELL)
        timer_set(&talk->timer, clock_now() + FAREWELL);
}

void talk_end(struct talk *talk, int code) {
    watch_end(&talk->watch);
    timer_end(&talk->timer);
    if (code)
        conn_broke(&talk->conn, code);
    conn_end(&talk->conn);
    octets_free(&talk->in.octets);
    octets_free(&talk->out);
}
