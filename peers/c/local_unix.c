/* Scripts over sockets of the Unix domain; see local_parts.h. Owns connections, streams as well as records, and the
 * datagram sockets. How octets are cut and records are told is a matter of script_stream.c and local_records.c. */
#define _GNU_SOURCE /* struct ucred */
#include "local_parts.h"

#if HAS_LOCAL
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

static int type_of(const struct script *script) {
    return script->transport->acts == &local_unix ? SOCK_STREAM : SOCK_SEQPACKET;
}

/* ---- connections ---- */

static void put_credentials(struct script *script) {
    struct ucred other;
    socklen_t size = sizeof other;
    char who[100];
    struct octets *to;
    if (getsockopt(script->sock, SOL_SOCKET, SO_PEERCRED, &other, &size) < 0)
        return;
    snprintf(who, sizeof who, "{\"pid\":%ld,\"uid\":%lu,\"gid\":%lu}", (long)other.pid, (unsigned long)other.uid,
             (unsigned long)other.gid);
    to = step_member(&script->report, "credentials");
    if (to)
        octets_add_text(to, who);
}

static enum progress stands(struct script *script, const char *name) {
    script_opened(script);
    script->local->half_closed = false;
    step_open(&script->report, name);
    if (script_current(script)->more.credentials)
        put_credentials(script);
    step_close(&script->report);
    return NEXT;
}

static enum progress do_connect(struct script *script) {
    enum progress progress = unix_connect(script, type_of(script));
    return progress == NEXT ? stands(script, "connected") : progress;
}

static enum progress do_accept(struct script *script) {
    struct address remote;
    enum progress progress = local_once(script);
    if (progress != NEXT)
        return progress;
    int code = net_accept(script->listener, &script->sock, &remote);
    if (net_would_block(code))
        return WAITING;
    return code ? script_failed_with(script, code) : stands(script, "accepted");
}

static int prepare(struct script *script) {
    return script->server ? unix_listen(script, type_of(script)) : 0;
}

static void hang_up(struct script *script) {
    descriptors_close(script->local);
    script_close_socket(script);
}

static void hang_up_records(struct script *script) {
    records_forget(script);
    hang_up(script);
}

static void clear(struct script *script) {
    if (script->local->made)
        unix_remove(script->local->name);
}

/* ---- octets and records ---- */

static int read_some(struct script *script, void *to, size_t room, size_t *got) {
    struct local *local = script->local;
    return descriptors_receive(script->sock, to, room, got, local->passed, &local->passed_count);
}

/* With the first octets of a send goes its descriptor. */
static int write_with(struct script *script, const void *from, size_t size, size_t *put) {
    struct local *local = script->local;
    int code = 0;
    *put = 0;
    if (local->passing == NO_SOCKET)
        code = descriptor_make(&script_current(script)->more.passed, &local->passing);
    if (!code)
        code = descriptors_send(script->sock, from, size, put, &local->passing, 1);
    if (code)
        return code;
    net_close(local->passing);
    local->passing = NO_SOCKET;
    script->now.passed = true;
    return 0;
}

static int write_some(struct script *script, const void *from, size_t size, size_t *put) {
    bool passes = script_current(script)->more.passes && !script->now.passed;
    *put = 0;
    if (script->local->half_closed) /* the system would say the same as if the reader were gone */
        return ENOTCONN;
    return passes ? write_with(script, from, size, put) : net_write(script->sock, from, size, put);
}

static int shut(struct script *script) {
    int code = net_shut_sending(script->sock);
    script->local->half_closed = !code;
    return code;
}

/* The octets came; the descriptor may come later. */
static enum progress complete(struct script *script) {
    struct local *local = script->local;
    if (!script_current(script)->more.passes || script->now.passed)
        return NEXT;
    if (local->reading == NO_SOCKET && !local->passed_count)
        return script->coming == COMING ? WAITING : stream_no_more(script);
    if (local->reading == NO_SOCKET)
        descriptor_begin(local, descriptor_oldest(local));
    return descriptor_read(script);
}

