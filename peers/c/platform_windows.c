/* The platform of Windows; see platform.h. A socket's handle fits an int: of those of Windows only 32 bits ever count.
 *
 * Standard input and output are pipes, which nothing can wait for together with sockets: a thread for each carries
 * octets between the pipe and a connection over the loopback, and the loop sees two sockets more. */
#include "platform.h"

#include <fcntl.h>
#include <io.h>
#include <process.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { BACKLOG = 1024, PIECE = 64 * 1024 };

static char system_text[100], stack_text[60];
static struct {
    SOCKET inner, outer; /* the loop's end, the thread's */
    HANDLE thread;
} control[2];

/* ---- codes ---- */

bool net_would_block(int code) {
    return code == WSAEWOULDBLOCK || code == WSAEINPROGRESS;
}

bool net_is_reset(int code) {
    return code == WSAECONNRESET || code == WSAECONNABORTED || code == WSAESHUTDOWN;
}

const char *net_error_word(int code) {
    static const struct {
        int code;
        const char *word;
    } words[] = {
        {WSAECONNREFUSED,  "refused"              },
        {WSAECONNRESET,    "reset"                },
        {WSAECONNABORTED,  "reset"                },
        {WSAENETRESET,     "reset"                },
        {WSAESHUTDOWN,     "reset"                },
        {WSAETIMEDOUT,     "timeout"              },
        {WSAENETUNREACH,   "unreachable"          },
        {WSAEHOSTUNREACH,  "unreachable"          },
        {WSAENETDOWN,      "unreachable"          },
        {WSAEADDRINUSE,    "address-in-use"       },
        {WSAEACCES,        "address-in-use"       }, /* somebody has it for himself (SO_EXCLUSIVEADDRUSE) */
        {WSAEADDRNOTAVAIL, "address-not-available"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].code == code)
            return words[i].word;
    return "other";
}

const char *net_error_says(int code) {
    static char says[200];
    DWORD size = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, (DWORD)code, 0, says,
                                sizeof says, NULL);
    while (size && (says[size - 1] == '\n' || says[size - 1] == '\r' || says[size - 1] == '.'))
        says[--size] = 0;
    if (!size)
        snprintf(says, sizeof says, "Windows' error %d", code);
    return says;
}

static int result(int returned) {
    return returned == SOCKET_ERROR ? WSAGetLastError() : 0;
}

/* ---- the control channel ---- */

/* Two ends of a connection over the loopback; false if there is none. */
static bool connect_ends(SOCKET *one, SOCKET *other) {
    struct sockaddr_in name = {.sin_family = AF_INET};
    int size = sizeof name;
    SOCKET listener = socket(AF_INET, SOCK_STREAM, 0);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool listens = listener != INVALID_SOCKET && bind(listener, (struct sockaddr *)&name, size) == 0 &&
                   listen(listener, 1) == 0 && getsockname(listener, (struct sockaddr *)&name, &size) == 0;
    *one = socket(AF_INET, SOCK_STREAM, 0);
    bool connected = listens && *one != INVALID_SOCKET && connect(*one, (struct sockaddr *)&name, sizeof name) == 0;
    *other = connected ? accept(listener, NULL, NULL) : INVALID_SOCKET;
    closesocket(listener);
    return *other != INVALID_SOCKET;
}

static bool send_all(SOCKET to, const char *from, int size) {
    while (size > 0) {
        int put = send(to, from, size, 0);
        if (put <= 0)
            return false;
        from += put;
        size -= put;
    }
    return true;
}

static unsigned __stdcall carry_input(void *unused) {
    static char piece[PIECE];
    HANDLE from = GetStdHandle(STD_INPUT_HANDLE);
    DWORD got;
    (void)unused;
    while (ReadFile(from, piece, sizeof piece, &got, NULL) && got &&
           send_all(control[CONTROL_IN].outer, piece, (int)got))
        ;
    shutdown(control[CONTROL_IN].outer, SD_SEND);
    return 0;
}

