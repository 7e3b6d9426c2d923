/* What both sides of HTTP report alike. Owns the form of `fields` and `trailers`. */
#ifndef HTTP_REPORT_H
#define HTTP_REPORT_H

#include "http_message.h"
#include "report.h"

/* Adds [[name,value],...]: octets as they came, decoded as Latin-1. */
void http_step_fields(struct report *report, const char *member, const struct http_fields *fields);

#endif
