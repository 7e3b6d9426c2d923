/* Running a script: one step after the other, the limits on time, and the end; see script.h. */
#include "script.h"

#include "local.h"

#include <stdlib.h>

static void run(struct script *script);

static const struct script_acts *acts_of(const struct script *script) {
    return script->transport->acts;
}

const struct script_step *script_current(const struct script *script) {
    return &script->steps[script->index];
}

/* ---- for the transports ---- */

enum progress script_failed(struct script *script, const char *error, const char *says) {
    step_failed(&script->report, (int64_t)script->index, error, says);
    return FAILED;
}

enum progress script_failed_with(struct script *script, int code) {
    if (net_is_reset(code))
        step_reset(&script->report, "them");
    return script_failed(script, net_error_word(code), net_error_says(code));
}

enum progress script_not_open(struct script *script) {
    return script_failed(script, "other", script->told_closed ? "the socket is closed" : "there is no connection yet");
}

void script_created(struct script *script) {
    script->had_socket = true;
    step(&script->report, "created");
}

void script_opened(struct script *script) {
    script->open = script->had_socket = true;
    script->told_closed = false;
    script->coming = COMING;
    octets_clear(&script->in);
}

void script_look_again(struct script *script, int64_t microseconds) {
    script->look = clock_now() + microseconds;
}

void script_await_socket(struct script *script, short wanted) {
    sock_t sock = script_current(script)->act == ACCEPT ? script->listener : script->sock;
    if (sock != NO_SOCKET)
        watch_want(&script->watch, sock, wanted);
}

void script_close_socket(struct script *script) {
    if (script->sock != NO_SOCKET)
        net_close(script->sock);
    script->sock = NO_SOCKET;
}

static void tell_closed(struct script *script) {
    if (!script->told_closed)
        step(&script->report, "closed");
    script->told_closed = true;
}

void script_leave(struct script *script, void (*hang_up)(struct script *script)) {
    watch_end(&script->watch);
    hang_up(script);
    script->open = script->connected = false;
    tell_closed(script);
}

void script_count_from_zero(struct script *script) {
    sha256_start(&script->now.sum);
    octets_clear(&script->kept);
}

void script_count(struct script *script, const uint8_t *at, size_t size) {
    const struct script_step *step = script_current(script);
    if (step->act == RECEIVE && octets_size(&script->kept) < step->keep) {
        size_t room = step->keep - octets_size(&script->kept);
        octets_add(&script->kept, at, size < room ? size : room);
    }
    sha256_add(&script->now.sum, at, size);
}

void script_tell_counted(struct script *script, const char *name, const struct address *remote) {
    step_open(&script->report, name);
    step_octets(&script->report, &script->now.sum);
    if (remote)
        step_address(&script->report, "remote", remote);
    if (script_current(script)->act == RECEIVE && script_current(script)->keep)
        step_hex(&script->report, "hex", (struct view){octets_front(&script->kept), octets_size(&script->kept)});
    if (acts_of(script)->tell)
        acts_of(script)->tell(script);
    step_close(&script->report);
}

/* ---- steps that are the same over every transport ---- */

enum progress script_close(struct script *script) {
    if (!script->open)
        return script_not_open(script);
    script_leave(script, acts_of(script)->hang_up);
    return NEXT;
}

enum progress script_wait(struct script *script) {
    struct script_now *now = &script->now;
    if (!now->wake)
        now->wake = clock_now() + script_current(script)->pause;
    return clock_now() >= now->wake ? NEXT : WAITING;
}

static enum progress do_step(struct script *script) {
    return acts_of(script)->act[script_current(script)->act](script);
}

/* ---- waiting ---- */

/* Whether octets that come are to be read now. */
static bool reads(const struct script *script) {
    return script->open && script->coming == COMING && octets_size(&script->in) < MOST_HELD &&
           (script->eager || script_current(script)->act == RECEIVE);
}

static short wanted(const struct script *script) {
    enum act act = script_current(script)->act;
    short events = 0;
    if (act == ACCEPT || reads(script))
        events |= POLLIN;
    if (act == CONNECT || (act == SEND && !script->now.wake))
        events |= POLLOUT;
    return events;
}

static int64_t limit(const struct script *script) {
    int64_t own = script->now.limit;
    return own && own < script->deadline ? own : script->deadline;
}

/* False if there is no time left to wait. */
static bool settle(struct script *script) {
    int64_t at = limit(script);
    if (clock_now() >= at)
        return false;
    acts_of(script)->await(script, wanted(script));
    if (script->now.wake && script->now.wake < at)
        at = script->now.wake;
    if (script->look && script->look < at)
        at = script->look;
    timer_set(&script->timer, at);
    return true;
}

static void ready(struct watch *watch, short events) {
    struct script *script = owner_of(watch, struct script, watch);
    short broken = events & (POLLHUP | POLLERR | POLLNVAL);
    script->readable = (events & POLLIN) || broken;
    script->writable = (events & POLLOUT) || broken;
    run(script);
}

static void due(struct timer *timer) {
    struct script *script = owner_of(timer, struct script, timer);
    script->readable = script->look && clock_now() >= script->look;
    script->writable = false;
    run(script);
}

void script_go_on(struct script *script, bool readable) {
    script->readable = readable;
    script->writable = false;
    run(script);
}

/* ---- from the first step to the end ---- */

static void forget(struct script *script) {
    script_free_steps(script);
    local_free(script);
    octets_free(&script->in);
    octets_free(&script->out);
    octets_free(&script->kept);
    free(script);
}

static void end(struct script *script) {
    timer_end(&script->timer);
    watch_end(&script->watch);
    acts_of(script)->hang_up(script);
    if (acts_of(script)->clear)
        acts_of(script)->clear(script);
    if (script->listener != NO_SOCKET)
        net_close(script->listener);
    if (script->had_socket)
        tell_closed(script);
    report_done(&script->report);
    running_end(&script->running);
    forget(script);
}

static void stop(struct running *running) {
    end(owner_of(running, struct script, running));
}

static void begin_step(struct script *script) {
    const struct script_step *step = script_current(script);
    script->now = (struct script_now){.begun = false};
    if (step->within >= 0)
        script->now.limit = clock_now() + step->within;
    octets_clear(&script->out);
}

static void run(struct script *script) {
    enum progress progress = NEXT;
    script->look = 0;
    if (script->readable && reads(script))
        acts_of(script)->gather(script);
    script->readable = false;
    while (script->index < script->step_count && (progress = do_step(script)) == NEXT)
        if (++script->index < script->step_count)
            begin_step(script);
    if (progress == WAITING && settle(script))
        return;
    if (progress == WAITING) {
        if (script_current(script)->act == RECEIVE && script->now.begun && acts_of(script)->rest)
            acts_of(script)->rest(script);
        script_failed(script, "timeout", "there was no time left");
    }
    end(script);
}

static void begin(struct script *script) {
    int code = acts_of(script)->prepare(script);
    if (code) {
        step_failed_with(&script->report, -1, code);
        end(script);
        return;
    }
    if (script->index < script->step_count)
        begin_step(script);
    run(script);
}

bool script_start(const struct json *command, char *id, struct fault *fault) {
    struct script *script = must_alloc(sizeof *script);
    script->sock = script->listener = NO_SOCKET;
    if (!script_read(script, command, fault)) {
        forget(script);
        return false;
    }
    script->deadline += clock_now();
    script->watch.ready = ready;
    script->timer.due = due;
    running_start(&script->running, id, stop);
    report_open(&script->report, id, 0, false);
    begin(script);
    return true;
}
