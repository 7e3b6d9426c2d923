/* The JSON writer; see json.h. */
#include "json.h"

static const char DIGITS[] = "0123456789abcdef";

static uint8_t *put_escaped(uint8_t *to, uint8_t c) {
    *to++ = '\\';
    if (c == '"' || c == '\\') {
        *to++ = c;
        return to;
    }
    *to++ = 'u';
    *to++ = '0';
    *to++ = '0';
    *to++ = (uint8_t)DIGITS[c >> 4];
    *to++ = (uint8_t)DIGITS[c & 15];
    return to;
}

static uint8_t *put_latin1_octet(uint8_t *to, uint8_t c) {
    *to++ = (uint8_t)(0xc0 | c >> 6);
    *to++ = (uint8_t)(0x80 | (c & 0x3f));
    return to;
}

static void put(struct octets *to, struct view text, bool latin1) {
    uint8_t *start = octets_reserve(to, 6 * text.size + 2), *out = start;
    *out++ = '"';
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.at[i];
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
            out = put_escaped(out, c);
        else if (latin1 && c >= 0x80)
            out = put_latin1_octet(out, c);
        else
            *out++ = c;
    }
    *out++ = '"';
    octets_grown(to, (size_t)(out - start));
}

void json_put_text(struct octets *to, struct view utf8) {
    put(to, utf8, false);
}

void json_put_latin1(struct octets *to, struct view octets) {
    put(to, octets, true);
}

void json_put_name(struct octets *to, struct view octets) {
    if (json_is_utf8(octets))
        json_put_text(to, octets);
    else
        json_put_latin1(to, octets);
}

void json_put_hex(struct octets *to, struct view octets) {
    uint8_t *out = octets_reserve(to, 2 * octets.size + 2);
    *out++ = '"';
    for (size_t i = 0; i < octets.size; i++) {
        *out++ = (uint8_t)DIGITS[octets.at[i] >> 4];
        *out++ = (uint8_t)DIGITS[octets.at[i] & 15];
    }
    *out = '"';
    octets_grown(to, 2 * octets.size + 2);
}

void json_put_whole(struct octets *to, int64_t number) {
    uint8_t text[20], *at = text + sizeof text;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do
        *--at = (uint8_t)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0)
        *--at = '-';
    octets_add(to, at, (size_t)(text + sizeof text - at));
}
