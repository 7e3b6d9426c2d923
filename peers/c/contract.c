/* The contract; see contract.h. */
#include "contract.h"

#include "abilities.h"
#include "command.h"
#include "dns_client.h"
#include "ftp_client.h"
#include "http_client.h"
#include "load.h"
#include "loop.h"
#include "report.h"
#include "rtp_client.h"
#include "running.h"
#include "script.h"
#include "service.h"
#include "smtp_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    VERSION = 1,
    LONGEST_LINE = 1024 * 1024,
    PIECE = 64 * 1024,
    MOST_UNREAD = 8 * 1024 * 1024, /* octets of events that nobody read: no more commands before they are */
    LONGEST_LOOK = 20 * 1000,      /* microseconds after which a flush is answered, however busy the sockets are */
};

/* Takes over `id` if it succeeds; else *fault says why not. */
struct handler {
    const char *name;
    const char *starts; /* the member that tells what is started, which then is running under that id; NULL: nothing */
    bool (*carry_out)(const struct json *command, char *id, struct fault *fault);
};

static struct octets input;
static bool overlong; /* the rest of a line that is too long is still to be skipped */
static bool input_ended, greeted;
static struct json_memory memory;
static struct octets flushes; /* ids to be answered, each with a zero octet behind it */

/* ---- hello ---- */

#define TEXT_OF(number) #number
#define VERSION_OF(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)
#if defined(__clang__)
#define COMPILER "clang " VERSION_OF(__clang_major__, __clang_minor__, __clang_patchlevel__)
#elif defined(__GNUC__)
#define COMPILER "gcc " VERSION_OF(__GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__)
#else
#define COMPILER "unknown compiler"
#endif

static void put_member(struct octets *to, const char *name, const char *text) {
    octets_add_text(to, ",\"");
    octets_add_text(to, name);
    octets_add_text(to, "\":");
    json_put_latin1(to, (struct view){(const uint8_t *)text, strlen(text)});
}

static void say_hello(void) {
    struct octets line = {0};
    octets_add_text(&line, "{\"event\":\"hello\",\"contract\":");
    json_put_whole(&line, VERSION);
    put_member(&line, "peer", "c");
    put_member(&line, "language", "C11 (" COMPILER ")");
    put_member(&line, "system", system_name());
    put_member(&line, "stack", stack_name());
    octets_add_text(&line, net_has_ipv6() ? ",\"families\":[\"ipv4\",\"ipv6\"]" : ",\"families\":[\"ipv4\"]");
    abilities_put(&line);
    octets_add_text(&line, ",\"t\":");
    json_put_whole(&line, clock_now());
    octets_add_text(&line, "}");
    say(&line);
    octets_free(&line);
}

static bool hello(const struct json *command, struct fault *fault) {
    uint64_t version;
    if (!need_whole(command, "contract", UINT32_MAX, &version, fault))
        return false;
    greeted = true; /* also with a version that is not spoken here: the answer tells which one is */
    say_hello();
    return true;
}

/* ---- commands ---- */

/* An id that is not running has ended by itself just before: its `done` is on the way, and nothing is left to say. */
static bool stop(const struct json *command, char *id, struct fault *fault) {
    (void)command;
    (void)fault;
    running_stop(id);
    free(id);
    return true;
}

static bool flush(const struct json *command, char *id, struct fault *fault) {
    (void)command;
    (void)fault;
    octets_add(&flushes, id, strlen(id) + 1);
    free(id);
    return true;
}

/* What is no service with a client here, that of http refuses. */
static bool ask(const struct json *command, char *id, struct fault *fault) {
    static const struct {
        const char *service;
        bool (*ask)(const struct json *command, char *id, struct fault *fault);
    } clients[] = {
        {"dns",  dns_client_ask },
        {"ftp",  ftp_client_ask },
        {"rtp",  rtp_client_ask },
        {"smtp", smtp_client_ask},
    };
    const struct json *service = json_member(command, "service");
    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++)
        if (json_is(service, clients[i].service))
            return clients[i].ask(command, id, fault);
    return http_client_ask(command, id, fault);
}

static const struct handler *handler_named(const struct json *command, struct fault *fault) {
    static const struct handler handlers[] = {
        {"script", "role",    script_start },
        {"serve",  "service", service_serve},
        {"ask",    "service", ask          },
        {"load",   "",        load_start   },
        {"stop",   NULL,      stop         },
        {"flush",  NULL,      flush        },
    };
    struct view name;
    if (!need_text(command, "do", &name, fault))
        return NULL;
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
        if (json_is(json_member(command, "do"), handlers[i].name))
            return &handlers[i];
    unsupported(fault, "there is no command '%.40s'", (const char *)name.at);
    return NULL;
}

