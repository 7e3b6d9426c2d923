/* Reading the members of a command; see command.h. */
#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const uint64_t LONGEST_TIME = 1000ULL * 1000 * 1000 * 1000; /* milliseconds: some 31 years */

static void complain(struct fault *fault, const char *kind, const char *format, va_list arguments) {
    fault->kind = kind;
    vsnprintf(fault->says, sizeof fault->says, format, arguments);
    for (char *c = fault->says; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

bool bad_command(struct fault *fault, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(fault, "bad-command", format, arguments);
    va_end(arguments);
    return false;
}

bool unsupported(struct fault *fault, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(fault, "unsupported", format, arguments);
    va_end(arguments);
    return false;
}

static bool missing(struct fault *fault, const char *name) {
    return bad_command(fault, "'%s' is missing", name);
}

bool need_text(const struct json *object, const char *name, struct view *out, struct fault *fault) {
    const struct json *member = json_member(object, name);
    if (!member)
        return missing(fault, name);
    if (member->kind != JSON_TEXT)
        return bad_command(fault, "'%s' must be a text", name);
    *out = member->text;
    return true;
}

bool need_list(const struct json *object, const char *name, const struct json **out, struct fault *fault) {
    const struct json *member = json_member(object, name);
    if (!member)
        return missing(fault, name);
    if (member->kind != JSON_LIST)
        return bad_command(fault, "'%s' must be a list", name);
    *out = member;
    return true;
}

bool maybe_whole(const struct json *object, const char *name, uint64_t most, uint64_t *out, struct fault *fault) {
    const struct json *member = json_member(object, name);
    if (!member)
        return true;
    if (member->kind != JSON_NUMBER || !member->whole || member->number < 0 || (uint64_t)member->number > most)
        return bad_command(fault, "'%s' must be a whole number from 0 to %llu", name, (unsigned long long)most);
    *out = (uint64_t)member->number;
    return true;
}

bool need_whole(const struct json *object, const char *name, uint64_t most, uint64_t *out, struct fault *fault) {
    return json_member(object, name) ? maybe_whole(object, name, most, out, fault) : missing(fault, name);
}

bool maybe_time(const struct json *object, const char *name, int64_t *out, struct fault *fault) {
    uint64_t milliseconds = 0;
    if (!json_member(object, name))
        return true;
    if (!maybe_whole(object, name, LONGEST_TIME, &milliseconds, fault))
        return false;
    *out = (int64_t)milliseconds * 1000;
    return true;
}

static int digit(uint8_t c) {
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)((found - digits) % 16) : -1;
}

bool read_hex(const struct json *json, const char *name, struct octets *out, struct fault *fault) {
    struct view text = json->text;
    if (json->kind != JSON_TEXT)
        return bad_command(fault, "'%s' must be a text", name);
    uint8_t *to = octets_reserve(out, text.size / 2 + 1);
    for (size_t i = 0; i + 1 < text.size; i += 2) {
        int high = digit(text.at[i]), low = digit(text.at[i + 1]);
        if (high < 0 || low < 0)
            return bad_command(fault, "'%s' must be pairs of hexadecimal digits", name);
        to[i / 2] = (uint8_t)(high << 4 | low);
    }
    octets_grown(out, text.size / 2);
    return text.size % 2 == 0 || bad_command(fault, "'%s' must be pairs of hexadecimal digits", name);
}

bool maybe_hex(const struct json *object, const char *name, struct octets *out, struct fault *fault) {
    const struct json *member = json_member(object, name);
    return !member || read_hex(member, name, out, fault);
}

bool maybe_keep(const struct json *object, size_t *out, struct fault *fault) {
    uint64_t keep = 0;
    if (!maybe_whole(object, "keep", INT64_MAX, &keep, fault))
        return false;
    *out = (size_t)keep;
    return keep <= MOST_KEPT || unsupported(fault, "'keep' shows at most %d octets here", MOST_KEPT);
}

bool need_address(const struct json *object, struct address *out, struct fault *fault) {
    struct view text;
    uint64_t port = 0;
    if (!need_text(object, "address", &text, fault) || !need_whole(object, "port", UINT16_MAX, &port, fault))
        return false;
    if (memchr(text.at, 0, text.size) || !address_read(out, (const char *)text.at, (uint16_t)port))
        return bad_command(fault, "'address' must be an IPv4 or IPv6 address");
    return true;
}
