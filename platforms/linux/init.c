/* The first process of the machine that linux-6.1.toml starts: brings up what is in the kernel, and keeps a peer on each
 * serial port, as platforms/README.md ("A machine") has it. Owns the guest's end of that; knows nothing of what peers say. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    END_OF_INPUT = 0x04,
    READY = 0x05,
    LOGGED = 0x0e,
    KILL = 0x18,
    PIECE = 64 * 1024,
    LONGEST_START = 64 * 1024,
    MOST_ARGUMENTS = 256,
    FILES = 8192,
};

struct in6_ifreq {
    struct in6_addr address;
    uint32_t prefix;
    int index;
};

/* ---- the machine ---- */

static void say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
}

static void put(const char *path, const char *text) {
    int file = open(path, O_WRONLY);
    if (file >= 0) {
        if (write(file, text, strlen(text)) < 0)
            say("%s: %s", path, strerror(errno));
        close(file);
    }
}

static void load_modules(void) {
    struct dirent **names;
    int count = scandir("/modules", &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char path[512];
        snprintf(path, sizeof path, "/modules/%s", names[i]->d_name);
        int file = names[i]->d_name[0] == '.' ? -1 : open(path, O_RDONLY);
        if (file >= 0 && syscall(SYS_finit_module, file, "", 0) && errno != EEXIST)
            say("%s: %s", path, strerror(errno));
        if (file >= 0)
            close(file);
    }
}

/* Each line of /settings: a name below /proc/sys, '=', a value. Those of the network are of the namespace that reads. */
static void set_all(void) {
    char line[256], path[300];
    FILE *settings = fopen("/settings", "r");
    while (settings && fgets(line, sizeof line, settings)) {
        char *value = strchr(line, '=');
        if (!value)
            continue;
        *value = 0;
        snprintf(path, sizeof path, "/proc/sys/%s", line);
        put(path, value + 1);
    }
    if (settings)
        fclose(settings);
}

static void up(int any_socket, const char *name) {
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (ioctl(any_socket, SIOCGIFFLAGS, &request) == 0) {
        request.ifr_flags |= IFF_UP;
        ioctl(any_socket, SIOCSIFFLAGS, &request);
    }
}

static void begin(void) {
    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    mkdir("/dev", 0755);
    mkdir("/tmp", 01777); /* peers may be there: nothing is mounted over it */
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    mkdir("/dev/shm", 01777);
    mkdir("/dev/mqueue", 01777);
    mount("tmpfs", "/dev/shm", "tmpfs", 0, NULL);
    mount("mqueue", "/dev/mqueue", "mqueue", 0, NULL);
    load_modules();
    set_all();
    struct rlimit files = {FILES, FILES};
    setrlimit(RLIMIT_NOFILE, &files);
    int any_socket = socket(AF_INET, SOCK_DGRAM, 0);
    up(any_socket, "lo");
    close(any_socket);
}

/* ---- a host of its own for a card ---- */

static int card_with(const char *mac) {
    DIR *all = opendir("/sys/class/net");
    struct dirent *one;
    char path[300], found[32];
    while (all && (one = readdir(all))) {
        snprintf(path, sizeof path, "/sys/class/net/%s/address", one->d_name);
        FILE *file = fopen(path, "r");
        bool same = file && fgets(found, sizeof found, file) && strncmp(found, mac, strlen(mac)) == 0;
        if (file)
            fclose(file);
        if (same) {
            int index = (int)if_nametoindex(one->d_name);
            closedir(all);
            return index;
        }
    }
    if (all)
        closedir(all);
    return 0;
}

