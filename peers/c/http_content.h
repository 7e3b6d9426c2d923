/* Where the content of an HTTP message ends, and taking it off a stream (RFC 9112, sections 6 and 7).
 * Owns Content-Length, Transfer-Encoding and the chunked coding. Does no I/O and keeps no content. */
#ifndef HTTP_CONTENT_H
#define HTTP_CONTENT_H

#include "http_message.h"

enum http_coding { CONTENT_LENGTH, CONTENT_CHUNKED, CONTENT_TO_END };

enum http_framing {
    FRAMED,
    FRAMED_BADLY,     /* 400: nobody can tell where it ends */
    FRAMED_UNKNOWN,   /* 501: a transfer coding that is not known */
    FRAMED_TOO_LARGE, /* 413 */
};

/* The state of one content on its way in. */
struct http_content {
    enum http_coding coding;
    uint64_t left; /* of the content, or of the current chunk */
    uint64_t most; /* more octets than this in all are too many */
    uint64_t size; /* taken so far */
    enum { CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILERS } state;
    size_t seen, extensions, trailer_octets;
    size_t handed; /* of the stream: the last piece, to be dropped first */
    struct http_fields trailers;
};

/* What the fields say about the content. `minor` is the version's; `response` content may be up to the end of the
 * connection. Clears what was in *content. */
enum http_framing http_content_frame(struct http_content *content, const struct http_fields *fields, int minor,
                                     bool response, uint64_t most);
/* A message without content, whatever its fields say. */
void http_content_none(struct http_content *content);

enum http_piece { PIECE_NONE, PIECE_THERE, PIECE_LAST, PIECE_BAD, PIECE_TOO_LARGE };
/* The next piece of the content: PIECE_THERE and *piece, valid until the next call. PIECE_NONE: more must come.
 * PIECE_LAST: the message is whole. Takes what it used off the stream. */
enum http_piece http_content_take(struct http_content *content, struct octets *in, struct view *piece);
void http_content_free(struct http_content *content);

#endif
