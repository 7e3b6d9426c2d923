/* Packets of RTP and RTCP (RFC 3550, sections 5 and 6), read and made. Owns their form, and what makes one valid (A.1,
 * A.2). Opens no socket. */
#ifndef RTP_PACKET_H
#define RTP_PACKET_H

#include "octets.h"

#include <stdbool.h>

enum { RTCP_SR = 200, RTCP_RR = 201, RTCP_SDES = 202, RTCP_BYE = 203 };

/* The clock of a payload type, in Hz (RFC 3551, and what the contract says of those without a number of their own). */
uint32_t rtp_rate(unsigned type);

struct rtp_packet {
    unsigned type;
    uint16_t sequence;
    uint32_t timestamp, ssrc;
    struct view payload;
};

/* Which of both a datagram is, where they share a port (RFC 5761, section 4). */
bool rtp_is_rtcp(struct view datagram);
/* False: it is not valid. */
bool rtp_read(struct rtp_packet *packet, struct view datagram);

/* What stands in front of the payload, and behind it. */
struct rtp_frame {
    bool marker;
    const uint32_t *csrc;
    size_t csrc_count; /* 15 at most */
    bool has_extension;
    uint16_t profile;
    struct view extension; /* whole words */
    uint8_t padding;
};

/* Adds the packet. */
void rtp_put(struct octets *to, const struct rtp_packet *packet, const struct rtp_frame *frame);

/* One packet of a datagram of RTCP. */
struct rtcp_packet {
    unsigned type, count;
    struct view body; /* behind the first word */
};

bool rtcp_is_valid(struct view datagram);
/* Takes the next packet off a datagram that is valid. */
bool rtcp_next(struct view *datagram, struct rtcp_packet *packet);
/* The word of the body; 0 if there is none. */
uint32_t rtcp_word(const struct rtcp_packet *packet, size_t place);

struct rtcp_block {
    uint32_t ssrc;
    unsigned fraction;
    int32_t lost;
    uint32_t highest, jitter, lsr, dlsr;
};

/* How many blocks an SR or RR has, and one of them. */
size_t rtcp_blocks(const struct rtcp_packet *packet);
struct rtcp_block rtcp_block(const struct rtcp_packet *packet, size_t number);
struct rtcp_sender {
    uint32_t ssrc, timestamp, packets, octets;
};

/* Add one packet each. That of the sender has the time of now, and no blocks; that of a receiver has one. */
void rtcp_put_sender_report(struct octets *to, const struct rtcp_sender *sender);
void rtcp_put_receiver_report(struct octets *to, uint32_t ssrc, const struct rtcp_block *block);
void rtcp_put_name(struct octets *to, uint32_t ssrc);
void rtcp_put_bye(struct octets *to, uint32_t ssrc);

#endif
