/* Everything that a command started and that has not ended yet, by id.
 * Owns the ids. Does not know what is running: it can only be told to stop. */
#ifndef RUNNING_H
#define RUNNING_H

#include "octets.h"

#include <stdbool.h>

/* Embed it, and find the owner from it (owner_of in loop.h). */
struct running {
    char *id;                              /* as a JSON text, quoted */
    void (*stop)(struct running *running); /* close all sockets, report `done`, and running_end() */
    struct running *next;
};

/* The id as a JSON text; the caller frees it, or gives it to running_start(). */
char *running_quote(struct view id);
bool running_is(const char *id);
/* Takes over the memory of `id`. */
void running_start(struct running *running, char *id, void (*stop)(struct running *));
/* Forgets it and frees its id. */
void running_end(struct running *running);
/* True if that id was running. */
bool running_stop(const char *id);
void running_stop_all(void);

#endif