static unsigned __stdcall carry_output(void *unused) {
    static char piece[PIECE];
    HANDLE to = GetStdHandle(STD_OUTPUT_HANDLE);
    int got;
    (void)unused;
    while ((got = recv(control[CONTROL_OUT].outer, piece, sizeof piece, 0)) > 0) {
        DWORD put, done = 0;
        while (done < (DWORD)got && WriteFile(to, piece + done, (DWORD)got - done, &put, NULL))
            done += put;
        if (done < (DWORD)got)
            break;
    }
    closesocket(control[CONTROL_OUT].outer); /* nobody reads any more: the loop sees that as such */
    return 0;
}

static void set_non_blocking(SOCKET sock) {
    u_long on = 1;
    ioctlsocket(sock, FIONBIO, &on);
}

static int set_option(SOCKET sock, int level, int option, DWORD value) {
    return result(setsockopt(sock, level, option, (const char *)&value, sizeof value));
}

static void carry(int which, unsigned(__stdcall *carrier)(void *)) {
    if (!connect_ends(&control[which].inner, &control[which].outer)) {
        fprintf(stderr, "no connection over the loopback: %s\n", net_error_says(WSAGetLastError()));
        exit(1);
    }
    set_option(control[which].inner, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(control[which].outer, IPPROTO_TCP, TCP_NODELAY, 1);
    set_non_blocking(control[which].inner);
    control[which].thread = (HANDLE)_beginthreadex(NULL, 0, carrier, NULL, 0, NULL);
}

int control_read(void *to, size_t room, size_t *got) {
    return net_read((sock_t)control[CONTROL_IN].inner, to, room, got);
}

int control_write(const void *from, size_t size, size_t *put) {
    return net_write((sock_t)control[CONTROL_OUT].inner, from, size, put);
}

void control_end(void) {
    shutdown(control[CONTROL_OUT].inner, SD_SEND);
    WaitForSingleObject(control[CONTROL_OUT].thread, 1000);
    ExitProcess(0); /* the other thread still reads, and nothing ends that */
}

/* ---- names ---- */

typedef const char *(__cdecl *wine_version)(void);
typedef LONG(WINAPI *version_getter)(OSVERSIONINFOW *);

static FARPROC of_system(const char *name) {
    HMODULE library = GetModuleHandleA("ntdll.dll");
    return library ? GetProcAddress(library, name) : NULL;
}

static void name_system(void) {
    wine_version wine = (wine_version)(void (*)(void))of_system("wine_get_version");
    version_getter get = (version_getter)(void (*)(void))of_system("RtlGetVersion");
    OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof version};
    if (get)
        get(&version);
    snprintf(system_text, sizeof system_text, "Windows %lu.%lu.%lu x86_64%s%s%s", version.dwMajorVersion,
             version.dwMinorVersion, version.dwBuildNumber, wine ? " (Wine " : "", wine ? wine() : "", wine ? ")" : "");
    snprintf(stack_text, sizeof stack_text, wine ? "Winsock, through Wine" : "Windows");
}

const char *system_name(void) {
    return system_text;
}

const char *stack_name(void) {
    return stack_text;
}

void platform_start(void) {
    WSADATA data;
    int code = WSAStartup(MAKEWORD(2, 2), &data);
    if (code) {
        fprintf(stderr, "no Winsock 2.2: %s\n", net_error_says(code));
        exit(1);
    }
    _setmode(_fileno(stderr), _O_BINARY);
    name_system();
    carry(CONTROL_IN, carry_input);
    carry(CONTROL_OUT, carry_output);
}

/* ---- waiting ---- */

/* Sockets of which waiting told that the connection was reset: who asks for a socket's state gets its error, and then
 * it is told no more, so that reading would take the reset for an orderly end. By handle, which are multiples of four.
 */
static struct {
    bool *is;
    size_t room;
} reset;

static void set_reset(SOCKET sock, bool was) {
    size_t place = (size_t)sock / 4;
    if (place >= reset.room) {
        if (!was)
            return;
        bool *grown = realloc(reset.is, 2 * place + 64);
        if (!grown)
            abort();
        memset(grown + reset.room, 0, 2 * place + 64 - reset.room);
        reset.is = grown;
        reset.room = 2 * place + 64;
    }
    reset.is[place] = was;
}

