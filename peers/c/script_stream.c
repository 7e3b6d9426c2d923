/* What the steps of a script ask for, over TCP; see script.h. */
#include "script.h"

#include <string.h>

enum { PIECE = 64 * 1024 };

static const struct script_step *current(const struct script *script) {
    return &script->steps[script->index];
}

/* A socket tells once why it broke. If reading ahead was told, a write that comes later only hears EPIPE. */
static enum progress broke(struct script *script, int code) {
    return script_failed_with(script, script->coming == BROKEN ? script->broken : code);
}

static enum progress stands(struct script *script, const char *name, const struct address *remote) {
    struct address local;
    int code = net_local(script->sock, &local);
    if (code)
        return script_failed_with(script, code);
    script->connected = true;
    step_open(&script->report, name);
    step_address(&script->report, "local", &local);
    step_address(&script->report, "remote", remote);
    step_close(&script->report);
    return NEXT;
}

static int begin_connect(struct script *script) {
    int code = script_open(script, &script->sock);
    if (code)
        return code;
    step_open(&script->report, "connecting");
    step_address(&script->report, "remote", &script->address);
    step_close(&script->report);
    return net_connect(script->sock, &script->address);
}

static enum progress do_connect(struct script *script) {
    int code;
    if (script->now.begun) {
        if (!script->writable)
            return WAITING;
        code = net_connect_result(script->sock);
    } else {
        if (script->had_socket)
            return script_failed(script, "other", "a script connects once");
        script->now.begun = true;
        script->writable = false;
        code = begin_connect(script);
    }
    if (net_would_block(code))
        return WAITING;
    if (net_is_reset(code)) { /* a refusal is another code: so it stood, and was reset before this was looked at */
        script->coming = BROKEN;
        script->broken = code;
        code = 0;
    }
    return code ? script_failed_with(script, code) : stands(script, "connected", &script->address);
}

static enum progress do_accept(struct script *script) {
    struct address remote;
    if (script->sock != NO_SOCKET)
        return script_failed(script, "other", "there is a connection already");
    int code = net_accept(script->listener, &script->sock, &remote);
    if (net_would_block(code))
        return WAITING;
    if (code)
        return script_failed_with(script, code);
    script->told_closed = false; /* of the connection before */
    script->coming = COMING;
    octets_clear(&script->in);
    return stands(script, "accepted", &remote);
}

/* Puts the octets of the next write call into `out`. */
static void next_piece(struct script *script) {
    const struct script_step *step = current(script);
    struct script_now *now = &script->now;
    size_t size = PIECE;
    if (step->write_count)
        size = step->writes[now->done < step->write_count ? now->done : step->write_count - 1];
    if (size > source_left(&now->source))
        size = (size_t)source_left(&now->source);
    octets_grown(&script->out, source_take(&now->source, octets_reserve(&script->out, size), size));
    now->done++;
}

/* The code of one write call; whatever it took is counted. */
static int write_piece(struct script *script) {
    size_t put;
    int code = net_write(script->sock, octets_front(&script->out), octets_size(&script->out), &put);
    script_count(script, octets_front(&script->out), put);
    octets_drop(&script->out, put);
    return code;
}

static enum progress send_pieces(struct script *script) {
    struct script_now *now = &script->now;
    for (size_t turn = 0; octets_size(&script->out) || source_left(&now->source);) {
        if (turn >= TURN)
            return WAITING;
        if (!octets_size(&script->out))
            next_piece(script);
        turn += octets_size(&script->out) + CALL;
        int code = write_piece(script);
        if (code)
            return net_would_block(code) ? WAITING : broke(script, code);
        if (current(script)->pause && !octets_size(&script->out) && source_left(&now->source)) {
            now->wake = clock_now() + current(script)->pause;
            return WAITING;
        }
    }
    script_tell_counted(script, "sent", NULL);
    return NEXT;
}

static enum progress do_send(struct script *script) {
    struct script_now *now = &script->now;
    if (!script->connected)
        return script_not_open(script);
    if (!now->begun) {
        now->begun = true;
        source_start(&now->source, &current(script)->payload, 0);
        script_count_from_zero(script);
    }
    if (clock_now() < now->wake)
        return WAITING;
    now->wake = 0;
    return send_pieces(script);
}

static void consume(struct script *script, uint64_t size) {
    size_t part = size < octets_size(&script->in) ? (size_t)size : octets_size(&script->in);
    script_count(script, octets_front(&script->in), part);
    octets_drop(&script->in, part);
}

static bool receive_exactly(struct script *script) {
    uint64_t count = current(script)->count;
    consume(script, count - script->now.sum.size);
    return script->now.sum.size == count;
}

