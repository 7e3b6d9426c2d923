/* What the HTTP stacks report alike, on both sides. Owns the form of `request`, `response`, `fields` and `trailers`. */
#ifndef HTTP_REPORT_H
#define HTTP_REPORT_H

#include "http_reply.h"
#include "http_request.h"
#include "report.h"

/* The steps of a service: a request with its content, and what was handed to the stack as the answer. */
void http_step_request(struct report *report, const struct http_request *request, const struct sha256 *content,
                       const struct http_fields *trailers);
void http_step_answer(struct report *report, int status, const struct sha256 *content);

/* The step of a client. `complete`: the content did not break off. `kept` is what goes into `hex`; NULL: nothing. */
void http_step_reply(struct report *report, const struct http_reply *reply, const struct sha256 *content,
                     const struct http_fields *trailers, bool complete, const struct octets *kept);

#endif