static bool was_reset(SOCKET sock) {
    size_t place = (size_t)sock / 4;
    return place < reset.room && reset.is[place];
}

static SOCKET as_socket(int fd) {
    return fd == CONTROL_IN || fd == CONTROL_OUT ? control[fd].inner : (SOCKET)fd;
}

/* WSAPoll() does not take an empty list, and what it makes of a hole differs from version to version. */
int poll(struct pollfd *fds, nfds_t count, int milliseconds) {
    static WSAPOLLFD *asked;
    static nfds_t room;
    nfds_t used = 0;
    if (count > room) {
        WSAPOLLFD *grown = realloc(asked, 2 * count * sizeof *asked);
        if (!grown)
            abort();
        asked = grown;
        room = 2 * count;
    }
    for (nfds_t i = 0; i < count; i++) {
        fds[i].revents = 0;
        if (fds[i].fd != NO_SOCKET)
            asked[used++] = (WSAPOLLFD){.fd = as_socket(fds[i].fd), .events = fds[i].events & (POLLIN | POLLOUT)};
    }
    if (!used) {
        Sleep(milliseconds < 0 ? INFINITE : (DWORD)milliseconds);
        return 0;
    }
    int ready = WSAPoll(asked, used, milliseconds);
    if (ready <= 0)
        return ready;
    used = 0;
    for (nfds_t i = 0; i < count; i++)
        if (fds[i].fd != NO_SOCKET)
            if ((fds[i].revents = asked[used++].revents) & POLLERR)
                set_reset(as_socket(fds[i].fd), true);
    return ready;
}

/* ---- sockets ---- */

int net_socket(int family, int type, sock_t *sock) {
    SOCKET made = socket(family, type, 0);
    *sock = made == INVALID_SOCKET ? NO_SOCKET : (sock_t)made;
    if (made == INVALID_SOCKET)
        return WSAGetLastError();
    set_reset(made, false);
    set_non_blocking(made);
    return type == SOCK_STREAM ? set_option(made, IPPROTO_TCP, TCP_NODELAY, 1) : 0;
}

/* Windows lets others bind the same address and port unless somebody says that it is for himself alone. Addresses in
 * TIME-WAIT do not stand in the way of that. */
