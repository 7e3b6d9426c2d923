/* The FTP client; see ftp_client.h. */
#include "ftp_client.h"

#include "call.h"
#include "ftp_address.h"
#include "ftp_ascii.h"
#include "ftp_ask.h"
#include "ftp_data.h"
#include "ftp_reply.h"
#include "running.h"
#include "telnet.h"
#include "words.h"

#include <stdlib.h>

enum { PIECE = 64 * 1024, MOST_OUT = 64 * 1024, LONGEST_LINE = 64 * 1024 };

/* What was said last, and is waiting for its reply. OPENING: nothing, a data connection is waited for. MOVING: the
 * preliminary reply to VERB came. */
enum said { GREETING, USER, PASS, TYPE, WAY, OPENING, RESTART, VERB, MOVING, NEW_NAME, QUIT };

/* Codes that something hangs on (RFC 959, section 4.2.2). */
enum { SOON = 120, READY = 220, LOGGED_IN = 230, SUPERFLUOUS = 202, PASSWORD = 331, GOING_DOWN = 421 };

/* The transfer of an operation. */
struct transfer {
    bool stands; /* the data connection */
    bool moved;  /* all octets did, and it is closed */
    int broken;  /* the code with which it broke off; 0: it did not */
    int final;   /* the code of the reply behind it; 0: it did not come yet */
    struct source source;
    struct ftp_ascii lines; /* that come */
    struct sha256 sum;
    struct octets list; /* that came */
};

/* Of the data, as the server knows it. */
enum type { TYPE_UNKNOWN, TYPE_IMAGE, TYPE_ASCII };

struct client {
    struct running running;
    struct report report;
    struct ftp_operations operations;
    size_t index;
    struct call call;
    struct timer timer;
    struct telnet telnet;
    struct ftp_reply reply;
    enum said said;
    enum type type;
    struct ftp_data data;
    struct transfer transfer;
};

static const struct ftp_operation *current(const struct client *c) {
    return &c->operations.list[c->index];
}

static const struct ftp_kind *kind_of(const struct client *c) {
    return ftp_kind_of(current(c));
}

/* The number of the operation, or -1 before the first. */
static int64_t place(const struct client *c) {
    if (c->said < TYPE || !c->operations.count)
        return -1;
    return (int64_t)(c->index < c->operations.count ? c->index : c->operations.count - 1);
}

static enum turn fail(struct client *c, const char *error, const char *says) {
    step_failed(&c->report, place(c), error, says);
    return OVER;
}

static enum turn fail_with(struct client *c, int code) {
    step_failed_with(&c->report, place(c), code);
    return OVER;
}

/* ---- commands ---- */

static enum turn command(struct client *c, enum said said, const char *verb, const char *rest) {
    octets_add_text(&c->call.out, verb);
    octets_add_text(&c->call.out, *rest ? " " : "");
    octets_add_text(&c->call.out, rest);
    octets_add_text(&c->call.out, "\r\n");
    c->said = said;
    return AGAIN;
}

static enum turn quit(struct client *c) {
    return command(c, QUIT, "QUIT", "");
}

static enum turn say_verb(struct client *c) {
    return command(c, VERB, kind_of(c)->verb, current(c)->name ? current(c)->name : "");
}

static enum turn say_restart(struct client *c) {
    struct octets place = {0};
    json_put_whole(&place, (int64_t)current(c)->offset);
    octets_add(&place, "", 1);
    enum turn turn = command(c, RESTART, "REST", (const char *)octets_front(&place));
    octets_free(&place);
    return turn;
}

static enum turn after_way(struct client *c) {
    return current(c)->offset ? say_restart(c) : say_verb(c);
}

static enum turn listen_and_say(struct client *c) {
    struct address local, bound;
    struct octets where = {0};
    int code = net_local(c->call.sock, &local);
    if (!code)
        code = ftp_data_listen(&c->data, &local, &c->operations.address, &bound);
    if (code)
        return fail_with(c, code);
    bool extended = ftp_family(&bound) == FTP_IPV6;
    (extended ? ftp_put_extended : ftp_put_numbers)(&where, &bound);
    octets_add(&where, "", 1);
    enum turn turn = command(c, WAY, extended ? "EPRT" : "PORT", (const char *)octets_front(&where));
    octets_free(&where);
    return turn;
}

static enum turn say_way(struct client *c) {
    if (c->operations.active)
        return listen_and_say(c);
    return command(c, WAY, ftp_family(&c->operations.address) == FTP_IPV6 ? "EPSV" : "PASV", "");
}

static enum turn after_type(struct client *c) {
    return kind_of(c)->has_data ? say_way(c) : say_verb(c);
}

