/* The head of an HTTP response; see http_reply.h. */
#include "http_reply.h"

/* status-line = HTTP-version SP status-code SP [ reason-phrase ]; the last SP is not missed where it is forgotten. */
static bool read_status_line(struct http_reply *reply, struct view line) {
    int major;
    octets_clear(&reply->line);
    octets_add(&reply->line, line.at, line.size);
    struct view rest = {octets_front(&reply->line), line.size};
    reply->version = view_split(&rest, ' ');
    struct view status = view_split(&rest, ' ');
    reply->reason = rest;
    if (!http_is_version(reply->version, &major, &reply->minor) || major != 1 || status.size != 3)
        return false;
    reply->status = 0;
    for (size_t i = 0; i < 3; i++) {
        if (status.at[i] < '0' || status.at[i] > '9')
            return false;
        reply->status = reply->status * 10 + (status.at[i] - '0');
    }
    return reply->status >= 100 && http_is_value(reply->reason);
}

/* One line of the head, which is whole with the empty one. */
static enum http_reply_head read_line(struct http_reply *reply, struct view line) {
    if (!reply->has_line) {
        reply->has_line = true;
        return read_status_line(reply, line) ? REPLY_NONE : REPLY_BAD;
    }
    if (!line.size)
        return REPLY_WHOLE;
    reply->field_octets += line.size;
    bool folded = line.at[0] == ' ' || line.at[0] == '\t';
    bool good = reply->field_octets <= HTTP_LONGEST_FIELDS &&
                (folded ? http_fields_fold : http_fields_add_line)(&reply->fields, line);
    return good ? REPLY_NONE : REPLY_BAD;
}

enum http_reply_head http_reply_read(struct http_reply *reply, struct octets *in) {
    enum http_reply_head head = REPLY_NONE;
    struct view line;
    while (head == REPLY_NONE) {
        enum http_line taken = http_line_take(in, &reply->seen, HTTP_LONGEST_FIELDS, &line);
        if (taken != LINE_WHOLE)
            return taken == LINE_NONE ? REPLY_NONE : REPLY_BAD;
        head = read_line(reply, line);
        http_line_drop(in, &reply->seen, line);
    }
    return head;
}

void http_reply_clear(struct http_reply *reply) {
    http_fields_clear(&reply->fields);
    reply->has_line = false;
    reply->seen = reply->field_octets = 0;
}

void http_reply_free(struct http_reply *reply) {
    octets_free(&reply->line);
    http_fields_free(&reply->fields);
}
