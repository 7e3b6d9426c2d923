/* What the HTTP stacks report alike; see http_report.h. */
#include "http_report.h"

#include "json.h"

/* Adds [[name,value],...]: octets as they came, decoded as Latin-1. */
static void step_fields(struct report *report, const char *member, const struct http_fields *fields) {
    struct octets *to = step_member(report, member);
    if (!to)
        return;
    octets_add_text(to, "[");
    for (size_t i = 0; i < fields->count; i++) {
        octets_add_text(to, i ? ",[" : "[");
        json_put_latin1(to, http_field_name(fields, i));
        octets_add_text(to, ",");
        json_put_latin1(to, http_field_value(fields, i));
        octets_add_text(to, "]");
    }
    octets_add_text(to, "]");
}

static void step_trailers(struct report *report, const struct http_fields *trailers) {
    if (trailers->count)
        step_fields(report, "trailers", trailers);
}

void http_step_request(struct report *report, const struct http_request *request, const struct sha256 *content,
                       const struct http_fields *trailers) {
    step_open(report, "request");
    step_latin1(report, "method", request->method);
    step_latin1(report, "target", request->target);
    step_latin1(report, "version", request->version);
    step_fields(report, "fields", &request->fields);
    step_octets(report, content);
    step_trailers(report, trailers);
    step_close(report);
}

void http_step_answer(struct report *report, int status, const struct sha256 *content) {
    step_open(report, "response");
    step_whole(report, "status", status);
    step_octets(report, content);
    step_close(report);
}

void http_step_reply(struct report *report, const struct http_reply *reply, const struct sha256 *content,
                     const struct http_fields *trailers, bool complete, const struct octets *kept) {
    step_open(report, "response");
    step_whole(report, "status", reply->status);
    step_latin1(report, "reason", reply->reason);
    step_latin1(report, "version", reply->version);
    step_fields(report, "fields", &reply->fields);
    step_octets(report, content);
    step_bool(report, "complete", complete);
    step_trailers(report, trailers);
    if (kept)
        step_hex(report, "hex", (struct view){octets_front(kept), octets_size(kept)});
    step_close(report);
}
