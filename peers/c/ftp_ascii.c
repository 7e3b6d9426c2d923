/* Contents in TYPE A; see ftp_ascii.h. */
#include "ftp_ascii.h"

#include <string.h>

void ftp_ascii_put(struct octets *to, struct view lines) {
    uint8_t *start = octets_reserve(to, 2 * lines.size), *end = start;
    for (size_t i = 0; i < lines.size; i++) {
        if (lines.at[i] == '\n')
            *end++ = '\r';
        *end++ = lines.at[i];
    }
    octets_grown(to, (size_t)(end - start));
}

void ftp_ascii_take(struct ftp_ascii *ascii, struct octets *to, struct view came) {
    uint8_t *start = octets_reserve(to, came.size + 1), *end = start;
    for (size_t i = 0; i < came.size; i++) {
        if (ascii->held && came.at[i] != '\n')
            *end++ = '\r';
        ascii->held = came.at[i] == '\r';
        if (!ascii->held)
            *end++ = came.at[i];
    }
    octets_grown(to, (size_t)(end - start));
}

void ftp_ascii_end(struct ftp_ascii *ascii, struct octets *to) {
    if (ascii->held)
        octets_add_text(to, "\r");
    ascii->held = false;
}
