/* Scripts of signals; see local_parts.h. Owns the names of signals, and what becomes of those that come: a handler
 * writes each into a pipe of the process's own, from which the loop reads it (signal-safety(7)). One conversation at a
 * time takes signals; blocking them is blocking them (sigprocmask). */
#define _GNU_SOURCE /* F_SETPIPE_SZ, pipe2, real-time signals */
#include "local_parts.h"

#if HAS_LOCAL
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ROOM = 1024 * 1024,
    AT_ONCE = 1024,
    SIGNALS_A_ROUND = 256,
    /* RTMIN as glibc has it on Linux, and with it most programs. Another C library (musl: 35) keeps more of the
     * kernel's for itself; but what two processes call RTMIN+1 must be one signal, whichever library each was linked
     * with. */
    FIRST_REAL_TIME = 34,
};

/* What the handler writes: less than PIPE_BUF octets, so that none is torn apart. */
struct taken {
    int number;
    bool sent, queued; /* by a process; with a value */
    int process, value;
};

static struct script *taker; /* NULL: nobody */
static int handler_end = NO_SOCKET;
static volatile sig_atomic_t lost;

/* ---- names ---- */

static const struct {
    const char *name;
    int number;
} plain[] = {
    {"ABRT",   SIGABRT  },
    {"ALRM",   SIGALRM  },
    {"BUS",    SIGBUS   },
    {"CHLD",   SIGCHLD  },
    {"CONT",   SIGCONT  },
    {"FPE",    SIGFPE   },
    {"HUP",    SIGHUP   },
    {"ILL",    SIGILL   },
    {"INT",    SIGINT   },
    {"IO",     SIGIO    },
    {"KILL",   SIGKILL  },
    {"PIPE",   SIGPIPE  },
    {"POLL",   SIGPOLL  },
    {"PROF",   SIGPROF  },
    {"QUIT",   SIGQUIT  },
    {"SEGV",   SIGSEGV  },
    {"STOP",   SIGSTOP  },
    {"SYS",    SIGSYS   },
    {"TERM",   SIGTERM  },
    {"TRAP",   SIGTRAP  },
    {"TSTP",   SIGTSTP  },
    {"TTIN",   SIGTTIN  },
    {"TTOU",   SIGTTOU  },
    {"URG",    SIGURG   },
    {"USR1",   SIGUSR1  },
    {"USR2",   SIGUSR2  },
    {"VTALRM", SIGVTALRM},
    {"WINCH",  SIGWINCH },
    {"XCPU",   SIGXCPU  },
    {"XFSZ",   SIGXFSZ  },
};

/* RTMIN, RTMIN+3, RTMAX. */
static int real_time(const char *name) {
    char *end;
    bool from_least = strncmp(name, "RTMIN", 5) == 0;
    if (!from_least && strcmp(name, "RTMAX") != 0)
        return 0;
    if (!name[5])
        return from_least ? FIRST_REAL_TIME : SIGRTMAX;
    if (name[5] != '+' || name[6] < '0' || name[6] > '9')
        return 0;
    long further = strtol(name + 6, &end, 10);
    return !*end && further <= SIGRTMAX - FIRST_REAL_TIME ? FIRST_REAL_TIME + (int)further : 0;
}

int signal_numbered(const char *name) {
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(plain[i].name, name) == 0)
            return plain[i].number;
    return real_time(name);
}

const char *signal_refused(int number) {
    if (number >= FIRST_REAL_TIME && number < SIGRTMIN)
        return "the C library that this peer is linked with keeps RTMIN for itself";
    switch (number) {
    case SIGKILL:
    case SIGSTOP:
        return "the system lets no process take KILL and STOP";
    case SIGPIPE:
        return "this peer has PIPE ignored, for its own sockets and pipes";
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGSEGV:
        return "a fault of this peer itself must end it, so BUS, FPE, ILL and SEGV are not taken";
    default:
        return NULL;
    }
}

