/* The command `load`: as many echo conversations as fast as can be, for benchmarks. Owns them. They are counted, and
 * the number of octets that came back is checked, but nothing else is reported. */
#ifndef LOAD_H
#define LOAD_H

#include "command.h"

/* Carries `load` out. Takes over `id` if it succeeds; else *fault says why not. */
bool load_start(const struct json *command, char *id, struct fault *fault);

#endif
