/* The platform of POSIX systems; see platform.h. */
#if defined(__linux__)
#define _GNU_SOURCE /* accept4 */
#else
#define _POSIX_C_SOURCE 200809L
#endif
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static struct utsname names;
static int output_flags = -1;

bool net_would_block(int code) {
    return code == EAGAIN || code == EWOULDBLOCK || code == EINPROGRESS;
}

bool net_is_reset(int code) {
    return code == ECONNRESET || code == EPIPE;
}

const char *net_error_word(int code) {
    static const struct {
        int code;
        const char *word;
    } words[] = {
        {ECONNREFUSED,  "refused"              },
        {ECONNRESET,    "reset"                },
        {EPIPE,         "reset"                },
        {ETIMEDOUT,     "timeout"              },
        {ENETUNREACH,   "unreachable"          },
        {EHOSTUNREACH,  "unreachable"          },
        {ENETDOWN,      "unreachable"          },
        {EADDRINUSE,    "address-in-use"       },
        {EADDRNOTAVAIL, "address-not-available"},
        {EEXIST,        "address-in-use"       },
        {ENOENT,        "missing"              },
        {ESRCH,         "missing"              },
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].code == code)
            return words[i].word;
    return "other";
}

const char *net_error_says(int code) {
    return strerror(code);
}

/* Each conversation takes a descriptor or two: take as many as the system gives. */
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void platform_start(void) {
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    if (uname(&names) != 0)
        strcpy(names.sysname, "POSIX");
    output_flags = fcntl(CONTROL_OUT, F_GETFL);
    if (output_flags != -1)
        fcntl(CONTROL_OUT, F_SETFL, output_flags | O_NONBLOCK);
}

static int result(int returned) {
    return returned < 0 ? errno : 0;
}

static int set_option(sock_t sock, int level, int option) {
    int on = 1;
    return result(setsockopt(sock, level, option, &on, sizeof on));
}

#ifndef __linux__
static int set_non_blocking(sock_t sock) {
    int flags = fcntl(sock, F_GETFL);
    return flags < 0 ? errno : result(fcntl(sock, F_SETFL, flags | O_NONBLOCK));
}
#endif

static sock_t new_socket(int family, int type) {
#ifdef __linux__
    return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
#else
    sock_t sock = socket(family, type, 0);
    if (sock != NO_SOCKET)
        set_non_blocking(sock);
    return sock;
#endif
}

int net_socket(int family, int type, sock_t *sock) {
    *sock = new_socket(family, type);
    if (*sock == NO_SOCKET)
        return errno;
    return type == SOCK_STREAM ? set_option(*sock, IPPROTO_TCP, TCP_NODELAY) : 0;
}

int net_bind(sock_t sock, int type, const struct address *local) {
    int code = 0;
    if (local->name.ss_family == AF_INET6)
        code = set_option(sock, IPPROTO_IPV6, IPV6_V6ONLY);
    if (!code && type == SOCK_STREAM)
        code = set_option(sock, SOL_SOCKET, SO_REUSEADDR);
    return code ? code : result(bind(sock, (const struct sockaddr *)&local->name, local->size));
}

int net_listen(sock_t sock, int backlog) {
    return result(listen(sock, backlog ? backlog : BACKLOG));
}

