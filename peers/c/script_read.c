/* From the command `script` to a script; see script.h. Owns what a step may say. Opens no socket. */
#include "local.h"
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
    step->goal = json_is(json_member(object, "until"), "reply") ? REPLY : TO_END;
    return step->goal == REPLY || json_is(json_member(object, "until"), "end") ||
           bad_command(fault, "'until' must be \"end\" or \"reply\"");
}

static bool read_quiet(struct script_step *step, const struct json *object, struct fault *fault) {
    step->goal = QUIET;
    return maybe_time(object, "quiet", &step->pause, fault);
}

/* How many of the members there are that say when a receive is done. */
static int count_goals(const struct json *object) {
    static const char *const names[] = {"octets", "until", "through", "quiet", "count"};
    int goals = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        goals += json_member(object, names[i]) != NULL;
    return goals;
}

static bool read_octets_goal(struct script_step *step, const struct json *object, struct fault *fault) {
    if (count_goals(object) != 1 || json_member(object, "count"))
        return bad_command(fault, "receive over a stream needs one of octets, until, through and quiet");
    if (json_member(object, "quiet"))
        return read_quiet(step, object, fault);
    if (json_member(object, "through"))
        return read_through(step, object, fault);
    if (json_member(object, "until"))
        return read_until(step, object, fault);
    step->goal = EXACTLY;
    return need_whole(object, "octets", MOST, &step->count, fault);
}

/* `accepts`: there is an end, which may be asked for beside the records. */
static bool read_records_goal(struct script_step *step, const struct json *object, bool accepts, struct fault *fault) {
    step->then_end = accepts && json_is(json_member(object, "until"), "end");
    int goals = count_goals(object) - step->then_end;
    if (goals > 1 || (goals && !json_member(object, "count") && !json_member(object, "quiet")))
        return bad_command(fault, "receive of records needs one of count and quiet");
    if (json_member(object, "quiet"))
        return read_quiet(step, object, fault);
    step->goal = RECORDS;
    step->count = 1;
    return maybe_whole(object, "count", MOST, &step->count, fault);
}

static bool read_receive(struct script_step *step, const struct json *object, const struct transport *transport,
                         struct fault *fault) {
    bool read = transport->kind == STREAM ? read_octets_goal(step, object, fault)
                                          : read_records_goal(step, object, transport->accepts, fault);
    return read && maybe_keep(object, &step->keep, fault);
}

/* A local one may wait for something else than time. */
static bool read_wait(struct script_step *step, const struct json *object, bool local, struct fault *fault) {
    uint64_t needed;
    return (local && json_member(object, "messages")) ||
           (need_whole(object, "ms", MOST, &needed, fault) && maybe_time(object, "ms", &step->pause, fault));
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
        {"block",      BLOCK     },
        {"unblock",    UNBLOCK   },
        {"join",       JOIN      },
        {"leave",      LEAVE     },
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
static bool fits(const struct script *script, enum act act, const struct json *object, struct fault *fault) {
    const struct transport *transport = script->transport;
    if (act == CONNECT && script->server)
        return bad_command(fault, "a server does not connect");
    if (act == ACCEPT && transport->accepts && !script->server)
        return bad_command(fault, "only a server accepts");
    if ((act == JOIN || act == LEAVE) && transport->acts == &script_multicast && !script->server)
        return bad_command(fault, "only a server is in a group");
    if (!transport->acts->act[act])
        return unsupported(fault, "there is no step '%.40s' over %s", (const char *)json_member(object, "do")->text.at,
                           transport->name);
    return true;
}

static bool read_what(struct script *script, struct script_step *step, const struct json *object, struct fault *fault) {
    if (step->act == WAIT)
        return read_wait(step, object, script->transport->local, fault);
    if (script->transport->kind == SIGNALS)
        return true; /* local_read_step() reads all of it */
    if (step->act == SEND)
        return read_send(step, object, fault);
    return step->act != RECEIVE || read_receive(step, object, script->transport, fault);
}

static bool read_step(struct script *script, const struct json *object, struct fault *fault) {
    struct script_step *step = &script->steps[script->step_count++];
    step->within = -1;
    if (!read_act(step, object, fault) || !fits(script, step->act, object, fault) ||
        !maybe_time(object, "within", &step->within, fault))
        return false;
    return read_what(script, step, object, fault) &&
           (!script->transport->local || local_read_step(script, step, object, fault));
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

static bool read_transport(struct script *script, const struct json *command, struct fault *fault) {
    static const struct transport networked[] = {
        {"tcp",       STREAM,    false, true,  &script_tcp      },
        {"udp",       DATAGRAMS, false, false, &script_datagram },
        {"multicast", DATAGRAMS, false, false, &script_multicast},
    };
    struct view name;
    if (!need_text(command, "transport", &name, fault))
        return false;
    for (size_t i = 0; i < sizeof networked / sizeof *networked; i++)
        if (json_is(json_member(command, "transport"), networked[i].name))
            script->transport = &networked[i];
    if (!script->transport)
        script->transport = local_transport((const char *)name.at);
    return script->transport || unsupported(fault, "the transport '%.40s' is not known", (const char *)name.at);
}

static bool read_host(const struct json *command, const char *name, struct address *host, struct fault *fault) {
    struct view text;
    if (!need_text(command, name, &text, fault))
        return false;
    if (memchr(text.at, 0, text.size) || !address_read(host, (const char *)text.at, 0))
        return bad_command(fault, "'%s' must be an IPv4 or IPv6 address", name);
    return true;
}

static bool read_device(struct net_group *group, const struct json *command, struct fault *fault) {
    struct view name;
    if (!need_text(command, "interface", &name, fault))
        return false;
    group->device = net_device((const char *)name.at);
    return group->device || bad_command(fault, "there is no interface '%.40s'", (const char *)name.at);
}

/* What a script over multicast has besides. */
static bool read_group(struct script *script, const struct json *command, struct fault *fault) {
    struct net_group *group = &script->group;
    uint64_t hops = 0;
    group->has_source = json_member(command, "source") != NULL;
    if (!net_has_groups())
        return unsupported(fault, "there is no multicast on this system");
    if (!read_host(command, "local", &group->host, fault) || !read_device(group, command, fault) ||
        !maybe_whole(command, "hops", UINT8_MAX, &hops, fault) ||
        (group->has_source && !read_host(command, "source", &group->source, fault)))
        return false;
    group->hops = json_member(command, "hops") ? (int)hops : -1;
    address_set_scope(&script->address, group->device);
    address_set_scope(&group->host, group->device);
    group->group = script->address;
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
           read_transport(script, command, fault) &&
           (!json_member(command, "reading") ||
            read_choice(command, "reading", "eager", "lazy", &script->eager, fault)) &&
           maybe_time(command, "deadline", &script->deadline, fault) &&
           maybe_whole(command, "backlog", INT_MAX, &script->backlog, fault) &&
           (script->transport->local ? local_read(script, command, fault)
                                     : need_address(command, &script->address, fault)) &&
           (script->transport->acts != &script_multicast || read_group(script, command, fault)) &&
           read_steps(script, command, fault);
}

void script_free_steps(struct script *script) {
    for (size_t i = 0; i < script->step_count; i++) {
        payload_free(&script->steps[i].payload);
        payload_free(&script->steps[i].more.passed);
        free(script->steps[i].more.signals);
        octets_free(&script->steps[i].mark);
        free(script->steps[i].writes);
    }
    free(script->steps);
}
