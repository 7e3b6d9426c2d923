/* Where a data connection goes; see ftp_address.h. */
#include "ftp_address.h"

#include "json.h"
#include "words.h"

#include <stdio.h>
#include <string.h>

enum { NUMBERS = 6, LONGEST_HOST = 64, MOST_FAMILY = 99 };

int ftp_family(const struct address *address) {
    return address->name.ss_family == AF_INET6 ? FTP_IPV6 : FTP_IPV4;
}

void ftp_put_numbers(struct octets *to, const struct address *address) {
    char numbers[16];
    uint8_t *start = octets_reserve(to, LONGEST_HOST);
    size_t before = octets_size(to);
    uint16_t port = address_put_host(to, address);
    for (size_t i = 0; i < octets_size(to) - before; i++)
        start[i] = start[i] == '.' ? ',' : start[i];
    snprintf(numbers, sizeof numbers, ",%d,%d", port / 256, port % 256);
    octets_add_text(to, numbers);
}

void ftp_put_extended(struct octets *to, const struct address *address) {
    octets_add_text(to, ftp_family(address) == FTP_IPV6 ? "|2|" : "|1|");
    uint16_t port = address_put_host(to, address);
    octets_add_text(to, "|");
    json_put_whole(to, port);
    octets_add_text(to, "|");
}

/* Takes six numbers, each of them an octet, off the text. */
static bool take_numbers(struct view *text, unsigned numbers[NUMBERS]) {
    for (int i = 0; i < NUMBERS; i++) {
        uint64_t number;
        if ((i && !word_skip(text, ",")) || !word_number(text, UINT8_MAX + 1, &number) || number > UINT8_MAX)
            return false;
        numbers[i] = (unsigned)number;
    }
    return true;
}

static uint16_t port_of(const unsigned numbers[NUMBERS]) {
    return (uint16_t)(numbers[4] * 256 + numbers[5]);
}

bool ftp_read_numbers(struct address *address, struct view text) {
    unsigned n[NUMBERS];
    char host[LONGEST_HOST];
    if (!take_numbers(&text, n) || text.size || !port_of(n))
        return false;
    snprintf(host, sizeof host, "%u.%u.%u.%u", n[0], n[1], n[2], n[3]);
    return address_read(address, host, port_of(n));
}

static bool read_port(uint16_t *port, struct view text) {
    uint64_t number;
    if (!word_number(&text, UINT16_MAX + 1, &number) || text.size || !number || number > UINT16_MAX)
        return false;
    *port = (uint16_t)number;
    return true;
}

static bool read_host(struct address *address, struct view text, uint16_t port) {
    char host[LONGEST_HOST] = "";
    if (text.size >= sizeof host)
        return false;
    memcpy(host, text.at, text.size);
    return address_read(address, host, port);
}

static int read_family(struct view text) {
    uint64_t family;
    return word_number(&text, MOST_FAMILY, &family) && !text.size ? (int)family : 0;
}

bool ftp_read_extended(struct address *address, int *family, struct view text) {
    uint16_t port;
    uint8_t between = text.size ? text.at[0] : 0;
    *family = 0;
    if (between <= ' ' || between > '~' || text.at[text.size - 1] != between)
        return false;
    view_split(&text, between);
    *family = read_family(view_split(&text, between));
    if (*family != FTP_IPV4 && *family != FTP_IPV6)
        return *family != 0;
    struct view host = view_split(&text, between), digits = view_split(&text, between);
    return !text.size && read_port(&port, digits) && read_host(address, host, port) && ftp_family(address) == *family;
}

/* What stands around the numbers is up to the server (RFC 1123, section 4.1.2.6). */
bool ftp_read_227(uint16_t *port, struct view text) {
    unsigned numbers[NUMBERS];
    for (; text.size; text = view_part(text, 1, text.size - 1)) {
        struct view rest = text;
        if (take_numbers(&rest, numbers)) {
            *port = port_of(numbers);
            return *port != 0;
        }
    }
    return false;
}

bool ftp_read_229(uint16_t *port, struct view text) {
    view_split(&text, '(');
    if (text.size < 3 || text.at[1] != text.at[0] || text.at[2] != text.at[0])
        return false;
    uint8_t between = text.at[0];
    text = view_part(text, 3, text.size - 3);
    return read_port(port, view_split(&text, between));
}
