/* What the steps of a script ask for, over any stream; see script.h. Owns how octets are cut into writes, and when what
 * came is enough. Does not know what carries them: that is a matter of the transport's read(), write() and shut(). */
#include "script.h"

#include <string.h>

enum { PIECE = 64 * 1024, CODE_DIGITS = 3 };

static const struct script_acts *acts_of(const struct script *script) {
    return script->transport->acts;
}

/* A socket tells once why it broke. If reading ahead was told, a write that comes later only hears EPIPE. */
static enum progress broke(struct script *script, int code) {
    return script_failed_with(script, script->coming == BROKEN ? script->broken : code);
}

/* ---- sending ---- */

/* Puts the octets of the next write call into `out`. */
static void next_piece(struct script *script) {
    const struct script_step *step = script_current(script);
    struct script_now *now = &script->now;
    size_t size = acts_of(script)->largest_write;
    if (step->write_count)
        size = step->writes[now->written < step->write_count ? now->written : step->write_count - 1];
    if (size > source_left(&now->source))
        size = (size_t)source_left(&now->source);
    octets_grown(&script->out, source_take(&now->source, octets_reserve(&script->out, size), size));
    now->written++;
}

/* The code of one write call; whatever it took is counted. */
static int write_piece(struct script *script) {
    size_t put;
    int code = acts_of(script)->write(script, octets_front(&script->out), octets_size(&script->out), &put);
    script_count(script, octets_front(&script->out), put);
    octets_drop(&script->out, put);
    return code;
}

static enum progress send_pieces(struct script *script, size_t *turn) {
    struct script_now *now = &script->now;
    while (octets_size(&script->out) || source_left(&now->source)) {
        if (*turn >= TURN)
            return WAITING;
        if (!octets_size(&script->out))
            next_piece(script);
        *turn += octets_size(&script->out) + CALL;
        int code = write_piece(script);
        if (code)
            return net_would_block(code) ? WAITING : broke(script, code);
        if (script_current(script)->pause && !octets_size(&script->out) && source_left(&now->source)) {
            now->wake = clock_now() + script_current(script)->pause;
            return WAITING;
        }
    }
    script_tell_counted(script, "sent", NULL);
    return NEXT;
}

static void begin_send(struct script *script) {
    struct script_now *now = &script->now;
    now->begun = true;
    now->passed = false;
    now->written = 0;
    source_start(&now->source, &script_current(script)->payload, (uint32_t)now->done);
    script_count_from_zero(script);
}

enum progress stream_send(struct script *script) {
    struct script_now *now = &script->now;
    if (!script->open)
        return script_not_open(script);
    for (size_t turn = 0; now->done < script_current(script)->count; now->done++) {
        if (!now->begun)
            begin_send(script);
        if (now->wake && clock_now() < now->wake)
            return WAITING;
        now->wake = 0;
        enum progress progress = send_pieces(script, &turn);
        if (progress != NEXT)
            return progress;
        now->begun = false;
        turn += CALL;
    }
    return NEXT;
}

enum progress stream_half_close(struct script *script) {
    if (!script->open)
        return script_not_open(script);
    int code = acts_of(script)->shut(script);
    if (code) /* a stream that was reset is no more connected: then that is the reason */
        return broke(script, code);
    step(&script->report, "half-closed");
    return NEXT;
}

/* ---- receiving ---- */

static void consume(struct script *script, uint64_t size) {
    size_t part = size < octets_size(&script->in) ? (size_t)size : octets_size(&script->in);
    script_count(script, octets_front(&script->in), part);
    octets_drop(&script->in, part);
}

static bool receive_exactly(struct script *script) {
    uint64_t count = script_current(script)->count;
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
    const struct octets *mark = &script_current(script)->mark;
    size_t found = find_mark(&script->in, mark), size = octets_size(&script->in);
    if (found)
        consume(script, found);
    else if (script->coming != COMING)
        consume(script, size);
    else if (size >= octets_size(mark))
        consume(script, size - octets_size(mark) + 1);
    return found != 0;
}