static enum type type_needed(const struct client *c) {
    if (current(c)->op == FTP_SIZE_OF)
        return TYPE_IMAGE;
    if (!kind_of(c)->has_data)
        return c->type;
    return current(c)->ascii || kind_of(c)->has_lines ? TYPE_ASCII : TYPE_IMAGE;
}

static void forget_transfer(struct client *c) {
    ftp_data_close(&c->data);
    octets_free(&c->transfer.list);
    c->transfer = (struct transfer){.stands = false};
    sha256_start(&c->transfer.sum);
}

static enum turn next_operation(struct client *c) {
    forget_transfer(c);
    if (c->index == c->operations.count)
        return quit(c);
    source_start(&c->transfer.source, &current(c)->content, 0);
    if (type_needed(c) == c->type)
        return after_type(c);
    return command(c, TYPE, "TYPE", type_needed(c) == TYPE_ASCII ? "A" : "I");
}

/* ---- what became of an operation ---- */

static void begin_did(struct client *c, int status) {
    step_open(&c->report, "did");
    step_word(&c->report, "op", kind_of(c)->op);
    step_whole(&c->report, "status", status);
}

static enum turn end_did(struct client *c) {
    step_close(&c->report);
    c->index++;
    return next_operation(c);
}

static enum turn refused(struct client *c, int status) {
    begin_did(c, status);
    if (status != GOING_DOWN)
        return end_did(c);
    step_close(&c->report);
    return OVER;
}

/* Nothing can be done in this session. */
static enum turn cannot_begin(struct client *c, int status) {
    if (c->operations.count) {
        begin_did(c, status);
        step_close(&c->report);
    }
    return status == GOING_DOWN || !call_lasts(&c->call) ? OVER : quit(c);
}

/* Takes a line off the text. */
static struct view next_line(struct view *text) {
    struct view line = view_split(text, '\n');
    line.size -= line.size && line.at[line.size - 1] == '\r';
    return line;
}

static void put_names(struct octets *to, struct view text) {
    for (const char *between = ""; text.size; between = ",") {
        octets_add_text(to, between);
        json_put_name(to, next_line(&text));
    }
}

static void put_entry(struct octets *to, const struct ftp_entry *entry, bool is_file) {
    uint64_t size;
    struct view digits = entry->size;
    octets_add_text(to, "[");
    json_put_name(to, entry->name);
    octets_add_text(to, is_file ? ",\"file\"," : ",\"dir\",");
    if (is_file && word_number(&digits, INT64_MAX, &size))
        json_put_whole(to, (int64_t)size);
    else
        octets_add_text(to, "null");
    octets_add_text(to, "]");
}

/* Files and folders; the folder itself and the one above are of other types. */
static void put_entries(struct octets *to, struct view text) {
    const char *between = "";
    while (text.size) {
        struct ftp_entry entry;
        bool whole = ftp_read_entry(&entry, next_line(&text)), is_file = view_is_caseless(entry.type, "file");
        if (!whole || (!is_file && !view_is_caseless(entry.type, "dir")))
            continue;
        octets_add_text(to, between);
        put_entry(to, &entry, is_file);
        between = ",";
    }
}

static void tell_list(struct client *c) {
    bool names = current(c)->op == FTP_NAMES;
    struct view text = {octets_front(&c->transfer.list), octets_size(&c->transfer.list)};
    struct octets *to = step_member(&c->report, names ? "names" : "entries");
    if (!to)
        return;
    octets_add_text(to, "[");
    (names ? put_names : put_entries)(to, text);
    octets_add_text(to, "]");
}

static enum turn did_transfer(struct client *c) {
    begin_did(c, c->transfer.final);
    if (kind_of(c)->has_lines)
        tell_list(c);
    else
        step_octets(&c->report, &c->transfer.sum);
    return end_did(c);
}

static enum turn did_size(struct client *c, int status) {
    uint64_t size;
    struct view text = c->reply.text;
    if (!word_number(&text, INT64_MAX, &size))
        return fail(c, "other", "the reply tells no size");
    begin_did(c, status);
    step_whole(&c->report, "size", (int64_t)size);
    return end_did(c);
}

static enum turn did_where(struct client *c, int status) {
    struct octets path = {0};
    bool good = ftp_read_path(&path, c->reply.text);
    if (good) {
        begin_did(c, status);
        step_text(&c->report, "name", (struct view){octets_front(&path), octets_size(&path)});
    }
    octets_free(&path);
    return good ? end_did(c) : fail(c, "other", "the reply tells no path");
}

static enum turn did(struct client *c, int status) {
    switch (current(c)->op) {
    case FTP_RENAME:
        if (c->said == VERB)
            return command(c, NEW_NAME, "RNTO", current(c)->to);
        break;
    case FTP_SIZE_OF:
        return did_size(c, status);
    case FTP_WHERE:
        return did_where(c, status);
    default:
        break;
    }
    begin_did(c, status);
    return end_did(c);
}

