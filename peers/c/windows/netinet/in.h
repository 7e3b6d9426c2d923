/* Winsock by the name that the Berkeley interface has. This folder is in the search path of a build for Windows alone,
 * so that the peer's own headers include the same names everywhere. */
#ifndef WINDOWS_NETINET_IN_H
#define WINDOWS_NETINET_IN_H

#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <ws2tcpip.h>

#endif