/* Whether the line goes on in a further one, as replies of several lines do (RFC 5321, section 4.2.1). */
static bool goes_on(const uint8_t *line, size_t size) {
    return size > CODE_DIGITS && line[CODE_DIGITS] == '-';
}

/* Where the reply ends in what came, or 0: at the end of the first line or, if that goes on, of the first later one
 * that has the same code and does not. */
static size_t find_reply(const struct octets *in) {
    const uint8_t *start = octets_front(in), *end = start + octets_size(in), *newline;
    for (const uint8_t *line = start; line < end; line = newline + 1) {
        newline = memchr(line, '\n', (size_t)(end - line));
        if (!newline)
            return 0;
        size_t size = (size_t)(newline - line) + 1;
        bool same = line == start || (size > CODE_DIGITS && memcmp(line, start, CODE_DIGITS) == 0);
        if (same && !goes_on(line, size))
            return (size_t)(newline - start) + 1;
    }
    return 0;
}

static bool receive_reply(struct script *script) {
    size_t found = octets_size(&script->in) ? find_reply(&script->in) : 0;
    if (found || script->coming != COMING)
        consume(script, found ? found : octets_size(&script->in));
    return found != 0;
}

/* Whether all octets that the step asks for came; takes them. */
static bool reach(struct script *script) {
    switch (script_current(script)->goal) {
    case EXACTLY:
        return receive_exactly(script);
    case THROUGH:
        return receive_through(script);
    case REPLY:
        return receive_reply(script);
    case TO_END:
    case QUIET:
    case RECORDS:
        break;
    }
    consume(script, octets_size(&script->in));
    return script->coming == ENDED;
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

enum progress stream_no_more(struct script *script) {
    if (script->coming == COMING)
        return WAITING;
    if (script->coming == ENDED || script->now.sum.size)
        script_tell_counted(script, "received", NULL);
    if (script->coming == BROKEN)
        return broke(script, script->broken);
    step(&script->report, "end");
    return script_failed(script, "ended", "the stream ended before what was asked for");
}

/* The octets came. Is that all? */
static enum progress receive_complete(struct script *script) {
    enum progress progress = acts_of(script)->complete ? acts_of(script)->complete(script) : NEXT;
    if (progress != NEXT)
        return progress;
    received(script);
    if (script_current(script)->goal == TO_END)
        step(&script->report, "end");
    return NEXT;
}

enum progress stream_receive(struct script *script) {
    const struct script_step *step = script_current(script);
    if (!script->open)
        return script_not_open(script);
    if (!script->now.begun) {
        script->now.begun = true;
        script->now.wake = step->goal == QUIET ? clock_now() + step->pause : 0;
        script_count_from_zero(script);
    }
    if (step->goal == QUIET)
        return receive_quiet(script);
    script->now.reached = script->now.reached || reach(script);
    return script->now.reached ? receive_complete(script) : stream_no_more(script);
}

void stream_rest(struct script *script) {
    consume(script, octets_size(&script->in));
    if (script->now.sum.size)
        script_tell_counted(script, "received", NULL);
}

/* ---- reading ahead ---- */

/* Whether there is room for more of what comes, and how much. A lazy script must not take more from the system than it
 * was asked for, where that can be known. */
static bool has_room(const struct script *script, size_t *room) {
    const struct script_step *step = script_current(script);
    *room = octets_size(&script->in) < MOST_HELD ? PIECE : 0;
    if (!script->eager && step->goal == EXACTLY && !script->now.reached) {
        uint64_t left = step->count - script->now.sum.size - octets_size(&script->in);
        *room = left < PIECE ? (size_t)left : PIECE;
    }
    return *room != 0;
}

void stream_gather(struct script *script) {
    static uint8_t piece[PIECE];
    size_t got, room;
    for (size_t turn = 0; turn < TURN && has_room(script, &room); turn += got + CALL) {
        int code = acts_of(script)->read(script, piece, room, &got);
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
