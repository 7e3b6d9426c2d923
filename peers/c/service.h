/* Services: the command `serve`, listening, and the list of a service's connections.
 * Owns the life of a service from `created` to `closed`. Does not know what is said on a connection. */
#ifndef SERVICE_H
#define SERVICE_H

#include "command.h"
#include "loop.h"
#include "report.h"
#include "running.h"

struct service {
    struct running running;
    struct report report;
    struct watch watch;
    struct timer respite; /* from accepting, when the system has no descriptor left */
    sock_t sock;
    bool silent;
    int64_t accepted;
    struct conn *conns;
    /* What to do with a connection that was accepted. */
    void (*accept)(struct service *service, sock_t sock, const struct address *remote);
    /* What is to be done once the socket is there; the result is the system's. */
    int (*begin)(struct service *service);
    /* Lets a library go that accepts connections itself, and ends them all. NULL: there is none. */
    void (*leave)(struct service *service);
    const struct trade *trade;     /* of the simple ones, and dns */
    struct http_site *site;        /* of http */
    struct http_stack *stack;      /* of http: what a library keeps for it */
    struct datagrams *datagrams;   /* of UDP */
    struct dns_zone *zone;         /* of dns */
    struct ftp_node *files;        /* of ftp: what each session begins with */
    struct rtp_receiver *receiver; /* of rtp */
};

/* Carries `serve` out. Takes over `id` if it succeeds; else *fault says why not. */
bool service_serve(const struct json *command, char *id, struct fault *fault);

/* Accepts connections from now on, and hands each over. */
void service_accept(struct service *service, void (*accept)(struct service *, sock_t, const struct address *));

/* One connection of a service. Embed it. */
struct conn {
    struct service *service;
    sock_t sock;
    struct report report;
    struct conn *next, *previous;
    void (*stop)(struct conn *conn); /* ends it at once: conn_end(), and frees it; NULL if the service's `leave` does */
};

/* Reports `accepted`. */
void conn_begin(struct conn *conn, struct service *service, sock_t sock, const struct address *remote,
                void (*stop)(struct conn *));
/* Reports why a connection broke: `reset` or `failed`. */
void conn_broke(struct conn *conn, int code);
/* Closes the socket and reports `closed`; what embeds it is the caller's to free. */
void conn_end(struct conn *conn);
/* The same where somebody else has closed the socket. */
void conn_closed(struct conn *conn);

#endif
