/* Messages of the DNS, octet for octet (RFC 1035, section 4). Owns numbers, names with and without pointers, and what
 * becomes of a message that breaks off or is full. Does not know what is asked or answered. */
#ifndef DNS_MESSAGE_H
#define DNS_MESSAGE_H

#include "dns_name.h"

enum { DNS_HEADER = 12, DNS_DATAGRAM = 512, DNS_LARGEST = 65535, DNS_IN = 1 };
/* Of the second 16 bits. */
enum { DNS_QR = 0x8000, DNS_OPCODE = 0x7800, DNS_AA = 0x0400, DNS_TC = 0x0200, DNS_RD = 0x0100, DNS_RCODE = 0x000f };
enum { DNS_NOERROR, DNS_FORMERR, DNS_SERVFAIL, DNS_NXDOMAIN, DNS_NOTIMP, DNS_REFUSED };

/* One that came. Once it is broken, all that is read is 0. */
struct dns_reader {
    struct view message;
    size_t place;
    bool broken;
};

unsigned dns_read_8(struct dns_reader *reader);
unsigned dns_read_16(struct dns_reader *reader);
uint32_t dns_read_32(struct dns_reader *reader);
void dns_read_name(struct dns_reader *reader, struct dns_name *name);
/* The octets, where they stand; at NULL once it is broken. */
struct view dns_read_octets(struct dns_reader *reader, size_t size);

/* The head of a record; its data follows. */
struct dns_record_head {
    struct dns_name name;
    unsigned type, class, size; /* of the data */
    uint32_t ttl;
};
void dns_read_head(struct dns_reader *reader, struct dns_record_head *head);

/* One that goes. Once it is full, nothing more is added. */
struct dns_writer {
    uint8_t *at; /* `limit` octets */
    size_t size, limit;
    bool full;
    uint16_t names[64]; /* where names begin that later ones may point to */
    size_t name_count;
};

void dns_write_16(struct dns_writer *writer, unsigned number);
void dns_write_32(struct dns_writer *writer, uint32_t number);
void dns_write_octets(struct dns_writer *writer, const void *from, size_t size);
void dns_write_name(struct dns_writer *writer, const struct dns_name *name, bool may_point);
/* Over what stands there already. */
void dns_set_16(struct dns_writer *writer, size_t place, unsigned number);
/* Back to that size, as if nothing more had been added, and not full any more. */
void dns_cut(struct dns_writer *writer, size_t size);

#endif