const struct script_acts local_unix = {
    .act = {[CONNECT] = do_connect,
            [ACCEPT] = do_accept,
            [SEND] = stream_send,
            [RECEIVE] = stream_receive,
            [HALF_CLOSE] = stream_half_close,
            [CLOSE] = script_close,
            [WAIT] = script_wait},
    .prepare = prepare,
    .gather = stream_gather,
    .rest = stream_rest,
    .await = script_await_socket,
    .hang_up = hang_up,
    .clear = clear,
    .read = read_some,
    .write = write_some,
    .shut = shut,
    .largest_write = LARGEST_WRITE,
    .complete = complete,
    .tell = descriptor_tell,
};

/* With a record comes its own descriptor, or none. */
static enum progress complete_record(struct script *script) {
    struct local *local = script->local;
    if (!script_current(script)->more.passes || script->now.passed)
        return NEXT;
    if (local->reading != NO_SOCKET)
        return descriptor_read(script);
    script_tell_counted(script, "received", NULL);
    return script_failed(script, "other", "no descriptor came with the record");
}

const struct script_acts local_seqpacket = {
    .act = {[CONNECT] = do_connect,
            [ACCEPT] = do_accept,
            [SEND] = records_send,
            [RECEIVE] = records_receive,
            [HALF_CLOSE] = stream_half_close,
            [CLOSE] = script_close,
            [WAIT] = script_wait},
    .prepare = prepare,
    .gather = records_gather,
    .await = script_await_socket,
    .hang_up = hang_up_records,
    .clear = clear,
    .read = read_some,
    .write = write_some,
    .shut = shut,
    .complete = complete_record,
    .tell = descriptor_tell,
};

/* ---- datagrams ---- */

static int bind_datagram(struct script *script, const char *name) {
    int code = unix_socket(script, SOCK_DGRAM, &script->sock);
    if (!code)
        code = unix_bind(script->sock, name);
    script->local->made = !code;
    return code;
}

static enum progress connect_datagram(struct script *script) {
    enum progress progress = local_once(script);
    if (progress != NEXT)
        return progress;
    int code = bind_datagram(script, local_name(script, ".client"));
    if (!code)
        code = unix_connect_to(script->sock, script->local->name);
    return code ? script_failed_with(script, code) : local_stands(script, "connected");
}

static int prepare_datagram(struct script *script) {
    if (!script->server)
        return 0;
    int code = bind_datagram(script, script->local->name);
    if (code)
        return code;
    script_opened(script);
    local_step_bound(script, script->local->name);
    return 0;
}

static int read_datagram(struct script *script, void *to, size_t room, size_t *got) {
    return net_read_from(script->sock, to, room, got, &script->local->remote);
}

/* Where the reader's queue is full, nothing that could be waited for tells when it is no more (unix(7)). */
static int write_datagram(struct script *script, const void *from, size_t size, size_t *put) {
    const struct address *to = script->server ? &script->last : NULL;
    if (script->server && !script->has_last)
        return EDESTADDRREQ;
    int code = net_write_to(script->sock, from, size, to);
    *put = code ? 0 : size;
    if (code != EAGAIN && code != ENOBUFS)
        return code;
    script_look_again(script, LOOK);
    return EAGAIN;
}

static void await_datagram(struct script *script, short wanted) {
    script_await_socket(script, wanted & POLLIN);
}

static void clear_datagram(struct script *script) {
    if (script->local->made)
        unix_remove(script->server ? script->local->name : local_name(script, ".client"));
}

const struct script_acts local_datagram = {
    .act = {[CONNECT] = connect_datagram,
            [SEND] = records_send,
            [RECEIVE] = records_receive,
            [CLOSE] = script_close,
            [WAIT] = script_wait},
    .prepare = prepare_datagram,
    .gather = records_gather,
    .await = await_datagram,
    .hang_up = script_close_socket,
    .clear = clear_datagram,
    .read = read_datagram,
    .write = write_datagram,
};
#endif
