/* The head of a response that a service sends (RFC 9110, sections 6 to 8; RFC 9112, sections 4, 6 and 9).
 * Owns status line, Date, Connection, which fields of a resource and which content a status may have. Does no I/O. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "http_site.h"

struct http_response {
    enum http_coding coding;
    uint64_t size;    /* of the content */
    bool framed;      /* the status allows content: then a HEAD tells of it, too */
    bool has_content; /* content follows the head */
    bool persists;    /* the connection stays open */
};

/* What the answer becomes for that request; `size` is that of the content, if there is any. */
struct http_response http_response_for(const struct http_answer *answer, const struct http_request *request,
                                       uint64_t size);
/* The fields of the answer that are the application's, not the stack's. To be freed. */
struct http_fields http_answer_fields(const struct http_answer *answer, const struct http_request *request);
void http_put_response(struct octets *out, const struct http_response *response, const struct http_answer *answer,
                       const struct http_request *request);
/* A whole response without content, after which the connection is closed. */
void http_put_refusal(struct octets *out, int status);

#endif