int net_accept(sock_t listener, sock_t *sock, struct address *remote) {
    do {
        remote->size = sizeof remote->name;
#ifdef __linux__
        *sock = accept4(listener, (struct sockaddr *)&remote->name, &remote->size, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
        *sock = accept(listener, (struct sockaddr *)&remote->name, &remote->size);
        if (*sock != NO_SOCKET)
            set_non_blocking(*sock);
#endif
    } while (*sock == NO_SOCKET && (errno == EINTR || errno == ECONNABORTED));
    if (*sock == NO_SOCKET)
        return errno;
    set_option(*sock, IPPROTO_TCP, TCP_NODELAY); /* fails only where the connection is gone already: reading tells */
    return 0;
}

int net_connect(sock_t sock, const struct address *remote) {
    int code = result(connect(sock, (const struct sockaddr *)&remote->name, remote->size));
    return code == EINTR ? EINPROGRESS : code;
}

int net_connect_result(sock_t sock) {
    int code = 0;
    socklen_t size = sizeof code;
    return getsockopt(sock, SOL_SOCKET, SO_ERROR, &code, &size) < 0 ? errno : code;
}

int net_local(sock_t sock, struct address *local) {
    local->size = sizeof local->name;
    return result(getsockname(sock, (struct sockaddr *)&local->name, &local->size));
}

static int io_result(ssize_t returned, size_t *count) {
    *count = returned < 0 ? 0 : (size_t)returned;
    return returned < 0 ? errno : 0;
}

int net_read(sock_t sock, void *to, size_t room, size_t *got) {
    int code;
    do
        code = io_result(recv(sock, to, room, 0), got);
    while (code == EINTR);
    return code;
}

int net_write(sock_t sock, const void *from, size_t size, size_t *put) {
    int code;
    do
        code = io_result(send(sock, from, size, 0), put);
    while (code == EINTR);
    return code;
}

int net_read_from(sock_t sock, void *to, size_t room, size_t *got, struct address *remote) {
    int code;
    do {
        remote->size = sizeof remote->name;
        code = io_result(recvfrom(sock, to, room, 0, (struct sockaddr *)&remote->name, &remote->size), got);
    } while (code == EINTR);
    return code;
}

int net_write_to(sock_t sock, const void *from, size_t size, const struct address *remote) {
    const struct sockaddr *name = remote ? (const struct sockaddr *)&remote->name : NULL;
    size_t put;
    int code;
    do
        code = io_result(sendto(sock, from, size, 0, name, remote ? remote->size : 0), &put);
    while (code == EINTR);
    return code;
}

int net_take_urgent_in_line(sock_t sock) {
    return set_option(sock, SOL_SOCKET, SO_OOBINLINE);
}

int net_shut_sending(sock_t sock) {
    return result(shutdown(sock, SHUT_WR));
}

void net_close(sock_t sock) {
    close(sock);
}

void net_abort(sock_t sock) {
    struct linger abort = {.l_onoff = 1, .l_linger = 0};
    setsockopt(sock, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    close(sock);
}

bool net_has_ipv6(void) {
    sock_t sock = new_socket(AF_INET6, SOCK_DGRAM);
    if (sock == NO_SOCKET)
        return false;
    close(sock);
    return true;
}

/* ---- multicast ---- */

unsigned net_device(const char *name) {
    return if_nametoindex(name);
}

int net_share_port(sock_t sock) {
    return set_option(sock, SOL_SOCKET, SO_REUSEADDR);
}

#ifdef MCAST_JOIN_GROUP /* RFC 3678: the same for both families */
bool net_has_groups(void) {
    return true;
}

static int level_of(const struct address *address) {
    return address->name.ss_family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
}

static int change_membership(sock_t sock, const struct net_group *group, int for_all, int for_one) {
    struct group_req all = {.gr_interface = group->device, .gr_group = group->group.name};
    struct group_source_req one = {
        .gsr_interface = group->device, .gsr_group = group->group.name, .gsr_source = group->source.name};
    if (group->has_source)
        return result(setsockopt(sock, level_of(&group->group), for_one, &one, sizeof one));
    return result(setsockopt(sock, level_of(&group->group), for_all, &all, sizeof all));
}

int net_join(sock_t sock, const struct net_group *group) {
    return change_membership(sock, group, MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP);
}

int net_leave(sock_t sock, const struct net_group *group) {
    return change_membership(sock, group, MCAST_LEAVE_GROUP, MCAST_LEAVE_SOURCE_GROUP);
}

static int aim_ipv4(sock_t sock, const struct net_group *group) {
    const struct sockaddr_in *host = (const struct sockaddr_in *)(const void *)&group->host.name;
    unsigned char loop = 0, hops = (unsigned char)group->hops;
    int code = result(setsockopt(sock, IPPROTO_IP, IP_MULTICAST_IF, &host->sin_addr, sizeof host->sin_addr));
    if (!code)
        code = result(setsockopt(sock, IPPROTO_IP, IP_MULTICAST_LOOP, &loop, sizeof loop));
    if (!code && group->hops >= 0)
        code = result(setsockopt(sock, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof hops));
    return code;
}

static int aim_ipv6(sock_t sock, const struct net_group *group) {
    unsigned loop = 0;
    int code = result(setsockopt(sock, IPPROTO_IPV6, IPV6_MULTICAST_IF, &group->device, sizeof group->device));
    if (!code)
        code = result(setsockopt(sock, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &loop, sizeof loop));
    if (!code && group->hops >= 0)
        code = result(setsockopt(sock, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &group->hops, sizeof group->hops));
    return code;
}

int net_aim(sock_t sock, const struct net_group *group) {
    return group->host.name.ss_family == AF_INET6 ? aim_ipv6(sock, group) : aim_ipv4(sock, group);
}
#else
bool net_has_groups(void) {
    return false;
}

int net_join(sock_t sock, const struct net_group *group) {
    (void)sock;
    (void)group;
    return EOPNOTSUPP;
}

int net_leave(sock_t sock, const struct net_group *group) {
    return net_join(sock, group);
}

int net_aim(sock_t sock, const struct net_group *group) {
    return net_join(sock, group);
}
#endif

int64_t clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int control_read(void *to, size_t room, size_t *got) {
    int code = io_result(read(CONTROL_IN, to, room), got);
    return code == EINTR ? EAGAIN : code;
}

int control_write(const void *from, size_t size, size_t *put) {
    int code = io_result(write(CONTROL_OUT, from, size), put);
    return code == EINTR ? EAGAIN : code;
}

void control_end(void) {
    if (output_flags != -1)
        fcntl(CONTROL_OUT, F_SETFL, output_flags);
}

const char *system_name(void) {
    static char name[sizeof names.sysname + sizeof names.release + sizeof names.machine + 2];
    snprintf(name, sizeof name, "%s %s %s", names.sysname, names.release, names.machine);
    return name;
}

const char *stack_name(void) {
    return names.sysname;
}
