/* Descriptors that are passed along with octets; see local_parts.h. Owns the control messages (SCM_RIGHTS, unix(7)),
 * and what a descriptor that came holds. */
#define _GNU_SOURCE /* pipe2, MSG_CMSG_CLOEXEC */
#include "local_parts.h"

#if HAS_LOCAL
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PIECE = 4096 };

/* Room for a control message, aligned as its head has to be. */
union control {
    struct cmsghdr head;
    char room[CMSG_SPACE(MOST_PASSED * sizeof(int))];
};

static int result(ssize_t returned, size_t *count) {
    *count = returned < 0 ? 0 : (size_t)returned;
    return returned < 0 ? errno : 0;
}

int descriptors_send(sock_t sock, const void *from, size_t size, size_t *put, const sock_t *passed, size_t count) {
    union control control;
    struct iovec octets = {.iov_base = (void *)(uintptr_t)from, .iov_len = size};
    struct msghdr message = {.msg_iov = &octets, .msg_iovlen = 1, .msg_control = control.room};
    int code;
    memset(&control, 0, sizeof control);
    message.msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof *passed); /* musl has it as a socklen_t */
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = (socklen_t)CMSG_LEN(count * sizeof *passed);
    memcpy(CMSG_DATA(head), passed, count * sizeof *passed);
    do
        code = result(sendmsg(sock, &message, MSG_NOSIGNAL), put);
    while (code == EINTR);
    return code;
}

static void keep_or_close(sock_t came, sock_t passed[MOST_PASSED], size_t *count) {
    if (*count < MOST_PASSED)
        passed[(*count)++] = came;
    else
        close(came);
}

/* There is one control message, for who asks the system for no other kinds. */
static void take_rights(const struct cmsghdr *head, sock_t passed[MOST_PASSED], size_t *count) {
    sock_t came[MOST_PASSED];
    if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
        return;
    size_t size = head->cmsg_len - CMSG_LEN(0);
    memcpy(came, CMSG_DATA(head), size);
    for (size_t i = 0; i < size / sizeof *came; i++)
        keep_or_close(came[i], passed, count);
}

int descriptors_receive(sock_t sock, void *to, size_t room, size_t *got, sock_t passed[MOST_PASSED], size_t *count) {
    union control control;
    struct iovec octets = {.iov_base = to, .iov_len = room};
    struct msghdr message = {.msg_iov = &octets, .msg_iovlen = 1, .msg_control = control.room};
    int code;
    do {
        message.msg_controllen = sizeof control.room;
        code = result(recvmsg(sock, &message, MSG_CMSG_CLOEXEC), got);
    } while (code == EINTR);
    if (code)
        return code;
    take_rights(CMSG_FIRSTHDR(&message), passed, count);
    return 0;
}

/* A pipe has room for what it may hold, so that nobody has to read meanwhile. */
int descriptor_make(const struct payload *payload, sock_t *made) {
    uint8_t octets[PIECE];
    struct source source;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return errno;
    source_start(&source, payload, 0);
    size_t size = source_take(&source, octets, sizeof octets);
    int code = !size || write(ends[1], octets, size) == (ssize_t)size ? 0 : EIO;
    close(ends[1]);
    if (code)
        close(ends[0]);
    else
        *made = ends[0];
    return code;
}

/* ---- what came ---- */

static void close_reading(struct local *local) {
    watch_end(&local->reading_watch);
    close(local->reading);
    local->reading = NO_SOCKET;
}

static void reading_ready(struct watch *watch, short events) {
    (void)events;
    script_go_on(owner_of(watch, struct local, reading_watch)->script, false);
}

/* 0 once the end was read. */
static int read_on(struct local *local) {
    uint8_t octets[PIECE];
    for (size_t turn = 0; turn < TURN; turn += CALL) {
        ssize_t got = read(local->reading, octets, sizeof octets);
        if (got == 0)
            return 0;
        if (got < 0 && errno != EINTR)
            return errno;
        if (got > 0)
            sha256_add(&local->held, octets, (size_t)got);
        turn += got > 0 ? (size_t)got : 0;
    }
    return EAGAIN;
}

enum progress descriptor_read(struct script *script) {
    struct local *local = script->local;
    int code = read_on(local);
    if (net_would_block(code)) {
        local->reading_watch.ready = reading_ready;
        watch_want(&local->reading_watch, local->reading, POLLIN);
        return WAITING;
    }
    close_reading(local);
    if (code)
        return script_failed_with(script, code);
    script->now.passed = true;
    return NEXT;
}

sock_t descriptor_oldest(struct local *local) {
    sock_t oldest = local->passed[0];
    memmove(local->passed, local->passed + 1, --local->passed_count * sizeof *local->passed);
    return oldest;
}

/* Nobody shall have to wait for what is at its other end. */
void descriptor_begin(struct local *local, sock_t came) {
    local->reading = came;
    fcntl(came, F_SETFL, fcntl(came, F_GETFL) | O_NONBLOCK);
    sha256_start(&local->held);
}

void descriptor_tell(struct script *script) {
    char hex[SHA256_HEX + 1];
    struct octets *to;
    if (script_current(script)->act != RECEIVE || !script->now.passed)
        return;
    to = step_member(&script->report, "descriptor");
    if (!to)
        return;
    sha256_hex(&script->local->held, hex);
    octets_add_text(to, "{\"octets\":");
    json_put_whole(to, (int64_t)script->local->held.size);
    octets_add_text(to, ",\"digest\":\"");
    octets_add_text(to, hex);
    octets_add_text(to, "\"}");
}

void descriptors_close(struct local *local) {
    while (local->passed_count)
        close(local->passed[--local->passed_count]);
    if (local->reading != NO_SOCKET)
        close_reading(local);
    if (local->passing != NO_SOCKET)
        close(local->passing);
    local->passing = NO_SOCKET;
}
#endif
