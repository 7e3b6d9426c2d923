/* Lines of a control connection; see telnet.h. */
#include "telnet.h"

enum { SE = 240, SB = 250, WILL = 251, WONT = 252, DO = 253, DONT = 254, IAC = 255 };

static void refuse(uint8_t verb, uint8_t option, struct octets *out) {
    if (verb == WILL || verb == DO)
        octets_add(out, (const uint8_t[]){IAC, verb == WILL ? DONT : WONT, option}, 3);
}

static uint8_t last_of(const struct octets *line) {
    return octets_size(line) ? octets_front(line)[octets_size(line) - 1] : 0;
}

static void keep(struct telnet *telnet, uint8_t octet, size_t longest) {
    if (!octet && last_of(&telnet->line) == '\r')
        return; /* CR NUL is a CR that ends no line */
    telnet->overlong = telnet->overlong || octets_size(&telnet->line) == longest;
    if (!telnet->overlong)
        octets_add(&telnet->line, &octet, 1);
}

static enum telnet_state command(struct telnet *telnet, uint8_t octet, size_t longest) {
    telnet->verb = octet;
    if (octet == IAC)
        keep(telnet, octet, longest);
    if (octet == SB)
        return TELNET_WITHIN;
    return octet >= WILL && octet <= DONT ? TELNET_OPTION : TELNET_TEXT;
}

/* True: that was the end of the line. */
static bool take(struct telnet *telnet, uint8_t octet, struct octets *out, size_t longest) {
    switch (telnet->state) {
    case TELNET_TEXT:
        if (octet == IAC)
            telnet->state = TELNET_COMMAND;
        else if (octet != '\n')
            keep(telnet, octet, longest);
        return octet == '\n';
    case TELNET_COMMAND:
        telnet->state = command(telnet, octet, longest);
        break;
    case TELNET_OPTION:
        refuse(telnet->verb, octet, out);
        telnet->state = TELNET_TEXT;
        break;
    case TELNET_WITHIN:
        telnet->state = octet == IAC ? TELNET_WITHIN_COMMAND : TELNET_WITHIN;
        break;
    case TELNET_WITHIN_COMMAND:
        telnet->state = octet == SE ? TELNET_TEXT : TELNET_WITHIN;
        break;
    }
    return false;
}

bool telnet_read(struct telnet *telnet, struct octets *in, struct octets *out, size_t longest) {
    const uint8_t *at = octets_front(in);
    size_t size = octets_size(in), taken = 0;
    bool whole = false;
    while (taken < size && !whole)
        whole = take(telnet, at[taken++], out, longest);
    octets_drop(in, taken);
    if (whole && last_of(&telnet->line) == '\r')
        telnet->line.end--;
    return whole;
}

void telnet_next(struct telnet *telnet) {
    octets_clear(&telnet->line);
    telnet->overlong = false;
}

void telnet_free(struct telnet *telnet) {
    octets_free(&telnet->line);
}
