/* The HTTP/1.1 client of the variant `libcurl`: what http_client.h asks for, with HTTP left to that library.
 * Owns the library's place in the loop, and how a request is put to it. Reads no message: what is reported is what the
 * library hands over, and what it does by itself with a bad one is its own. A conversation has a multi handle, and so
 * a connection cache, of its own. */
#include "ask.h"
#include "http_client.h"
#include "http_report.h"
#include "loop.h"
#include "running.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

/* A socket that the library wants to be waited for. */
struct curl_watch {
    struct watch watch;
    struct client *client;
    curl_socket_t sock;
    struct curl_watch *next;
};

struct client {
    struct running running;
    struct report report;
    struct ask_requests requests;
    size_t index;
    CURLM *multi;
    struct curl_watch *watches;
    struct timer clock; /* the library's */
    struct timer deadline;
    bool had_socket;
    bool untold; /* a socket was opened that `connected` did not tell of yet */

    CURL *easy; /* the current request; NULL: none */
    struct curl_slist *fields;
    struct source source;
    char says[CURL_ERROR_SIZE];
    struct http_reply reply;
    bool has_head; /* of the final response, to its end */
    struct http_fields trailers;
    struct octets kept;
    struct sha256 sum;
};

static const struct ask_request *current(const struct client *c) {
    return &c->requests.list[c->index];
}

/* ---- what the library asks for while it works ---- */

static curl_socket_t open_socket(void *of, curlsocktype purpose, struct curl_sockaddr *address) {
    struct client *c = of;
    sock_t sock;
    (void)purpose;
    if (net_socket(address->family, address->socktype, &sock))
        return CURL_SOCKET_BAD;
    c->had_socket = c->untold = true;
    return sock;
}

/* A connection stands, and a request is about to be sent on it. */
static int before_request(void *of, char *remote, char *local, int remote_port, int local_port) {
    struct client *c = of;
    struct address here, there;
    if (!c->untold)
        return CURL_PREREQFUNC_OK;
    c->untold = false;
    if (!address_read(&here, local, (uint16_t)local_port) || !address_read(&there, remote, (uint16_t)remote_port))
        return CURL_PREREQFUNC_ABORT;
    step_open(&c->report, "connected");
    step_address(&c->report, "local", &here);
    step_address(&c->report, "remote", &there);
    step_close(&c->report);
    return CURL_PREREQFUNC_OK;
}

static size_t give_content(char *to, size_t size, size_t count, void *of) {
    struct client *c = of;
    return source_take(&c->source, (uint8_t *)to, size * count);
}

/* Asked for when a request has to be sent again, from its start. */
static int rewind_content(void *of, curl_off_t offset, int origin) {
    struct client *c = of;
    if (offset || origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    source_start(&c->source, &current(c)->body, 0);
    return CURL_SEEKFUNC_OK;
}

/* Only the status line, which has no other way out of the library, and the end of the head are looked for. */
static size_t take_head_line(char *at, size_t size, size_t count, void *of) {
    struct client *c = of;
    struct view line = {(const uint8_t *)at, size * count};
    bool empty = line.size && (at[0] == '\r' || at[0] == '\n');
    long status = 0;
    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    if (empty)
        c->has_head = c->has_head || status >= 200;
    if (!c->has_head && line.size >= 5 && memcmp(at, "HTTP/", 5) == 0) {
        octets_clear(&c->reply.line);
        octets_add(&c->reply.line, line.at, line.size);
    }
    return line.size;
}

static size_t take_content(char *at, size_t size, size_t count, void *of) {
    struct client *c = of;
    size_t octets = size * count, room = current(c)->keep - octets_size(&c->kept);
    octets_add(&c->kept, at, octets < room ? octets : room);
    sha256_add(&c->sum, at, octets);
    return octets;
}

/* ---- requests ---- */

static void add_line(struct client *c, struct octets *line) {
    octets_add(line, "", 1);
    struct curl_slist *longer = curl_slist_append(c->fields, (const char *)octets_front(line));
    c->fields = longer ? longer : c->fields;
    octets_clear(line);
}

/* `Name;` is how the library is told of a field without a value, and `Name:` how it is told to send none of its own. */
static void add_fields(struct client *c) {
    static const char *const own[] = {"Accept", "Expect"};
    const struct ask_request *request = current(c);
    struct octets line = {0};
    for (size_t i = 0; i < request->fields.count; i++) {
        struct view name = http_field_name(&request->fields, i), value = http_field_value(&request->fields, i);
        bool empty = !view_trim(value).size;
        octets_add(&line, name.at, name.size);
        octets_add_text(&line, empty ? ";" : ": ");
        octets_add(&line, value.at, empty ? 0 : value.size);
        add_line(c, &line);
    }
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (http_fields_have(&request->fields, own[i]))
            continue;
        octets_add_text(&line, own[i]);
        octets_add_text(&line, ":");
        add_line(c, &line);
    }
    if (request->has_body && request->chunked) {
        octets_add_text(&line, "Transfer-Encoding: chunked");
        add_line(c, &line);
    }
    octets_free(&line);
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->fields);
}

