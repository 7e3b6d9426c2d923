/* The command `ask` of dns: what it asks for, the queries that say so, and what of a response is the answer. Owns the
 * questions. Opens no socket. */
#ifndef DNS_ASK_H
#define DNS_ASK_H

#include "command.h"
#include "dns_message.h"

struct dns_question {
    struct dns_name name;
    unsigned type;
};

struct dns_questions {
    struct address address;
    int64_t deadline; /* microseconds from now */
    struct dns_question *list;
    size_t count;
};

/* After a fault what was read is still to be freed. */
bool dns_ask_read(struct dns_questions *questions, const struct json *command, struct fault *fault);
void dns_ask_free(struct dns_questions *questions);

/* The query, of at most DNS_DATAGRAM octets; returns how many. */
size_t dns_ask_query(const struct dns_question *question, unsigned id, uint8_t to[DNS_DATAGRAM]);

struct dns_answer {
    bool truncated;
    unsigned rcode;
    struct octets records; /* as a JSON list */
};

/* False if it is no response to that query, or cannot be read. */
bool dns_ask_answer(struct dns_answer *answer, const struct dns_question *question, unsigned id, struct view response);

#endif
