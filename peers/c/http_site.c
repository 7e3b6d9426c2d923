/* The site that an HTTP service serves; see http_site.h. */
#include "http_site.h"

#include <stdlib.h>
#include <string.h>

struct http_site {
    struct http_resource *resources;
    size_t count;
};

/* ---- the command ---- */

static bool read_body(struct http_resource *resource, const struct json *object, struct fault *fault) {
    const struct json *body = json_member(object, "body");
    resource->mirrors = json_is(body, "request");
    resource->has_body = body != NULL;
    return !body || resource->mirrors || payload_read(&resource->body, body, fault);
}

static bool read_etag(struct http_resource *resource, const struct json *object, struct fault *fault) {
    struct view etag = {0};
    if (!json_member(object, "etag"))
        return true;
    if (!need_text(object, "etag", &etag, fault))
        return false;
    resource->etag = (struct view){view_copy(etag), etag.size};
    return http_is_value(etag) || bad_command(fault, "'etag' must be a value that HTTP can carry");
}

static bool read_resource(struct http_resource *resource, const struct json *object, struct fault *fault) {
    struct view path, method;
    uint64_t status;
    if (!need_text(object, "path", &path, fault) || !need_text(object, "method", &method, fault) ||
        !need_whole(object, "status", 599, &status, fault))
        return false;
    if (status < 200 || !http_is_token(method))
        return bad_command(fault, "a resource needs a 'method' that is a token and a final 'status'");
    resource->path = (char *)view_copy(path);
    resource->method = (char *)view_copy(method);
    resource->status = (int)status;
    return http_read_fields(&resource->fields, object, fault) && read_body(resource, object, fault) &&
           http_read_coding(object, &resource->chunked, fault) && read_etag(resource, object, fault);
}

struct http_site *http_site_read(const struct json *command, struct fault *fault) {
    const struct json *list;
    if (!need_list(command, "site", &list, fault))
        return NULL;
    struct http_site *site = must_alloc(sizeof *site);
    site->resources = must_alloc(list->count * sizeof *site->resources);
    for (const struct json *object = list->first; object; object = object->next) {
        if (!read_resource(&site->resources[site->count++], object, fault)) {
            http_site_free(site);
            return NULL;
        }
    }
    return site;
}

void http_site_free(struct http_site *site) {
    if (!site)
        return;
    for (size_t i = 0; i < site->count; i++) {
        struct http_resource *resource = &site->resources[i];
        free(resource->path);
        free(resource->method);
        http_fields_free(&resource->fields);
        payload_free(&resource->body);
        free((void *)(uintptr_t)resource->etag.at);
    }
    free(site->resources);
    free(site);
}

const struct http_resource *http_site_resource(const struct http_site *site, size_t i) {
    return i < site->count ? &site->resources[i] : NULL;
}

/* ---- which resource ---- */

static const struct http_resource *find(const struct http_site *site, struct view path, const char *method) {
    for (size_t i = 0; i < site->count; i++)
        if (view_is(path, site->resources[i].path) && strcmp(site->resources[i].method, method) == 0)
            return &site->resources[i];
    return NULL;
}

static const struct http_resource *find_for(const struct http_site *site, const struct http_request *request) {
    for (size_t i = 0; i < site->count; i++)
        if (view_is(request->path, site->resources[i].path) && view_is(request->method, site->resources[i].method))
            return &site->resources[i];
    return view_is(request->method, "HEAD") ? find(site, request->path, "GET") : NULL;
}

bool http_site_mirrors(const struct http_site *site, const struct http_request *request) {
    const struct http_resource *resource = find_for(site, request);
    return resource && resource->mirrors;
}

/* ---- Allow (RFC 9110, section 10.2.1) ---- */

static void allow_method(struct octets *allow, const char *method) {
    struct view rest = {octets_front(allow), octets_size(allow)}, one;
    while (http_list_next(&rest, &one))
        if (view_is(one, method))
            return;
    if (octets_size(allow))
        octets_add_text(allow, ", ");
    octets_add_text(allow, method);
}

/* The methods of a path, or of the whole site for "*". False: there is no such path. */
static bool allowed(const struct http_site *site, struct view path, struct octets *allow) {
    bool all = view_is(path, "*"), found = all;
    for (size_t i = 0; i < site->count; i++) {
        if (!all && !view_is(path, site->resources[i].path))
            continue;
        found = true;
        allow_method(allow, site->resources[i].method);
        if (strcmp(site->resources[i].method, "GET") == 0)
            allow_method(allow, "HEAD");
    }
    allow_method(allow, "OPTIONS");
    return found;
}

