/* Addresses as the contract writes them: text and port. Owns that form. Resolves no names. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include "octets.h"
#include "platform.h"

/* False if the text is no IPv4 or IPv6 address. */
bool address_read(struct address *address, const char *text, uint16_t port);
void address_set_port(struct address *address, uint16_t port);
/* An address that means something on one device alone is that of this one. */
void address_set_scope(struct address *address, unsigned device);
uint16_t address_port(const struct address *address);
/* The same but for the port. */
bool address_same_host(const struct address *one, const struct address *other);
/* Adds 198.18.0.1 or 2001:db8::1, and returns the port. */
uint16_t address_put_host(struct octets *to, const struct address *address);
/* Adds ["198.18.0.1",7]. */
void address_put(struct octets *to, const struct address *address);
/* Adds 198.18.0.1:7 or [2001:db8::1]:7; the port is left out where it is `usual` (RFC 9110, section 4.2.1). */
void address_put_authority(struct octets *to, const struct address *address, uint16_t usual);

#endif
