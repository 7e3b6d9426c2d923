/* Events; see report.h. */
#include "report.h"

#include "address.h"
#include "json.h"
#include "loop.h"

#include <string.h>

enum {
    HOLD_BACK = 40 * 1000,   /* microseconds: the contract allows 50 ms */
    LONG_ENOUGH = 64 * 1024, /* steps of one line; with the longest single step it stays below 1 MiB */
};

static struct octets output;
static struct {
    struct report *first, *last;
} waiting;
static struct watch output_watch;
static bool output_broken;

static void flush_due(struct timer *timer) {
    int64_t now = clock_now();
    while (waiting.first && waiting.first->since + HOLD_BACK <= now)
        report_now(waiting.first);
    if (waiting.first)
        timer_set(timer, waiting.first->since + HOLD_BACK);
}

static struct timer flush_timer = {.due = flush_due};

static void wait_for_more(struct report *report, int64_t now) {
    report->waiting = true;
    report->since = now;
    report->previous = waiting.last;
    report->next = NULL;
    *(waiting.last ? &waiting.last->next : &waiting.first) = report;
    waiting.last = report;
    if (!flush_timer.place)
        timer_set(&flush_timer, now + HOLD_BACK);
}

static void wait_no_more(struct report *report) {
    if (!report->waiting)
        return;
    *(report->previous ? &report->previous->next : &waiting.first) = report->next;
    *(report->next ? &report->next->previous : &waiting.last) = report->previous;
    report->waiting = false;
}

void report_open(struct report *report, const char *id, int64_t conn, bool silent) {
    *report = (struct report){.id = id, .conn = conn, .silent = silent};
}

static void tell(struct report *report, bool done) {
    octets_add_text(&output, "{\"event\":\"steps\",\"id\":");
    octets_add_text(&output, report->id);
    if (report->conn) {
        octets_add_text(&output, ",\"conn\":");
        json_put_whole(&output, report->conn);
    }
    octets_add_text(&output, ",\"steps\":[");
    octets_add(&output, octets_front(&report->steps), octets_size(&report->steps));
    octets_add_text(&output, done ? "],\"done\":true}\n" : "]}\n");
    octets_clear(&report->steps);
    wait_no_more(report);
}

void report_now(struct report *report) {
    if (octets_size(&report->steps))
        tell(report, false);
}

void report_done(struct report *report) {
    if (!report->silent)
        tell(report, true);
    octets_free(&report->steps);
}

void report_all(void) {
    while (waiting.first)
        report_now(waiting.first);
}

void step_open(struct report *report, const char *name) {
    if (report->silent)
        return;
    if (octets_size(&report->steps) > LONG_ENOUGH)
        report_now(report);
    int64_t now = clock_now();
    if (!report->waiting)
        wait_for_more(report, now);
    octets_add_text(&report->steps, octets_size(&report->steps) ? ",{\"step\":\"" : "{\"step\":\"");
    octets_add_text(&report->steps, name);
    octets_add_text(&report->steps, "\",\"t\":");
    json_put_whole(&report->steps, now);
}

void step_close(struct report *report) {
    if (!report->silent)
        octets_add_text(&report->steps, "}");
}

void step(struct report *report, const char *name) {
    step_open(report, name);
    step_close(report);
}

struct octets *step_member(struct report *report, const char *member) {
    if (report->silent)
        return NULL;
    octets_add_text(&report->steps, ",\"");
    octets_add_text(&report->steps, member);
    octets_add_text(&report->steps, "\":");
    return &report->steps;
}

void step_address(struct report *report, const char *member, const struct address *address) {
    struct octets *to = step_member(report, member);
    if (to)
        address_put(to, address);
}

void step_whole(struct report *report, const char *member, int64_t number) {
    struct octets *to = step_member(report, member);
    if (to)
        json_put_whole(to, number);
}

void step_bool(struct report *report, const char *member, bool value) {
    struct octets *to = step_member(report, member);
    if (to)
        octets_add_text(to, value ? "true" : "false");
}

void step_latin1(struct report *report, const char *member, struct view octets) {
    struct octets *to = step_member(report, member);
    if (to)
        json_put_latin1(to, octets);
}

void step_text(struct report *report, const char *member, struct view octets) {
    struct octets *to = step_member(report, member);
    if (to)
        json_put_name(to, octets);
}

void step_word(struct report *report, const char *member, const char *ascii) {
    step_latin1(report, member, (struct view){(const uint8_t *)ascii, strlen(ascii)});
}

void step_hex(struct report *report, const char *member, struct view octets) {
    struct octets *to = step_member(report, member);
    if (to)
        json_put_hex(to, octets);
}

void step_octets(struct report *report, const struct sha256 *sum) {
    char hex[SHA256_HEX + 1];
    if (report->silent)
        return;
    sha256_hex(sum, hex);
    step_whole(report, "octets", (int64_t)sum->size);
    step_word(report, "digest", hex);
}

void step_with_local(struct report *report, const char *name, const struct address *local) {
    step_open(report, name);
    step_address(report, "local", local);
    step_close(report);
}

void step_with_remote(struct report *report, const char *name, const struct address *remote) {
    step_open(report, name);
    step_address(report, "remote", remote);
    step_close(report);
}

void step_with_both(struct report *report, const char *name, const struct address *local,
                    const struct address *remote) {
    step_open(report, name);
    step_address(report, "local", local);
    step_address(report, "remote", remote);
    step_close(report);
}

void step_reset(struct report *report, const char *by) {
    step_open(report, "reset");
    step_word(report, "by", by);
    step_close(report);
}

void step_failed(struct report *report, int64_t at, const char *error, const char *says) {
    step_open(report, "failed");
    step_whole(report, "at", at);
    step_word(report, "error", error);
    step_word(report, "says", says);
    step_close(report);
}

void step_failed_with(struct report *report, int64_t at, int code) {
    step_failed(report, at, net_error_word(code), net_error_says(code));
}

void say_error(const char *id, const char *fault, const char *says) {
    octets_add_text(&output, "{\"event\":\"error\",\"id\":");
    octets_add_text(&output, id);
    octets_add_text(&output, ",\"fault\":\"");
    octets_add_text(&output, fault);
    octets_add_text(&output, "\",\"says\":");
    json_put_latin1(&output, (struct view){(const uint8_t *)says, strlen(says)});
    octets_add_text(&output, "}\n");
}

void say_flushed(const char *id) {
    octets_add_text(&output, "{\"event\":\"flushed\",\"id\":");
    octets_add_text(&output, id);
    octets_add_text(&output, "}\n");
}

void say(const struct octets *line) {
    octets_add(&output, octets_front(line), octets_size(line));
    octets_add_text(&output, "\n");
}

static void output_ready(struct watch *watch, short events) {
    (void)events;
    watch_want(watch, CONTROL_OUT, 0); /* the loop's owner calls report_write() after each round */
}

bool report_write(void) {
    size_t put;
    while (octets_size(&output) && !output_broken) {
        int code = control_write(octets_front(&output), octets_size(&output), &put);
        octets_drop(&output, put);
        if (code && net_would_block(code)) {
            output_watch.ready = output_ready;
            watch_want(&output_watch, CONTROL_OUT, POLLOUT);
            break;
        }
        output_broken = code != 0;
    }
    return !output_broken;
}

size_t report_backlog(void) {
    return octets_size(&output);
}
