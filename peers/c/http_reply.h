/* The head of an HTTP response as a client reads it (RFC 9112, section 4). Owns the status line. Does no I/O. */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "http_message.h"

struct http_reply {
    struct octets line; /* the status line, which the views show parts of */
    struct view version, reason;
    int status, minor;
    struct http_fields fields;
    bool has_line;
    size_t seen, field_octets;
};

enum http_reply_head { REPLY_NONE, REPLY_WHOLE, REPLY_BAD };

/* Reads on, and takes what it used off the stream. REPLY_BAD: it is no HTTP/1.x response. */
enum http_reply_head http_reply_read(struct http_reply *reply, struct octets *in);
void http_reply_clear(struct http_reply *reply);
void http_reply_free(struct http_reply *reply);

#endif
