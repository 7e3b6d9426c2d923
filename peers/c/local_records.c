/* The steps that are the same for all that keeps records apart between processes; see local_parts.h. Owns how records
 * are held and told. What carries them is a matter of the transport's read() and write(). */
#include "local_parts.h"

#if HAS_LOCAL
#include <errno.h>
#include <string.h>

enum {
    RECORDS_A_ROUND = 64,
    TOO_LARGE = 16 * 1024 * 1024 +
        1, /* no record has that many octets: what is asked for beyond fails just as this does */
};

/* In `in`, in front of each record. */
struct record_head {
    size_t size;
    struct address remote;
    unsigned priority;
    sock_t passed; /* with it; NO_SOCKET: none */
};

/* ---- sending ---- */

static enum progress write_failed(struct script *script, int code) {
    if (code == EMSGSIZE)
        return script_failed(script, "too-large", net_error_says(code));
    if (!net_would_block(code))
        return script_failed_with(script, code);
    return script_current(script)->more.now ? script_failed(script, "full", net_error_says(code)) : WAITING;
}

static enum progress send_one(struct script *script) {
    struct script_now *now = &script->now;
    size_t put;
    if (!now->begun) {
        source_start(&now->source, &script_current(script)->payload, (uint32_t)now->done);
        size_t size = source_left(&now->source) < TOO_LARGE ? (size_t)source_left(&now->source) : TOO_LARGE;
        octets_grown(&script->out, source_take(&now->source, octets_reserve(&script->out, size), size));
        now->begun = true;
    }
    int code = script->transport->acts->write(script, octets_front(&script->out), octets_size(&script->out), &put);
    if (code)
        return write_failed(script, code);
    script_count_from_zero(script);
    script_count(script, octets_front(&script->out), octets_size(&script->out));
    script_tell_counted(script, "sent", NULL);
    octets_clear(&script->out);
    now->begun = now->passed = false;
    return NEXT;
}

enum progress records_send(struct script *script) {
    struct script_now *now = &script->now;
    const struct script_step *step = script_current(script);
    if (!script->open)
        return script_not_open(script);
    for (int i = 0; now->done < step->count; i++) {
        if (i == RECORDS_A_ROUND || (now->wake && clock_now() < now->wake))
            return WAITING;
        now->wake = 0;
        enum progress progress = send_one(script);
        if (progress != NEXT)
            return progress;
        if (++now->done < step->count && step->pause)
            now->wake = clock_now() + step->pause;
    }
    return NEXT;
}

/* ---- receiving ---- */

/* Takes the oldest record that came. False: there is none. */
static bool take_oldest(struct script *script) {
    struct local *local = script->local;
    struct record_head head;
    if (!octets_size(&script->in))
        return false;
    memcpy(&head, octets_front(&script->in), sizeof head);
    octets_drop(&script->in, sizeof head);
    script_count_from_zero(script);
    script_count(script, octets_front(&script->in), head.size);
    octets_drop(&script->in, head.size);
    script->last = head.remote;
    script->has_last = true;
    local->priority = head.priority;
    if (head.passed != NO_SOCKET && script_current(script)->more.passes)
        descriptor_begin(local, head.passed);
    else if (head.passed != NO_SOCKET)
        net_close(head.passed);
    return true;
}

/* WAITING also where none has come. */
static enum progress receive_one(struct script *script) {
    const struct script_acts *acts = script->transport->acts;
    struct script_now *now = &script->now;
    now->reached = now->reached || take_oldest(script);
    if (!now->reached)
        return WAITING;
    enum progress progress = acts->complete ? acts->complete(script) : NEXT;
    if (progress != NEXT)
        return progress;
    script_tell_counted(script, "received", NULL);
    now->reached = now->passed = false;
    now->done++;
    return NEXT;
}

static enum progress ended(struct script *script) {
    step(&script->report, "end");
    return script_failed(script, "ended", "the end came before what was asked for");
}

