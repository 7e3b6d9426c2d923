/* The service rtp: receivers of streams, each reported on when its sender asks for that (RFC 3550, section 6.4). Owns
 * the sources. Opens no socket: datagrams come in, and one may go out. */
#ifndef RTP_RECEIVER_H
#define RTP_RECEIVER_H

#include "address.h"
#include "report.h"

enum { RTP_LONGEST_ANSWER = 512 };

struct rtp_receiver *rtp_receiver_new(void);
void rtp_receiver_free(struct rtp_receiver *receiver);
/* Takes a datagram; sources that leave are told to the report, if there is one. Returns the size of the answer; 0:
 * there is none. */
size_t rtp_receiver_take(struct rtp_receiver *receiver, struct view datagram, const struct address *remote,
                         struct report *report, uint8_t answer[RTP_LONGEST_ANSWER]);

#endif
