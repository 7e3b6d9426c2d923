/* The site that an HTTP service serves: resources, and which of them answers a request (RFC 9110).
 * Owns the command's `site`, methods, Allow and If-None-Match. Does no I/O and frames no message. */
#ifndef HTTP_SITE_H
#define HTTP_SITE_H

#include "http_outgoing.h"
#include "http_request.h"

struct http_resource {
    char *path, *method;
    int status;
    struct http_fields fields;
    struct payload body;
    bool has_body, mirrors; /* mirrors: the body is the request's content */
    bool chunked;
    struct view etag; /* of size 0: none; owned */
};

/* What is to be answered; what is not there is NULL or empty. */
struct http_answer {
    int status;
    const struct http_resource *resource; /* whose fields and content are to be sent */
    struct octets allow;                  /* the value of Allow, to be freed */
};

/* The site of a `serve` command, or NULL. */
struct http_site *http_site_read(const struct json *command, struct fault *fault);
void http_site_free(struct http_site *site);
/* NULL behind the last one. */
const struct http_resource *http_site_resource(const struct http_site *site, size_t i);

struct http_answer http_site_answer(const struct http_site *site, const struct http_request *request);
/* The content that goes with it. What the payload points to belongs to the site or to `mirrored`, the content of the
 * request. */
struct payload http_answer_content(const struct http_answer *answer, const struct octets *mirrored);
/* Whether the content of the request will be asked for. */
bool http_site_mirrors(const struct http_site *site, const struct http_request *request);

/* "Not Found"; never NULL. */
const char *http_reason(int status);

#endif
