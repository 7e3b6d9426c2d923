// This file owns what the error numbers of Winsock mean; package syscall
// names only few of them.
package main

import "syscall"

var errnoKinds = map[syscall.Errno]string{
	10061: "refused",               // WSAECONNREFUSED
	1225:  "refused",               // ERROR_CONNECTION_REFUSED, of ConnectEx
	10054: "reset",                 // WSAECONNRESET
	10053: "reset",                 // WSAECONNABORTED, where Unix says EPIPE
	64:    "reset",                 // ERROR_NETNAME_DELETED, of overlapped calls
	1236:  "reset",                 // ERROR_CONNECTION_ABORTED
	10060: "timeout",               // WSAETIMEDOUT
	121:   "timeout",               // ERROR_SEM_TIMEOUT, of ConnectEx
	10065: "unreachable",           // WSAEHOSTUNREACH
	10051: "unreachable",           // WSAENETUNREACH
	10064: "unreachable",           // WSAEHOSTDOWN
	10050: "unreachable",           // WSAENETDOWN
	1231:  "unreachable",           // ERROR_NETWORK_UNREACHABLE
	1232:  "unreachable",           // ERROR_HOST_UNREACHABLE
	1234:  "refused",               // ERROR_PORT_UNREACHABLE, of UDP
	10048: "address-in-use",        // WSAEADDRINUSE
	10049: "address-not-available", // WSAEADDRNOTAVAIL
}
