/* The abilities of the variant `libmicrohttpd`: its server; see abilities.h. */
#include "abilities.h"
#include "json.h"

#include <microhttpd.h>
#include <string.h>

static const char ABILITY[] = "serve http/tcp";

void abilities_put(struct octets *hello) {
    const char *version = MHD_get_version();
    octets_add_text(hello, ",\"can\":[\"");
    octets_add_text(hello, ABILITY);
    octets_add_text(hello, "\"],\"libraries\":{\"libmicrohttpd\":");
    json_put_text(hello, (struct view){(const uint8_t *)version, strlen(version)});
    octets_add_text(hello, "}");
}

bool abilities_include(const char *ability) {
    return strcmp(ability, ABILITY) == 0;
}
