/* The command `ask`: what it asks for. ask_read.c makes it from a command, http_client.c holds the conversation.
 * Owns the requests. Opens no socket. */
#ifndef ASK_H
#define ASK_H

#include "http_outgoing.h"

struct ask_request {
    char *method, *target;
    struct http_fields fields;
    struct payload body;
    bool has_body, chunked;
    size_t keep;
};

struct ask_requests {
    struct address address;
    int64_t deadline; /* microseconds from now */
    struct ask_request *list;
    size_t count;
};

/* After a fault what was read is still to be freed. */
bool ask_read(struct ask_requests *requests, const struct json *command, struct fault *fault);
void ask_free(struct ask_requests *requests);

/* The whole head of a request to that address. */
void ask_put_head(struct octets *out, const struct ask_request *request, const struct address *address);
/* RFC 9110, section 8.6: content is usual with the method, so that its lack is to be told. */
bool ask_usually_has_content(const struct ask_request *request);
/* RFC 9110, section 9.2.2: may it be sent again when nobody knows whether it arrived? */
bool ask_is_idempotent(const struct ask_request *request);

#endif