static void move_card(int route, int index, int namespace) {
    struct {
        struct nlmsghdr head;
        struct ifinfomsg link;
        struct rtattr attribute;
        uint32_t namespace;
    } request = {
        .head = {.nlmsg_len = sizeof request, .nlmsg_type = RTM_NEWLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
        .link = {.ifi_index = index},
        .attribute = {.rta_len = RTA_LENGTH(4), .rta_type = IFLA_NET_NS_FD},
        .namespace = (uint32_t)namespace,
    };
    char answer[4096];
    if (send(route, &request, sizeof request, 0) < 0 || recv(route, answer, sizeof answer, 0) < 0)
        say("card %d: %s", index, strerror(errno));
}

static void name_card(int any_socket, int index) {
    struct ifreq request = {0};
    request.ifr_ifindex = index;
    if (ioctl(any_socket, SIOCGIFNAME, &request))
        say("no card %d: %s", index, strerror(errno));
    snprintf(request.ifr_newname, sizeof request.ifr_newname, "eth0");
    ioctl(any_socket, SIOCSIFNAME, &request);
}

static int split_prefix(char *text) {
    char *slash = strchr(text, '/');
    if (!slash)
        return 0;
    *slash = 0;
    return atoi(slash + 1);
}

static void address_v4(int any_socket, char *text) {
    int prefix = split_prefix(text);
    struct ifreq request = {0};
    struct sockaddr_in *name = (struct sockaddr_in *)&request.ifr_addr;
    snprintf(request.ifr_name, sizeof request.ifr_name, "eth0");
    name->sin_family = AF_INET;
    inet_pton(AF_INET, text, &name->sin_addr);
    if (ioctl(any_socket, SIOCSIFADDR, &request))
        say("%s: %s", text, strerror(errno));
    name->sin_addr.s_addr = htonl(prefix ? ~0u << (32 - prefix) : 0);
    ioctl(any_socket, SIOCSIFNETMASK, &request);
}

static void address_v6(char *text) {
    int prefix = split_prefix(text);
    struct in6_ifreq request = {.prefix = (uint32_t)prefix, .index = (int)if_nametoindex("eth0")};
    int any_socket = socket(AF_INET6, SOCK_DGRAM, 0);
    inet_pton(AF_INET6, text, &request.address);
    if (ioctl(any_socket, SIOCSIFADDR, &request))
        say("%s: %s", text, strerror(errno));
    close(any_socket);
}

/* Each line of /neighbours: an address, and the link-layer address that it is to have for good. */
static void introduce(int index) {
    struct {
        struct nlmsghdr head;
        struct ndmsg neighbour;
        char attributes[64];
    } request;
    char line[128], address[64], answer[4096];
    unsigned mac[6];
    int route = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    FILE *neighbours = fopen("/neighbours", "r");
    while (neighbours && fgets(line, sizeof line, neighbours)) {
        if (sscanf(line, "%63s %x:%x:%x:%x:%x:%x", address, mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 7)
            continue;
        bool six = strchr(address, ':') != NULL;
        memset(&request, 0, sizeof request);
        request.head.nlmsg_type = RTM_NEWNEIGH;
        request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
        request.neighbour.ndm_family = six ? AF_INET6 : AF_INET;
        request.neighbour.ndm_ifindex = index;
        request.neighbour.ndm_state = NUD_PERMANENT;
        struct rtattr *where = (struct rtattr *)request.attributes;
        where->rta_type = NDA_DST;
        where->rta_len = RTA_LENGTH(six ? 16 : 4);
        inet_pton(request.neighbour.ndm_family, address, RTA_DATA(where));
        struct rtattr *whose = (struct rtattr *)(request.attributes + RTA_ALIGN(where->rta_len));
        whose->rta_type = NDA_LLADDR;
        whose->rta_len = RTA_LENGTH(6);
        for (int i = 0; i < 6; i++)
            ((unsigned char *)RTA_DATA(whose))[i] = (unsigned char)mac[i];
        request.head.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof request.neighbour) + RTA_ALIGN(where->rta_len) + RTA_ALIGN(whose->rta_len));
        if (send(route, &request, request.head.nlmsg_len, 0) < 0 || recv(route, answer, sizeof answer, 0) < 0)
            say("%s: %s", address, strerror(errno));
    }
    if (neighbours)
        fclose(neighbours);
    close(route);
}

/* This process, and what it starts, on a host of its own that has that card. */
static void settle(const char *mac, char *v4, char *v6) {
    int route = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), index = card_with(mac);
    if (!index || unshare(CLONE_NEWNET))
        say("no card %s here: %s", mac, strerror(errno));
    int namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), any_socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    set_all(); /* before the card comes: what is set for all that will be is its own, then */
    move_card(route, index, namespace);
    name_card(any_socket, index);
    up(any_socket, "lo");
    up(any_socket, "eth0");
    address_v4(any_socket, v4);
    address_v6(v6);
    introduce((int)if_nametoindex("eth0"));
    close(any_socket);
    close(namespace);
    close(route);
}

/* ---- a peer on a port ---- */

struct queue {
    char *at;
    size_t from, size, room;
};

