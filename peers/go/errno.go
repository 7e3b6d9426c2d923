//go:build !windows

// This file owns what the error numbers of Unix mean.
package main

import "syscall"

var errnoKinds = map[syscall.Errno]string{
	syscall.ECONNREFUSED:  "refused",
	syscall.ECONNRESET:    "reset",
	syscall.EPIPE:         "reset",
	syscall.ETIMEDOUT:     "timeout",
	syscall.EHOSTUNREACH:  "unreachable",
	syscall.ENETUNREACH:   "unreachable",
	syscall.EHOSTDOWN:     "unreachable",
	syscall.ENETDOWN:      "unreachable",
	syscall.EADDRINUSE:    "address-in-use",
	syscall.EADDRNOTAVAIL: "address-not-available",
}
