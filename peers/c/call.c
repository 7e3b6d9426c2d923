/* A connection that a client makes; see call.h. */
#include "call.h"

void call_start(struct call *call, void (*ready)(struct watch *, short)) {
    *call = (struct call){.sock = NO_SOCKET, .watch = {.ready = ready}};
}

static int tell(struct call *call, struct report *report, const struct address *remote) {
    struct address local;
    int code = net_local(call->sock, &local);
    call->connecting = false;
    if (!code)
        step_with_both(report, "connected", &local, remote);
    return code;
}

int call_connect(struct call *call, struct report *report, const struct address *remote) {
    int code = net_socket(remote->name.ss_family, SOCK_STREAM, &call->sock);
    if (code)
        return code;
    call->had_socket = call->connecting = true;
    call->unsent = 0;
    pump_forget(&call->in);
    code = net_connect(call->sock, remote);
    return code ? code : tell(call, report, remote);
}

int call_stands(struct call *call, struct report *report, const struct address *remote) {
    int code = net_connect_result(call->sock);
    return code ? code : tell(call, report, remote);
}

void call_wait_on(struct call *call, bool sending) {
    bool reading = !call->connecting && pump_may_read(&call->in);
    short events = (short)((sending || call->connecting ? POLLOUT : 0) | (reading ? POLLIN : 0));
    watch_want(&call->watch, call->sock, events);
}

void call_send(struct call *call) {
    if (!call->unsent)
        call->unsent = pump_out(call->sock, &call->out);
}

bool call_lasts(const struct call *call) {
    return !call->in.ended && !call->in.broken;
}

void call_drop(struct call *call) {
    if (call->sock == NO_SOCKET)
        return;
    watch_end(&call->watch);
    net_close(call->sock);
    call->sock = NO_SOCKET;
}

void call_end(struct call *call, struct report *report) {
    call_drop(call);
    if (call->had_socket)
        step(report, "closed");
    octets_free(&call->in.octets);
    octets_free(&call->out);
}
