/* The HTTP/1.1 server of the variant `libmicrohttpd`: what http_server.h asks for, with HTTP left to that library, from
 * accept to close. Owns the library's place in the loop, and how an answer of the site is put to it. Reads no message:
 * what the library refuses, or takes, by itself is its own. It runs without threads, in the rounds of the loop. */
#include "http_report.h"
#include "http_response.h"
#include "http_server.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 32 * 1024 };

struct http_stack {
    struct service *service;
    struct MHD_Daemon *daemon;
    struct watch watch;
    struct timer clock;
    sock_t epoll;
    struct http_conn *gone; /* the library said that it closes them, in this round */
    unsigned calls;         /* of the library's, so far */
    unsigned idle;          /* rounds in which it had something to do, and called nobody */
};

struct http_conn {
    struct conn conn;
    struct http_conn *next_gone;

    struct octets target; /* as it came, with a zero octet behind it */
    struct http_request request;
    struct http_fields trailers;
    struct sha256 taken; /* the request's content */
    bool mirrors;
    struct octets mirrored;

    struct payload payload;
    struct source source;
    struct sha256 handed; /* the answer's content */
    int status;
    bool told;
};

/* ---- connections ---- */

static void begin_conn(struct http_stack *stack, struct MHD_Connection *connection, void **context) {
    const union MHD_ConnectionInfo *sock, *name;
    struct http_conn *c = must_alloc(sizeof *c);
    struct address remote = {.size = sizeof(struct sockaddr_in)};
    sock = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    name = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (name->client_addr->sa_family == AF_INET6)
        remote.size = sizeof(struct sockaddr_in6);
    memcpy(&remote.name, name->client_addr, remote.size);
    conn_begin(&c->conn, stack->service, sock->connect_fd, &remote, NULL);
    *context = c;
}

static void notify(void *of, struct MHD_Connection *connection, void **context,
                   enum MHD_ConnectionNotificationCode what) {
    struct http_stack *stack = of;
    struct http_conn *c = *context;
    stack->calls++;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        begin_conn(stack, connection, context);
    } else if (c) {
        c->next_gone = stack->gone;
        stack->gone = c;
    }
}

/* The library tells of a connection's end just before it closes the socket: the report waits until it has. */
static void end_gone(struct http_stack *stack) {
    while (stack->gone) {
        struct http_conn *c = stack->gone;
        stack->gone = c->next_gone;
        conn_closed(&c->conn);
        octets_free(&c->target);
        octets_free(&c->mirrored);
        http_request_free(&c->request);
        http_fields_free(&c->trailers);
        free(c);
    }
}

static struct http_conn *conn_of(struct MHD_Connection *connection) {
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* ---- requests ---- */

/* The only place where the library shows the target before it cuts and decodes it. */
static void *see_target(void *of, const char *target, struct MHD_Connection *connection) {
    struct http_conn *c = conn_of(connection);
    ((struct http_stack *)of)->calls++;
    octets_clear(&c->target);
    octets_add(&c->target, target, strlen(target) + 1);
    return NULL;
}

static enum MHD_Result add_field(void *to, enum MHD_ValueKind kind, const char *name, size_t name_size,
                                 const char *value, size_t value_size) {
    (void)kind;
    http_fields_add(to, (struct view){(const uint8_t *)name, name_size},
                    (struct view){(const uint8_t *)(value ? value : ""), value_size});
    return MHD_YES;
}

static void begin_request(struct http_conn *c, struct MHD_Connection *connection, const char *method,
                          const char *version) {
    http_request_clear(&c->request);
    http_request_set(&c->request, method, (const char *)octets_front(&c->target), version);
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, add_field, &c->request.fields);
    http_fields_clear(&c->trailers);
    sha256_start(&c->taken);
    sha256_start(&c->handed);
    octets_clear(&c->mirrored);
    c->mirrors = http_site_mirrors(c->conn.service->site, &c->request);
    c->told = false;
}

/* ---- answers ---- */

static void tell_answer(struct http_conn *c) {
    if (!c->told)
        http_step_answer(&c->conn.report, c->status, &c->handed);
    c->told = true;
}

static ssize_t hand_over(void *of, uint64_t at, char *to, size_t room) {
    struct http_conn *c = of;
    size_t size = source_take(&c->source, (uint8_t *)to, room);
    (void)at;
    sha256_add(&c->handed, to, size);
    if (!source_left(&c->source))
        tell_answer(c);
    return size ? (ssize_t)size : MHD_CONTENT_READER_END_OF_STREAM;
}

/* The library takes no empty value. A space is none on the wire, where whitespace around a value is no part of it. */
static enum MHD_Result put_field(struct MHD_Response *message, struct view name, struct view value) {
    char *name_text = (char *)view_copy(name), *value_text = (char *)view_copy(value);
    enum MHD_Result result = MHD_add_response_header(message, name_text, value.size ? value_text : " ");
    free(name_text);
    free(value_text);
    return result;
}

/* A field that cannot be sent can only be a Content-Type that is mirrored: the site's own were tried before. */
static void put_fields(struct MHD_Response *message, const struct http_fields *fields) {
    for (size_t i = 0; i < fields->count; i++)
        put_field(message, http_field_name(fields, i), http_field_value(fields, i));
}

static struct MHD_Response *new_message(struct http_conn *c, const struct http_response *response) {
    if (!response->framed)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    source_start(&c->source, &c->payload, 0);
    uint64_t size = response->coding == CONTENT_LENGTH ? response->size : MHD_SIZE_UNKNOWN;
    return MHD_create_response_from_callback(size, PIECE, hand_over, c, NULL);
}

