/* The abilities of the peer as it is; see abilities.h. */
#include "abilities.h"

#include "local.h"

#include <stdio.h>

void abilities_put(struct octets *hello) {
    static const char *const abilities[] = {
        "serve http/tcp", "ask http/tcp",      "serve smtp/tcp",    "ask smtp/tcp",      "serve ftp/tcp",
        "ask ftp/tcp",    "ask dns/udp",       "serve rtp/udp",     "ask rtp/udp",       "script client/tcp",
        "load tcp",       "script client/udp", "script server/tcp", "script server/udp",
    };
    static const char *const services[] = {"echo", "discard", "chargen", "qotd", "daytime", "time", "dns"};
    char one[64];
    for (size_t i = 0; i < sizeof abilities / sizeof *abilities; i++) {
        snprintf(one, sizeof one, "%s\"%s\"", i ? "," : ",\"can\":[", abilities[i]);
        octets_add_text(hello, one);
    }
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        snprintf(one, sizeof one, ",\"serve %s/tcp\",\"serve %s/udp\"", services[i], services[i]);
        octets_add_text(hello, one);
    }
    if (net_has_groups())
        octets_add_text(hello, ",\"script client/multicast\",\"script server/multicast\"");
    local_put_abilities(hello);
    octets_add_text(hello, "]");
    local_put_lacks(hello);
}

/* Whoever carries a command out knows best what is possible, and says why if it is not. */
bool abilities_include(const char *ability) {
    (void)ability;
    return true;
}
