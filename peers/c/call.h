/* A connection that a client makes, from connect to close.
 * Owns its socket, the octets in both directions, and the steps `connected` and `closed`. Knows no protocol. */
#ifndef CALL_H
#define CALL_H

#include "loop.h"
#include "pump.h"
#include "report.h"
#include "turn.h"

struct call {
    sock_t sock;
    struct watch watch;
    bool had_socket, connecting;
    struct incoming in;
    struct octets out;
    int unsent; /* the code with which sending broke off; 0: it did not */
};

/* No socket yet; `ready` is called when there is something to do. */
void call_start(struct call *call, void (*ready)(struct watch *, short));
/* Both: 0 once it stands, which is told then. A code for which net_would_block() holds: call_stands() is to be asked
 * when it is ready. */
int call_connect(struct call *call, struct report *report, const struct address *remote);
int call_stands(struct call *call, struct report *report, const struct address *remote);
/* Waits until something came, or can be sent. */
void call_wait_on(struct call *call, bool sending);
/* A server may answer, and close, before it read all: so what cannot be sent is no end yet. */
void call_send(struct call *call);
/* Neither an end nor a failure was read: more may come. */
bool call_lasts(const struct call *call);
/* Closes it; another one may be made. */
void call_drop(struct call *call);
/* Closes it for good, and reports `closed` if there ever was a socket. */
void call_end(struct call *call, struct report *report);

#endif