static void add(struct queue *queue, const char *octets, size_t size) {
    if (queue->from && queue->from == queue->size)
        queue->from = queue->size = 0;
    if (queue->size + size > queue->room) {
        memmove(queue->at, queue->at + queue->from, queue->size - queue->from);
        queue->size -= queue->from;
        queue->from = 0;
        if (queue->size + size > queue->room) {
            queue->room = 2 * (queue->size + size);
            queue->at = realloc(queue->at, queue->room);
            if (!queue->at)
                _exit(1);
        }
    }
    memcpy(queue->at + queue->size, octets, size);
    queue->size += size;
}

static size_t held(const struct queue *queue) {
    return queue->size - queue->from;
}

static bool drain(struct queue *queue, int to) {
    ssize_t put = held(queue) ? write(to, queue->at + queue->from, held(queue)) : 0;
    if (put > 0)
        queue->from += (size_t)put;
    return put >= 0 || errno == EAGAIN || errno == EINTR;
}

static void write_all(int to, const char *octets, size_t size) {
    while (size) {
        ssize_t put = write(to, octets, size);
        if (put > 0) {
            octets += put;
            size -= (size_t)put;
        } else if (errno == EAGAIN) {
            struct pollfd one = {.fd = to, .events = POLLOUT};
            poll(&one, 1, 1000);
        } else if (errno != EINTR)
            return;
    }
}

struct peer {
    pid_t process;
    int input, output, log;
    struct queue in, out, lines;
    bool ended; /* its input, as soon as what is held of it is written */
    bool mid_line;
};

static void make_folder(const char *path) {
    char part[512];
    snprintf(part, sizeof part, "%s", path);
    for (char *at = part + 1; *at; at++)
        if (*at == '/') {
            *at = 0;
            mkdir(part, 0755);
            *at = '/';
        }
    mkdir(part, 0700);
}

static void start(struct peer *peer, char **arguments, const char *tmp) {
    int in[2], out[2], log[2];
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(log, O_CLOEXEC))
        say("no pipe: %s", strerror(errno));
    peer->process = fork();
    if (peer->process == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(log[1], 2);
        setsid();
        make_folder(tmp);
        setenv("TMPDIR", tmp, 1);
        setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
        setenv("HOME", tmp, 1);
        execv(arguments[0], arguments);
        dprintf(2, "%s: %s\n", arguments[0], strerror(errno));
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    close(log[1]);
    peer->input = in[1];
    peer->output = out[0];
    peer->log = log[0];
    fcntl(peer->input, F_SETFL, O_NONBLOCK);
    fcntl(peer->output, F_SETFL, O_NONBLOCK);
    fcntl(peer->log, F_SETFL, O_NONBLOCK);
}

static void close_one(int *file) {
    if (*file >= 0)
        close(*file);
    *file = -1;
}

/* What came from the harness: lines for the peer, and now and then an octet that is for us. */
static void take(struct peer *peer, const char *octets, size_t size) {
    for (size_t at = 0; at < size; at++) {
        size_t end = at;
        while (end < size && octets[end] != END_OF_INPUT && octets[end] != KILL)
            end++;
        if (peer->input >= 0)
            add(&peer->in, octets + at, end - at);
        at = end;
        if (at < size && octets[at] == KILL)
            kill(-peer->process, SIGKILL);
        else if (at < size)
            peer->ended = true;
    }
}

static bool pass(int *from, struct queue *to) {
    char piece[PIECE];
    ssize_t got = read(*from, piece, sizeof piece);
    if (got > 0)
        add(to, piece, (size_t)got);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        close_one(from);
    return got > 0;
}

/* Whole lines of what was logged, each marked, between whole lines of what was said. */
static void put_log(struct peer *peer) {
    const char mark = LOGGED;
    bool over = peer->log < 0;
    while (held(&peer->lines) && !peer->mid_line) {
        char *begins = peer->lines.at + peer->lines.from, *end = memchr(begins, '\n', held(&peer->lines));
        if (!end && !over && held(&peer->lines) < PIECE)
            break;
        size_t size = end ? (size_t)(end - begins) + 1 : held(&peer->lines);
        add(&peer->out, &mark, 1);
        add(&peer->out, begins, size);
        if (!end)
            add(&peer->out, "\n", 1);
        peer->lines.from += size;
    }
}

static void put_said(struct peer *peer) {
    size_t before = held(&peer->out);
    if (before < 16 * PIECE && pass(&peer->output, &peer->out) && held(&peer->out))
        peer->mid_line = peer->out.at[peer->out.size - 1] != '\n';
}

