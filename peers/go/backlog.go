//go:build !windows

// This file owns how these systems number a socket.
package main

import (
	"os"
	"syscall"
)

func listenAgain(fd uintptr, backlog int) error {
	return os.NewSyscallError("listen", syscall.Listen(int(fd), backlog))
}
