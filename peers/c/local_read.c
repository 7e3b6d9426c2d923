/* Reading what scripts between processes say besides; see local.h. Owns which member fits which transport. Opens
 * nothing. */
#include "local_parts.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#if HAS_LOCAL
enum {
    RECORD = 256 * 1024, /* more than a socket of the Unix domain lets through, as its buffers usually are */
    MESSAGES = 8,
    MESSAGE_SIZE = 1024,
    CAPACITY = 64 * 1024,
    MOST_IN_PASSED = 4096,
};

static bool is(const struct script *script, const struct script_acts *acts) {
    return script->transport->acts == acts;
}

static bool passes_descriptors(const struct script *script) {
    return is(script, &local_unix) || is(script, &local_seqpacket);
}

static bool maybe_bool(const struct json *object, const char *name, bool *out, struct fault *fault) {
    const struct json *member = json_member(object, name);
    *out = member && member->kind == JSON_TRUE;
    return !member || *out || member->kind == JSON_FALSE || bad_command(fault, "'%s' must be true or false", name);
}

/* ---- the command ---- */

static bool read_positive(const struct json *room, const char *name, uint64_t *out, struct fault *fault) {
    return maybe_whole(room, name, INT_MAX, out, fault) &&
           (*out || bad_command(fault, "'%s' of 'room' must be 1 or more", name));
}

static bool read_room(struct local *local, const struct json *command, struct fault *fault) {
    const struct json *room = json_member(command, "room");
    local->messages = MESSAGES;
    local->message_size = MESSAGE_SIZE;
    local->capacity = CAPACITY;
    if (!room)
        return true;
    if (room->kind != JSON_OBJECT)
        return bad_command(fault, "'room' must be an object");
    return read_positive(room, "messages", &local->messages, fault) &&
           read_positive(room, "size", &local->message_size, fault) &&
           read_positive(room, "octets", &local->capacity, fault);
}

static bool read_process(struct local *local, struct fault *fault) {
    char *end;
    long process = strtol(local->name, &end, 10);
    local->process = process > 0 && process <= INT_MAX && !*end ? (int)process : 0;
    return local->process || bad_command(fault, "'address' must be a process id");
}

static bool read_name(struct script *script, const struct json *command, struct fault *fault) {
    struct local *local = script->local;
    struct view name;
    if (!need_text(command, "address", &name, fault))
        return false;
    if (memchr(name.at, 0, name.size))
        return bad_command(fault, "'address' must not have a zero octet");
    local->name = (char *)view_copy(name);
    return !is(script, &local_signal) || script->server || read_process(local, fault);
}

static bool read_joined(struct script *script, const struct json *command, struct fault *fault) {
    bool *joined = &script->local->joined;
    if (!maybe_bool(command, "joined", joined, fault))
        return false;
    return !*joined || (is(script, &local_pipe) && script->server) ||
           unsupported(fault, "only a server of pipes joins them");
}

/* It may be that the system as it runs lacks what it usually has. */
static bool is_there(const struct script *script, struct fault *fault) {
    const char *lacks = is(script, &local_memory)  ? local_memory_lacks()
                        : is(script, &local_queue) ? local_queue_lacks()
                                                   : NULL;
    return !lacks || unsupported(fault, "%s", lacks);
}

bool local_read(struct script *script, const struct json *command, struct fault *fault) {
    struct local *local = script->local = must_alloc(sizeof *local);
    local->script = script;
    local->in = local->out = local->passing = local->reading = NO_SOCKET;
    if (is(script, &local_queue))
        script->eager = false; /* or else what was read ahead would be missing in the count of messages */
    if (!is_there(script, fault) || !read_name(script, command, fault) || !read_room(local, command, fault))
        return false;
    local->largest = is(script, &local_queue) ? (size_t)local->message_size : RECORD;
    return read_joined(script, command, fault);
}

/* ---- steps ---- */

static bool is_misplaced(const struct json *object, const char *name, bool fits, const struct script *script,
                         struct fault *fault) {
    if (fits || !json_member(object, name))
        return false;
    unsupported(fault, "this step has no '%s' over %s", name, script->transport->name);
    return true;
}

static bool any_misplaced(const struct script *script, enum act act, const struct json *object, struct fault *fault) {
    bool opens = act == CONNECT || act == ACCEPT, moves = act == SEND || act == RECEIVE;
    bool queue = is(script, &local_queue);
    return is_misplaced(object, "descriptor", moves && passes_descriptors(script), script, fault) ||
           is_misplaced(object, "credentials", opens && passes_descriptors(script), script, fault) ||
           is_misplaced(object, "priority", act == SEND && queue, script, fault) ||
           is_misplaced(object, "now", moves && queue, script, fault) ||
           is_misplaced(object, "messages", act == WAIT && queue, script, fault) ||
           is_misplaced(object, "signal", moves && is(script, &local_signal), script, fault);
}

