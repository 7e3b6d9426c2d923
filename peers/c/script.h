/* Scripts: one conversation at the socket interface, step by step.
 * Owns what a script and its steps are. script_read.c makes one from a command, script.c runs it. What the steps ask
 * for is done by script_stream.c over any stream, script_tcp.c over TCP, script_datagram.c over UDP,
 * script_multicast.c over UDP to a group, and by what
 * local.h leads to between processes of one machine. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "loop.h"
#include "payload.h"
#include "report.h"
#include "running.h"
#include "sha256.h"

enum act { CONNECT, ACCEPT, SEND, RECEIVE, HALF_CLOSE, CLOSE, RESET, WAIT, BLOCK, UNBLOCK, JOIN, LEAVE, ACTS };
enum goal { EXACTLY, TO_END, THROUGH, REPLY, QUIET, RECORDS };

/* A signal, as the step that asks for it calls it. */
struct signal_name {
    int number;
    char name[16];
};

/* What steps may say besides, between processes of one machine (local_read.c). */
struct step_more {
    bool passes; /* a descriptor goes with what is sent, or must come with what is received */
    bool credentials, now, has_value;
    bool counts; /* of WAIT: not for a while, but for `messages` */
    struct payload passed;
    uint64_t priority, messages;
    int value;
    struct signal_name *signals;
    size_t signal_count;
};

struct script_step {
    enum act act;
    int64_t within; /* microseconds; -1: no limit of its own */
    int64_t pause;  /* of WAIT and of QUIET; between the writes of SEND; microseconds */
    struct payload payload;
    size_t *writes; /* sizes of the write calls; the last one repeats */
    size_t write_count;
    enum goal goal;
    bool then_end;  /* of RECORDS: the end must come behind them */
    uint64_t count; /* octets, records or signals that are to be received; how often to send */
    struct octets mark;
    size_t keep;
    struct step_more more;
};

/* How far the current step is; cleared before each. */
struct script_now {
    bool begun;
    bool reached;  /* all octets of a receive came, or one record did; something else may still have to */
    bool passed;   /* the descriptor went, or came and was read to its end */
    int64_t limit; /* of `within`; 0: none */
    int64_t wake;  /* 0: no moment is waited for */
    struct source source;
    uint64_t done;  /* sends, records or signals */
    size_t written; /* write calls of the current send */
    struct sha256 sum;
};

/* Where the octets that come stand. */
enum coming { COMING, ENDED, BROKEN };

struct script {
    struct running running;
    struct report report;
    const struct transport *transport;
    bool server, eager;
    struct address address; /* over TCP and UDP */
    struct net_group group; /* over multicast */
    int64_t deadline;
    uint64_t backlog; /* of the listener; 0: not said */
    struct script_step *steps;
    size_t step_count, index;

    sock_t sock, listener; /* of a datagram script only `sock` */
    bool open;             /* octets can pass */
    bool connected;        /* over UDP: the socket has a peer */
    bool had_socket, told_closed, told_bound;
    struct watch watch;
    struct timer timer;
    bool readable, writable; /* as far as is known */
    int64_t look;            /* when to look again at what nothing tells of; 0: never */

    struct script_now now;
    struct octets in;  /* what came and was not asked for yet; records each behind a head */
    struct octets out; /* of the current send: generated, not sent */
    struct octets kept;
    enum coming coming;
    int broken;          /* the code, when `coming` is BROKEN */
    struct address last; /* where the last datagram that was received came from */
    bool has_last;
    struct local *local; /* between processes of one machine: what else there is; else NULL */
};

/* What came of doing a step, or a part of it. */
enum progress { NEXT, WAITING, FAILED };

bool script_start(const struct json *command, char *id, struct fault *fault);

/* script_read.c. After a fault the script is still to be freed. */
bool script_read(struct script *script, const struct json *command, struct fault *fault);
void script_free_steps(struct script *script);

/* What a transport does. int: 0, or a code of the system. */
struct script_acts {
    /* By what a step asks for: called again and again until it is no more WAITING. NULL: there is no such step. */
    enum progress (*act[ACTS])(struct script *script);
    /* What is to be done before the first step. */
    int (*prepare)(struct script *script);
    /* Reads ahead, whatever the current step is. */
    void (*gather)(struct script *script);
    /* A receive is out of time: reports what of it came. NULL: nothing. */
    void (*rest)(struct script *script);
    /* Has the loop wait for POLLIN, POLLOUT or both. */
    void (*await)(struct script *script, short wanted);
    /* Closes what is open. */
    void (*hang_up)(struct script *script);
    /* Closes and removes what prepare() made. NULL: the listener alone. */
    void (*clear)(struct script *script);

    /* Of streams and local records: one call of the system each. */
    int (*read)(struct script *script, void *to, size_t room, size_t *got);
    int (*write)(struct script *script, const void *from, size_t size, size_t *put);
    int (*shut)(struct script *script); /* ends the sending direction */
    size_t largest_write;               /* octets of one write, if the step does not say */
    /* What a receive needs besides the octets that have come. NULL: nothing. */
    enum progress (*complete)(struct script *script);
    /* More members of a step that tells of octets. NULL: none. */
    void (*tell)(struct script *script);
};

enum kind { STREAM, DATAGRAMS, LOCAL_RECORDS, SIGNALS };

struct transport {
    const char *name;
    enum kind kind;
    bool local;   /* between processes of one machine */
    bool accepts; /* a server listens, and accepts; there is an end */
    const struct script_acts *acts;
};
extern const struct script_acts script_tcp, script_datagram, script_multicast;

/* script_stream.c: the steps that are the same over every stream. */
enum progress stream_send(struct script *script);
enum progress stream_receive(struct script *script);
enum progress stream_half_close(struct script *script);
/* Everything that came was taken, and it was not enough: waits for more, or fails if there is none to come. */
enum progress stream_no_more(struct script *script);
void stream_rest(struct script *script);
void stream_gather(struct script *script);

/* script_datagram.c: the steps that are the same over every socket of UDP. */
int datagram_open(struct script *script);
enum progress datagram_send(struct script *script);
enum progress datagram_receive(struct script *script);
void datagram_gather(struct script *script);

/* script.c, for the transports. The first three report `failed` and return FAILED. */
enum progress script_failed(struct script *script, const char *error, const char *says);
enum progress script_failed_with(struct script *script, int code);
enum progress script_not_open(struct script *script);
const struct script_step *script_current(const struct script *script);
/* There is something that is to be closed: reports `created`. */
void script_created(struct script *script);
/* Octets can pass from now on: nothing of an earlier connection is left. */
void script_opened(struct script *script);
/* The step is to be tried again then, also if no socket is ready. */
void script_look_again(struct script *script, int64_t microseconds);
/* Something else that it waits for is ready. */
void script_go_on(struct script *script, bool readable);
/* `await` and `hang_up` where there is one socket. */
void script_await_socket(struct script *script, short wanted);
void script_close_socket(struct script *script);
/* Closes what is open by `hang_up`, and reports `closed`. */
void script_leave(struct script *script, void (*hang_up)(struct script *script));
enum progress script_close(struct script *script);
enum progress script_wait(struct script *script);
/* Starts counting what is sent or received; afterwards the step that says so. */
void script_count_from_zero(struct script *script);
void script_count(struct script *script, const uint8_t *at, size_t size);
void script_tell_counted(struct script *script, const char *name, const struct address *remote);

#endif
