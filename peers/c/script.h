/* Scripts: one conversation at the socket interface, step by step.
 * Owns what a script and its steps are. script_read.c makes one from a command, script.c runs it, script_stream.c and
 * script_datagram.c do what the steps ask for over TCP and UDP. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "loop.h"
#include "payload.h"
#include "report.h"
#include "running.h"
#include "sha256.h"

enum act { CONNECT, ACCEPT, SEND, RECEIVE, HALF_CLOSE, CLOSE, RESET, WAIT };
enum goal { EXACTLY, TO_END, THROUGH, QUIET, DATAGRAMS };

struct script_step {
    enum act act;
    int64_t within; /* microseconds; -1: no limit of its own */
    int64_t pause;  /* of WAIT and of QUIET; between the writes of SEND; microseconds */
    struct payload payload;
    size_t *writes; /* sizes of the write calls; the last one repeats */
    size_t write_count;
    enum goal goal;
    uint64_t count; /* octets or datagrams */
    struct octets mark;
    size_t keep;
};

/* How far the current step is; cleared before each. */
struct script_now {
    bool begun;
    int64_t limit; /* of `within`; 0: none */
    int64_t wake;  /* 0: no moment is waited for */
    struct source source;
    uint64_t done; /* writes or datagrams */
    struct sha256 sum;
};

/* Where the octets that come stand. */
enum coming { COMING, ENDED, BROKEN };

struct script {
    struct running running;
    struct report report;
    bool server, stream, eager;
    struct address address;
    int64_t deadline;
    uint64_t backlog; /* of the listener; 0: not said */
    struct script_step *steps;
    size_t step_count, index;

    sock_t sock, listener; /* of a datagram script only `sock` */
    bool connected;        /* the stream stands, or the datagram socket has a peer */
    bool had_socket, told_closed, told_bound;
    struct watch watch;
    struct timer timer;
    bool readable, writable; /* as far as is known */

    struct script_now now;
    struct octets in;  /* what came and was not asked for yet; datagrams each behind a struct datagram_head */
    struct octets out; /* of the current send: generated, not sent */
    struct octets kept;
    enum coming coming;
    int broken;          /* the code, when `coming` is BROKEN */
    struct address last; /* where the last datagram that was received came from */
    bool has_last;
};

/* What came of doing a step, or a part of it. */
enum progress { NEXT, WAITING, FAILED };

bool script_start(const struct json *command, char *id, struct fault *fault);

/* script_read.c. After a fault the script is still to be freed. */
bool script_read(struct script *script, const struct json *command, struct fault *fault);
void script_free_steps(struct script *script);

/* What a transport does: each may be called again and again until it is no more WAITING. */
struct script_acts {
    enum progress (*connect)(struct script *script);
    enum progress (*accept)(struct script *script);
    enum progress (*send)(struct script *script);
    enum progress (*receive)(struct script *script);
    /* A receive is out of time: reports what of it came. */
    void (*rest)(struct script *script);
    /* Reads ahead, whatever the current step is. */
    void (*gather)(struct script *script);
    /* What is to be done before the first step; a code of the system. */
    int (*prepare)(struct script *script);
};
extern const struct script_acts script_stream, script_datagram;

/* script.c, for the transports. The first three report `failed` and return FAILED. */
enum progress script_failed(struct script *script, const char *error, const char *says);
enum progress script_failed_with(struct script *script, int code);
enum progress script_not_open(struct script *script);
/* Opens and reports `created`; a code of the system. */
int script_open(struct script *script, sock_t *sock);
void script_told_closed(struct script *script);
/* Starts counting what is sent or received; afterwards the step that says so. */
void script_count_from_zero(struct script *script);
void script_count(struct script *script, const uint8_t *at, size_t size);
void script_tell_counted(struct script *script, const char *name, const struct address *remote);

#endif
