/* What the simple services say; see trades.h. */
#include "trades.h"

#include <string.h>
#include <time.h>

static size_t quote_of_the_day(uint8_t to[LONGEST_ANSWER]) {
    static const char quote[] = "Be conservative in what you do, be liberal in what you accept from others.\r\n";
    memcpy(to, quote, sizeof quote - 1);
    return sizeof quote - 1;
}

static size_t daytime(uint8_t to[LONGEST_ANSWER]) {
    time_t now = time(NULL);
    return strftime((char *)to, LONGEST_ANSWER, "%A, %B %d, %Y %H:%M:%S-UTC\r\n", gmtime(&now));
}

static size_t time_of_day(uint8_t to[LONGEST_ANSWER]) {
    static const uint32_t from_1900_to_1970 = 2208988800U; /* seconds, RFC 868 */
    uint32_t now = (uint32_t)((uint64_t)time(NULL) + from_1900_to_1970);
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(now >> (24 - 8 * i));
    return 4;
}

const struct trade *trade_named(const char *name) {
    static const struct trade trades[] = {
        {"echo",    true,  false, NULL,             false},
        {"discard", false, false, NULL,             false},
        {"chargen", false, true,  NULL,             false},
        {"qotd",    false, false, quote_of_the_day, false},
        {"daytime", false, false, daytime,          false},
        {"time",    false, false, time_of_day,      false},
        {"dns",     false, false, NULL,             true },
    };
    for (size_t i = 0; i < sizeof trades / sizeof *trades; i++)
        if (strcmp(trades[i].name, name) == 0)
            return &trades[i];
    return NULL;
}
