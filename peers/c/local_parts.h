/* What the files local_*.c know of each other; see local.h. */
#ifndef LOCAL_PARTS_H
#define LOCAL_PARTS_H

#include "local.h"

/* Those that the system at hand may have. Of others nothing was ever tried. */
#if defined(__linux__)
#define HAS_LOCAL 1
#else
#define HAS_LOCAL 0
#endif

enum {
    OWNER_ONLY = 0600,       /* the mode of everything that is made */
    LOOK = 1000,             /* microseconds until the next look at what nothing tells of */
    LARGEST_WRITE = 1 << 26, /* octets */
    MOST_PASSED = 16,        /* descriptors that may come before they are asked for */
};

/* What a script between processes has besides. */
struct local {
    struct script *script;
    char *name;    /* the address */
    unsigned made; /* names that are to be removed */

    /* two ends, of FIFOs, pipes and queues: one to read from, one to write to */
    sock_t in, out;
    struct watch out_watch;

    /* descriptors: those that came and were not asked for yet, the one that goes out, the one that is read to its end
     */
    sock_t passed[MOST_PASSED];
    size_t passed_count;
    sock_t passing, reading;
    struct watch reading_watch;
    struct sha256 held;

    /* sockets, and records */
    bool half_closed;
    struct address remote; /* of the last datagram that was read */
    size_t largest;        /* octets of one that may come */
    unsigned priority;     /* of the last one that was read */

    /* queues, and shared memory */
    uint64_t messages, message_size, capacity;
    struct rings *rings;
    int64_t looks; /* in vain, one after the other */

    bool joined; /* of a pipe: both sides write into one */
    int process; /* of a client of signals: whom it signals */
};

extern const struct script_acts local_unix, local_seqpacket, local_datagram, local_fifo, local_pipe, local_memory,
    local_queue, local_signal;

/* Why there are none at the moment, or NULL. */
const char *local_memory_lacks(void);
const char *local_queue_lacks(void);

/* local.c: steps that all of them report alike. */
void local_step_created(struct script *script);
/* `bound` and, where it is so, `listening`. */
void local_step_bound(struct script *script, const char *name);
/* The connection stands: `connected` or `accepted`. */
enum progress local_stands(struct script *script, const char *name);
enum progress local_once(struct script *script);

/* The name with something behind it, for as long as nobody asks for another one. */
const char *local_name(const struct script *script, const char *behind);

/* local_ends.c: reading from one descriptor and writing to the other. */
void ends_await(struct script *script, short wanted);
void ends_hang_up(struct script *script);
int ends_read(struct script *script, void *to, size_t room, size_t *got);
int ends_write(struct script *script, const void *from, size_t size, size_t *put);
int ends_shut(struct script *script);

/* local_sockets.c: sockets of the Unix domain, without what is said over them. 0, or a code of the system. */
int unix_socket(struct script *script, int type, sock_t *sock);
/* Binds it there; the name is only the user's. */
int unix_bind(sock_t sock, const char *name);
/* A server's socket of that type, bound and listening; all of it is told. */
int unix_listen(struct script *script, int type);
/* Connects `sock`, as soon as the listener has room. */
enum progress unix_connect(struct script *script, int type);
int unix_connect_to(sock_t sock, const char *name);
void unix_remove(const char *name);

/* local_descriptors.c: descriptors that are passed along with octets (SCM_RIGHTS). */
/* Writes, and passes those with the first octet. */
int descriptors_send(sock_t sock, const void *from, size_t size, size_t *put, const sock_t *passed, size_t count);
/* Reads; what came along is added to `passed`, of which there are *count, as far as there is room for them. */
int descriptors_receive(sock_t sock, void *to, size_t room, size_t *got, sock_t passed[MOST_PASSED], size_t *count);
/* A pipe's end from which the payload can be read. */
int descriptor_make(const struct payload *payload, sock_t *made);
/* The oldest of those that came, which is no more among them. */
sock_t descriptor_oldest(struct local *local);
/* Reads it to its end from now on, and then closes it. */
void descriptor_begin(struct local *local, sock_t came);
enum progress descriptor_read(struct script *script);
/* Adds what it held to a step. */
void descriptor_tell(struct script *script);
void descriptors_close(struct local *local);

/* local_records.c: the steps that are the same for all records. */
enum progress records_send(struct script *script);
enum progress records_receive(struct script *script);
void records_gather(struct script *script);
void records_forget(struct script *script);

/* local_signal.c. 0: there is no signal of that name. */
int signal_numbered(const char *name);
/* Why a server cannot take it, or NULL. */
const char *signal_refused(int number);

#endif
