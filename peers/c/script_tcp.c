/* What the steps of a script ask for, over TCP; see script.h. Owns how a connection comes about and how it is closed.
 * The octets on it are those of any stream: script_stream.c. */
#include "script.h"

enum { WRITE = 64 * 1024 };

static enum progress stands(struct script *script, const char *name, const struct address *remote) {
    struct address local;
    int code = net_local(script->sock, &local);
    if (code)
        return script_failed_with(script, code);
    script_opened(script);
    step_with_both(&script->report, name, &local, remote);
    return NEXT;
}

static int open_socket(struct script *script, sock_t *sock) {
    int code = net_socket(script->address.name.ss_family, SOCK_STREAM, sock);
    if (!code)
        script_created(script);
    return code;
}

static int begin_connect(struct script *script) {
    int code = open_socket(script, &script->sock);
    if (code)
        return code;
    step_with_remote(&script->report, "connecting", &script->address);
    return net_connect(script->sock, &script->address);
}

/* A refusal is another code: so the connection stood, and was reset before this was looked at. */
static enum progress stood(struct script *script, int code) {
    enum progress progress = stands(script, "connected", &script->address);
    script->coming = BROKEN;
    script->broken = code;
    return progress;
}

static enum progress do_connect(struct script *script) {
    int code;
    if (script->now.begun) {
        if (!script->writable)
            return WAITING;
        code = net_connect_result(script->sock);
    } else {
        if (script->had_socket)
            return script_failed(script, "other", "a script connects once");
        script->now.begun = true;
        script->writable = false;
        code = begin_connect(script);
    }
    if (net_would_block(code))
        return WAITING;
    if (net_is_reset(code))
        return stood(script, code);
    return code ? script_failed_with(script, code) : stands(script, "connected", &script->address);
}

static enum progress do_accept(struct script *script) {
    struct address remote;
    if (script->sock != NO_SOCKET)
        return script_failed(script, "other", "there is a connection already");
    int code = net_accept(script->listener, &script->sock, &remote);
    if (net_would_block(code))
        return WAITING;
    return code ? script_failed_with(script, code) : stands(script, "accepted", &remote);
}

static void abort_socket(struct script *script) {
    net_abort(script->sock);
    script->sock = NO_SOCKET;
}

static enum progress do_reset(struct script *script) {
    if (script->sock == NO_SOCKET)
        return script_not_open(script);
    step_reset(&script->report, "us");
    script_leave(script, abort_socket);
    return NEXT;
}

static int listen_and_tell(struct script *script) {
    struct address local;
    int code = net_bind(script->listener, SOCK_STREAM, &script->address);
    if (!code)
        code = net_local(script->listener, &local);
    if (code)
        return code;
    step_with_local(&script->report, "bound", &local);
    code = net_listen(script->listener, (int)script->backlog);
    if (!code)
        step_with_local(&script->report, "listening", &local);
    return code;
}

static int prepare(struct script *script) {
    if (!script->server)
        return 0;
    int code = open_socket(script, &script->listener);
    if (!code)
        code = listen_and_tell(script);
    if (!code)
        report_now(&script->report);
    return code;
}

static int read_some(struct script *script, void *to, size_t room, size_t *got) {
    return net_read(script->sock, to, room, got);
}

static int write_some(struct script *script, const void *from, size_t size, size_t *put) {
    return net_write(script->sock, from, size, put);
}

static int shut(struct script *script) {
    return net_shut_sending(script->sock);
}

const struct script_acts script_tcp = {
    .act = {[CONNECT] = do_connect,
            [ACCEPT] = do_accept,
            [SEND] = stream_send,
            [RECEIVE] = stream_receive,
            [HALF_CLOSE] = stream_half_close,
            [CLOSE] = script_close,
            [RESET] = do_reset,
            [WAIT] = script_wait},
    .prepare = prepare,
    .gather = stream_gather,
    .rest = stream_rest,
    .await = script_await_socket,
    .hang_up = script_close_socket,
    .read = read_some,
    .write = write_some,
    .shut = shut,
    .largest_write = WRITE,
};
