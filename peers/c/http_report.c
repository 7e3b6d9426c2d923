/* What both sides of HTTP report alike; see http_report.h. */
#include "http_report.h"

#include "json.h"

void http_step_fields(struct report *report, const char *member, const struct http_fields *fields) {
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
