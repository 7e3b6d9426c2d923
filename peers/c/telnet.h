/* Lines of a control connection, which is one of Telnet (RFC 854; RFC 1123, section 4.1.2.12).
 * Owns where lines end, and what Telnet says between their octets: options are refused, all else is passed over. */
#ifndef TELNET_H
#define TELNET_H

#include "octets.h"

#include <stdbool.h>

enum telnet_state { TELNET_TEXT, TELNET_COMMAND, TELNET_OPTION, TELNET_WITHIN, TELNET_WITHIN_COMMAND };

/* All zero is one to which nothing came. */
struct telnet {
    struct octets line; /* without its end */
    bool overlong;      /* there was more of it */
    enum telnet_state state;
    uint8_t verb; /* of the option that is spoken of */
};

/* Takes octets off `in`, at most to the end of a line, of which so many are kept. What has to be said to options is
 * added to `out`. True: the line is whole. */
bool telnet_read(struct telnet *telnet, struct octets *in, struct octets *out, size_t longest);
/* The line was dealt with: the next one may come. */
void telnet_next(struct telnet *telnet);
void telnet_free(struct telnet *telnet);

#endif