int net_bind(sock_t sock, int type, const struct address *local) {
    int code = 0;
    if (local->name.ss_family == AF_INET6)
        code = set_option((SOCKET)sock, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (!code && type == SOCK_STREAM)
        code = set_option((SOCKET)sock, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
    return code ? code : result(bind((SOCKET)sock, (const struct sockaddr *)&local->name, local->size));
}

int net_listen(sock_t sock, int backlog) {
    return result(listen((SOCKET)sock, backlog ? backlog : BACKLOG));
}

int net_accept(sock_t listener, sock_t *sock, struct address *remote) {
    SOCKET made;
    do {
        remote->size = sizeof remote->name;
        made = accept((SOCKET)listener, (struct sockaddr *)&remote->name, &remote->size);
    } while (made == INVALID_SOCKET && WSAGetLastError() == WSAECONNRESET); /* gone before it was taken */
    *sock = made == INVALID_SOCKET ? NO_SOCKET : (sock_t)made;
    if (made == INVALID_SOCKET)
        return WSAGetLastError();
    set_reset(made, false);
    set_non_blocking(made);
    set_option(made, IPPROTO_TCP, TCP_NODELAY, 1);
    return 0;
}

int net_connect(sock_t sock, const struct address *remote) {
    return result(connect((SOCKET)sock, (const struct sockaddr *)&remote->name, remote->size));
}

int net_connect_result(sock_t sock) {
    int code = 0, size = sizeof code;
    return getsockopt((SOCKET)sock, SOL_SOCKET, SO_ERROR, (char *)&code, &size) == SOCKET_ERROR ? WSAGetLastError()
                                                                                                : code;
}

int net_local(sock_t sock, struct address *local) {
    local->size = sizeof local->name;
    return result(getsockname((SOCKET)sock, (struct sockaddr *)&local->name, &local->size));
}

static int io_result(int returned, size_t *count) {
    *count = returned == SOCKET_ERROR ? 0 : (size_t)returned;
    return result(returned);
}

static int at_most(size_t size) {
    return size > 0x7fffffff ? 0x7fffffff : (int)size;
}

int net_read(sock_t sock, void *to, size_t room, size_t *got) {
    int code = io_result(recv((SOCKET)sock, to, at_most(room), 0), got);
    return !code && !*got && room && was_reset((SOCKET)sock) ? WSAECONNRESET : code;
}

int net_write(sock_t sock, const void *from, size_t size, size_t *put) {
    return io_result(send((SOCKET)sock, from, at_most(size), 0), put);
}

static bool is_connected(SOCKET sock) {
    struct sockaddr_storage name;
    int size = sizeof name;
    return getpeername(sock, (struct sockaddr *)&name, &size) == 0;
}

/* Windows says at the next receive that a datagram which was sent met with a closed port, of any socket, and in the
 * words of TCP. To one that is connected it says what POSIX systems say; another sent to many, and goes on. */
int net_read_from(sock_t sock, void *to, size_t room, size_t *got, struct address *remote) {
    int code;
    do {
        remote->size = sizeof remote->name;
        code = io_result(recvfrom((SOCKET)sock, to, at_most(room), 0, (struct sockaddr *)&remote->name, &remote->size),
                         got);
        if ((code == WSAECONNRESET || code == WSAECONNREFUSED) && is_connected((SOCKET)sock))
            return WSAECONNREFUSED;
    } while (code == WSAECONNRESET || code == WSAECONNREFUSED);
    if (code != WSAEMSGSIZE)
        return code;
    *got = room; /* the datagram was longer: Windows says so and gives what there was room for */
    return 0;
}

int net_write_to(sock_t sock, const void *from, size_t size, const struct address *remote) {
    const struct sockaddr *name = remote ? (const struct sockaddr *)&remote->name : NULL;
    size_t put;
    return io_result(sendto((SOCKET)sock, from, at_most(size), 0, name, remote ? remote->size : 0), &put);
}

int net_take_urgent_in_line(sock_t sock) {
    return set_option((SOCKET)sock, SOL_SOCKET, SO_OOBINLINE, 1);
}

int net_shut_sending(sock_t sock) {
    return result(shutdown((SOCKET)sock, SD_SEND));
}

void net_close(sock_t sock) {
    closesocket((SOCKET)sock);
}

void net_abort(sock_t sock) {
    struct linger abort = {.l_onoff = 1, .l_linger = 0};
    setsockopt((SOCKET)sock, SOL_SOCKET, SO_LINGER, (const char *)&abort, sizeof abort);
    closesocket((SOCKET)sock);
}

bool net_has_ipv6(void) {
    SOCKET sock = socket(AF_INET6, SOCK_DGRAM, 0);
    if (sock == INVALID_SOCKET)
        return false;
    closesocket(sock);
    return true;
}

/* ---- multicast: a device is told by the name that Linux gives it, which Windows does not know ---- */

bool net_has_groups(void) {
    return false;
}

unsigned net_device(const char *name) {
    (void)name;
    return 0;
}

int net_share_port(sock_t sock) {
    return set_option((SOCKET)sock, SOL_SOCKET, SO_REUSEADDR, 1);
}

int net_join(sock_t sock, const struct net_group *group) {
    (void)sock;
    (void)group;
    return WSAEOPNOTSUPP;
}

int net_leave(sock_t sock, const struct net_group *group) {
    return net_join(sock, group);
}

int net_aim(sock_t sock, const struct net_group *group) {
    return net_join(sock, group);
}

int64_t clock_now(void) {
    static LARGE_INTEGER frequency;
    LARGE_INTEGER now;
    if (!frequency.QuadPart)
        QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&now);
    return now.QuadPart / frequency.QuadPart * 1000000 +
           now.QuadPart % frequency.QuadPart * 1000000 / frequency.QuadPart;
}