static void set_method_and_content(struct client *c) {
    const struct ask_request *request = current(c);
    bool uploads = request->has_body || ask_usually_has_content(request);
    bool unknown = request->has_body && request->chunked;
    curl_easy_setopt(c->easy, CURLOPT_NOBODY, (long)view_is(view_of(request->method), "HEAD"));
    curl_easy_setopt(c->easy, CURLOPT_UPLOAD, (long)uploads);
    curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(c->easy, CURLOPT_INFILESIZE_LARGE, unknown ? (curl_off_t)-1 : (curl_off_t)request->body.size);
    curl_easy_setopt(c->easy, CURLOPT_READFUNCTION, give_content);
    curl_easy_setopt(c->easy, CURLOPT_READDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_SEEKFUNCTION, rewind_content);
    curl_easy_setopt(c->easy, CURLOPT_SEEKDATA, c);
    source_start(&c->source, &request->body, 0);
}

/* As part of the URL the target goes the usual way; a form that is none, or `#`, goes around it. */
static void set_target(struct client *c) {
    const char *target = current(c)->target;
    bool usual = target[0] == '/' && !strchr(target, '#');
    struct octets url = {0};
    octets_add_text(&url, "http://");
    address_put_authority(&url, &c->requests.address, 80);
    octets_add_text(&url, usual ? target : "/");
    octets_add(&url, "", 1);
    curl_easy_setopt(c->easy, CURLOPT_URL, (const char *)octets_front(&url));
    curl_easy_setopt(c->easy, CURLOPT_PATH_AS_IS, 1L);
    if (!usual)
        curl_easy_setopt(c->easy, CURLOPT_REQUEST_TARGET, target);
    octets_free(&url);
}

static void set_surroundings(struct client *c) {
    curl_easy_setopt(c->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(c->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->says);
    curl_easy_setopt(c->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c->easy, CURLOPT_OPENSOCKETDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(c->easy, CURLOPT_PREREQDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, take_head_line);
    curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, take_content);
    curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
}

static bool begin_request(struct client *c) {
    http_reply_clear(&c->reply);
    octets_clear(&c->reply.line);
    http_fields_clear(&c->trailers);
    octets_clear(&c->kept);
    sha256_start(&c->sum);
    c->has_head = false;
    c->says[0] = 0;
    c->easy = curl_easy_init();
    if (!c->easy)
        return false;
    set_surroundings(c);
    set_target(c);
    set_method_and_content(c);
    add_fields(c);
    return curl_multi_add_handle(c->multi, c->easy) == CURLM_OK;
}

static void end_request(struct client *c) {
    if (!c->easy)
        return;
    curl_multi_remove_handle(c->multi, c->easy);
    curl_easy_cleanup(c->easy);
    curl_slist_free_all(c->fields);
    c->easy = NULL;
    c->fields = NULL;
}

/* ---- responses ---- */

static void collect(struct client *c, struct http_fields *fields, unsigned origin) {
    struct curl_header *field = NULL;
    while ((field = curl_easy_nextheader(c->easy, origin, -1, field)))
        http_fields_add(fields, view_of(field->name), view_of(field->value));
}

static void tell_response(struct client *c, bool complete) {
    struct view rest = {octets_front(&c->reply.line), octets_size(&c->reply.line)};
    long status = 0;
    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    while (rest.size && (rest.at[rest.size - 1] == '\r' || rest.at[rest.size - 1] == '\n'))
        rest.size--;
    c->reply.version = view_split(&rest, ' ');
    view_split(&rest, ' ');
    c->reply.reason = rest;
    c->reply.status = (int)status;
    collect(c, &c->reply.fields, CURLH_HEADER);
    collect(c, &c->trailers, CURLH_TRAILER);
    http_step_reply(&c->report, &c->reply, &c->sum, &c->trailers, complete, current(c)->keep ? &c->kept : NULL);
}

static const char *error_word(CURLcode result, long code) {
    switch (result) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return net_error_word((int)code);
    case CURLE_OPERATION_TIMEDOUT:
        return "timeout";
    case CURLE_GOT_NOTHING:
        return "ended";
    default:
        return "other";
    }
}

static void tell_failed(struct client *c, CURLcode result) {
    long code = 0;
    curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &code);
    const char *says = c->says[0] ? c->says : curl_easy_strerror(result);
    step_failed(&c->report, (int64_t)c->index, error_word(result, code), says);
}

/* ---- the conversation ---- */

