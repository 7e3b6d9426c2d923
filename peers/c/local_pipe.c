/* Scripts over anonymous pipes; see local_parts.h. Owns how their ends are handed from one process to the other. */
#define _GNU_SOURCE /* pipe2 */
#include "local_parts.h"

#if HAS_LOCAL
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { READING, WRITING, ENDS };

static int prepare(struct script *script) {
    return script->server ? unix_listen(script, SOCK_STREAM) : 0;
}

static void clear(struct script *script) {
    if (script->local->made)
        unix_remove(script->local->name);
}

static enum progress stands(struct script *script, const char *name) {
    script_close_socket(script);
    return local_stands(script, name);
}

/* ---- the server, who makes them ---- */

/* Only the ends that stay here never wait: how the other process waits on its own is its own matter. */
static void wait_never(sock_t end) {
    fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK);
}

/* The same end once more, but not the same open file: a copy would share with the other process how it waits. */
static int open_again(sock_t end, sock_t *again) {
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", end);
    *again = open(path, O_WRONLY | O_CLOEXEC);
    return *again == NO_SOCKET ? errno : 0;
}

static int make(sock_t ends[ENDS]) {
    return pipe2(ends, O_CLOEXEC) < 0 ? errno : 0;
}

static int hand_over(struct script *script, const sock_t *ends, size_t count) {
    size_t put;
    int code = descriptors_send(script->sock, "p", 1, &put, ends, count);
    for (size_t i = 0; i < count; i++)
        close(ends[i]);
    return code;
}

static int hand_pair(struct script *script) {
    struct local *local = script->local;
    sock_t up[ENDS], down[ENDS];
    int code = make(up);
    if (code)
        return code;
    local->in = up[READING];
    code = make(down);
    if (code) {
        close(up[WRITING]);
        return code;
    }
    local->out = down[WRITING];
    return hand_over(script, (const sock_t[]){down[READING], up[WRITING]}, 2);
}

static int hand_joined(struct script *script) {
    struct local *local = script->local;
    sock_t both[ENDS];
    int code = make(both);
    if (code)
        return code;
    local->in = both[READING];
    code = open_again(both[WRITING], &local->out);
    if (code) {
        close(both[WRITING]);
        return code;
    }
    return hand_over(script, &both[WRITING], 1);
}

static enum progress do_accept(struct script *script) {
    struct local *local = script->local;
    struct address remote;
    enum progress progress = local_once(script);
    if (progress != NEXT)
        return progress;
    int code = net_accept(script->listener, &script->sock, &remote);
    if (net_would_block(code))
        return WAITING;
    if (!code)
        code = local->joined ? hand_joined(script) : hand_pair(script);
    if (code)
        return script_failed_with(script, code);
    wait_never(local->in);
    wait_never(local->out);
    return stands(script, "accepted");
}

/* ---- the client, who gets them ---- */

static enum progress take(struct script *script) {
    struct local *local = script->local;
    if (local->passed_count == 2)
        local->in = descriptor_oldest(local);
    if (local->passed_count != 1)
        return script_failed(script, "other", "neither one descriptor came nor two");
    local->out = descriptor_oldest(local);
    if (local->in != NO_SOCKET)
        wait_never(local->in);
    wait_never(local->out);
    return stands(script, "connected");
}

/* Of a joined pipe a client has one end. */
static enum progress do_receive(struct script *script) {
    if (script->open && script->local->in == NO_SOCKET)
        return script_failed(script, "other", "this side has no end to read from");
    return stream_receive(script);
}

static enum progress await_ends(struct script *script) {
    struct local *local = script->local;
    uint8_t octet;
    size_t got;
    int code = descriptors_receive(script->sock, &octet, 1, &got, local->passed, &local->passed_count);
    if (net_would_block(code))
        return WAITING;
    if (code)
        return script_failed_with(script, code);
    return got ? take(script) : script_failed(script, "ended", "the socket ended before the pipes came");
}

static enum progress do_connect(struct script *script) {
    if (!script->now.reached) {
        enum progress progress = unix_connect(script, SOCK_STREAM);
        if (progress != NEXT)
            return progress;
        script->now.reached = true;
    }
    return await_ends(script);
}

/* While it connects a client waits for what it is handed, not for room to write. */
static void await(struct script *script, short wanted) {
    if (!script->open && script_current(script)->act == CONNECT)
        wanted = script->now.reached ? POLLIN : 0;
    ends_await(script, wanted);
}

static void hang_up(struct script *script) {
    descriptors_close(script->local);
    ends_hang_up(script);
}

const struct script_acts local_pipe = {
    .act = {[CONNECT] = do_connect,
            [ACCEPT] = do_accept,
            [SEND] = stream_send,
            [RECEIVE] = do_receive,
            [HALF_CLOSE] = stream_half_close,
            [CLOSE] = script_close,
            [WAIT] = script_wait},
    .prepare = prepare,
    .gather = stream_gather,
    .rest = stream_rest,
    .await = await,
    .hang_up = hang_up,
    .clear = clear,
    .read = ends_read,
    .write = ends_write,
    .shut = ends_shut,
    .largest_write = LARGEST_WRITE,
};
#endif
