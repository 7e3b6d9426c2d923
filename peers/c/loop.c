/* The event loop; see loop.h. poll() is taken because it is everywhere: at the number of sockets that a peer holds,
 * walking the table costs less than telling a kernel queue about each short-lived connection. */
#define _POSIX_C_SOURCE 200809L
#include "loop.h"

#include "octets.h"

#include <errno.h>
#include <limits.h>

static struct {
    struct pollfd *polls;
    struct watch **watches; /* NULL: a hole, left by watch_end() during a round */
    size_t count, room;
    bool holes;
} table;

static struct {
    struct timer **heap;
    size_t count, room;
} timers;

static void table_add(struct watch *watch) {
    if (table.count == table.room) {
        table.room = table.room ? 2 * table.room : 64;
        table.polls = must_resize(table.polls, table.room * sizeof *table.polls);
        table.watches = must_resize(table.watches, table.room * sizeof *table.watches);
    }
    table.polls[table.count] = (struct pollfd){.fd = NO_SOCKET};
    table.watches[table.count] = watch;
    watch->place = ++table.count;
}

void watch_want(struct watch *watch, sock_t sock, short wanted) {
    if (!watch->place)
        table_add(watch);
    struct pollfd *poll = &table.polls[watch->place - 1];
    poll->fd = wanted ? sock : NO_SOCKET; /* or else a hang-up, which needs no asking for, would spin the loop */
    poll->events = wanted;
}

void watch_end(struct watch *watch) {
    if (!watch->place)
        return;
    table.polls[watch->place - 1].fd = NO_SOCKET;
    table.watches[watch->place - 1] = NULL;
    table.holes = true;
    watch->place = 0;
}

static void close_holes(void) {
    size_t to = 0;
    for (size_t from = 0; from < table.count; from++) {
        if (!table.watches[from])
            continue;
        table.polls[to] = table.polls[from];
        table.watches[to] = table.watches[from];
        table.watches[to]->place = to + 1;
        to++;
    }
    table.count = to;
    table.holes = false;
}

static void put(struct timer *timer, size_t place) {
    timers.heap[place] = timer;
    timer->place = place + 1;
}

static void sift(struct timer *timer, size_t place) {
    while (place && timers.heap[(place - 1) / 2]->at > timer->at) {
        put(timers.heap[(place - 1) / 2], place);
        place = (place - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * place + 1;
        if (child + 1 < timers.count && timers.heap[child + 1]->at < timers.heap[child]->at)
            child++;
        if (child >= timers.count || timers.heap[child]->at >= timer->at)
            break;
        put(timers.heap[child], place);
        place = child;
    }
    put(timer, place);
}

void timer_set(struct timer *timer, int64_t at) {
    if (timer->place && timer->at == at)
        return;
    timer->at = at;
    if (!timer->place) {
        if (timers.count == timers.room) {
            timers.room = timers.room ? 2 * timers.room : 64;
            timers.heap = must_resize(timers.heap, timers.room * sizeof *timers.heap);
        }
        timer->place = ++timers.count;
        timers.heap[timer->place - 1] = timer;
    }
    sift(timer, timer->place - 1);
}

void timer_end(struct timer *timer) {
    if (!timer->place)
        return;
    size_t place = timer->place - 1;
    struct timer *last = timers.heap[--timers.count];
    timer->place = 0;
    if (last != timer)
        sift(last, place);
}

/* Milliseconds for poll(): rounded up, so that it never wakes just before the moment. */
static int patience(bool wait) {
    if (!wait)
        return 0;
    if (!timers.count)
        return -1;
    int64_t left = timers.heap[0]->at - clock_now();
    if (left <= 0)
        return 0;
    return left / 1000 >= INT_MAX ? INT_MAX : (int)((left + 999) / 1000);
}

static size_t call_ready(int ready) {
    size_t called = 0;
    for (size_t i = 0, count = table.count; i < count && ready > 0; i++) {
        short events = table.polls[i].revents;
        if (!events)
            continue;
        ready--;
        if (table.watches[i] && table.polls[i].fd != NO_SOCKET) {
            called++;
            table.watches[i]->ready(table.watches[i], events);
        }
    }
    return called;
}

static size_t call_due(void) {
    size_t called = 0;
    for (int64_t now = clock_now(); timers.count && timers.heap[0]->at <= now; called++) {
        struct timer *timer = timers.heap[0];
        timer_end(timer);
        timer->due(timer);
    }
    return called;
}

size_t loop_round(bool wait) {
    if (table.holes)
        close_holes();
    int ready = poll(table.polls, (nfds_t)table.count, patience(wait));
    size_t called = call_due(); /* first: a deadline that was missed must not be saved by what came after it */
    return called + call_ready(ready);
}
