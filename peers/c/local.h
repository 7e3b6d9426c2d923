/* Scripts between two processes of one machine: sockets of the Unix domain, FIFOs, pipes, shared memory, message queues
 * and signals. Everything about them that only some systems have stands behind this header, in the files local_*.c: a
 * port to a system without them needs an implementation of these few functions that knows no transport, and nothing
 * else. local.c owns which there are here. */
#ifndef LOCAL_H
#define LOCAL_H

#include "command.h"
#include "script.h"

/* NULL if there is none of that name. */
const struct transport *local_transport(const char *name);
/* Add `script client/...` and `script server/...` to the list `can` of hello, each with a comma in front. */
void local_put_abilities(struct octets *can);
/* Adds the member `lacks` of hello, with a comma in front, where something is lacking. */
void local_put_lacks(struct octets *hello);

/* What the command says besides what all scripts do; before its steps are read. */
bool local_read(struct script *script, const struct json *command, struct fault *fault);
/* The same of a step, after all else of it. */
bool local_read_step(const struct script *script, struct script_step *step, const struct json *object,
                     struct fault *fault);
/* Frees what local_read() made; nothing is open any more. */
void local_free(struct script *script);

#endif
