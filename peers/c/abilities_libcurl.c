/* The abilities of the variant `libcurl`: its client; see abilities.h. */
#include "abilities.h"
#include "json.h"

#include <curl/curl.h>
#include <string.h>

static const char ABILITY[] = "ask http/tcp";

void abilities_put(struct octets *hello) {
    const char *version = curl_version_info(CURLVERSION_NOW)->version;
    octets_add_text(hello, ",\"can\":[\"");
    octets_add_text(hello, ABILITY);
    octets_add_text(hello, "\"],\"libraries\":{\"libcurl\":");
    json_put_text(hello, (struct view){(const uint8_t *)version, strlen(version)});
    octets_add_text(hello, "}");
}

bool abilities_include(const char *ability) {
    return strcmp(ability, ABILITY) == 0;
}