/* ---- the data connection ---- */

static enum turn connect_data(struct client *c) {
    struct address local, remote = c->operations.address;
    uint16_t port;
    bool extended = ftp_family(&remote) == FTP_IPV6;
    if (!(extended ? ftp_read_229 : ftp_read_227)(&port, c->reply.text))
        return fail(c, "other", "the reply tells no port");
    int code = net_local(c->call.sock, &local);
    if (code)
        return fail_with(c, code);
    address_set_port(&remote, port);
    ftp_data_connect(&c->data, &local, &remote);
    c->said = OPENING;
    return AGAIN;
}

static void give(struct client *c) {
    uint8_t piece[PIECE / 4];
    struct transfer *t = &c->transfer;
    while (source_left(&t->source) && octets_size(&c->data.out) < MOST_OUT) {
        struct view part = {piece, source_take(&t->source, piece, sizeof piece)};
        sha256_add(&t->sum, part.at, part.size);
        if (current(c)->ascii)
            ftp_ascii_put(&c->data.out, part);
        else
            octets_add(&c->data.out, part.at, part.size);
    }
    t->broken = pump_out(c->data.sock, &c->data.out);
    t->moved = !t->broken && !source_left(&t->source) && !octets_size(&c->data.out);
}

/* What came, as it stands in a file of this side. */
static void take_octets(struct client *c, struct view came) {
    struct transfer *t = &c->transfer;
    if (kind_of(c)->has_lines)
        octets_add(&t->list, came.at, came.size);
    else
        sha256_add(&t->sum, came.at, came.size);
}

static void take_lines(struct client *c, struct view came, bool ended) {
    struct octets lines = {0};
    ftp_ascii_take(&c->transfer.lines, &lines, came);
    if (ended)
        ftp_ascii_end(&c->transfer.lines, &lines);
    take_octets(c, (struct view){octets_front(&lines), octets_size(&lines)});
    octets_free(&lines);
}

static void take(struct client *c) {
    struct incoming *in = &c->data.in;
    pump_in(c->data.sock, in);
    struct view came = {octets_front(&in->octets), octets_size(&in->octets)};
    if (current(c)->ascii && !kind_of(c)->has_lines)
        take_lines(c, came, in->ended);
    else
        take_octets(c, came);
    octets_clear(&in->octets);
    c->transfer.broken = in->broken;
    c->transfer.moved = in->ended;
}

static enum turn move(struct client *c) {
    if (kind_of(c)->gives)
        give(c);
    else
        take(c);
    if (octets_size(&c->transfer.list) > MOST_HELD)
        return fail(c, "other", "that list is too long");
    if (c->transfer.moved || c->transfer.broken)
        ftp_data_close(&c->data);
    return WAIT_ON;
}

static enum turn open_data(struct client *c) {
    enum ftp_standing standing = ftp_data_stands(&c->data);
    if (standing == FTP_FAILED)
        return fail_with(c, c->data.failed);
    c->transfer.stands = standing == FTP_STANDS;
    return c->transfer.stands && c->said == OPENING ? after_way(c) : WAIT_ON;
}

static bool is_moving(const struct client *c) {
    return c->transfer.stands && (c->said == MOVING || c->transfer.final);
}

static enum turn use_data(struct client *c) {
    if (!ftp_data_is_there(&c->data))
        return WAIT_ON;
    if (!c->transfer.stands)
        return open_data(c);
    return is_moving(c) ? move(c) : WAIT_ON;
}

/* Both have to come: the end of the data, and the reply. */
static enum turn settle(struct client *c) {
    const struct transfer *t = &c->transfer;
    if (!t->final)
        return WAIT_ON;
    if (t->broken)
        return fail_with(c, t->broken);
    return t->moved ? did_transfer(c) : WAIT_ON;
}

/* ---- replies ---- */

static enum turn log_in(struct client *c, int code) {
    if (code == SOON)
        return AGAIN;
    if (c->said == GREETING)
        return code == READY ? command(c, USER, "USER", c->operations.user) : cannot_begin(c, code);
    if (c->said == USER && code == PASSWORD)
        return command(c, PASS, "PASS", c->operations.password);
    bool good = code == LOGGED_IN || code == SUPERFLUOUS;
    return good ? next_operation(c) : cannot_begin(c, code);
}

/* To what comes before the operation itself. */
static enum turn go_further(struct client *c) {
    if (c->said == TYPE) {
        c->type = type_needed(c);
        return after_type(c);
    }
    if (c->said == RESTART)
        return say_verb(c);
    return c->operations.active ? after_way(c) : connect_data(c);
}