/* Where the mark ends in what came, or 0. */
static size_t find_mark(const struct octets *in, const struct octets *mark) {
    const uint8_t *start = octets_front(in), *sought = octets_front(mark);
    size_t length = octets_size(mark);
    if (octets_size(in) < length)
        return 0;
    const uint8_t *last = start + octets_size(in) - length;
    for (const uint8_t *at = start; at <= last; at++) {
        at = memchr(at, sought[0], (size_t)(last - at) + 1);
        if (!at)
            return 0;
        if (memcmp(at, sought, length) == 0)
            return (size_t)(at - start) + length;
    }
    return 0;
}

/* What cannot be the beginning of the mark any more is counted at once, so that little has to be held. */
static bool receive_through(struct script *script) {
    const struct octets *mark = &current(script)->mark;
    size_t found = find_mark(&script->in, mark), size = octets_size(&script->in);
    if (found)
        consume(script, found);
    else if (script->coming != COMING)
        consume(script, size);
    else if (size >= octets_size(mark))
        consume(script, size - octets_size(mark) + 1);
    return found != 0;
}

static enum progress received(struct script *script) {
    script_tell_counted(script, "received", NULL);
    return NEXT;
}

static enum progress receive_quiet(struct script *script) {
    if (octets_size(&script->in)) {
        consume(script, octets_size(&script->in));
        return received(script);
    }
    if (script->coming == ENDED)
        return script_failed(script, "ended", "the other side ended its octets");
    if (script->coming == BROKEN)
        return broke(script, script->broken);
    if (clock_now() < script->now.wake)
        return WAITING;
    step(&script->report, "quiet");
    return NEXT;
}

/* Everything that came was taken, and it was not enough. */
static enum progress receive_no_more(struct script *script) {
    if (script->coming == COMING)
        return WAITING;
    if (script->coming == ENDED || script->now.sum.size)
        script_tell_counted(script, "received", NULL);
    if (script->coming == BROKEN)
        return broke(script, script->broken);
    step(&script->report, "end");
    if (current(script)->goal == TO_END)
        return NEXT;
    return script_failed(script, "ended", "the stream ended before what was asked for");
}

static enum progress do_receive(struct script *script) {
    const struct script_step *step = current(script);
    if (!script->connected)
        return script_not_open(script);
    if (!script->now.begun) {
        script->now.begun = true;
        script->now.wake = step->goal == QUIET ? clock_now() + step->pause : 0;
        script_count_from_zero(script);
    }
    if (step->goal == QUIET)
        return receive_quiet(script);
    if (step->goal == TO_END)
        consume(script, octets_size(&script->in));
    else if (step->goal == EXACTLY ? receive_exactly(script) : receive_through(script))
        return received(script);
    return receive_no_more(script);
}

static void tell_rest(struct script *script) {
    consume(script, octets_size(&script->in));
    if (script->now.sum.size)
        script_tell_counted(script, "received", NULL);
}

/* Whether there is room for more of what comes, and how much. A lazy script must not take more from the system than it
 * was asked for, where that can be known. */
static bool has_room(const struct script *script, size_t *room) {
    const struct script_step *step = current(script);
    *room = octets_size(&script->in) < MOST_HELD ? PIECE : 0;
    if (!script->eager && step->goal == EXACTLY) {
        uint64_t left = step->count - script->now.sum.size - octets_size(&script->in);
        *room = left < PIECE ? (size_t)left : PIECE;
    }
    return *room != 0;
}

static void gather(struct script *script) {
    static uint8_t piece[PIECE];
    size_t got, room;
    for (size_t turn = 0; turn < TURN && has_room(script, &room); turn += got + CALL) {
        int code = net_read(script->sock, piece, room, &got);
        if (net_would_block(code))
            return;
        octets_add(&script->in, piece, got);
        if (code || !got) {
            script->coming = code ? BROKEN : ENDED;
            script->broken = code;
            return;
        }
    }
}

static int listen_and_tell(struct script *script) {
    struct address local;
    int code = net_bind(script->listener, SOCK_STREAM, &script->address);
    if (!code)
        code = net_local(script->listener, &local);
    if (code)
        return code;
    step_with_local(&script->report, "bound", &local);
    code = net_listen(script->listener, (int)script->backlog);
    if (!code)
        step_with_local(&script->report, "listening", &local);
    return code;
}

static int prepare(struct script *script) {
    if (!script->server)
        return 0;
    int code = script_open(script, &script->listener);
    if (!code)
        code = listen_and_tell(script);
    if (!code)
        report_now(&script->report);
    return code;
}

const struct script_acts script_stream = {do_connect, do_accept, do_send, do_receive, tell_rest, gather, prepare};
