/* A data connection; see ftp_data.h. */
#include "ftp_data.h"

#include "address.h"

enum { BACKLOG = 8 }; /* one is waited for; those that are turned away must not fill it */

void ftp_data_start(struct ftp_data *data, void (*ready)(struct watch *, short)) {
    *data = (struct ftp_data){.listener = NO_SOCKET, .sock = NO_SOCKET, .watch = {.ready = ready}};
}

static int open_at(sock_t *sock, const struct address *host, struct address *bound) {
    *bound = *host;
    address_set_port(bound, 0);
    int code = net_socket(host->name.ss_family, SOCK_STREAM, sock);
    if (!code)
        code = net_bind(*sock, SOCK_STREAM, bound);
    return code;
}

int ftp_data_listen(struct ftp_data *data, const struct address *local, const struct address *from,
                    struct address *bound) {
    ftp_data_close(data);
    data->from = *from;
    int code = open_at(&data->listener, local, bound);
    if (!code)
        code = net_listen(data->listener, BACKLOG);
    if (!code)
        code = net_local(data->listener, bound);
    if (code)
        ftp_data_close(data);
    return code;
}

void ftp_data_connect(struct ftp_data *data, const struct address *local, const struct address *remote) {
    struct address bound;
    ftp_data_close(data);
    int code = open_at(&data->sock, local, &bound);
    if (!code)
        code = net_connect(data->sock, remote);
    data->connecting = net_would_block(code);
    data->failed = data->connecting ? 0 : code;
}

bool ftp_data_is_there(const struct ftp_data *data) {
    return data->listener != NO_SOCKET || data->sock != NO_SOCKET;
}

static void stop_listening(struct ftp_data *data) {
    watch_end(&data->watch);
    net_close(data->listener);
    data->listener = NO_SOCKET;
}

static enum ftp_standing accept_one(struct ftp_data *data) {
    struct address remote;
    for (;;) {
        int code = net_accept(data->listener, &data->sock, &remote);
        if (code) {
            data->failed = net_would_block(code) ? 0 : code;
            return data->failed ? FTP_FAILED : FTP_NOT_YET;
        }
        if (address_same_host(&remote, &data->from)) {
            stop_listening(data);
            return FTP_STANDS;
        }
        net_close(data->sock);
        data->sock = NO_SOCKET;
    }
}

enum ftp_standing ftp_data_stands(struct ftp_data *data) {
    if (data->listener != NO_SOCKET)
        return accept_one(data);
    if (data->connecting && !data->woken)
        return FTP_NOT_YET;
    if (data->connecting)
        data->failed = net_connect_result(data->sock);
    data->connecting = false;
    return data->failed ? FTP_FAILED : FTP_STANDS;
}

void ftp_data_wait_on(struct ftp_data *data, bool reads, bool sends) {
    bool listening = data->listener != NO_SOCKET;
    data->woken = false;
    bool reading = listening || (!data->connecting && reads && pump_may_read(&data->in));
    bool sending = data->connecting || (!listening && sends);
    watch_want(&data->watch, listening ? data->listener : data->sock,
               (short)((reading ? POLLIN : 0) | (sending ? POLLOUT : 0)));
}

void ftp_data_close(struct ftp_data *data) {
    watch_end(&data->watch);
    if (data->listener != NO_SOCKET)
        net_close(data->listener);
    if (data->sock != NO_SOCKET)
        net_close(data->sock);
    octets_free(&data->in.octets);
    octets_free(&data->out);
    ftp_data_start(data, data->watch.ready);
}
