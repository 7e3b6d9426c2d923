/* The event loop: who waits for which socket, and who for which time.
 * Owns poll() and the timers. Knows no conversation: it calls back. Everything runs in this one thread. */
#ifndef LOOP_H
#define LOOP_H

#include "platform.h"

/* One socket that is waited for. All zero is one that was never watched. Embed it, and find the owner from it. */
struct watch {
    void (*ready)(struct watch *watch, short events); /* events: POLLIN, POLLOUT, POLLHUP, POLLERR */
    size_t place;                                     /* in the table, plus 1; 0: not watched */
};

/* Waits for `wanted` (POLLIN, POLLOUT or nothing at all) on the socket, from now on. */
void watch_want(struct watch *watch, sock_t sock, short wanted);
/* To be called before the socket is closed. After it, ready() is not called any more. */
void watch_end(struct watch *watch);

/* One moment that is waited for. All zero is one that is not set. */
struct timer {
    void (*due)(struct timer *timer);
    int64_t at;
    size_t place; /* in the heap, plus 1 */
};

/* Sets it, or moves it. */
void timer_set(struct timer *timer, int64_t at);
void timer_end(struct timer *timer);

/* One round: waits until something is ready or due, and calls those concerned. With `wait` false it only looks.
 * Returns how many were called. */
size_t loop_round(bool wait);

/* How much one conversation may do before it is the turn of the others: octets moved, and what a system call counts. */
enum { TURN = 64 * 1024, CALL = 512 };

/* The structure that holds this member. */
#define owner_of(member_pointer, type, member) ((type *)(void *)((char *)(member_pointer) - offsetof(type, member)))

#endif
