/* A connection of a service that is a talk: both sides say something in turns.
 * Owns the octets in both directions, how long the client may say nothing, and how the server leaves. Knows no
 * protocol. */
#ifndef TALK_H
#define TALK_H

#include "pump.h"
#include "service.h"

/* LEAVES: as soon as everything is sent. LINGERS: it has half-closed, and waits for the client to do so, too. */
enum parting { STAYS, LEAVES, LINGERS };

/* Embed it. */
struct talk {
    struct conn conn;
    struct watch watch;
    struct timer timer;
    struct incoming in;
    struct octets out;
    enum parting parting;
};

struct talk_acts {
    void (*stop)(struct conn *conn);
    void (*ready)(struct watch *watch, short events);
    void (*due)(struct timer *timer); /* nothing came for too long */
};

/* Reports `accepted`. */
void talk_begin(struct talk *talk, struct service *service, sock_t sock, const struct address *remote,
                const struct talk_acts *acts);
/* Whether more may be read: what is to be sent has not piled up. */
bool talk_may_read(const struct talk *talk);
/* Reads what is there, works as long as `work` finds something to do, sends what came of it, and goes on with leaving.
 * A code, if the connection broke. */
int talk_go_on(struct talk *talk, bool (*work)(struct talk *talk));
/* Goes on with leaving, if it does. */
void talk_part(struct talk *talk);
/* Both sides have said all. */
bool talk_is_over(const struct talk *talk);
/* Waits until something can be read, if it `reads`, or sent, if there is something or it `sends`; `patience` is in
 * microseconds. */
void talk_wait_on(struct talk *talk, bool reads, bool sends, int64_t patience);
/* Reports why it broke, if there is a code, and `closed`; what embeds it is the caller's to free. */
void talk_end(struct talk *talk, int code);

#endif