static const char *name_of(const struct script *script, int number) {
    for (size_t i = 0; i < script->step_count; i++)
        for (size_t k = 0; k < script->steps[i].more.signal_count; k++)
            if (script->steps[i].more.signals[k].number == number)
                return script->steps[i].more.signals[k].name;
    return "";
}

/* ---- taking them ---- */

static void take(int number, siginfo_t *info, void *context) {
    int code = errno;
    struct taken taken;
    (void)context;
    memset(&taken, 0, sizeof taken);
    taken.number = number;
    taken.sent = info->si_code <= 0;
    taken.queued = info->si_code == SI_QUEUE;
    if (taken.sent)
        taken.process = (int)info->si_pid;
    if (taken.queued)
        taken.value = info->si_value.sival_int;
    if (write(handler_end, &taken, sizeof taken) != (ssize_t)sizeof taken)
        lost = 1;
    errno = code;
}

static void add_signals(sigset_t *set, const struct step_more *more) {
    for (size_t i = 0; i < more->signal_count; i++)
        sigaddset(set, more->signals[i].number);
}

/* All that the script names. */
static void all_named(const struct script *script, sigset_t *set) {
    sigemptyset(set);
    for (size_t i = 0; i < script->step_count; i++)
        add_signals(set, &script->steps[i].more);
}

/* No handler interrupts another one, or they would write in another order than that of delivery. */
static void handle(const sigset_t *set, bool take_them) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigfillset(&action.sa_mask);
    action.sa_flags = SA_RESTART | (take_them ? SA_SIGINFO : 0);
    if (take_them)
        action.sa_sigaction = take;
    else
        action.sa_handler = SIG_IGN;
    for (int number = 1; number <= SIGRTMAX; number++)
        if (sigismember(set, number) == 1)
            sigaction(number, &action, NULL);
}

static int open_pipe(struct local *local) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return errno;
    fcntl(ends[1], F_SETPIPE_SZ, ROOM); /* as many as come at once; what is usual is enough for some thousand */
    local->in = ends[0];
    local->out = handler_end = ends[1];
    return 0;
}

static void ignore_from_now_on(struct script *script) {
    sigset_t named;
    all_named(script, &named);
    handle(&named, false); /* drops those that are pending, too */
    sigprocmask(SIG_UNBLOCK, &named, NULL);
    handler_end = NO_SOCKET;
    taker = NULL;
}

static void hang_up(struct script *script) {
    if (taker == script)
        ignore_from_now_on(script);
    ends_hang_up(script);
}

/* ---- steps ---- */

static enum progress mask(struct script *script, int how, const char *name) {
    sigset_t set;
    if (!script->open)
        return script_not_open(script);
    sigemptyset(&set);
    add_signals(&set, &script_current(script)->more);
    sigprocmask(how, &set, NULL);
    step(&script->report, name);
    return NEXT;
}

static enum progress do_block(struct script *script) {
    return mask(script, SIG_BLOCK, "blocked");
}

static enum progress do_unblock(struct script *script) {
    return mask(script, SIG_UNBLOCK, "unblocked");
}

/* Those at the beginning are done before anybody is told where to send signals to. */
static void block_first(struct script *script) {
    while (script->index < script->step_count && script_current(script)->act == BLOCK) {
        do_block(script);
        script->index++;
    }
}

static int prepare_server(struct script *script) {
    char process[20];
    sigset_t named;
    if (taker)
        return EADDRINUSE;
    int code = open_pipe(script->local);
    if (code)
        return code;
    taker = script;
    lost = 0;
    local_step_created(script);
    script_opened(script);
    all_named(script, &named);
    sigprocmask(SIG_UNBLOCK, &named, NULL);
    block_first(script);
    handle(&named, true);
    snprintf(process, sizeof process, "%ld", (long)getpid());
    local_step_bound(script, process);
    return 0;
}

static int prepare(struct script *script) {
    if (script->server)
        return prepare_server(script);
    local_step_created(script);
    script_opened(script);
    return 0;
}

static void gather(struct script *script) {
    struct taken some[SIGNALS_A_ROUND];
    size_t got;
    int code = ends_read(script, some, sizeof some, &got);
    if (!code)
        octets_add(&script->in, some, got);
    if (lost) {
        script->coming = BROKEN;
        script->broken = ENOBUFS;
    }
}