/* Whether this build is there for the command. One that lacks the members which tell that is left to its handler. */
static bool is_offered(const struct handler *handler, const struct json *command, struct fault *fault) {
    const struct json *what = json_member(command, handler->starts), *over = json_member(command, "transport");
    const char *transport = over && over->kind == JSON_TEXT ? (const char *)over->text.at : "tcp";
    char ability[80];
    if (*handler->starts && (!what || what->kind != JSON_TEXT))
        return true;
    if (what)
        snprintf(ability, sizeof ability, "%s %.30s/%.30s", handler->name, (const char *)what->text.at, transport);
    else
        snprintf(ability, sizeof ability, "%s %.30s", handler->name, transport);
    return abilities_include(ability) || unsupported(fault, "this variant of the peer does not offer '%s'", ability);
}

/* Everything but `hello`. */
static bool dispatch(const struct json *command, char *id, struct fault *fault) {
    struct view needed;
    const struct handler *handler = handler_named(command, fault);
    if (!handler || !need_text(command, "id", &needed, fault))
        return false;
    if (handler->starts && running_is(id))
        return bad_command(fault, "this id is taken by something that is still running");
    if (handler->starts && !is_offered(handler, command, fault))
        return false;
    return handler->carry_out(command, id, fault);
}

/* Standard output belongs to the harness, and that has not said hello. */
static void complain_before_hello(const struct fault *fault) {
    fprintf(stderr, "peer: not carried out, because no hello came yet: %s\n", fault->kind ? fault->says : "a command");
}

static void carry_out(const struct json *command) {
    struct fault fault = {0};
    const struct json *id = json_member(command, "id");
    char *quoted = running_quote(id && id->kind == JSON_TEXT ? id->text : (struct view){0});
    bool is_hello = json_is(json_member(command, "do"), "hello");
    if (!is_hello && !greeted)
        complain_before_hello(&fault);
    else if (is_hello ? hello(command, &fault) : dispatch(command, quoted, &fault))
        quoted = is_hello ? quoted : NULL;
    else
        say_error(quoted, fault.kind, fault.says);
    free(quoted);
}

/* ---- lines ---- */

static void bad_line(const char *says) {
    if (greeted)
        say_error("\"\"", "bad-command", says);
    else
        complain_before_hello(&(struct fault){"bad-command", "a line that is no command"});
}

static void read_line(struct view line) {
    const char *says = NULL;
    const struct json *command = json_read(&memory, line, &says);
    if (!command)
        bad_line(says);
    else if (command->kind != JSON_OBJECT)
        bad_line("a command must be an object");
    else
        carry_out(command);
    json_reset(&memory);
}

static void too_long(void) {
    if (!overlong)
        bad_line("a line is longer than 1 MiB");
    overlong = true;
}

static void read_lines(void) {
    while (octets_size(&input)) {
        const uint8_t *start = octets_front(&input), *newline = memchr(start, '\n', octets_size(&input));
        size_t size = newline ? (size_t)(newline - start) : octets_size(&input);
        if (size > LONGEST_LINE || overlong)
            too_long();
        else if (newline)
            read_line((struct view){start, size});
        else
            return;
        overlong = overlong && !newline;
        octets_drop(&input, newline ? size + 1 : size);
    }
}

static void ready(struct watch *watch, short events) {
    size_t got;
    (void)watch;
    if (report_backlog() > MOST_UNREAD) { /* only a hang-up was asked for */
        input_ended = (events & POLLHUP) != 0;
        return;
    }
    int code = control_read(octets_reserve(&input, PIECE), PIECE, &got);
    if (net_would_block(code))
        return;
    input_ended = code || !got;
    octets_grown(&input, got);
    read_lines();
}

static struct watch input_watch = {.ready = ready};

static void answer_flushes(void) {
    int64_t until = clock_now() + LONGEST_LOOK;
    while (loop_round(false) && clock_now() < until)
        continue; /* what has already happened at the sockets is read first */
    report_all();
    while (octets_size(&flushes)) {
        const char *id = (const char *)octets_front(&flushes);
        say_flushed(id);
        octets_drop(&flushes, strlen(id) + 1);
    }
}

static void await_commands(void) {
    watch_want(&input_watch, CONTROL_IN, report_backlog() > MOST_UNREAD ? POLLHUP : POLLIN);
}

void contract_start(void) {
    await_commands();
}

bool contract_go_on(void) {
    if (octets_size(&flushes))
        answer_flushes();
    if (input_ended)
        watch_end(&input_watch);
    else
        await_commands();
    return !input_ended;
}
