/* What the steps of a script ask for, over UDP; see script.h. */
#include "script.h"

#include <string.h>

enum {
    TOO_LARGE = 64 * 1024, /* no datagram has that many octets: what is asked for beyond fails just as this does */
    DATAGRAMS_A_ROUND = 64,
};

/* In `in`, in front of each datagram. */
struct datagram_head {
    size_t size;
    struct address remote;
};

int datagram_open(struct script *script) {
    int code = net_socket(script->address.name.ss_family, SOCK_DGRAM, &script->sock);
    if (code)
        return code;
    script_created(script);
    script->open = true;
    return 0;
}

static enum progress do_connect(struct script *script) {
    struct address local;
    if (script->had_socket)
        return script_failed(script, "other", "a script connects once");
    int code = datagram_open(script);
    if (code)
        return script_failed_with(script, code);
    step_with_remote(&script->report, "connecting", &script->address);
    code = net_connect(script->sock, &script->address);
    if (!code)
        code = net_local(script->sock, &local);
    if (code)
        return script_failed_with(script, code);
    script->connected = true;
    step_with_both(&script->report, "connected", &local, &script->address);
    return NEXT;
}

/* Where a send goes, or NULL: nowhere yet. */
static const struct address *destination(const struct script *script) {
    if (!script->server)
        return &script->address;
    return script->has_last ? &script->last : NULL;
}

/* The address that datagrams to there leave from. The socket itself only knows its port, for it is bound to no address;
 * a second one that is connected to there knows the address, too. */
static int leaves_from(const struct script *script, const struct address *remote, struct address *local) {
    struct address bound;
    sock_t probe;
    int code = net_local(script->sock, &bound);
    if (!code)
        code = net_socket(remote->name.ss_family, SOCK_DGRAM, &probe);
    if (code)
        return code;
    code = net_connect(probe, remote);
    if (!code)
        code = net_local(probe, local);
    net_close(probe);
    address_set_port(local, address_port(&bound));
    return code;
}

static enum progress tell_sent(struct script *script, const struct address *remote) {
    struct address local;
    script_tell_counted(script, "sent", remote);
    if (script->server || script->connected || script->told_bound)
        return NEXT;
    int code = leaves_from(script, remote, &local);
    if (code)
        return script_failed_with(script, code);
    step_with_local(&script->report, "bound", &local);
    script->told_bound = true;
    return NEXT;
}

static enum progress send_one(struct script *script, const struct address *remote) {
    struct script_now *now = &script->now;
    if (!octets_size(&script->out)) {
        source_start(&now->source, &script_current(script)->payload, (uint32_t)now->done);
        octets_grown(&script->out, source_take(&now->source, octets_reserve(&script->out, TOO_LARGE), TOO_LARGE));
    }
    const uint8_t *datagram = octets_front(&script->out);
    size_t size = octets_size(&script->out);
    int code = net_write_to(script->sock, datagram, size, script->connected ? NULL : remote);
    if (code)
        return net_would_block(code) ? WAITING : script_failed_with(script, code);
    script_count_from_zero(script);
    script_count(script, datagram, size);
    octets_clear(&script->out);
    now->done++;
    return tell_sent(script, remote);
}

enum progress datagram_send(struct script *script) {
    struct script_now *now = &script->now;
    const struct address *remote = destination(script);
    if (script->sock == NO_SOCKET)
        return script_not_open(script);
    if (!remote)
        return script_failed(script, "other", "no datagram came yet that could be answered");
    for (int i = 0; now->done < script_current(script)->count; i++) {
        if (clock_now() < now->wake || i == DATAGRAMS_A_ROUND)
            return WAITING;
        now->wake = 0;
        enum progress progress = send_one(script, remote);
        if (progress != NEXT)
            return progress;
        if (script_current(script)->pause)
            now->wake = clock_now() + script_current(script)->pause;
    }
    return NEXT;
}

/* Takes the oldest datagram that came, and reports it. False: there is none. */
static bool receive_one(struct script *script) {
    struct datagram_head head;
    if (!octets_size(&script->in))
        return false;
    memcpy(&head, octets_front(&script->in), sizeof head);
    octets_drop(&script->in, sizeof head);
    script_count_from_zero(script);
    script_count(script, octets_front(&script->in), head.size);
    octets_drop(&script->in, head.size);
    script_tell_counted(script, "received", &head.remote);
    script->last = head.remote;
    script->has_last = true;
    return true;
}

static enum progress receive_quiet(struct script *script) {
    bool came = false;
    while (receive_one(script))
        came = true;
    if (came)
        return NEXT;
    if (script->coming == BROKEN)
        return script_failed_with(script, script->broken);
    if (clock_now() < script->now.wake)
        return WAITING;
    step(&script->report, "quiet");
    return NEXT;
}

enum progress datagram_receive(struct script *script) {
    struct script_now *now = &script->now;
    const struct script_step *step = script_current(script);
    if (script->sock == NO_SOCKET)
        return script_not_open(script);
    if (!now->begun) {
        now->begun = true;
        now->wake = step->goal == QUIET ? clock_now() + step->pause : 0;
    }
    if (step->goal == QUIET)
        return receive_quiet(script);
    while (now->done < step->count && receive_one(script))
        now->done++;
    if (now->done == step->count)
        return NEXT;
    return script->coming == BROKEN ? script_failed_with(script, script->broken) : WAITING;
}

/* A lazy script takes no more datagrams from the system than it was asked for. */
static uint64_t most_to_gather(const struct script *script) {
    const struct script_step *step = script_current(script);
    if (script->eager)
        return DATAGRAMS_A_ROUND;
    uint64_t left = step->goal == QUIET ? 1 : step->count - script->now.done;
    return left < DATAGRAMS_A_ROUND ? left : DATAGRAMS_A_ROUND;
}

void datagram_gather(struct script *script) {
    static uint8_t datagram[TOO_LARGE];
    struct datagram_head head;
    for (uint64_t most = most_to_gather(script); most && octets_size(&script->in) < MOST_HELD; most--) {
        memset(&head, 0, sizeof head);
        int code = net_read_from(script->sock, datagram, sizeof datagram, &head.size, &head.remote);
        if (net_would_block(code))
            return;
        if (code) {
            script->coming = BROKEN;
            script->broken = code;
            return;
        }
        octets_add(&script->in, &head, sizeof head);
        octets_add(&script->in, datagram, head.size);
    }
}

static bool connects(const struct script *script) {
    for (size_t i = 0; i < script->step_count; i++)
        if (script->steps[i].act == CONNECT)
            return true;
    return false;
}

static int prepare(struct script *script) {
    struct address local;
    if (!script->server && connects(script))
        return 0;
    int code = datagram_open(script);
    if (code || !script->server)
        return code;
    code = net_bind(script->sock, SOCK_DGRAM, &script->address);
    if (!code)
        code = net_local(script->sock, &local);
    if (code)
        return code;
    step_with_local(&script->report, "bound", &local);
    report_now(&script->report);
    return 0;
}

const struct script_acts script_datagram = {
    .act = {[CONNECT] = do_connect,
            [SEND] = datagram_send,
            [RECEIVE] = datagram_receive,
            [CLOSE] = script_close,
            [WAIT] = script_wait},
    .prepare = prepare,
    .gather = datagram_gather,
    .await = script_await_socket,
    .hang_up = script_close_socket,
};
