/* Events: steps gathered into lines, lines gathered into writes.
 * Owns their form, their order and how long they may be held back. Knows no socket and no command. */
#ifndef REPORT_H
#define REPORT_H

#include "octets.h"
#include "platform.h"
#include "sha256.h"

/* Steps of one conversation, connection or service. All zero is one that was not opened. */
struct report {
    const char *id; /* as a JSON text, quoted */
    int64_t conn;   /* 0: there is no `conn` */
    bool silent;    /* nobody wants to know */
    struct octets steps;
    struct report *next, *previous; /* among those with steps that nobody was told yet, the oldest first */
    bool waiting;
    int64_t since;
};

/* `id` must live as long as the report. */
void report_open(struct report *report, const char *id, int64_t conn, bool silent);
/* Tells what is gathered, at once. */
void report_now(struct report *report);
/* Tells what is gathered, and that nothing more comes. The report is closed by it. */
void report_done(struct report *report);
/* report_now() for all. */
void report_all(void);

/* A step without members. */
void step(struct report *report, const char *name);
/* A step with members: step_open(), its members, step_close(). */
void step_open(struct report *report, const char *name);
void step_close(struct report *report);
void step_address(struct report *report, const char *member, const struct address *address);
void step_whole(struct report *report, const char *member, int64_t number);
void step_bool(struct report *report, const char *member, bool value);
void step_word(struct report *report, const char *member, const char *ascii);
void step_latin1(struct report *report, const char *member, struct view octets);
/* UTF-8, or else Latin-1. */
void step_text(struct report *report, const char *member, struct view octets);
void step_hex(struct report *report, const char *member, struct view octets);
void step_octets(struct report *report, const struct sha256 *sum); /* `octets` and `digest` */
/* The member itself; what to put behind it is up to the caller. NULL if the report is silent. */
struct octets *step_member(struct report *report, const char *member);

/* Whole steps that are common. */
void step_with_local(struct report *report, const char *name, const struct address *local);
void step_with_remote(struct report *report, const char *name, const struct address *remote);
void step_with_both(struct report *report, const char *name, const struct address *local, const struct address *remote);
void step_reset(struct report *report, const char *by);
void step_failed(struct report *report, int64_t at, const char *error, const char *says);
void step_failed_with(struct report *report, int64_t at, int code);

/* Lines that belong to no report. `id` is a JSON text, quoted. */
void say_error(const char *id, const char *fault, const char *says);
void say_flushed(const char *id);
/* Any other line: `line` is a JSON object without its newline. */
void say(const struct octets *line);

/* Writes what is to be said, as far as standard output takes it. False once nobody reads it any more. */
bool report_write(void);
/* How many octets wait for a reader of standard output. */
size_t report_backlog(void);

#endif
