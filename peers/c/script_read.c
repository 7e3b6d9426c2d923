/* From the command `script` to a script; see script.h. Owns what a step may say. Opens no socket. */
#include "script.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WRITTEN = 64 * 1024 * 1024 };

static const uint64_t MOST = 1ULL << 53;

static bool read_writes(struct script_step *step, const struct json *object, struct fault *fault) {
    const struct json *list;
    if (!json_member(object, "writes"))
        return true;
    if (!need_list(object, "writes", &list, fault))
        return false;
    step->writes = must_alloc(list->count * sizeof *step->writes);
    for (const struct json *size = list->first; size; size = size->next) {
        if (size->kind != JSON_NUMBER || !size->whole || size->number < 1 || size->number > MOST_WRITTEN)
            return bad_command(fault, "'writes' must be whole numbers from 1 to %d", MOST_WRITTEN);
        step->writes[step->write_count++] = (size_t)size->number;
    }
    return step->write_count || bad_command(fault, "'writes' must not be empty");
}

static bool read_send(struct script_step *step, const struct json *object, struct fault *fault) {
    step->count = 1;
    return payload_read(&step->payload, json_member(object, "payload"), fault) && read_writes(step, object, fault) &&
           maybe_time(object, "gap", &step->pause, fault) && maybe_whole(object, "count", MOST, &step->count, fault);
}

static bool read_through(struct script_step *step, const struct json *object, struct fault *fault) {
    step->goal = THROUGH;
    return maybe_hex(object, "through", &step->mark, fault) &&
           (octets_size(&step->mark) || bad_command(fault, "'through' must not be empty"));
}

static bool read_until(struct script_step *step, const struct json *object, struct fault *fault) {
    step->goal = TO_END;
    return json_is(json_member(object, "until"), "end") || bad_command(fault, "'until' must be \"end\"");
}

static bool read_goal(struct script_step *step, const struct json *object, bool stream, struct fault *fault) {
    static const char *const names[] = {"octets", "until", "through", "quiet", "count"};
    int goals = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        goals += json_member(object, names[i]) != NULL;
    if (goals > 1 || (stream && (!goals || json_member(object, "count"))))
        return bad_command(fault, "receive over %s",
                           stream ? "TCP needs one of octets, until, through and quiet"
                                  : "UDP needs one of count and quiet");
    if (json_member(object, "quiet")) {
        step->goal = QUIET;
        return maybe_time(object, "quiet", &step->pause, fault);
    }
    if (!stream) {
        step->goal = DATAGRAMS;
        step->count = 1;
        return (!goals || json_member(object, "count") ||
                bad_command(fault, "receive over UDP needs count or quiet")) &&
               maybe_whole(object, "count", MOST, &step->count, fault);
    }
    if (json_member(object, "through"))
        return read_through(step, object, fault);
    if (json_member(object, "until"))
        return read_until(step, object, fault);
    step->goal = EXACTLY;
    return need_whole(object, "octets", MOST, &step->count, fault);
}

static bool read_receive(struct script_step *step, const struct json *object, bool stream, struct fault *fault) {
    return read_goal(step, object, stream, fault) && maybe_keep(object, &step->keep, fault);
}

static bool read_wait(struct script_step *step, const struct json *object, struct fault *fault) {
    uint64_t needed;
    return need_whole(object, "ms", MOST, &needed, fault) && maybe_time(object, "ms", &step->pause, fault);
}

static bool read_act(struct script_step *step, const struct json *object, struct fault *fault) {
    static const struct {
        const char *name;
        enum act act;
    } acts[] = {
        {"connect",    CONNECT   },
        {"accept",     ACCEPT    },
        {"send",       SEND      },
        {"receive",    RECEIVE   },
        {"half-close", HALF_CLOSE},
        {"close",      CLOSE     },
        {"reset",      RESET     },
        {"wait",       WAIT      },
    };
    struct view name;
    if (!need_text(object, "do", &name, fault))
        return false;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (json_is(json_member(object, "do"), acts[i].name)) {
            step->act = acts[i].act;
            return true;
        }
    }
    return unsupported(fault, "there is no step '%.40s'", (const char *)name.at);
}

/* Whether a step like this makes sense for who and over what the script is. */
static bool fits(const struct script *script, enum act act, struct fault *fault) {
    if (act == CONNECT && script->server)
        return bad_command(fault, "a server does not connect");
    if (act == ACCEPT && !(script->server && script->stream))
        return bad_command(fault, "only a TCP server accepts");
    if ((act == HALF_CLOSE || act == RESET) && !script->stream)
        return bad_command(fault, "half-close and reset are for TCP");
    return true;
}

static bool read_step(struct script *script, const struct json *object, struct fault *fault) {
    struct script_step *step = &script->steps[script->step_count++];
    step->within = -1;
    if (!read_act(step, object, fault) || !fits(script, step->act, fault) ||
        !maybe_time(object, "within", &step->within, fault))
        return false;
    if (step->act == SEND)
        return read_send(step, object, fault);
    if (step->act == RECEIVE)
        return read_receive(step, object, script->stream, fault);
    return step->act != WAIT || read_wait(step, object, fault);
}

static bool read_steps(struct script *script, const struct json *command, struct fault *fault) {
    const struct json *list;
    if (!need_list(command, "steps", &list, fault))
        return false;
    script->steps = must_alloc(list->count * sizeof *script->steps);
    for (const struct json *object = list->first; object; object = object->next)
        if (!read_step(script, object, fault))
            return false;
    return true;
}

/* A text that must be one of two; *is_first tells which. */
static bool read_choice(const struct json *command, const char *name, const char *first, const char *other,
                        bool *is_first, struct fault *fault) {
    struct view text;
    if (!need_text(command, name, &text, fault))
        return false;
    *is_first = json_is(json_member(command, name), first);
    return *is_first || json_is(json_member(command, name), other) ||
           unsupported(fault, "the %s '%.40s' is not known", name, (const char *)text.at);
}

bool script_read(struct script *script, const struct json *command, struct fault *fault) {
    script->deadline = 10 * 1000 * 1000;
    script->eager = true;
    return read_choice(command, "role", "server", "client", &script->server, fault) &&
           read_choice(command, "transport", "tcp", "udp", &script->stream, fault) &&
           (!json_member(command, "reading") ||
            read_choice(command, "reading", "eager", "lazy", &script->eager, fault)) &&
           maybe_time(command, "deadline", &script->deadline, fault) &&
           maybe_whole(command, "backlog", INT_MAX, &script->backlog, fault) &&
           need_address(command, &script->address, fault) && read_steps(script, command, fault);
}

void script_free_steps(struct script *script) {
    for (size_t i = 0; i < script->step_count; i++) {
        payload_free(&script->steps[i].payload);
        octets_free(&script->steps[i].mark);
        free(script->steps[i].writes);
    }
    free(script->steps);
}
