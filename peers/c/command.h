/* Reading the members of a command, and saying what is wrong with them.
 * Owns the two faults of the contract and the limits on numbers. Knows no particular command. */
#ifndef COMMAND_H
#define COMMAND_H

#include "address.h"
#include "json.h"

/* Octets that one conversation may hold back: what came and was not asked for, content of a message. */
enum { MOST_HELD = 64 * 1024 * 1024 };
/* Octets that `hex` shows: a step with more would not fit into a line. */
enum { MOST_KEPT = 256 * 1024 };

struct fault {
    const char *kind; /* "bad-command" or "unsupported" */
    char says[200];   /* ASCII */
};

#if defined(__GNUC__)
#define PRINTF_LIKE __attribute__((format(printf, 2, 3)))
#else
#define PRINTF_LIKE
#endif
/* Both return false, so that a reader can end with them. */
bool bad_command(struct fault *fault, const char *format, ...) PRINTF_LIKE;
bool unsupported(struct fault *fault, const char *format, ...) PRINTF_LIKE;

/* All of these return false, and say why, if the member is of the wrong type, and those that need it if it is missing.
 * Those that do not need it leave *out as it is if it is missing. */
bool need_text(const struct json *object, const char *name, struct view *out, struct fault *fault);
bool need_list(const struct json *object, const char *name, const struct json **out, struct fault *fault);
bool need_whole(const struct json *object, const char *name, uint64_t most, uint64_t *out, struct fault *fault);
bool maybe_whole(const struct json *object, const char *name, uint64_t most, uint64_t *out, struct fault *fault);
/* Milliseconds, turned into the clock's microseconds. */
bool maybe_time(const struct json *object, const char *name, int64_t *out, struct fault *fault);
bool maybe_hex(const struct json *object, const char *name, struct octets *out, struct fault *fault);
/* Of a text; `name` is what it is called in a complaint. */
bool read_hex(const struct json *text, const char *name, struct octets *out, struct fault *fault);
bool maybe_keep(const struct json *object, size_t *out, struct fault *fault);
/* `address` and `port`. */
bool need_address(const struct json *object, struct address *out, struct fault *fault);

#endif
