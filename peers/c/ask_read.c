/* Requests of the command `ask`; see ask.h. */
#include "ask.h"

#include <stdlib.h>
#include <string.h>

static bool is_target(struct view target) {
    for (size_t i = 0; i < target.size; i++)
        if (target.at[i] <= 0x20 || target.at[i] >= 0x7f)
            return false;
    return target.size != 0;
}

static bool read_request(struct ask_request *request, const struct json *object, struct fault *fault) {
    struct view method, target;
    if (!need_text(object, "method", &method, fault) || !need_text(object, "target", &target, fault))
        return false;
    if (!http_is_token(method) || !is_target(target))
        return bad_command(fault, "'method' must be a token, and 'target' without spaces and control characters");
    if (view_is(method, "CONNECT"))
        return unsupported(fault, "CONNECT makes a tunnel, which no step could tell of");
    request->method = (char *)view_copy(method);
    request->target = (char *)view_copy(target);
    request->has_body = json_member(object, "body") != NULL;
    if (!http_read_fields(&request->fields, object, fault) || !http_read_coding(object, &request->chunked, fault) ||
        !maybe_keep(object, &request->keep, fault))
        return false;
    return !request->has_body || payload_read(&request->body, json_member(object, "body"), fault);
}

bool ask_read(struct ask_requests *requests, const struct json *command, struct fault *fault) {
    struct view service;
    const struct json *list;
    requests->deadline = 10 * 1000 * 1000;
    if (!need_text(command, "service", &service, fault))
        return false;
    if (!view_is(service, "http"))
        return unsupported(fault, "there is no client for '%.40s'", (const char *)service.at);
    if (!need_address(command, &requests->address, fault) ||
        !maybe_time(command, "deadline", &requests->deadline, fault) || !need_list(command, "requests", &list, fault))
        return false;
    requests->list = must_alloc(list->count * sizeof *requests->list);
    for (const struct json *object = list->first; object; object = object->next)
        if (!read_request(&requests->list[requests->count++], object, fault))
            return false;
    return true;
}

void ask_free(struct ask_requests *requests) {
    for (size_t i = 0; i < requests->count; i++) {
        free(requests->list[i].method);
        free(requests->list[i].target);
        http_fields_free(&requests->list[i].fields);
        payload_free(&requests->list[i].body);
    }
    free(requests->list);
}

static bool is_one_of(const char *method, const char *const *methods) {
    for (; *methods; methods++)
        if (strcmp(method, *methods) == 0)
            return true;
    return false;
}

bool ask_is_idempotent(const struct ask_request *request) {
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", NULL};
    return is_one_of(request->method, methods);
}

bool ask_usually_has_content(const struct ask_request *request) {
    static const char *const methods[] = {"POST", "PUT", "PATCH", NULL};
    return is_one_of(request->method, methods);
}

static void put_host(struct octets *out, const struct address *address) {
    octets_add_text(out, "Host: ");
    address_put_authority(out, address, 80);
    octets_add_text(out, "\r\n");
}

void ask_put_head(struct octets *out, const struct ask_request *request, const struct address *address) {
    octets_add_text(out, request->method);
    octets_add_text(out, " ");
    octets_add_text(out, request->target);
    octets_add_text(out, " HTTP/1.1\r\n");
    if (!http_fields_have(&request->fields, "Host"))
        put_host(out, address);
    if (!http_fields_have(&request->fields, "User-Agent"))
        http_put_field(out, view_of("User-Agent"), view_of("parley-c"));
    http_put_fields(out, &request->fields);
    if (request->has_body)
        http_put_framing(out, request->chunked ? CONTENT_CHUNKED : CONTENT_LENGTH, request->body.size);
    else if (ask_usually_has_content(request))
        http_put_framing(out, CONTENT_LENGTH, 0);
    octets_add_text(out, "\r\n");
}
