/* Running a script: one step after the other, the limits on time, and the end; see script.h. */
#include "script.h"

#include <stdlib.h>

static void run(struct script *script);

static const struct script_acts *acts_of(const struct script *script) {
    return script->stream ? &script_stream : &script_datagram;
}

static const struct script_step *current(const struct script *script) {
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

int script_open(struct script *script, sock_t *sock) {
    int code = net_socket(script->address.name.ss_family, script->stream ? SOCK_STREAM : SOCK_DGRAM, sock);
    if (code)
        return code;
    script->had_socket = true;
    step(&script->report, "created");
    return 0;
}

void script_told_closed(struct script *script) {
    if (!script->told_closed)
        step(&script->report, "closed");
    script->told_closed = true;
}

void script_count_from_zero(struct script *script) {
    sha256_start(&script->now.sum);
    octets_clear(&script->kept);
}

void script_count(struct script *script, const uint8_t *at, size_t size) {
    const struct script_step *step = current(script);
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
    if (current(script)->act == RECEIVE && current(script)->keep)
        step_hex(&script->report, "hex", (struct view){octets_front(&script->kept), octets_size(&script->kept)});
    step_close(&script->report);
}

/* ---- steps that are the same over TCP and UDP, or take one call ---- */

static void close_socket(struct script *script, void (*how)(sock_t)) {
    watch_end(&script->watch);
    how(script->sock);
    script->sock = NO_SOCKET;
    script->connected = false;
    script_told_closed(script);
}

static enum progress do_close(struct script *script) {
    if (script->sock == NO_SOCKET)
        return script_not_open(script);
    close_socket(script, net_close);
    return NEXT;
}

static enum progress do_reset(struct script *script) {
    if (script->sock == NO_SOCKET)
        return script_not_open(script);
    step_reset(&script->report, "us");
    close_socket(script, net_abort);
    return NEXT;
}

static enum progress do_half_close(struct script *script) {
    if (!script->connected)
        return script_not_open(script);
    int code = net_shut_sending(script->sock);
    if (code) /* a stream that was reset is no more connected: then that is the reason */
        return script_failed_with(script, script->coming == BROKEN ? script->broken : code);
    step(&script->report, "half-closed");
    return NEXT;
}

static enum progress do_wait(struct script *script) {
    struct script_now *now = &script->now;
    if (!now->wake)
        now->wake = clock_now() + current(script)->pause;
    return clock_now() >= now->wake ? NEXT : WAITING;
}

static enum progress do_step(struct script *script) {
    const struct script_acts *acts = acts_of(script);
    switch (current(script)->act) {
    case CONNECT:
        return acts->connect(script);
    case ACCEPT:
        return acts->accept(script);
    case SEND:
        return acts->send(script);
    case RECEIVE:
        return acts->receive(script);
    case HALF_CLOSE:
        return do_half_close(script);
    case CLOSE:
        return do_close(script);
    case RESET:
        return do_reset(script);
    case WAIT:
        return do_wait(script);
    }
    return FAILED;
}

/* ---- waiting ---- */

/* Whether octets that come are to be read now. */
static bool reads(const struct script *script) {
    bool open = script->stream ? script->connected : script->sock != NO_SOCKET;
    return open && script->coming == COMING && octets_size(&script->in) < MOST_HELD &&
           (script->eager || current(script)->act == RECEIVE);
}

static short wanted(const struct script *script) {
    enum act act = current(script)->act;
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
    if (script->now.wake && script->now.wake < at)
        at = script->now.wake;
    timer_set(&script->timer, at);
    sock_t sock = current(script)->act == ACCEPT ? script->listener : script->sock;
    if (sock != NO_SOCKET)
        watch_want(&script->watch, sock, wanted(script));
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
    script->readable = script->writable = false;
    run(script);
}

/* ---- from the first step to the end ---- */

static void end(struct script *script) {
    timer_end(&script->timer);
    watch_end(&script->watch);
    if (script->sock != NO_SOCKET)
        close_socket(script, net_close);
    if (script->listener != NO_SOCKET)
        net_close(script->listener);
    if (script->had_socket)
        script_told_closed(script);
    report_done(&script->report);
    script_free_steps(script);
    octets_free(&script->in);
    octets_free(&script->out);
    octets_free(&script->kept);
    running_end(&script->running);
    free(script);
}

static void stop(struct running *running) {
    end(owner_of(running, struct script, running));
}

static void begin_step(struct script *script) {
    const struct script_step *step = current(script);
    script->now = (struct script_now){.begun = false};
    if (step->within >= 0)
        script->now.limit = clock_now() + step->within;
    octets_clear(&script->out);
}

static void run(struct script *script) {
    enum progress progress = NEXT;
    if (script->readable && reads(script))
        acts_of(script)->gather(script);
    script->readable = false;
    while (script->index < script->step_count && (progress = do_step(script)) == NEXT)
        if (++script->index < script->step_count)
            begin_step(script);
    if (progress == WAITING && settle(script))
        return;
    if (progress == WAITING) {
        if (current(script)->act == RECEIVE && script->now.begun && acts_of(script)->rest)
            acts_of(script)->rest(script);
        script_failed(script, "timeout", "there was no time left");
    }
    end(script);
}

static void begin(struct script *script) {
    int code = acts_of(script)->prepare(script);
    if (code) {
        step_failed(&script->report, -1, net_error_word(code), net_error_says(code));
        end(script);
        return;
    }
    if (script->step_count)
        begin_step(script);
    run(script);
}

bool script_start(const struct json *command, char *id, struct fault *fault) {
    struct script *script = must_alloc(sizeof *script);
    script->sock = script->listener = NO_SOCKET;
    if (!script_read(script, command, fault)) {
        script_free_steps(script);
        free(script);
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
