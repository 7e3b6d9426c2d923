/* poll() as POSIX has it: platform_windows.c makes it of what Windows has. The event bits are Winsock's. */
#ifndef WINDOWS_POLL_H
#define WINDOWS_POLL_H

#include <netinet/in.h>

struct peer_pollfd {
    int fd;
    short events, revents;
};
#define pollfd peer_pollfd /* Winsock's has room for a SOCKET */

typedef unsigned long nfds_t;

int poll(struct pollfd *fds, nfds_t count, int milliseconds);

#endif