static void relay(struct peer *peer, int port) {
    char piece[PIECE];
    while (peer->output >= 0 || peer->log >= 0 || held(&peer->out)) {
        if (peer->ended && !held(&peer->in))
            close_one(&peer->input);
        struct pollfd polls[4] = {
            {.fd = port, .events = (short)((held(&peer->in) < 16 * PIECE ? POLLIN : 0) | (held(&peer->out) ? POLLOUT : 0))},
            {.fd = peer->output, .events = held(&peer->out) < 16 * PIECE ? POLLIN : 0},
            {.fd = peer->log, .events = POLLIN},
            {.fd = held(&peer->in) ? peer->input : -1, .events = POLLOUT},
        };
        if (poll(polls, 4, -1) < 0)
            continue;
        if (polls[0].revents & POLLIN) {
            ssize_t got = read(port, piece, sizeof piece);
            if (got > 0)
                take(peer, piece, (size_t)got);
        } else if (polls[0].revents & POLLHUP)
            kill(-peer->process, SIGKILL); /* nobody is there any more */
        if (polls[1].revents)
            put_said(peer);
        if (polls[2].revents)
            pass(&peer->log, &peer->lines);
        put_log(peer);
        if (polls[3].revents && !drain(&peer->in, peer->input))
            close_one(&peer->input);
        if (held(&peer->out))
            drain(&peer->out, port);
        if (polls[0].revents & POLLHUP && peer->output < 0)
            break;
    }
    close_one(&peer->input);
}

static bool read_line(int port, char *line) {
    for (size_t size = 0; size < LONGEST_START - 1;) {
        struct pollfd one = {.fd = port, .events = POLLIN};
        poll(&one, 1, -1);
        ssize_t got = read(port, line + size, 1);
        if (got == 1 && line[size] == '\n') {
            line[size] = 0;
            return true;
        }
        if (got == 1 && line[size] != END_OF_INPUT && line[size] != KILL) /* meant for one that had ended */
            size++;
        else if (got <= 0)
            usleep(10000); /* the other end is not there yet */
    }
    return false;
}

/* start TAB link-layer address TAB IPv4/prefix TAB IPv6/prefix TAB folder for temporary files TAB program TAB arguments */
static void keep(const char *path) {
    static char line[LONGEST_START];
    char *fields[MOST_ARGUMENTS + 1], said[64];
    bool settled = false;
    int port = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (port < 0)
        return;
    for (;;) {
        struct peer peer = {.input = -1, .output = -1, .log = -1};
        size_t count = 0;
        int status = 0;
        write_all(port, (char[]){READY, '\n'}, 2);
        if (!read_line(port, line))
            continue;
        for (char *rest = line; count < MOST_ARGUMENTS && rest;)
            fields[count++] = strsep(&rest, "\t");
        fields[count] = NULL;
        if (count < 6 || strcmp(fields[0], "start") != 0) {
            say("%s: this is no start line: %.60s", path, line);
            continue;
        }
        if (!settled && strcmp(fields[1], "-") != 0)
            settle(fields[1], fields[2], fields[3]);
        settled = true;
        start(&peer, fields + 5, fields[4]);
        relay(&peer, port);
        waitpid(peer.process, &status, 0);
        kill(-peer.process, SIGKILL); /* what it started */
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        int size = WIFSIGNALED(status) ? snprintf(said, sizeof said, "%csignal %d\n", END_OF_INPUT, WTERMSIG(status))
                                       : snprintf(said, sizeof said, "%cstatus %d\n", END_OF_INPUT, WEXITSTATUS(status));
        write_all(port, said, (size_t)size);
        free(peer.in.at);
        free(peer.out.at);
        free(peer.lines.at);
    }
}

int main(void) {
    char path[300];
    begin();
    signal(SIGPIPE, SIG_IGN);
    DIR *devices = opendir("/dev");
    struct dirent *one;
    int ports = 0;
    while (devices && (one = readdir(devices)))
        if (strncmp(one->d_name, "vport", 5) == 0 && ++ports && fork() == 0) {
            snprintf(path, sizeof path, "/dev/%s", one->d_name);
            keep(path);
            _exit(0);
        }
    say("%d ports", ports);
    for (;;)
        if (wait(NULL) < 0)
            pause();
}
