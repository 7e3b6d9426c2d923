/* What differs between systems: sockets, the clock, standard input and output, what the system calls itself.
 * Owns the system calls of the peer (but poll(), which is in loop.c, and what connects processes of one machine, which
 * is behind local.h) and the meaning of the system's error codes. Knows no conversation. A port to a further system is
 * a second implementation of this file. */
#ifndef PLATFORM_H
#define PLATFORM_H

#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

typedef int sock_t;
enum { NO_SOCKET = -1 };

struct address {
    struct sockaddr_storage name;
    socklen_t size;
};

/* Every int result below is 0 or one of the system's error codes, which these tell apart. */
bool net_would_block(int code);
bool net_is_reset(int code);
/* The word of the contract (refused, reset, ...), and the words of the system. */
const char *net_error_word(int code);
const char *net_error_says(int code);

/* To be called once, before everything else. */
void platform_start(void);

/* A non-blocking socket for SOCK_STREAM (with TCP_NODELAY) or SOCK_DGRAM. */
int net_socket(int family, int type, sock_t *sock);
/* Binds just that address: IPV6_V6ONLY, and SO_REUSEADDR for streams. */
int net_bind(sock_t sock, int type, const struct address *local);
/* backlog 0: as many as are useful. */
int net_listen(sock_t sock, int backlog);
int net_accept(sock_t listener, sock_t *sock, struct address *remote);
/* A code for which net_would_block() holds means: in progress, ask net_connect_result() when it is writable. */
int net_connect(sock_t sock, const struct address *remote);
int net_connect_result(sock_t sock);
int net_local(sock_t sock, struct address *local);
int net_read(sock_t sock, void *to, size_t room, size_t *got);
int net_write(sock_t sock, const void *from, size_t size, size_t *put);
int net_read_from(sock_t sock, void *to, size_t room, size_t *got, struct address *remote);
/* remote may be NULL for a connected socket. */
int net_write_to(sock_t sock, const void *from, size_t size, const struct address *remote);
/* What was sent as urgent (Telnet's data mark) is read in its place among the other octets. */
int net_take_urgent_in_line(sock_t sock);
int net_shut_sending(sock_t sock);
void net_close(sock_t sock);
/* Closes so that the other side gets a RST. */
void net_abort(sock_t sock);
bool net_has_ipv6(void);

/* Multicast: a group on a device of this host, which has that address there. */
struct net_group {
    struct address group, host;
    unsigned device;
    bool has_source; /* it is joined for that one alone */
    struct address source;
    int hops; /* that datagrams to it go; -1: as many as is usual */
};
bool net_has_groups(void);
/* 0: there is no device of that name. */
unsigned net_device(const char *name);
int net_join(sock_t sock, const struct net_group *group);
int net_leave(sock_t sock, const struct net_group *group);
/* Others may bind the same port, too; to be called before it is bound. */
int net_share_port(sock_t sock);
/* Sends to groups just so, without hearing it itself. */
int net_aim(sock_t sock, const struct net_group *group);

/* Microseconds on a monotonic clock. */
int64_t clock_now(void);

/* The control channel, neither of which ever blocks once poll() said that it is ready. */
enum { CONTROL_IN = 0, CONTROL_OUT = 1 };
int control_read(void *to, size_t room, size_t *got);
int control_write(const void *from, size_t size, size_t *put);
/* Leaves standard output as it was found. */
void control_end(void);

/* "Linux 6.1.0 x86_64" and "Linux". */
const char *system_name(void);
const char *stack_name(void);

#endif