/* A payload that goes out, or true: one must come. */
static bool read_descriptor(struct script_step *step, const struct json *object, struct fault *fault) {
    const struct json *member = json_member(object, "descriptor");
    struct step_more *more = &step->more;
    if (step->act == RECEIVE)
        return maybe_bool(object, "descriptor", &more->passes, fault);
    more->passes = member != NULL;
    if (!more->passes)
        return true;
    if (!step->payload.size)
        return bad_command(fault, "a descriptor goes with an octet, and the payload has none");
    return payload_read(&more->passed, member, fault) &&
           (more->passed.size <= MOST_IN_PASSED ||
            bad_command(fault, "a descriptor that is passed holds at most %d octets", MOST_IN_PASSED));
}

static bool read_messages(struct script_step *step, const struct json *object, struct fault *fault) {
    step->more.counts = json_member(object, "messages") != NULL;
    return maybe_whole(object, "messages", INT_MAX, &step->more.messages, fault);
}

/* ---- signals ---- */

static bool read_signal(const struct script *script, struct step_more *more, const struct json *text,
                        struct fault *fault) {
    struct signal_name *signal = &more->signals[more->signal_count];
    if (text->kind != JSON_TEXT)
        return bad_command(fault, "a signal must be a name");
    signal->number = text->text.size < sizeof signal->name ? signal_numbered((const char *)text->text.at) : 0;
    if (!signal->number)
        return unsupported(fault, "there is no signal '%.40s' here", (const char *)text->text.at);
    if (script->server && signal_refused(signal->number))
        return unsupported(fault, "%s", signal_refused(signal->number));
    memcpy(signal->name, text->text.at, text->text.size);
    more->signal_count++;
    return true;
}

/* One, or a list of them where that may be. */
static bool read_signals(const struct script *script, struct step_more *more, const struct json *member, bool many,
                         struct fault *fault) {
    if (!member || (member->kind == JSON_LIST && !(many && member->count)))
        return bad_command(fault, many ? "the step needs signals" : "the step needs a signal");
    bool list = member->kind == JSON_LIST;
    more->signals = must_alloc((list ? member->count : 1) * sizeof *more->signals);
    if (!list)
        return read_signal(script, more, member, fault);
    for (const struct json *text = member->first; text; text = text->next)
        if (!read_signal(script, more, text, fault))
            return false;
    return true;
}

static bool read_value(struct step_more *more, const struct json *object, struct fault *fault) {
    const struct json *value = json_member(object, "value");
    if (!value)
        return true;
    if (value->kind != JSON_NUMBER || !value->whole || value->number < INT32_MIN || value->number > INT32_MAX)
        return bad_command(fault, "'value' must be a whole number of 32 bits");
    more->has_value = true;
    more->value = (int)value->number;
    return true;
}

static bool read_signal_step(const struct script *script, struct script_step *step, const struct json *object,
                             struct fault *fault) {
    const struct json *signal = json_member(object, "signal");
    struct step_more *more = &step->more;
    step->count = 1;
    if (script->server ? step->act == SEND : step->act != SEND)
        return unsupported(fault, "a %s of signals has no such step", script->server ? "server" : "client");
    if (step->act == BLOCK || step->act == UNBLOCK)
        return read_signals(script, more, json_member(object, "signals"), true, fault);
    step->goal = step->act == RECEIVE && json_member(object, "quiet") ? QUIET : RECORDS;
    if (step->goal == QUIET)
        return maybe_time(object, "quiet", &step->pause, fault);
    return read_signals(script, more, signal, step->act == RECEIVE, fault) && read_value(more, object, fault) &&
           maybe_time(object, "gap", &step->pause, fault) && maybe_whole(object, "count", INT_MAX, &step->count, fault);
}

bool local_read_step(const struct script *script, struct script_step *step, const struct json *object,
                     struct fault *fault) {
    if (any_misplaced(script, step->act, object, fault))
        return false;
    if (is(script, &local_signal) && step->act != WAIT && step->act != CLOSE)
        return read_signal_step(script, step, object, fault);
    return read_descriptor(step, object, fault) && maybe_bool(object, "credentials", &step->more.credentials, fault) &&
           maybe_bool(object, "now", &step->more.now, fault) &&
           maybe_whole(object, "priority", UINT32_MAX, &step->more.priority, fault) &&
           read_messages(step, object, fault);
}
#else
bool local_read(struct script *script, const struct json *command, struct fault *fault) {
    (void)script;
    (void)command;
    return unsupported(fault, "there are no such transports here");
}

bool local_read_step(const struct script *script, struct script_step *step, const struct json *object,
                     struct fault *fault) {
    (void)script;
    (void)step;
    (void)object;
    return unsupported(fault, "there are no such transports here");
}
#endif