/* Nothing is held, and something is needed. */
static enum progress none_there(struct script *script) {
    if (script->coming == BROKEN)
        return script_failed_with(script, script->broken);
    if (script->coming == ENDED)
        return ended(script);
    if (script_current(script)->more.now)
        return script_failed(script, "empty", net_error_says(EAGAIN));
    return WAITING;
}

static enum progress receive_quiet(struct script *script) {
    bool came = false;
    while (receive_one(script) == NEXT)
        came = true;
    if (came)
        return NEXT;
    if (script->coming == ENDED)
        return script_failed(script, "ended", "the other side ended");
    if (script->coming == BROKEN)
        return script_failed_with(script, script->broken);
    if (clock_now() < script->now.wake)
        return WAITING;
    step(&script->report, "quiet");
    return NEXT;
}

/* All records that were asked for came. */
static enum progress receive_end(struct script *script) {
    if (receive_one(script) == NEXT)
        return script_failed(script, "other", "a record came where the end was due");
    if (script->coming != ENDED)
        return none_there(script);
    step(&script->report, "end");
    return NEXT;
}

static enum progress receive_all(struct script *script) {
    const struct script_step *step = script_current(script);
    while (script->now.done < step->count) {
        enum progress progress = receive_one(script);
        if (progress == WAITING && !script->now.reached)
            return none_there(script);
        if (progress != NEXT)
            return progress;
    }
    return step->then_end ? receive_end(script) : NEXT;
}

/* What lies ready may be more than what was told to be ready: a look costs less than another round. */
static void look(struct script *script) {
    if (!octets_size(&script->in) && script->coming == COMING && !script->now.reached)
        records_gather(script);
}

enum progress records_receive(struct script *script) {
    struct script_now *now = &script->now;
    const struct script_step *step = script_current(script);
    if (!script->open)
        return script_not_open(script);
    if (!now->begun) {
        now->begun = true;
        now->wake = step->goal == QUIET ? clock_now() + step->pause : 0;
    }
    look(script);
    return step->goal == QUIET ? receive_quiet(script) : receive_all(script);
}

/* ---- reading ahead ---- */

/* A lazy script takes no more records from the system than it was asked for. */
static uint64_t most_to_gather(const struct script *script) {
    const struct script_step *step = script_current(script);
    if (script->eager)
        return RECORDS_A_ROUND;
    uint64_t left = step->goal == QUIET ? 1 : step->count - script->now.done + step->then_end;
    return left < RECORDS_A_ROUND ? left : RECORDS_A_ROUND;
}

/* Of several descriptors with one record the first is kept. */
static void take_passed(struct local *local, struct record_head *head) {
    head->passed = local->passed_count ? descriptor_oldest(local) : NO_SOCKET;
    while (local->passed_count)
        net_close(descriptor_oldest(local));
}

static bool read_record(struct script *script, struct octets *piece) {
    struct local *local = script->local;
    struct record_head head;
    memset(&head, 0, sizeof head);
    uint8_t *to = octets_reserve(piece, local->largest);
    int code = script->transport->acts->read(script, to, local->largest, &head.size);
    if (net_would_block(code))
        return false;
    take_passed(local, &head);
    if (code || (!head.size && script->transport->accepts)) { /* Linux does not tell an empty one from the end */
        script->coming = code ? BROKEN : ENDED;
        script->broken = code;
        return false;
    }
    head.priority = local->priority;
    head.remote = local->remote;
    octets_add(&script->in, &head, sizeof head);
    octets_add(&script->in, to, head.size);
    return true;
}

void records_gather(struct script *script) {
    static struct octets piece;
    uint64_t most = most_to_gather(script);
    while (most && octets_size(&script->in) < MOST_HELD && read_record(script, &piece))
        most--;
}

void records_forget(struct script *script) {
    struct record_head head;
    while (octets_size(&script->in)) {
        memcpy(&head, octets_front(&script->in), sizeof head);
        octets_drop(&script->in, sizeof head + head.size);
        if (head.passed != NO_SOCKET)
            net_close(head.passed);
    }
}
#endif
