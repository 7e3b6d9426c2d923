/* Scripts over message queues; see local_parts.h. Owns the two queues, their names and attributes (mq_overview(7)). On
 * Linux a queue is a descriptor that poll() knows, and that is how it is waited for. */
#define _GNU_SOURCE /* RLIMIT_MSGQUEUE */
#include "local_parts.h"

#if HAS_LOCAL
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const names[] = {"-up", "-down"};
enum { UP, DOWN };

const char *local_queue_lacks(void) {
    bool there = mq_unlink("/parley-is-there") == 0 || errno != ENOSYS;
    return there ? NULL : "this kernel has no message queues";
}

/* What is usual is not enough for 128 conversations. Where more is not allowed, mq_open() says so when there is no
 * more. */
static void raise_limit(void) {
    static bool raised;
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    if (raised)
        return;
    raised = true;
    if (setrlimit(RLIMIT_MSGQUEUE, &limit) == 0 || getrlimit(RLIMIT_MSGQUEUE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_MSGQUEUE, &limit);
}

static int make(struct script *script, int which, int direction, sock_t *queue) {
    struct local *local = script->local;
    struct mq_attr room = {.mq_maxmsg = (long)local->messages, .mq_msgsize = (long)local->message_size};
    mode_t mask = umask(0777 & ~OWNER_ONLY);
    *queue = mq_open(local_name(script, names[which]), direction | O_CREAT | O_EXCL | O_NONBLOCK | O_CLOEXEC,
                     OWNER_ONLY, &room);
    int code = *queue == NO_SOCKET ? errno : 0;
    umask(mask);
    local->made += !code;
    return code;
}

static int prepare(struct script *script) {
    if (!script->server)
        return 0;
    raise_limit();
    int code = make(script, UP, O_RDONLY, &script->local->in);
    if (!code)
        code = make(script, DOWN, O_WRONLY, &script->local->out);
    if (code)
        return code;
    local_step_created(script);
    script_opened(script);
    local_step_bound(script, script->local->name);
    return 0;
}

static void clear(struct script *script) {
    while (script->local->made)
        mq_unlink(local_name(script, names[--script->local->made]));
}

static int open_queue(struct script *script, int which, int direction, sock_t *queue) {
    *queue = mq_open(local_name(script, names[which]), direction | O_NONBLOCK | O_CLOEXEC);
    return *queue == NO_SOCKET ? errno : 0;
}

static enum progress do_connect(struct script *script) {
    struct local *local = script->local;
    struct mq_attr room;
    enum progress progress = local_once(script);
    if (progress != NEXT)
        return progress;
    local_step_created(script);
    int code = open_queue(script, UP, O_WRONLY, &local->out);
    if (!code)
        code = open_queue(script, DOWN, O_RDONLY, &local->in);
    if (!code && mq_getattr(local->in, &room) < 0)
        code = errno;
    if (code)
        return script_failed_with(script, code);
    local->largest = (size_t)room.mq_msgsize;
    return local_stands(script, "connected");
}

static int read_message(struct script *script, void *to, size_t room, size_t *got) {
    ssize_t size;
    do
        size = mq_receive(script->local->in, to, room, &script->local->priority);
    while (size < 0 && errno == EINTR);
    *got = size < 0 ? 0 : (size_t)size;
    return size < 0 ? errno : 0;
}

static int write_message(struct script *script, const void *from, size_t size, size_t *put) {
    unsigned priority = (unsigned)script_current(script)->more.priority;
    int code;
    do
        code = mq_send(script->local->out, from, size, priority) < 0 ? errno : 0;
    while (code == EINTR);
    *put = code ? 0 : size;
    return code;
}

static void tell(struct script *script) {
    if (script_current(script)->act == RECEIVE)
        step_whole(&script->report, "priority", script->local->priority);
    else if (script_current(script)->more.priority)
        step_whole(&script->report, "priority", (int64_t)script_current(script)->more.priority);
}

/* Nothing tells how many messages are there: it is looked at again and again. */
static enum progress do_wait(struct script *script) {
    const struct step_more *more = &script_current(script)->more;
    struct mq_attr now;
    if (!more->counts)
        return script_wait(script);
    if (!script->open)
        return script_not_open(script);
    if (mq_getattr(script->local->in, &now) < 0)
        return script_failed_with(script, errno);
    if ((uint64_t)now.mq_curmsgs >= more->messages)
        return NEXT;
    script_look_again(script, LOOK);
    return WAITING;
}

const struct script_acts local_queue = {
    .act = {[CONNECT] = do_connect,
            [SEND] = records_send,
            [RECEIVE] = records_receive,
            [CLOSE] = script_close,
            [WAIT] = do_wait},
    .prepare = prepare,
    .gather = records_gather,
    .await = ends_await,
    .hang_up = ends_hang_up,
    .clear = clear,
    .read = read_message,
    .write = write_message,
    .tell = tell,
};
#endif
