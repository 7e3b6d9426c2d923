/* The head of a response; see http_response.h. */
#include "http_response.h"

#include <stdio.h>
#include <time.h>

static bool may_have_content(int status) {
    return status != 204 && status != 205 && status != 304;
}

static bool wants_to_persist(const struct http_answer *answer, const struct http_request *request) {
    if (answer->resource && http_fields_list(&answer->resource->fields, "Connection", "close"))
        return false;
    if (http_fields_list(&request->fields, "Connection", "close"))
        return false;
    return request->minor || http_fields_list(&request->fields, "Connection", "keep-alive");
}

struct http_response http_response_for(const struct http_answer *answer, const struct http_request *request,
                                       uint64_t size) {
    struct http_response response = {.coding = CONTENT_LENGTH, .size = size};
    response.framed = may_have_content(answer->status);
    response.has_content = response.framed && !view_is(request->method, "HEAD");
    response.persists = wants_to_persist(answer, request);
    if (response.framed && answer->resource && answer->resource->chunked) {
        response.coding = request->minor ? CONTENT_CHUNKED : CONTENT_TO_END; /* HTTP/1.0 knows no chunks */
        response.persists = response.persists && request->minor;
    }
    return response;
}

static void put_status_line(struct octets *out, int status) {
    char line[64];
    snprintf(line, sizeof line, "HTTP/1.1 %d %s\r\n", status, http_reason(status));
    octets_add_text(out, line);
}

static void put_date(struct octets *out) {
    char date[40];
    time_t now = time(NULL);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&now));
    http_put_field(out, view_of("Date"), view_of(date));
}

/* RFC 9110, section 15.4.5: of the representation, a 304 only tells what guides caches. */
static bool belongs_to_304(struct view name) {
    static const char *const others[] = {"Content-Encoding", "Content-Language", "Content-Range",
                                         "Content-Type",     "Last-Modified",    "Trailer"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (view_is_caseless(name, others[i]))
            return false;
    return true;
}

static void add_resource_fields(struct http_fields *fields, const struct http_answer *answer,
                                const struct http_request *request) {
    const struct http_resource *resource = answer->resource;
    struct view type;
    for (size_t i = 0; i < resource->fields.count; i++) {
        struct view name = http_field_name(&resource->fields, i);
        if (answer->status != 304 || belongs_to_304(name))
            http_fields_add(fields, name, http_field_value(&resource->fields, i));
    }
    if (resource->etag.size)
        http_fields_add(fields, view_of("ETag"), resource->etag);
    if (resource->mirrors && http_fields_find(&request->fields, "Content-Type", &(size_t){0}, &type))
        http_fields_add(fields, view_of("Content-Type"), type);
}

struct http_fields http_answer_fields(const struct http_answer *answer, const struct http_request *request) {
    struct http_fields fields = {0};
    if (answer->resource)
        add_resource_fields(&fields, answer, request);
    if (answer->allow.end)
        http_fields_add(&fields, view_of("Allow"),
                        (struct view){octets_front(&answer->allow), octets_size(&answer->allow)});
    return fields;
}

static void put_connection(struct octets *out, const struct http_response *response, const struct http_answer *answer,
                           const struct http_request *request) {
    bool told = answer->resource && http_fields_list(&answer->resource->fields, "Connection", "close");
    if (!response->persists && !told)
        http_put_field(out, view_of("Connection"), view_of("close"));
    else if (response->persists && !request->minor)
        http_put_field(out, view_of("Connection"), view_of("keep-alive"));
}

void http_put_response(struct octets *out, const struct http_response *response, const struct http_answer *answer,
                       const struct http_request *request) {
    put_status_line(out, answer->status);
    if (!answer->resource || !http_fields_have(&answer->resource->fields, "Date"))
        put_date(out);
    struct http_fields fields = http_answer_fields(answer, request);
    http_put_fields(out, &fields);
    http_fields_free(&fields);
    if (response->framed)
        http_put_framing(out, response->coding, response->size);
    else if (answer->status == 205) /* RFC 9110, section 15.3.6: it has to say that there is no content */
        http_put_framing(out, CONTENT_LENGTH, 0);
    put_connection(out, response, answer, request);
    octets_add_text(out, "\r\n");
}

void http_put_refusal(struct octets *out, int status) {
    put_status_line(out, status);
    put_date(out);
    http_put_framing(out, CONTENT_LENGTH, 0);
    http_put_field(out, view_of("Connection"), view_of("close"));
    octets_add_text(out, "\r\n");
}
