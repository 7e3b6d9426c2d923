/* HTTP content on its way out, and the lines in front of it (RFC 9112, sections 2 to 7).
 * Owns how it is coded and what was handed over. Does no I/O. */
#ifndef HTTP_OUTGOING_H
#define HTTP_OUTGOING_H

#include "http_content.h"
#include "payload.h"
#include "sha256.h"

void http_put_field(struct octets *out, struct view name, struct view value);
void http_put_fields(struct octets *out, const struct http_fields *fields);
/* Content-Length or Transfer-Encoding. */
void http_put_framing(struct octets *out, enum http_coding coding, uint64_t size);

/* Fields in a command: [[name,value],...]; the member may be missing. Those that frame a message are unsupported: they
 * are the stack's own, and two answers to where a message ends would be none. */
bool http_read_fields(struct http_fields *fields, const struct json *object, struct fault *fault);
/* A payload and `coding` in a command. */
bool http_read_coding(const struct json *object, bool *chunked, struct fault *fault);

struct http_outgoing {
    struct source source;
    enum http_coding coding;
    struct sha256 sum; /* of what was handed over: its size, too */
    bool over;
};
/* `payload` must live as long. */
void http_outgoing_start(struct http_outgoing *outgoing, const struct payload *payload, enum http_coding coding);
/* Nothing to hand over. */
void http_outgoing_none(struct http_outgoing *outgoing);
/* Hands over the next piece of the content. */
void http_outgoing_put(struct http_outgoing *outgoing, struct octets *out);

#endif
