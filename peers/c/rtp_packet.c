/* Packets of RTP and RTCP; see rtp_packet.h. */
#include "rtp_packet.h"

#include <string.h>
#include <time.h>

enum {
    WORD = 4,
    HEADER = 12,
    VERSION = 2,
    PADDING = 0x20,
    EXTENSION = 0x10,
    FIRST_RTCP = 192,
    LAST_RTCP = 223,
    SENDER_WORDS = 6, /* of an SR, in front of its blocks */
    BLOCK_WORDS = 6,
    CNAME = 1,
};

static const uint32_t FROM_1900_TO_1970 = 2208988800U; /* seconds */
static const char OWN_NAME[] = "parley@c.example";

uint32_t rtp_rate(unsigned type) {
    return type == 96 ? 90000 : type == 97 ? 48000 : 8000;
}

/* ---- numbers in network order ---- */

static uint16_t read_16(const uint8_t *at) {
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t read_32(const uint8_t *at) {
    return (uint32_t)read_16(at) << 16 | read_16(at + 2);
}

static void put_16(struct octets *to, unsigned number) {
    octets_add(to, (const uint8_t[]){(uint8_t)(number >> 8), (uint8_t)number}, 2);
}

static void put_32(struct octets *to, uint32_t number) {
    put_16(to, number >> 16);
    put_16(to, number & 0xffff);
}

/* ---- RTP ---- */

bool rtp_is_rtcp(struct view datagram) {
    return datagram.size > 1 && datagram.at[1] >= FIRST_RTCP && datagram.at[1] <= LAST_RTCP;
}

/* The octets in front of the payload; more than there are, if they do not fit. */
static size_t header_size(struct view datagram) {
    size_t size = HEADER + WORD * (size_t)(datagram.at[0] & 0xf);
    if (!(datagram.at[0] & EXTENSION))
        return size;
    size += WORD;
    return size > datagram.size ? size : size + WORD * (size_t)read_16(datagram.at + size - 2);
}

bool rtp_read(struct rtp_packet *packet, struct view datagram) {
    const uint8_t *at = datagram.at;
    if (datagram.size < HEADER || at[0] >> 6 != VERSION)
        return false;
    size_t header = header_size(datagram);
    bool padded = at[0] & PADDING;
    size_t padding = padded ? at[datagram.size - 1] : 0;
    if (header + padding > datagram.size || (padded && !padding))
        return false;
    *packet = (struct rtp_packet){at[1] & 0x7f, read_16(at + 2), read_32(at + 4), read_32(at + 8), {0}};
    packet->payload = (struct view){at + header, datagram.size - header - padding};
    return true;
}

static void put_extension(struct octets *to, const struct rtp_frame *frame) {
    put_16(to, frame->profile);
    put_16(to, (unsigned)(frame->extension.size / WORD));
    octets_add(to, frame->extension.at, frame->extension.size);
}

void rtp_put(struct octets *to, const struct rtp_packet *packet, const struct rtp_frame *frame) {
    unsigned first = VERSION << 6 | (frame->padding ? PADDING : 0) | (frame->has_extension ? EXTENSION : 0);
    put_16(to, (first | (unsigned)frame->csrc_count) << 8 | (frame->marker ? 0x80 : 0) | packet->type);
    put_16(to, packet->sequence);
    put_32(to, packet->timestamp);
    put_32(to, packet->ssrc);
    for (size_t i = 0; i < frame->csrc_count; i++)
        put_32(to, frame->csrc[i]);
    if (frame->has_extension)
        put_extension(to, frame);
    octets_add(to, packet->payload.at, packet->payload.size);
    for (uint8_t left = frame->padding; left; left--)
        octets_add(to, left == 1 ? &frame->padding : (const uint8_t[]){0}, 1);
}

/* ---- RTCP, read ---- */

bool rtcp_next(struct view *datagram, struct rtcp_packet *packet) {
    const uint8_t *at = datagram->at;
    if (datagram->size < WORD || at[0] >> 6 != VERSION)
        return false;
    size_t size = WORD + WORD * (size_t)read_16(at + 2);
    if (size > datagram->size)
        return false;
    *packet = (struct rtcp_packet){
        at[1], at[0] & 0x1f, {at + WORD, size - WORD}
    };
    *datagram = (struct view){at + size, datagram->size - size};
    return true;
}

/* In front of the blocks of an SR or RR. */
static size_t words_in_front(const struct rtcp_packet *packet) {
    return packet->type == RTCP_SR ? SENDER_WORDS : 1;
}

static bool is_whole(const struct rtcp_packet *packet) {
    if (packet->type == RTCP_SR || packet->type == RTCP_RR)
        return packet->body.size >= WORD * (words_in_front(packet) + BLOCK_WORDS * packet->count);
    return packet->type != RTCP_BYE || packet->body.size >= WORD * packet->count;
}

bool rtcp_is_valid(struct view datagram) {
    struct view rest = datagram;
    struct rtcp_packet packet;
    for (bool first = true; rest.size; first = false) {
        bool padded = rest.at[0] & PADDING;
        if (!rtcp_next(&rest, &packet) || !is_whole(&packet))
            return false;
        if (first && (padded || (packet.type != RTCP_SR && packet.type != RTCP_RR)))
            return false;
    }
    return datagram.size != 0;
}

uint32_t rtcp_word(const struct rtcp_packet *packet, size_t place) {
    return WORD * (place + 1) <= packet->body.size ? read_32(packet->body.at + WORD * place) : 0;
}

size_t rtcp_blocks(const struct rtcp_packet *packet) {
    return packet->type == RTCP_SR || packet->type == RTCP_RR ? packet->count : 0;
}

struct rtcp_block rtcp_block(const struct rtcp_packet *packet, size_t number) {
    size_t place = words_in_front(packet) + BLOCK_WORDS * number;
    uint32_t losses = rtcp_word(packet, place + 1), lost = losses & 0xffffff;
    return (struct rtcp_block){
        .ssrc = rtcp_word(packet, place),
        .fraction = losses >> 24,
        .lost = (int32_t)lost - (lost & 0x800000 ? 0x1000000 : 0),
        .highest = rtcp_word(packet, place + 2),
        .jitter = rtcp_word(packet, place + 3),
        .lsr = rtcp_word(packet, place + 4),
        .dlsr = rtcp_word(packet, place + 5),
    };
}

/* ---- RTCP, made ---- */

static void put_head(struct octets *to, unsigned count, unsigned type, size_t words) {
    put_16(to, (VERSION << 6 | count) << 8 | type);
    put_16(to, (unsigned)words);
}

/* Seconds since 1900, and fractions of one. */
static void put_time(struct octets *to) {
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    put_32(to, (uint32_t)now.tv_sec + FROM_1900_TO_1970);
    put_32(to, (uint32_t)(((uint64_t)now.tv_nsec << 32) / 1000000000));
}

void rtcp_put_sender_report(struct octets *to, const struct rtcp_sender *sender) {
    put_head(to, 0, RTCP_SR, SENDER_WORDS);
    put_32(to, sender->ssrc);
    put_time(to);
    put_32(to, sender->timestamp);
    put_32(to, sender->packets);
    put_32(to, sender->octets);
}

void rtcp_put_receiver_report(struct octets *to, uint32_t ssrc, const struct rtcp_block *block) {
    put_head(to, 1, RTCP_RR, 1 + BLOCK_WORDS);
    put_32(to, ssrc);
    put_32(to, block->ssrc);
    put_32(to, (uint32_t)block->fraction << 24 | ((uint32_t)block->lost & 0xffffff));
    put_32(to, block->highest);
    put_32(to, block->jitter);
    put_32(to, block->lsr);
    put_32(to, block->dlsr);
}

/* SDES with one item, the CNAME, and zeros up to the end of the word behind it, one at least (section 6.5). */
void rtcp_put_name(struct octets *to, uint32_t ssrc) {
    size_t size = 2 + sizeof OWN_NAME - 1, words = size / WORD + 1;
    put_head(to, 1, RTCP_SDES, 1 + words);
    put_32(to, ssrc);
    put_16(to, CNAME << 8 | (sizeof OWN_NAME - 1));
    octets_add(to, OWN_NAME, sizeof OWN_NAME - 1);
    octets_add(to, (const uint8_t[WORD]){0}, WORD * words - size);
}

void rtcp_put_bye(struct octets *to, uint32_t ssrc) {
    put_head(to, 1, RTCP_BYE, 1);
    put_32(to, ssrc);
}
