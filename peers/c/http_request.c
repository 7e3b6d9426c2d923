/* The head of an HTTP request; see http_request.h. */
#include "http_request.h"

#include <string.h>

/* ---- the request-target (RFC 9112, section 3.2; RFC 3986, appendix A) ---- */

static bool is_alphanumeric(uint8_t c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_hex(uint8_t c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

/* Unreserved characters, sub-delims, percent-encoded octets, and those in `more`. */
static bool is_made_of(struct view text, const char *more) {
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.at[i];
        if (c == '%') {
            if (text.size - i < 3 || !is_hex(text.at[i + 1]) || !is_hex(text.at[i + 2]))
                return false;
            i += 2;
        } else if (!is_alphanumeric(c) && !(c && (strchr("-._~!$&'()*+,;=", c) || strchr(more, c)))) {
            return false;
        }
    }
    return true;
}

static bool is_digits(struct view text) {
    for (size_t i = 0; i < text.size; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return true;
}

/* uri-host [ ":" port ] */
static bool is_authority(struct view text) {
    struct view host = text;
    if (text.size && text.at[0] == '[') {
        size_t whole = text.size;
        host = view_split(&text, ']');
        if (host.size == whole) /* the bracket is never closed */
            return false;
        host = view_part(host, 1, host.size - 1);
        return host.size && is_made_of(host, ":") && (!text.size || text.at[0] == ':') &&
               is_digits(view_part(text, text.size != 0, text.size - (text.size != 0)));
    }
    host = view_split(&text, ':');
    return is_made_of(host, "") && is_digits(text);
}

static bool is_path_and_query(struct view text, struct view *path) {
    *path = view_split(&text, '?');
    return is_made_of(*path, ":@/") && is_made_of(text, ":@/?");
}

static size_t scheme_size(struct view text) {
    if (text.size >= 7 && view_is_caseless(view_part(text, 0, 7), "http://"))
        return 7;
    return text.size >= 8 && view_is_caseless(view_part(text, 0, 8), "https://") ? 8 : 0;
}

static bool read_absolute(struct http_request *request, size_t scheme) {
    struct view rest = view_part(request->target, scheme, request->target.size - scheme);
    size_t size = 0;
    while (size < rest.size && rest.at[size] != '/' && rest.at[size] != '?')
        size++;
    if (!size || !is_authority(view_part(rest, 0, size)))
        return false;
    bool good = is_path_and_query(view_part(rest, size, rest.size - size), &request->path);
    if (!request->path.size) /* RFC 9112, section 3.2.4: then OPTIONS means the server, and else it is the root */
        request->path = view_of(view_is(request->method, "OPTIONS") ? "*" : "/");
    return good;
}

static bool read_target(struct http_request *request) {
    request->path = request->target;
    if (view_is(request->target, "*"))
        return view_is(request->method, "OPTIONS");
    if (request->target.size && request->target.at[0] == '/')
        return is_path_and_query(request->target, &request->path);
    size_t scheme = scheme_size(request->target);
    return scheme && read_absolute(request, scheme);
}

/* ---- the request line ---- */

/* 0, or the status of the refusal. */
static int read_request_line(struct http_request *request, struct view line) {
    int major;
    octets_clear(&request->line);
    octets_add(&request->line, line.at, line.size);
    struct view rest = {octets_front(&request->line), line.size};
    request->method = view_split(&rest, ' ');
    request->target = view_split(&rest, ' ');
    request->version = rest;
    if (!http_is_token(request->method) || !request->target.size ||
        !http_is_version(request->version, &major, &request->minor))
        return 400;
    if (major != 1)
        return 505;
    if (view_is(request->method, "CONNECT"))
        return is_authority(request->target) ? 501 : 400;
    return read_target(request) ? 0 : 400;
}

/* RFC 9112, section 3.2: one valid Host, which only HTTP/1.0 may leave out. */
static int check_host(const struct http_request *request) {
    struct view host;
    size_t i = 0;
    if (!http_fields_find(&request->fields, "Host", &i, &host))
        return request->minor ? 400 : 0;
    if (!is_authority(host))
        return 400;
    i++;
    return http_fields_find(&request->fields, "Host", &i, &host) ? 400 : 0;
}

/* What is too long: a target, or a line that is no request line anyway? */
static int too_long(const struct octets *in) {
    struct view start = {octets_front(in), 128};
    view_split(&start, ' ');
    return start.size ? 414 : 400;
}

static enum http_head refuse(int *status, int with) {
    *status = with;
    return HEAD_BAD;
}

static enum http_head take_request_line(struct http_request *request, struct octets *in, int *status) {
    struct view line;
    for (;;) {
        enum http_line taken = http_line_take(in, &request->seen, HTTP_LONGEST_START, &line);
        if (taken == LINE_NONE)
            return HEAD_NONE;
        if (taken != LINE_WHOLE)
            return refuse(status, taken == LINE_LONG ? too_long(in) : 400);
        bool empty = !line.size; /* RFC 9112, section 2.2: empty lines in front of a request are to be ignored */
        int refusal = empty ? 0 : read_request_line(request, line);
        http_line_drop(in, &request->seen, line);
        if (refusal)
            return refuse(status, refusal);
        if (!empty)
            break;
    }
    request->has_line = true;
    return HEAD_WHOLE;
}

static enum http_head take_fields(struct http_request *request, struct octets *in, int *status) {
    struct view line;
    for (;;) {
        enum http_line taken = http_line_take(in, &request->seen, HTTP_LONGEST_FIELDS, &line);
        if (taken == LINE_NONE)
            return HEAD_NONE;
        request->field_octets += taken == LINE_WHOLE ? line.size : 0;
        if (taken == LINE_LONG || request->field_octets > HTTP_LONGEST_FIELDS)
            return refuse(status, 431);
        bool last = taken == LINE_WHOLE && !line.size;
        if (taken != LINE_WHOLE || (!last && !http_fields_add_line(&request->fields, line)))
            return refuse(status, 400);
        http_line_drop(in, &request->seen, line);
        if (last)
            break;
    }
    int refusal = check_host(request);
    return refusal ? refuse(status, refusal) : HEAD_WHOLE;
}

enum http_head http_request_read(struct http_request *request, struct octets *in, int *status) {
    if (!request->has_line) {
        enum http_head head = take_request_line(request, in, status);
        if (head != HEAD_WHOLE)
            return head;
    }
    return take_fields(request, in, status);
}

void http_request_set(struct http_request *request, const char *method, const char *target, const char *version) {
    const char *const parts[] = {method, target, version};
    struct view *const views[] = {&request->method, &request->target, &request->version};
    size_t at = 0;
    int major;
    octets_clear(&request->line);
    for (size_t i = 0; i < 3; i++)
        octets_add(&request->line, parts[i], strlen(parts[i]) + 1);
    for (size_t i = 0; i < 3; at += strlen(parts[i++]) + 1)
        *views[i] = (struct view){octets_front(&request->line) + at, strlen(parts[i])};
    if (!http_is_version(request->version, &major, &request->minor))
        request->minor = 1;
    read_target(request);
}

bool http_request_begun(const struct http_request *request, const struct octets *in) {
    return request->has_line || octets_size(in);
}

void http_request_clear(struct http_request *request) {
    http_fields_clear(&request->fields);
    request->has_line = false;
    request->seen = request->field_octets = 0;
}

void http_request_free(struct http_request *request) {
    octets_free(&request->line);
    http_fields_free(&request->fields);
}