static void tell(struct script *script, const struct taken *taken) {
    step_open(&script->report, "received");
    step_word(&script->report, "signal", name_of(script, taken->number));
    if (taken->sent)
        step_whole(&script->report, "pid", taken->process);
    if (taken->queued)
        step_whole(&script->report, "value", taken->value);
    step_close(&script->report);
}

static bool is_asked_for(const struct script *script, int number) {
    const struct step_more *more = &script_current(script)->more;
    for (size_t i = 0; i < more->signal_count; i++)
        if (more->signals[i].number == number)
            return true;
    return script_current(script)->goal == QUIET;
}

/* Tells the oldest of those that came and are asked for. False: there is none. */
static bool receive_one(struct script *script) {
    struct taken taken;
    size_t size = octets_size(&script->in);
    for (size_t at = 0; at < size; at += sizeof taken) {
        memcpy(&taken, octets_front(&script->in) + at, sizeof taken);
        if (!is_asked_for(script, taken.number))
            continue;
        memmove(octets_front(&script->in) + sizeof taken, octets_front(&script->in), at);
        octets_drop(&script->in, sizeof taken);
        tell(script, &taken);
        return true;
    }
    return false;
}

static enum progress receive_quiet(struct script *script) {
    bool came = false;
    while (receive_one(script))
        came = true;
    if (!came && clock_now() < script->now.wake)
        return WAITING;
    if (!came)
        step(&script->report, "quiet");
    return NEXT;
}

static enum progress do_receive(struct script *script) {
    struct script_now *now = &script->now;
    const struct script_step *step = script_current(script);
    if (!script->open)
        return script_not_open(script);
    if (!now->begun)
        now->wake = step->goal == QUIET ? clock_now() + step->pause : 0;
    now->begun = true;
    if (script->coming == BROKEN)
        return script_failed(script, "other", "more signals came at once than could be held");
    if (step->goal == QUIET)
        return receive_quiet(script);
    while (now->done < step->count && receive_one(script))
        now->done++;
    return now->done == step->count ? NEXT : WAITING;
}

static int send_one(struct script *script, const struct step_more *more) {
    union sigval value;
    int number = more->signals[0].number;
    memset(&value, 0, sizeof value);
    value.sival_int = more->value;
    int returned =
        more->has_value ? sigqueue(script->local->process, number, value) : kill(script->local->process, number);
    return returned < 0 ? errno : 0;
}

static void tell_sent(struct script *script, const struct step_more *more) {
    step_open(&script->report, "sent");
    step_word(&script->report, "signal", more->signals[0].name);
    if (more->has_value)
        step_whole(&script->report, "value", more->value);
    step_close(&script->report);
}

/* Where no more can be queued (EAGAIN) only time helps. */
static enum progress do_send(struct script *script) {
    struct script_now *now = &script->now;
    const struct script_step *step = script_current(script);
    if (!script->open)
        return script_not_open(script);
    for (int i = 0; now->done < step->count; i++) {
        if (now->wake && clock_now() < now->wake)
            return WAITING;
        int code = i < AT_ONCE ? send_one(script, &step->more) : EAGAIN;
        if (code && code != EAGAIN)
            return script_failed_with(script, code);
        if (code) {
            now->wake = clock_now() + LOOK;
            return WAITING;
        }
        tell_sent(script, &step->more);
        now->wake = ++now->done < step->count && step->pause ? clock_now() + step->pause : 0;
    }
    return NEXT;
}

static void await(struct script *script, short wanted) {
    ends_await(script, wanted & POLLIN);
}

const struct script_acts local_signal = {
    .act = {[SEND] = do_send,
            [RECEIVE] = do_receive,
            [CLOSE] = script_close,
            [WAIT] = script_wait,
            [BLOCK] = do_block,
            [UNBLOCK] = do_unblock},
    .prepare = prepare,
    .gather = gather,
    .await = await,
    .hang_up = hang_up,
};
#endif
