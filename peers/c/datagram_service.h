/* The simple services over UDP. Owns what is answered to each datagram. */
#ifndef DATAGRAM_SERVICE_H
#define DATAGRAM_SERVICE_H

#include "service.h"

/* The socket is bound. */
void datagrams_begin(struct service *service);
void datagrams_free(struct datagrams *datagrams);

#endif
