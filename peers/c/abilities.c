/* The abilities of the peer as it is; see abilities.h. */
#include "abilities.h"

#include "local.h"

#include <stdio.h>

void abilities_put(struct octets *hello) {
    static const char *const services[] = {"echo", "discard", "chargen", "qotd", "daytime", "time", "dns"};
    octets_add_text(hello, ",\"can\":[\"serve http/tcp\",\"ask http/tcp\",\"serve smtp/tcp\",\"ask smtp/tcp\",\"ask "
                           "dns/udp\",\"load tcp\",\"script client/tcp\","
                           "\"script client/udp\",\"script server/tcp\",\"script server/udp\"");
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        char both[64];
        snprintf(both, sizeof both, ",\"serve %s/tcp\",\"serve %s/udp\"", services[i], services[i]);
        octets_add_text(hello, both);
    }
    local_put_abilities(hello);
    octets_add_text(hello, "]");
    local_put_lacks(hello);
}

/* Whoever carries a command out knows best what is possible, and says why if it is not. */
bool abilities_include(const char *ability) {
    (void)ability;
    return true;
}
