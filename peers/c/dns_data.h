/* The data of records, by type: as the contract writes it, and as it stands in messages (RFC 1035, section 3.3; RFC
 * 3596, RFC 2782). Owns the types that there are. */
#ifndef DNS_DATA_H
#define DNS_DATA_H

#include "command.h"
#include "dns_message.h"

enum { DNS_CNAME = 5, DNS_SOA = 6, DNS_ANY = 255 };

/* 0: there is no type of that name. */
unsigned dns_type_named(struct view name);
/* From a list to octets as they stand in a message, without pointers. */
bool dns_data_read(unsigned type, const struct json *list, struct octets *data, struct fault *fault);
/* Such octets into a message; names that may be are pointed to. */
void dns_data_write(struct dns_writer *writer, unsigned type, struct view data);
/* From a message to a list. False, and nothing added, if the data is broken. The reader stands behind it afterwards. */
bool dns_data_put(struct octets *to, unsigned type, struct dns_reader *reader, size_t size);

#endif