static enum MHD_Result answer(struct http_conn *c, struct MHD_Connection *connection) {
    MHD_get_connection_values_n(connection, MHD_FOOTER_KIND, add_field, &c->trailers);
    http_step_request(&c->conn.report, &c->request, &c->taken, &c->trailers);
    struct http_answer answer = http_site_answer(c->conn.service->site, &c->request);
    c->payload = http_answer_content(&answer, &c->mirrored);
    c->status = answer.status;
    struct http_response response = http_response_for(&answer, &c->request, c->payload.size);
    struct http_fields fields = http_answer_fields(&answer, &c->request);
    octets_free(&answer.allow);
    struct MHD_Response *message = new_message(c, &response);
    enum MHD_Result result = MHD_NO;
    if (message) {
        put_fields(message, &fields);
        result = MHD_queue_response(connection, (unsigned)c->status, message);
        MHD_destroy_response(message);
    }
    http_fields_free(&fields);
    bool nothing = !response.has_content || (response.coding == CONTENT_LENGTH && !c->payload.size);
    if (result == MHD_YES && nothing) /* then hand_over() is never called */
        tell_answer(c);
    return result;
}

/* Called with the head, with each piece of the content, and at the end of the request. */
static enum MHD_Result handle(void *of, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *piece, size_t *size, void **context) {
    struct http_conn *c = conn_of(connection);
    ((struct http_stack *)of)->calls++;
    (void)path;
    if (!*context) {
        begin_request(c, connection, method, version);
        *context = c;
        return MHD_YES;
    }
    if (!*size)
        return answer(c, connection);
    sha256_add(&c->taken, piece, *size);
    if (c->mirrors && octets_size(&c->mirrored) + *size > MOST_HELD)
        return MHD_NO;
    if (c->mirrors)
        octets_add(&c->mirrored, piece, *size);
    *size = 0;
    return MHD_YES;
}

/* ---- the loop ---- */

/* The library leaves an end in the middle of a content where it is, and epoll tells of it again at once. After so many
 * rounds in which nothing came of it, it is looked at only now and then. */
enum { IDLE_ROUNDS = 200, NOW_AND_THEN = 5000 };

static void go_on(struct http_stack *stack) {
    MHD_UNSIGNED_LONG_LONG milliseconds;
    unsigned calls = stack->calls;
    MHD_run(stack->daemon);
    end_gone(stack);
    stack->idle = stack->calls == calls ? stack->idle + 1 : 0;
    if (stack->idle > IDLE_ROUNDS) {
        watch_end(&stack->watch);
        timer_set(&stack->clock, clock_now() + NOW_AND_THEN);
        return;
    }
    watch_want(&stack->watch, stack->epoll, POLLIN);
    if (MHD_get_timeout(stack->daemon, &milliseconds) == MHD_YES)
        timer_set(&stack->clock, clock_now() + (int64_t)milliseconds * 1000);
    else
        timer_end(&stack->clock);
}

static void ready(struct watch *watch, short events) {
    (void)events;
    go_on(owner_of(watch, struct http_stack, watch));
}

static void due(struct timer *timer) {
    go_on(owner_of(timer, struct http_stack, clock));
}

/* The listener goes back to the service, which closes it; all connections are closed here. */
static void leave(struct service *service) {
    struct http_stack *stack = service->stack;
    watch_end(&stack->watch);
    timer_end(&stack->clock);
    MHD_quiesce_daemon(stack->daemon);
    MHD_stop_daemon(stack->daemon);
    end_gone(stack);
    free(stack);
    service->stack = NULL;
}

int http_server_begin(struct service *service) {
    struct http_stack *stack = must_alloc(sizeof *stack);
    stack->service = service;
    stack->watch.ready = ready;
    stack->clock.due = due;
    stack->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle, stack,
                                     MHD_OPTION_LISTEN_SOCKET, service->sock, MHD_OPTION_NOTIFY_CONNECTION, notify,
                                     stack, MHD_OPTION_URI_LOG_CALLBACK, see_target, stack, MHD_OPTION_END);
    if (!stack->daemon) {
        free(stack);
        return errno ? errno : EINVAL;
    }
    service->stack = stack;
    service->leave = leave;
    stack->epoll = MHD_get_daemon_info(stack->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    watch_want(&stack->watch, stack->epoll, POLLIN);
    return 0;
}

/* ---- the command ---- */

static bool can_send_field(struct MHD_Response *message, struct view name, struct view value, struct fault *fault) {
    return put_field(message, name, value) == MHD_YES ||
           unsupported(fault, "libmicrohttpd's MHD_add_response_header() does not take the field '%.*s' with '%.*s'",
                       (int)name.size, (const char *)name.at, (int)value.size, (const char *)value.at);
}

static bool can_send(struct MHD_Response *message, const struct http_resource *resource, struct fault *fault) {
    for (size_t i = 0; i < resource->fields.count; i++) {
        struct view name = http_field_name(&resource->fields, i), value = http_field_value(&resource->fields, i);
        if (!can_send_field(message, name, value, fault))
            return false;
    }
    return !resource->etag.size || can_send_field(message, view_of("ETag"), resource->etag, fault);
}

/* Tries each field on a message that is never sent: only the library knows what it takes. */
bool http_server_can_send(const struct http_site *site, struct fault *fault) {
    const struct http_resource *resource;
    bool good = true;
    for (size_t i = 0; good && (resource = http_site_resource(site, i)); i++) {
        struct MHD_Response *message = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
        good = message && can_send(message, resource, fault);
        if (message)
            MHD_destroy_response(message);
    }
    return good;
}
