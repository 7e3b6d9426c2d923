/* A zone, and what a name server that has it answers (RFC 1034, section 4.3.2; RFC 2308). Owns the records. Knows no
 * socket: a query in, a response out. */
#ifndef DNS_ZONE_H
#define DNS_ZONE_H

#include "command.h"

struct dns_zone;

/* NULL, and *fault says why, if it cannot be read. */
struct dns_zone *dns_zone_read(const struct json *zone, struct fault *fault);
void dns_zone_free(struct dns_zone *zone);

/* The response to a query, of at most `limit` octets, which `to` has room for. 0: there is none. */
size_t dns_zone_answer(const struct dns_zone *zone, struct view query, uint8_t *to, size_t limit);
/* The same on a stream, where two octets of length stand before each message: takes whole queries off `in`, and adds
 * the responses to `out`, as long as there are less than `most` octets in that. */
void dns_zone_converse(const struct dns_zone *zone, struct octets *in, struct octets *out, size_t most);

#endif
