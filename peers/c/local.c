/* The transports between processes of one machine, and what their scripts have in common; see local.h. */
#include "local_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if HAS_LOCAL
#include <unistd.h>
#endif

/* ---- which there are ---- */

struct possible {
    struct transport transport;
    const char *(*lacks)(void); /* NULL: nothing */
};

static const struct possible possible[] = {
#if HAS_LOCAL
    {{"unix", STREAM, true, true, &local_unix},                       NULL              },
    {{"unix-seqpacket", LOCAL_RECORDS, true, true, &local_seqpacket}, NULL              },
    {{"unix-datagram", LOCAL_RECORDS, true, false, &local_datagram},  NULL              },
    {{"fifo", STREAM, true, true, &local_fifo},                       NULL              },
    {{"pipe", STREAM, true, true, &local_pipe},                       NULL              },
    {{"shared-memory", STREAM, true, true, &local_memory},            local_memory_lacks},
    {{"message-queue", LOCAL_RECORDS, true, false, &local_queue},     local_queue_lacks },
    {{"signal", SIGNALS, true, false, &local_signal},                 NULL              },
#endif
    {{NULL, STREAM, false, false, NULL},                              NULL              }
};

const struct transport *local_transport(const char *name) {
    for (const struct possible *one = possible; one->transport.name; one++)
        if (strcmp(one->transport.name, name) == 0)
            return &one->transport;
    return NULL;
}

static const char *lack_of(const struct possible *one) {
    return one->lacks ? one->lacks() : NULL;
}

void local_put_abilities(struct octets *can) {
    char both[100];
    for (const struct possible *one = possible; one->transport.name; one++) {
        const char *name = one->transport.name;
        if (lack_of(one))
            continue;
        snprintf(both, sizeof both, ",\"script client/%s\",\"script server/%s\"", name, name);
        octets_add_text(can, both);
    }
}

static void put_lack(struct octets *hello, const char *name, const char *why, bool first) {
    char both[400];
    snprintf(both, sizeof both, "%s\"script client/%s\":\"%s\",\"script server/%s\":\"%s\"",
             first ? ",\"lacks\":{" : ",", name, why, name, why);
    octets_add_text(hello, both);
}

void local_put_lacks(struct octets *hello) {
    bool any = false;
    for (const struct possible *one = possible; one->transport.name; one++) {
        const char *why = lack_of(one);
        if (why)
            put_lack(hello, one->transport.name, why, !any);
        any = any || why;
    }
    if (any)
        octets_add_text(hello, "}");
}

/* ---- what their scripts have in common ---- */

void local_free(struct script *script) {
    struct local *local = script->local;
    if (!local)
        return;
    free(local->name);
    free(local);
    script->local = NULL;
}

#if HAS_LOCAL
static void put_credentials(struct report *report) {
    char who[100];
    struct octets *to = step_member(report, "credentials");
    snprintf(who, sizeof who, "{\"pid\":%ld,\"uid\":%lu,\"gid\":%lu}", (long)getpid(), (unsigned long)geteuid(),
             (unsigned long)getegid());
    if (to)
        octets_add_text(to, who);
}

void local_step_created(struct script *script) {
    script->had_socket = true;
    step_open(&script->report, "created");
    put_credentials(&script->report);
    step_close(&script->report);
}

static void step_with_name(struct report *report, const char *step, const char *name) {
    step_open(report, step);
    struct octets *to = step_member(report, "local");
    if (to) {
        octets_add_text(to, "[");
        json_put_text(to, (struct view){(const uint8_t *)name, strlen(name)});
        octets_add_text(to, ",0]");
    }
    step_close(report);
}

void local_step_bound(struct script *script, const char *name) {
    step_with_name(&script->report, "bound", name);
    if (script->transport->accepts)
        step_with_name(&script->report, "listening", name);
    report_now(&script->report);
}

enum progress local_stands(struct script *script, const char *name) {
    script_opened(script);
    step(&script->report, name);
    return NEXT;
}

enum progress local_once(struct script *script) {
    if (script->open)
        return script_failed(script, "other", "there is a connection already");
    if (!script->server && script->had_socket && !script->now.begun)
        return script_failed(script, "other", "a script connects once");
    return NEXT;
}

const char *local_name(const struct script *script, const char *behind) {
    static struct octets name;
    octets_clear(&name);
    octets_add_text(&name, script->local->name);
    octets_add(&name, behind, strlen(behind) + 1);
    return (const char *)octets_front(&name);
}
#endif
