/* What a build of the peer is there for. Owns what `hello` says of it, beyond the system. The build links one of
 * abilities.c (all there is), abilities_libcurl.c and abilities_libmicrohttpd.c: see the files `sources-...`. */
#ifndef ABILITIES_H
#define ABILITIES_H

#include "octets.h"

#include <stdbool.h>

/* Adds the members `can` and, where there are any, `libraries` of hello, each with a comma in front. */
void abilities_put(struct octets *hello);
/* False: this build does not offer it, whatever else is linked into it. */
bool abilities_include(const char *ability);

#endif
