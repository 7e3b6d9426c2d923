/* The data of records; see dns_data.h. */
#define _POSIX_C_SOURCE 200809L
#include "dns_data.h"

#include <arpa/inet.h>
#include <string.h>

enum { LONGEST_STRING = 255 };

/* What data is made of, one letter a member: an address of IPv4 (4) or IPv6 (6), a name, a number of 16 or 32 bits (S,
 * L), and strings as long as there are some. */
static const struct type {
    const char *name;
    unsigned number;
    const char *members;
    bool points; /* to names that stand in the message already: those that RFC 1035 has may */
} types[] = {
    {"A",     1,  "4",       false},
    {"NS",    2,  "n",       true },
    {"CNAME", 5,  "n",       true },
    {"SOA",   6,  "nnLLLLL", true },
    {"PTR",   12, "n",       true },
    {"MX",    15, "Sn",      true },
    {"TXT",   16, "t",       false},
    {"AAAA",  28, "6",       false},
    {"SRV",   33, "SSSn",    false},
};

static const struct type *type_of(unsigned number) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].number == number)
            return &types[i];
    return NULL;
}

unsigned dns_type_named(struct view name) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (name.size == strlen(types[i].name) && memcmp(name.at, types[i].name, name.size) == 0)
            return types[i].number;
    return 0;
}

static size_t address_size(char member) {
    return member == '4' ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

static int address_family(char member) {
    return member == '4' ? AF_INET : AF_INET6;
}

/* ---- from the contract ---- */

static bool read_address(char member, const struct json *value, struct octets *data) {
    uint8_t address[sizeof(struct in6_addr)];
    if (value->kind != JSON_TEXT || inet_pton(address_family(member), (const char *)value->text.at, address) != 1)
        return false;
    octets_add(data, address, address_size(member));
    return true;
}

static bool read_name(const struct json *value, struct octets *data) {
    struct dns_name name;
    if (value->kind != JSON_TEXT || !dns_name_read(&name, value->text))
        return false;
    octets_add(data, name.at, name.size);
    return true;
}

static bool read_number(char member, const struct json *value, struct octets *data) {
    int64_t most = member == 'S' ? UINT16_MAX : UINT32_MAX;
    if (value->kind != JSON_NUMBER || !value->whole || value->number < 0 || value->number > most)
        return false;
    for (int shift = member == 'S' ? 8 : 24; shift >= 0; shift -= 8)
        octets_add(data, (const uint8_t[]){(uint8_t)(value->number >> shift)}, 1);
    return true;
}

static bool read_string(const struct json *value, struct octets *data) {
    if (value->kind != JSON_TEXT || value->text.size > LONGEST_STRING)
        return false;
    octets_add(data, (const uint8_t[]){(uint8_t)value->text.size}, 1);
    octets_add(data, value->text.at, value->text.size);
    return true;
}

static bool read_member(char member, const struct json *value, struct octets *data) {
    switch (member) {
    case '4':
    case '6':
        return read_address(member, value, data);
    case 'n':
        return read_name(value, data);
    case 't':
        return read_string(value, data);
    default:
        return read_number(member, value, data);
    }
}

bool dns_data_read(unsigned type, const struct json *list, struct octets *data, struct fault *fault) {
    const struct type *found = type_of(type);
    const char *member = found->members;
    size_t needed = *member == 't' ? list->count : strlen(member);
    if (!needed || list->count != needed)
        return bad_command(fault, "the data of a record %s has another number of members", found->name);
    for (const struct json *value = list->first; value; value = value->next) {
        if (!read_member(*member, value, data))
            return bad_command(fault, "the data of a record %s cannot be read", found->name);
        member += *member != 't';
    }
    return octets_size(data) <= UINT16_MAX || bad_command(fault, "the data of a record %s is too long", found->name);
}

/* ---- into a message ---- */

static void write_member(struct dns_writer *writer, char member, bool points, struct dns_reader *data) {
    struct dns_name name;
    struct view octets;
    if (member == 'n') {
        dns_read_name(data, &name);
        dns_write_name(writer, &name, points);
        return;
    }
    size_t size = member == 'S'   ? 2
                  : member == 'L' ? 4
                  : member == 't' ? data->message.size - data->place
                                  : address_size(member);
    octets = dns_read_octets(data, size);
    dns_write_octets(writer, octets.at, octets.size);
}

void dns_data_write(struct dns_writer *writer, unsigned type, struct view data) {
    const struct type *found = type_of(type);
    struct dns_reader reader = {data, 0, false};
    for (const char *member = found->members; *member; member++)
        write_member(writer, *member, found->points, &reader);
}

/* ---- from a message ---- */

static void put_address(struct octets *to, char member, struct dns_reader *reader) {
    char text[INET6_ADDRSTRLEN];
    struct view octets = dns_read_octets(reader, address_size(member));
    if (octets.at && inet_ntop(address_family(member), octets.at, text, sizeof text))
        json_put_latin1(to, (struct view){(const uint8_t *)text, strlen(text)});
}

static void put_name(struct octets *to, struct dns_reader *reader) {
    struct octets text = {0};
    struct dns_name name;
    dns_read_name(reader, &name);
    dns_name_put(&text, &name);
    json_put_latin1(to, (struct view){octets_front(&text), octets_size(&text)});
    octets_free(&text);
}

static void put_string(struct octets *to, struct dns_reader *reader) {
    struct view string = dns_read_octets(reader, dns_read_8(reader));
    if (json_is_utf8(string))
        json_put_text(to, string);
    else
        json_put_latin1(to, string);
}

static void put_member(struct octets *to, char member, struct dns_reader *reader) {
    switch (member) {
    case '4':
    case '6':
        put_address(to, member, reader);
        return;
    case 'n':
        put_name(to, reader);
        return;
    case 't':
        put_string(to, reader);
        return;
    default:
        json_put_whole(to, member == 'S' ? (int64_t)dns_read_16(reader) : (int64_t)dns_read_32(reader));
    }
}

bool dns_data_put(struct octets *to, unsigned type, struct dns_reader *reader, size_t size) {
    struct dns_reader data = {
        {reader->message.at, reader->place + size},
        reader->place, reader->broken
    };
    const char *member = type_of(type)->members;
    struct octets list = {0};
    const char *before = "[";
    while (!data.broken && (*member == 't' ? data.place < data.message.size : *member != 0)) {
        octets_add_text(&list, before);
        put_member(&list, *member, &data);
        member += *member != 't';
        before = ",";
    }
    octets_add_text(&list, *before == '[' ? "[]" : "]");
    bool whole = !data.broken && data.place == data.message.size;
    if (whole)
        octets_add(to, octets_front(&list), octets_size(&list));
    octets_free(&list);
    reader->place += size;
    return whole;
}
