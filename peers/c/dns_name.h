/* Domain names: labels, each behind its length, a zero octet at the end (RFC 1035, section 3.1). Owns that form, the
 * text that stands for it, and how names compare. Knows no message. */
#ifndef DNS_NAME_H
#define DNS_NAME_H

#include "octets.h"

#include <stdbool.h>

enum { DNS_LONGEST_NAME = 255, DNS_LONGEST_LABEL = 63 };

struct dns_name {
    uint8_t at[DNS_LONGEST_NAME];
    size_t size; /* with the zero octet */
};

/* False if the text is no name. The last dot may be missing. */
bool dns_name_read(struct dns_name *name, struct view text);
/* Adds the text, without the last dot. */
void dns_name_put(struct octets *to, const struct dns_name *name);
/* Without case. */
bool dns_name_same(const struct dns_name *one, const struct dns_name *other);
/* The same as the other, or below it. */
bool dns_name_within(const struct dns_name *name, const struct dns_name *other);
/* Whether the octets, which end with a zero length, are the same labels. */
bool dns_labels_same(const uint8_t *one, const uint8_t *other, size_t size);

#endif
