/* Octets that move between a socket and buffers: as many as may be at a time, and not more.
 * Owns how much is read ahead, and what a turn may take. Knows no protocol: what the octets mean is up to others. */
#ifndef PUMP_H
#define PUMP_H

#include "octets.h"
#include "platform.h"

enum { MOST_IN = 128 * 1024 }; /* read and not yet taken; more than the longest head of a message */

/* What comes, and how that ended. */
struct incoming {
    struct octets octets;
    bool ended; /* the other side's FIN was read */
    int broken; /* the code with which reading broke off; 0: it did not */
};

bool pump_may_read(const struct incoming *in);
/* Reads what there is, at most what one turn may take. */
void pump_in(sock_t sock, struct incoming *in);
/* Writes until all is written or the system takes no more: that is no error. 0, or the code with which it broke off. */
int pump_out(sock_t sock, struct octets *out);
/* Nothing came yet: for a connection that is made anew. */
void pump_forget(struct incoming *in);

#endif
