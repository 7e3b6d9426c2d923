/* Scripts over shared memory; see local_parts.h. Owns the object: its name, its making and mapping, and when to look
 * again at what nobody tells of. The rings in it are a matter of local_ring.c. */
#define _POSIX_C_SOURCE 200809L
#include "local_parts.h"
#include "local_ring.h"

#if HAS_LOCAL
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOKS_AT_ONCE = 100 }; /* some 100 microseconds: an answer that comes at once is seen at once */

const char *local_memory_lacks(void) {
    if (ATOMIC_LLONG_LOCK_FREE != 2)
        return "this machine cannot load and store 64 bits at once";
    return access("/dev/shm", W_OK | X_OK) == 0 ? NULL : "there is no /dev/shm here, where shared memory objects are";
}

/* ---- the object ---- */

static int map(struct script *script, int fd, size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return errno;
    struct rings *rings = script->local->rings = must_alloc(sizeof *rings);
    *rings = (struct rings){memory, size, script->local->capacity, !script->server, script->server};
    return 0;
}

static void unmap(struct local *local) {
    if (!local->rings)
        return;
    munmap(local->rings->memory, local->rings->size);
    free(local->rings);
    local->rings = NULL;
}

/* What it takes is taken at once: a store for which there is no room later would end the process. */
static int take_room(int fd, size_t size) {
    int code;
    do
        code = posix_fallocate(fd, 0, (off_t)size);
    while (code == EINTR);
    return code;
}

static int make(struct script *script) {
    struct local *local = script->local;
    size_t size = RINGS_HEAD + 2 * (size_t)local->capacity;
    mode_t mask = umask(0777 & ~OWNER_ONLY);
    int fd = shm_open(local->name, O_RDWR | O_CREAT | O_EXCL, OWNER_ONLY);
    int code = fd < 0 ? errno : 0;
    umask(mask);
    if (code)
        return code;
    local->made = 1;
    local_step_created(script);
    code = take_room(fd, size);
    if (!code)
        code = map(script, fd, size);
    close(fd);
    if (!code)
        rings_lay_out(local->rings);
    return code;
}

static int prepare(struct script *script) {
    if (!script->server)
        return 0;
    int code = make(script);
    if (!code)
        local_step_bound(script, script->local->name);
    return code;
}

static void hang_up(struct script *script) {
    if (script->local->rings)
        rings_leave(script->local->rings);
    unmap(script->local);
    if (script->local->in != NO_SOCKET)
        close(script->local->in);
    script->local->in = NO_SOCKET;
}

static void clear(struct script *script) {
    if (script->local->made)
        shm_unlink(script->local->name);
}

/* ---- waiting ---- */

static enum progress later(struct script *script) {
    script_look_again(script, script->local->looks++ < LOOKS_AT_ONCE ? 0 : LOOK);
    return WAITING;
}

static void await(struct script *script, short wanted) {
    if (wanted && !script->look)
        later(script);
}

/* ---- steps ---- */

static enum progress stands(struct script *script, const char *name) {
    script->local->looks = 0;
    return local_stands(script, name);
}

static enum progress do_accept(struct script *script) {
    enum progress progress = local_once(script);
    if (progress != NEXT)
        return progress;
    if (!script->local->rings)
        return script_failed(script, "other", "one object is there for one connection");
    return rings_arrived(script->local->rings) ? stands(script, "accepted") : later(script);
}

static int open_object(struct script *script) {
    local_step_created(script);
    script->local->in = shm_open(script->local->name, O_RDWR, 0);
    return script->local->in == NO_SOCKET ? errno : 0;
}

/* EAGAIN: the server is not that far. */
static int map_laid_out(struct script *script) {
    struct local *local = script->local;
    struct stat about;
    if (fstat(local->in, &about) < 0)
        return errno;
    if (about.st_size < RINGS_HEAD)
        return EAGAIN;
    int code = map(script, local->in, (size_t)about.st_size);
    if (code || rings_are_laid_out(local->rings))
        return code;
    unmap(local);
    return EAGAIN;
}

static enum progress do_connect(struct script *script) {
    int code = 0;
    enum progress progress = local_once(script);
    if (progress != NEXT)
        return progress;
    if (!script->now.begun)
        code = open_object(script);
    script->now.begun = true;
    if (!code)
        code = map_laid_out(script);
    if (code)
        return code == EAGAIN ? later(script) : script_failed_with(script, code);
    rings_arrive(script->local->rings);
    return stands(script, "connected");
}

static int read_some(struct script *script, void *to, size_t room, size_t *got) {
    int code = rings_read(script->local->rings, to, room, got);
    if (*got)
        script->local->looks = 0;
    return code;
}

static int write_some(struct script *script, const void *from, size_t size, size_t *put) {
    *put = 0;
    if (script->local->half_closed)
        return EBADF;
    int code = rings_write(script->local->rings, from, size, put);
    if (*put)
        script->local->looks = 0;
    return code;
}

static int shut(struct script *script) {
    rings_end(script->local->rings);
    script->local->half_closed = true;
    return 0;
}

const struct script_acts local_memory = {
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
    .await = await,
    .hang_up = hang_up,
    .clear = clear,
    .read = read_some,
    .write = write_some,
    .shut = shut,
    .largest_write = LARGEST_WRITE,
};
#endif
