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

static uint16_t split(const struct address *address, char text[INET6_ADDRSTRLEN]) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (address->name.ss_family == AF_INET6) {
        memcpy(&v6, &address->name, sizeof v6);
        inet_ntop(AF_INET6, &v6.sin6_addr, text, INET6_ADDRSTRLEN);
        return ntohs(v6.sin6_port);
    }
    memcpy(&v4, &address->name, sizeof v4);
    inet_ntop(AF_INET, &v4.sin_addr, text, INET6_ADDRSTRLEN);
    return ntohs(v4.sin_port);
}

uint16_t address_port(const struct address *address) {
    char text[INET6_ADDRSTRLEN];
    return split(address, text);
}

void address_put(struct octets *to, const struct address *address) {
    char text[INET6_ADDRSTRLEN];
    uint16_t port = split(address, text);
    octets_add_text(to, "[\"");
    octets_add_text(to, text);
    octets_add_text(to, "\",");
    json_put_whole(to, port);
    octets_add_text(to, "]");
}

void address_put_authority(struct octets *to, const struct address *address, uint16_t usual) {
    char text[INET6_ADDRSTRLEN];
    uint16_t port = split(address, text);
    bool v6 = address->name.ss_family == AF_INET6;
    octets_add_text(to, v6 ? "[" : "");
    octets_add_text(to, text);
    octets_add_text(to, v6 ? "]" : "");
    if (port != usual) {
        octets_add_text(to, ":");
        json_put_whole(to, port);
    }
}