static enum turn replied(struct client *c, int code) {
    if (c->said == QUIT)
        return OVER;
    if (c->said < TYPE)
        return log_in(c, code);
    if (code >= 400)
        return refused(c, code);
    if (code < 200) {
        c->said = c->said == VERB && kind_of(c)->has_data ? MOVING : c->said;
        return AGAIN;
    }
    if (c->said < VERB)
        return go_further(c);
    if (!kind_of(c)->has_data)
        return did(c, code);
    c->transfer.final = code;
    return AGAIN;
}

static enum turn no_reply(struct client *c) {
    const struct call *call = &c->call;
    if (call_lasts(call))
        return WAIT_ON;
    if (c->said == QUIT)
        return OVER;
    if (call->in.broken || call->unsent)
        return fail_with(c, call->in.broken ? call->in.broken : call->unsent);
    return fail(c, "ended", "the connection was closed before the reply came");
}

static enum turn read_line(struct client *c) {
    struct view line = {octets_front(&c->telnet.line), octets_size(&c->telnet.line)};
    enum ftp_reply_state state = c->telnet.overlong ? FTP_REPLY_BAD : ftp_reply_read(&c->reply, line);
    enum turn turn = AGAIN;
    if (state == FTP_REPLY_BAD)
        turn = c->said == QUIT ? OVER : fail(c, "other", "what came is no reply of FTP");
    if (state == FTP_REPLY_WHOLE) {
        turn = replied(c, c->reply.code);
        c->reply = (struct ftp_reply){.code = 0};
    }
    telnet_next(&c->telnet);
    return turn;
}

/* No reply is looked for while nothing was said that asks for one. */
static enum turn read_reply(struct client *c) {
    if (c->said == OPENING || c->transfer.final)
        return WAIT_ON;
    if (!telnet_read(&c->telnet, &c->call.in.octets, &c->call.out, LONGEST_LINE))
        return no_reply(c);
    return read_line(c);
}

/* ---- the conversation ---- */

static void end(struct client *c) {
    timer_end(&c->timer);
    forget_transfer(c);
    call_end(&c->call, &c->report);
    report_done(&c->report);
    ftp_ask_free(&c->operations);
    telnet_free(&c->telnet);
    running_end(&c->running);
    free(c);
}

static void stop(struct running *running) {
    end(owner_of(running, struct client, running));
}

static enum turn work(struct client *c) {
    enum turn turn = use_data(c);
    if (turn == WAIT_ON)
        turn = settle(c);
    return turn == WAIT_ON ? read_reply(c) : turn;
}

static void wait_on(struct client *c) {
    call_wait_on(&c->call, octets_size(&c->call.out) != 0);
    if (!ftp_data_is_there(&c->data))
        return;
    bool moving = is_moving(c), gives = moving && kind_of(c)->gives;
    ftp_data_wait_on(&c->data, moving && !gives, gives);
}

static void go_on(struct client *c, enum turn turn) {
    while (turn == AGAIN) {
        call_send(&c->call);
        turn = work(c);
    }
    if (turn == WAIT_ON)
        wait_on(c);
    else
        end(c);
}

static enum turn begun(struct client *c, int code) {
    if (net_would_block(code))
        return WAIT_ON;
    return code ? fail_with(c, code) : AGAIN;
}

static void ready(struct watch *watch, short events) {
    struct client *c = owner_of(watch, struct client, call.watch);
    (void)events;
    if (c->call.connecting) {
        go_on(c, begun(c, call_stands(&c->call, &c->report, &c->operations.address)));
        return;
    }
    pump_in(c->call.sock, &c->call.in);
    go_on(c, AGAIN);
}

static void data_ready(struct watch *watch, short events) {
    struct client *c = owner_of(watch, struct client, data.watch);
    (void)events;
    c->data.woken = true;
    go_on(c, AGAIN);
}

static void due(struct timer *timer) {
    struct client *c = owner_of(timer, struct client, timer);
    go_on(c, fail(c, "timeout", "there was no time left"));
}

bool ftp_client_ask(const struct json *command, char *id, struct fault *fault) {
    struct client *c = must_alloc(sizeof *c);
    if (!ftp_ask_read(&c->operations, command, fault)) {
        ftp_ask_free(&c->operations);
        free(c);
        return false;
    }
    call_start(&c->call, ready);
    ftp_data_start(&c->data, data_ready);
    c->timer.due = due;
    timer_set(&c->timer, clock_now() + c->operations.deadline);
    running_start(&c->running, id, stop);
    report_open(&c->report, id, 0, false);
    go_on(c, begun(c, call_connect(&c->call, &c->report, &c->operations.address)));
    return true;
}