static void end(struct client *c) {
    end_request(c);
    curl_multi_cleanup(c->multi);
    while (c->watches) {
        struct curl_watch *watch = c->watches;
        c->watches = watch->next;
        watch_end(&watch->watch);
        free(watch);
    }
    timer_end(&c->clock);
    timer_end(&c->deadline);
    if (c->had_socket)
        step(&c->report, "closed");
    report_done(&c->report);
    ask_free(&c->requests);
    http_reply_free(&c->reply);
    http_fields_free(&c->trailers);
    octets_free(&c->kept);
    running_end(&c->running);
    free(c);
}

static void stop(struct running *running) {
    end(owner_of(running, struct client, running));
}

static void next_request(struct client *c) {
    if (c->index == c->requests.count) {
        end(c);
    } else if (!begin_request(c)) {
        step_failed(&c->report, (int64_t)c->index, "other", "the library did not take the request");
        end(c);
    }
}

static void finish(struct client *c, CURLcode result) {
    if (result != CURLE_OK && !c->has_head) {
        tell_failed(c, result);
        end(c);
        return;
    }
    tell_response(c, result == CURLE_OK);
    end_request(c);
    c->index++;
    next_request(c);
}

/* Lets the library work, and looks whether the request is over. */
static void act(struct client *c, curl_socket_t sock, int events) {
    int count;
    curl_multi_socket_action(c->multi, sock, events, &count);
    const CURLMsg *message = curl_multi_info_read(c->multi, &count);
    if (message && message->msg == CURLMSG_DONE)
        finish(c, message->data.result);
}

static void ready(struct watch *watch, short events) {
    const struct curl_watch *one = owner_of(watch, struct curl_watch, watch);
    int in = events & POLLIN ? CURL_CSELECT_IN : 0, out = events & POLLOUT ? CURL_CSELECT_OUT : 0;
    int error = events & ~(POLLIN | POLLOUT) ? CURL_CSELECT_ERR : 0;
    act(one->client, one->sock, in | out | error);
}

static struct curl_watch *new_watch(struct client *c, curl_socket_t sock) {
    struct curl_watch *watch = must_alloc(sizeof *watch);
    *watch = (struct curl_watch){.watch = {.ready = ready}, .client = c, .sock = sock, .next = c->watches};
    c->watches = watch;
    curl_multi_assign(c->multi, sock, watch);
    return watch;
}

static void forget(struct client *c, struct curl_watch *watch) {
    struct curl_watch **link = &c->watches;
    while (*link != watch)
        link = &(*link)->next;
    *link = watch->next;
    watch_end(&watch->watch);
    free(watch);
}

/* The library's wish to wait for a socket, or no more. */
static int want(CURL *easy, curl_socket_t sock, int what, void *of, void *assigned) {
    struct client *c = of;
    struct curl_watch *watch = assigned;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch)
            forget(c, watch);
        return 0;
    }
    if (!watch)
        watch = new_watch(c, sock);
    watch_want(&watch->watch, sock, (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0)));
    return 0;
}

static int want_time(CURLM *multi, long milliseconds, void *of) {
    struct client *c = of;
    (void)multi;
    if (milliseconds < 0)
        timer_end(&c->clock);
    else
        timer_set(&c->clock, clock_now() + (int64_t)milliseconds * 1000);
    return 0;
}

static void clock_due(struct timer *timer) {
    act(owner_of(timer, struct client, clock), CURL_SOCKET_TIMEOUT, 0);
}

static void deadline_due(struct timer *timer) {
    struct client *c = owner_of(timer, struct client, deadline);
    step_failed(&c->report, (int64_t)c->index, "timeout", "there was no time left");
    end(c);
}

/* ---- the command ---- */

static bool can_send(const struct ask_requests *requests, struct fault *fault) {
    for (size_t i = 0; i < requests->count; i++)
        if (requests->list[i].has_body && view_is(view_of(requests->list[i].method), "HEAD"))
            return unsupported(fault, "libcurl sends no content with HEAD: CURLOPT_NOBODY excludes it");
    return true;
}

bool http_client_ask(const struct json *command, char *id, struct fault *fault) {
    struct client *c = must_alloc(sizeof *c);
    bool good = ask_read(&c->requests, command, fault) && can_send(&c->requests, fault);
    if (good) {
        c->multi = curl_multi_init();
        good = c->multi || unsupported(fault, "libcurl gives no further multi handle");
    }
    if (!good) {
        ask_free(&c->requests);
        free(c);
        return false;
    }
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, want);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, want_time);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    c->clock.due = clock_due;
    c->deadline.due = deadline_due;
    running_start(&c->running, id, stop);
    report_open(&c->report, id, 0, false);
    timer_set(&c->deadline, clock_now() + c->requests.deadline);
    next_request(c);
    return true;
}
