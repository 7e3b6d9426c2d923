/* Two ends, one to read from and one to write to; see local_parts.h. Owns reading, writing and waiting where these are
 * two descriptors. Does not know where they come from: FIFOs, pipes, and for waiting and closing message queues, too.
 */
#define _POSIX_C_SOURCE 200809L
#include "local_parts.h"

#if HAS_LOCAL
#include <errno.h>
#include <unistd.h>

static void out_ready(struct watch *watch, short events) {
    (void)events;
    script_go_on(owner_of(watch, struct local, out_watch)->script, false);
}

void ends_await(struct script *script, short wanted) {
    struct local *local = script->local;
    if (!script->open) {
        script_await_socket(script, wanted);
        return;
    }
    local->out_watch.ready = out_ready;
    if (local->in != NO_SOCKET)
        watch_want(&script->watch, local->in, wanted & POLLIN);
    if (local->out != NO_SOCKET)
        watch_want(&local->out_watch, local->out, wanted & POLLOUT);
}

static void close_end(sock_t *end) {
    if (*end != NO_SOCKET)
        close(*end);
    *end = NO_SOCKET;
}

void ends_hang_up(struct script *script) {
    watch_end(&script->local->out_watch);
    close_end(&script->local->in);
    close_end(&script->local->out);
    script_close_socket(script);
}

static int result(ssize_t returned, size_t *count) {
    *count = returned < 0 ? 0 : (size_t)returned;
    return returned < 0 ? errno : 0;
}

int ends_read(struct script *script, void *to, size_t room, size_t *got) {
    int code;
    do
        code = result(read(script->local->in, to, room), got);
    while (code == EINTR);
    return code;
}

int ends_write(struct script *script, const void *from, size_t size, size_t *put) {
    int code;
    do
        code = result(write(script->local->out, from, size), put);
    while (code == EINTR);
    return code;
}

int ends_shut(struct script *script) {
    if (script->local->out == NO_SOCKET)
        return EBADF;
    watch_end(&script->local->out_watch);
    close_end(&script->local->out);
    return 0;
}
#endif
