/* Sockets of the Unix domain: their names, and how one finds the other; see local_parts.h. */
#define _GNU_SOURCE /* SOCK_NONBLOCK and SOCK_CLOEXEC */
#include "local_parts.h"

#if HAS_LOCAL
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool is_abstract(const char *name) {
    return *name == '@';
}

/* False if the name is too long for the system. */
static bool name_to_address(const char *name, struct address *address) {
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t size = strlen(name);
    if (size >= sizeof un.sun_path)
        return false;
    memcpy(un.sun_path, name, size);
    if (is_abstract(name))
        un.sun_path[0] = 0;
    memset(address, 0, sizeof *address);
    memcpy(&address->name, &un, sizeof un);
    address->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + !is_abstract(name));
    return true;
}

int unix_socket(struct script *script, int type, sock_t *sock) {
    *sock = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*sock == NO_SOCKET)
        return errno;
    local_step_created(script);
    return 0;
}

int unix_bind(sock_t sock, const char *name) {
    struct address address;
    if (!name_to_address(name, &address))
        return ENAMETOOLONG;
    mode_t mask = umask(0777 & ~OWNER_ONLY);
    int code = bind(sock, (const struct sockaddr *)&address.name, address.size) < 0 ? errno : 0;
    umask(mask);
    return code;
}

int unix_listen(struct script *script, int type) {
    int code = unix_socket(script, type, &script->listener);
    if (!code)
        code = unix_bind(script->listener, script->local->name);
    if (code)
        return code;
    script->local->made = 1;
    code = net_listen(script->listener, (int)script->backlog);
    if (!code)
        local_step_bound(script, script->local->name);
    return code;
}

int unix_connect_to(sock_t sock, const char *name) {
    struct address address;
    return name_to_address(name, &address) ? net_connect(sock, &address) : ENAMETOOLONG;
}

/* A listener whose queue is full has nothing that could be waited for (connect(2)). */
enum progress unix_connect(struct script *script, int type) {
    int code = 0;
    enum progress progress = local_once(script);
    if (progress != NEXT)
        return progress;
    if (!script->now.begun)
        code = unix_socket(script, type, &script->sock);
    script->now.begun = true;
    if (!code)
        code = unix_connect_to(script->sock, script->local->name);
    if (code != EAGAIN)
        return code ? script_failed_with(script, code) : NEXT;
    script_look_again(script, LOOK);
    return WAITING;
}

void unix_remove(const char *name) {
    if (!is_abstract(name))
        unlink(name);
}
#endif