static struct http_answer answer_without_resource(const struct http_site *site, const struct http_request *request) {
    struct http_answer answer = {.status = 404};
    if (allowed(site, request->path, &answer.allow))
        answer.status = view_is(request->method, "OPTIONS") ? 204 : 405;
    else
        octets_free(&answer.allow);
    return answer;
}

/* ---- If-None-Match (RFC 9110, section 13.1.2) ---- */

static struct view without_weakness(struct view etag) {
    bool weak = etag.size > 2 && etag.at[0] == 'W' && etag.at[1] == '/';
    return weak ? view_part(etag, 2, etag.size - 2) : etag;
}

static bool weakly_equal(struct view one, struct view other) {
    one = without_weakness(one);
    other = without_weakness(other);
    return one.size == other.size && memcmp(one.at, other.at, one.size) == 0;
}

static bool matches(const struct http_request *request, struct view etag) {
    struct view value, one;
    for (size_t i = 0; http_fields_find(&request->fields, "If-None-Match", &i, &value); i++)
        while (http_list_next(&value, &one))
            if (view_is(one, "*") || weakly_equal(one, etag))
                return true;
    return false;
}

static bool reads_only(const struct http_request *request) {
    return view_is(request->method, "GET") || view_is(request->method, "HEAD");
}

/* A condition only counts where the answer would be 2xx (RFC 9110, section 13.2.1). */
static int status_of(const struct http_resource *resource, const struct http_request *request) {
    bool good = resource->status / 100 == 2;
    if (!resource->etag.size || !good || !matches(request, resource->etag))
        return resource->status;
    return reads_only(request) ? 304 : 412;
}

struct http_answer http_site_answer(const struct http_site *site, const struct http_request *request) {
    const struct http_resource *resource = find_for(site, request);
    if (!resource)
        return answer_without_resource(site, request);
    struct http_answer answer = {.status = status_of(resource, request), .resource = resource};
    if (answer.status == 412)
        answer.resource = NULL;
    return answer;
}

struct payload http_answer_content(const struct http_answer *answer, const struct octets *mirrored) {
    struct payload content = answer->resource ? answer->resource->body : (struct payload){.pattern = LITERAL};
    if (answer->resource && answer->resource->mirrors) {
        content.literal = octets_front(mirrored);
        content.size = octets_size(mirrored);
    }
    return content;
}

/* ---- reason phrases (RFC 9110, section 15) ---- */

const char *http_reason(int status) {
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"                             },
        {201, "Created"                        },
        {202, "Accepted"                       },
        {203, "Non-Authoritative Information"  },
        {204, "No Content"                     },
        {205, "Reset Content"                  },
        {206, "Partial Content"                },
        {300, "Multiple Choices"               },
        {301, "Moved Permanently"              },
        {302, "Found"                          },
        {303, "See Other"                      },
        {304, "Not Modified"                   },
        {307, "Temporary Redirect"             },
        {308, "Permanent Redirect"             },
        {400, "Bad Request"                    },
        {401, "Unauthorized"                   },
        {402, "Payment Required"               },
        {403, "Forbidden"                      },
        {404, "Not Found"                      },
        {405, "Method Not Allowed"             },
        {406, "Not Acceptable"                 },
        {407, "Proxy Authentication Required"  },
        {408, "Request Timeout"                },
        {409, "Conflict"                       },
        {410, "Gone"                           },
        {411, "Length Required"                },
        {412, "Precondition Failed"            },
        {413, "Content Too Large"              },
        {414, "URI Too Long"                   },
        {415, "Unsupported Media Type"         },
        {416, "Range Not Satisfiable"          },
        {417, "Expectation Failed"             },
        {418, "I'm a teapot"                   },
        {421, "Misdirected Request"            },
        {422, "Unprocessable Content"          },
        {426, "Upgrade Required"               },
        {428, "Precondition Required"          },
        {429, "Too Many Requests"              },
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"          },
        {501, "Not Implemented"                },
        {502, "Bad Gateway"                    },
        {503, "Service Unavailable"            },
        {504, "Gateway Timeout"                },
        {505, "HTTP Version Not Supported"     },
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Other";
}
