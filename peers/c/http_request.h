/* The head of an HTTP request as a server reads it (RFC 9112, sections 3 and 5).
 * Owns the request line, the forms of a target, Host, and the status that a bad head deserves. Does no I/O. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http_message.h"

struct http_request {
    struct octets line; /* the request line, which the views show parts of */
    struct view method, target, version;
    struct view path; /* the target up to `?`, without scheme and authority; "*" */
    int minor;        /* of the version */
    struct http_fields fields;
    bool has_line;
    size_t seen, field_octets;
};

enum http_head { HEAD_NONE, HEAD_WHOLE, HEAD_BAD };

/* Reads on, and takes what it used off the stream. HEAD_BAD: *status is what to answer. */
enum http_head http_request_read(struct http_request *request, struct octets *in, int *status);
/* The request line as something else has read it: no more is refused here. */
void http_request_set(struct http_request *request, const char *method, const char *target, const char *version);
/* Whether anything of it came yet. */
bool http_request_begun(const struct http_request *request, const struct octets *in);
/* Ready for the next one. */
void http_request_clear(struct http_request *request);
void http_request_free(struct http_request *request);

#endif
