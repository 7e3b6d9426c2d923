/* Services; see service.h. */
#include "service.h"

#include "datagram_service.h"
#include "dns_zone.h"
#include "ftp_server.h"
#include "ftp_tree.h"
#include "http_server.h"
#include "rtp_receiver.h"
#include "smtp_server.h"
#include "stream_service.h"
#include "trades.h"

#include <stdlib.h>
#include <string.h>

enum { ACCEPTS_A_ROUND = 64, RESPITE = 50 * 1000 };

void conn_begin(struct conn *conn, struct service *service, sock_t sock, const struct address *remote,
                void (*stop)(struct conn *)) {
    struct address local;
    conn->service = service;
    conn->sock = sock;
    conn->stop = stop;
    conn->next = service->conns;
    conn->previous = NULL;
    if (conn->next)
        conn->next->previous = conn;
    service->conns = conn;
    report_open(&conn->report, service->running.id, ++service->accepted, service->silent);
    if (service->silent)
        return;
    int code = net_local(sock, &local);
    step_open(&conn->report, "accepted");
    if (!code)
        step_address(&conn->report, "local", &local);
    step_address(&conn->report, "remote", remote);
    step_close(&conn->report);
}

void conn_broke(struct conn *conn, int code) {
    if (net_is_reset(code))
        step_reset(&conn->report, "them");
    else
        step_failed_with(&conn->report, -1, code);
}

void conn_end(struct conn *conn) {
    net_close(conn->sock);
    conn_closed(conn);
}

void conn_closed(struct conn *conn) {
    step(&conn->report, "closed");
    report_done(&conn->report);
    if (conn->previous)
        conn->previous->next = conn->next;
    else
        conn->service->conns = conn->next;
    if (conn->next)
        conn->next->previous = conn->previous;
}

static void respite_due(struct timer *timer) {
    struct service *service = owner_of(timer, struct service, respite);
    watch_want(&service->watch, service->sock, POLLIN);
}

static void accept_some(struct watch *watch, short events) {
    struct service *service = owner_of(watch, struct service, watch);
    (void)events;
    for (int i = 0; i < ACCEPTS_A_ROUND; i++) {
        struct address remote;
        sock_t sock;
        int code = net_accept(service->sock, &sock, &remote);
        if (code && net_would_block(code))
            return;
        if (code) {
            watch_want(watch, service->sock, 0);
            timer_set(&service->respite, clock_now() + RESPITE);
            return;
        }
        service->accept(service, sock, &remote);
    }
}

void service_accept(struct service *service, void (*accept)(struct service *, sock_t, const struct address *)) {
    service->accept = accept;
    service->watch.ready = accept_some;
    watch_want(&service->watch, service->sock, POLLIN);
}

/* What was read from the command. */
static void forget(struct service *service) {
    http_site_free(service->site);
    dns_zone_free(service->zone);
    if (service->files)
        ftp_tree_remove(service->files);
    rtp_receiver_free(service->receiver);
    free(service);
}

static void end(struct service *service) {
    watch_end(&service->watch);
    timer_end(&service->respite);
    if (service->leave)
        service->leave(service);
    while (service->conns)
        service->conns->stop(service->conns);
    if (service->sock != NO_SOCKET) {
        net_close(service->sock);
        step(&service->report, "closed");
    }
    report_done(&service->report);
    datagrams_free(service->datagrams);
    running_end(&service->running);
    forget(service);
}

static void stop(struct running *running) {
    end(owner_of(running, struct service, running));
}

/* Socket, bind and listen; the result is the system's. */
static int open_socket(struct service *service, int type, const struct address *address) {
    struct address local;
    int code = net_socket(address->name.ss_family, type, &service->sock);
    if (code)
        return code;
    step(&service->report, "created");
    code = net_bind(service->sock, type, address);
    if (!code)
        code = net_local(service->sock, &local);
    if (code)
        return code;
    step_with_local(&service->report, "bound", &local);
    if (type == SOCK_DGRAM)
        return 0;
    code = net_listen(service->sock, 0);
    if (!code)
        step_with_local(&service->report, "listening", &local);
    return code;
}

static int begin_streams(struct service *service) {
    service_accept(service, stream_accept);
    return 0;
}

static int begin_datagrams(struct service *service) {
    datagrams_begin(service);
    watch_want(&service->watch, service->sock, POLLIN);
    return 0;
}

static void open_service(struct service *service, int type, const struct address *address) {
    int code = open_socket(service, type, address);
    if (!code)
        code = service->begin(service);
    if (code) {
        step_failed_with(&service->report, -1, code);
        end(service);
        return;
    }
    report_now(&service->report);
}

static bool choose_http(struct service *service, const struct json *command, struct fault *fault) {
    service->begin = http_server_begin;
    service->site = http_site_read(command, fault);
    return service->site && http_server_can_send(service->site, fault);
}

static bool choose_smtp(struct service *service, const struct json *command, struct fault *fault) {
    (void)command;
    (void)fault;
    service->begin = smtp_server_begin;
    return true;
}

static bool choose_ftp(struct service *service, const struct json *command, struct fault *fault) {
    service->begin = ftp_server_begin;
    service->files = ftp_tree_read(command, fault);
    return service->files != NULL;
}

static bool choose_rtp(struct service *service, const struct json *command, struct fault *fault) {
    (void)command;
    (void)fault;
    service->receiver = rtp_receiver_new();
    return true;
}

static bool choose_dns(struct service *service, const struct json *command, struct fault *fault) {
    service->zone = dns_zone_read(json_member(command, "zone"), fault);
    return service->zone != NULL;
}

/* Those that are there over one transport alone. */
static const struct {
    const char *name;
    int type;
    bool (*choose)(struct service *service, const struct json *command, struct fault *fault);
} others[] = {
    {"http", SOCK_STREAM, choose_http},
    {"smtp", SOCK_STREAM, choose_smtp},
    {"ftp",  SOCK_STREAM, choose_ftp },
    {"rtp",  SOCK_DGRAM,  choose_rtp },
};

/* Which service on which transport; *type becomes SOCK_STREAM or SOCK_DGRAM. */
static bool choose(struct service *service, const struct json *command, int *type, struct fault *fault) {
    struct view name, transport;
    if (!need_text(command, "service", &name, fault) || !need_text(command, "transport", &transport, fault))
        return false;
    bool tcp = json_is(json_member(command, "transport"), "tcp");
    bool udp = json_is(json_member(command, "transport"), "udp");
    *type = tcp ? SOCK_STREAM : SOCK_DGRAM;
    service->begin = tcp ? begin_streams : begin_datagrams;
    for (size_t i = 0; (tcp || udp) && i < sizeof others / sizeof *others; i++)
        if (*type == others[i].type && json_is(json_member(command, "service"), others[i].name))
            return others[i].choose(service, command, fault);
    service->trade = trade_named((const char *)name.at);
    if (!service->trade || (!tcp && !udp))
        return unsupported(fault, "there is no service %.40s/%.40s", (const char *)name.at, (const char *)transport.at);
    return !service->trade->has_zone || choose_dns(service, command, fault);
}

bool service_serve(const struct json *command, char *id, struct fault *fault) {
    struct service *service = must_alloc(sizeof *service);
    struct address address;
    int type;
    service->sock = NO_SOCKET;
    if (!choose(service, command, &type, fault) || !need_address(command, &address, fault)) {
        forget(service);
        return false;
    }
    service->silent = json_is(json_member(command, "report"), "none");
    service->respite.due = respite_due;
    running_start(&service->running, id, stop);
    report_open(&service->report, id, 0, false);
    open_service(service, type, &address);
    return true;
}
