/* Scripts over named FIFOs; see local_parts.h. Owns their names, and how two openings wait for each other without
 * anybody being held up: an open never waits here, it is tried again (fifo(7), open(2): ENXIO). */
#define _POSIX_C_SOURCE 200809L
#include "local_parts.h"

#if HAS_LOCAL
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_LOOKS_APART = 4 * LOOK };

static const char *const names[] = {".up", ".down"};
enum { UP, DOWN, NAMES };

static int make(struct script *script, const char *behind) {
    mode_t mask = umask(0777 & ~OWNER_ONLY);
    int code = mkfifo(local_name(script, behind), OWNER_ONLY) < 0 ? errno : 0;
    umask(mask);
    script->local->made += !code;
    return code;
}

static int prepare(struct script *script) {
    int code = 0;
    if (!script->server)
        return 0;
    for (int i = 0; i < NAMES && !code; i++)
        code = make(script, names[i]);
    if (code)
        return code;
    local_step_created(script);
    local_step_bound(script, script->local->name);
    return 0;
}

static void clear(struct script *script) {
    while (script->local->made)
        unlink(local_name(script, names[--script->local->made]));
}

static bool is_fifo(int end) {
    struct stat about;
    return fstat(end, &about) == 0 && S_ISFIFO(about.st_mode);
}

static int open_end(struct script *script, int which, int direction, sock_t *end) {
    if (*end != NO_SOCKET)
        return 0;
    *end = open(local_name(script, names[which]), direction | O_NONBLOCK | O_CLOEXEC);
    if (*end == NO_SOCKET)
        return errno;
    if (is_fifo(*end))
        return 0;
    close(*end);
    *end = NO_SOCKET;
    return EINVAL;
}

/* Looks less and less often, so that many who wait for nobody cost little. */
static enum progress later(struct script *script) {
    int64_t *looks = &script->local->looks;
    int64_t apart = ++*looks * (LOOK / 8);
    script_look_again(script, apart < MOST_LOOKS_APART ? apart : MOST_LOOKS_APART);
    return WAITING;
}

static enum progress tried(struct script *script, int code) {
    return code == ENXIO || code == EAGAIN ? later(script) : script_failed_with(script, code);
}

static enum progress stands(struct script *script, const char *name) {
    script->local->looks = 0;
    return local_stands(script, name);
}

static enum progress do_accept(struct script *script) {
    struct local *local = script->local;
    enum progress progress = local_once(script);
    if (progress != NEXT)
        return progress;
    int code = open_end(script, UP, O_RDONLY, &local->in);
    if (!code)
        code = open_end(script, DOWN, O_WRONLY, &local->out);
    return code ? tried(script, code) : stands(script, "accepted");
}

/* 0: the writing end was opened, maybe closed again, too. A read finds an end also where there was no writer yet; to
 * poll() that is no end. An octet that came meanwhile is kept in *early. */
static int writer_came(sock_t in, uint8_t *early, bool *is_early) {
    struct pollfd end = {.fd = in, .events = POLLIN};
    if (poll(&end, 1, 0) > 0)
        return 0;
    ssize_t got = read(in, early, 1);
    *is_early = got > 0;
    if (got == 0)
        return EAGAIN;
    return got > 0 || errno == EAGAIN ? 0 : errno;
}

static enum progress do_connect(struct script *script) {
    struct local *local = script->local;
    uint8_t early;
    bool is_early = false;
    enum progress progress = local_once(script);
    if (progress != NEXT)
        return progress;
    if (!script->now.begun)
        local_step_created(script);
    script->now.begun = true;
    int code = open_end(script, UP, O_WRONLY, &local->out);
    if (!code)
        code = open_end(script, DOWN, O_RDONLY, &local->in);
    if (!code)
        code = writer_came(local->in, &early, &is_early);
    if (code)
        return tried(script, code);
    stands(script, "connected");
    if (is_early)
        octets_add(&script->in, &early, sizeof early);
    return NEXT;
}

const struct script_acts local_fifo = {
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
    .await = ends_await,
    .hang_up = ends_hang_up,
    .clear = clear,
    .read = ends_read,
    .write = ends_write,
    .shut = ends_shut,
    .largest_write = LARGEST_WRITE,
};
#endif
