/* Octets between a socket and buffers; see pump.h. */
#include "pump.h"

#include "loop.h"

enum { PIECE = 64 * 1024 };

bool pump_may_read(const struct incoming *in) {
    return !in->ended && !in->broken && octets_size(&in->octets) < MOST_IN;
}

void pump_in(sock_t sock, struct incoming *in) {
    static uint8_t piece[PIECE];
    size_t got;
    for (size_t turn = 0; turn < TURN && pump_may_read(in); turn += got + CALL) {
        int code = net_read(sock, piece, sizeof piece, &got);
        if (net_would_block(code))
            return;
        octets_add(&in->octets, piece, got);
        in->broken = code;
        in->ended = !code && !got;
    }
}

int pump_out(sock_t sock, struct octets *out) {
    size_t put;
    while (octets_size(out)) {
        int code = net_write(sock, octets_front(out), octets_size(out), &put);
        octets_drop(out, put);
        if (code)
            return net_would_block(code) ? 0 : code;
    }
    return 0;
}

void pump_forget(struct incoming *in) {
    octets_clear(&in->octets);
    in->ended = false;
    in->broken = 0;
}
