/* What the steps of a script ask for, over UDP to a group; see script.h. Owns how a group is joined and left. Datagrams
 * are those of UDP: script_datagram.c. */
#include "script.h"

static enum progress change(struct script *script, int (*how)(sock_t, const struct net_group *), const char *name) {
    if (script->sock == NO_SOCKET)
        return script_not_open(script);
    int code = how(script->sock, &script->group);
    if (code)
        return script_failed_with(script, code);
    step(&script->report, name);
    return NEXT;
}

static enum progress do_join(struct script *script) {
    return change(script, net_join, "joined");
}

static enum progress do_leave(struct script *script) {
    return change(script, net_leave, "left");
}

static int bind_to_group(struct script *script) {
    int code = net_share_port(script->sock);
    if (!code)
        code = net_bind(script->sock, SOCK_DGRAM, &script->address);
    return code ? code : net_join(script->sock, &script->group);
}

static int bind_to_host(struct script *script) {
    int code = net_aim(script->sock, &script->group);
    return code ? code : net_bind(script->sock, SOCK_DGRAM, &script->group.host);
}

static int prepare(struct script *script) {
    struct address bound;
    int code = datagram_open(script);
    if (!code)
        code = script->server ? bind_to_group(script) : bind_to_host(script);
    if (!code)
        code = net_local(script->sock, &bound);
    if (code)
        return code;
    step_with_local(&script->report, "bound", &bound);
    script->told_bound = true;
    report_now(&script->report);
    return 0;
}

const struct script_acts script_multicast = {
    .act = {[SEND] = datagram_send,
            [RECEIVE] = datagram_receive,
            [CLOSE] = script_close,
            [WAIT] = script_wait,
            [JOIN] = do_join,
            [LEAVE] = do_leave},
    .prepare = prepare,
    .gather = datagram_gather,
    .await = script_await_socket,
    .hang_up = script_close_socket,
};
