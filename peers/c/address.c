/* Addresses as text and port; see address.h. */
#define _POSIX_C_SOURCE 200809L
#include "address.h"

#include "json.h"

#include <arpa/inet.h>
#include <string.h>

bool address_read(struct address *address, const char *text, uint16_t port) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        memcpy(&address->name, &v4, sizeof v4);
        address->size = sizeof v4;
    } else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
        memcpy(&address->name, &v6, sizeof v6);
        address->size = sizeof v6;
    }
    return address->size != 0;
}

void address_set_port(struct address *address, uint16_t port) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (address->name.ss_family == AF_INET6) {
        memcpy(&v6, &address->name, sizeof v6);
        v6.sin6_port = htons(port);
        memcpy(&address->name, &v6, sizeof v6);
    } else {
        memcpy(&v4, &address->name, sizeof v4);
        v4.sin_port = htons(port);
        memcpy(&address->name, &v4, sizeof v4);
    }
}

void address_set_scope(struct address *address, unsigned device) {
    struct sockaddr_in6 v6;
    if (address->name.ss_family != AF_INET6)
        return;
    memcpy(&v6, &address->name, sizeof v6);
    if (IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&v6.sin6_addr))
        v6.sin6_scope_id = device;
    memcpy(&address->name, &v6, sizeof v6);
}

/* The octets of the host, 4 or 16 of them, and the port. */
static uint16_t split(const struct address *address, uint8_t host[sizeof(struct in6_addr)]) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    memset(host, 0, sizeof v6.sin6_addr);
    if (address->name.ss_family == AF_INET6) {
        memcpy(&v6, &address->name, sizeof v6);
        memcpy(host, &v6.sin6_addr, sizeof v6.sin6_addr);
        return ntohs(v6.sin6_port);
    }
    memcpy(&v4, &address->name, sizeof v4);
    memcpy(host, &v4.sin_addr, sizeof v4.sin_addr);
    return ntohs(v4.sin_port);
}

uint16_t address_port(const struct address *address) {
    uint8_t host[sizeof(struct in6_addr)];
    return split(address, host);
}

bool address_same_host(const struct address *one, const struct address *other) {
    uint8_t host[sizeof(struct in6_addr)], other_host[sizeof(struct in6_addr)];
    split(one, host);
    split(other, other_host);
    return one->name.ss_family == other->name.ss_family && memcmp(host, other_host, sizeof host) == 0;
}

uint16_t address_put_host(struct octets *to, const struct address *address) {
    uint8_t host[sizeof(struct in6_addr)];
    char text[INET6_ADDRSTRLEN];
    uint16_t port = split(address, host);
    inet_ntop(address->name.ss_family, host, text, sizeof text);
    octets_add_text(to, text);
    return port;
}

void address_put(struct octets *to, const struct address *address) {
    octets_add_text(to, "[\"");
    uint16_t port = address_put_host(to, address);
    octets_add_text(to, "\",");
    json_put_whole(to, port);
    octets_add_text(to, "]");
}

void address_put_authority(struct octets *to, const struct address *address, uint16_t usual) {
    bool v6 = address->name.ss_family == AF_INET6;
    octets_add_text(to, v6 ? "[" : "");
    uint16_t port = address_put_host(to, address);
    octets_add_text(to, v6 ? "]" : "");
    if (port != usual) {
        octets_add_text(to, ":");
        json_put_whole(to, port);
    }
}
