// This file owns how Windows numbers a socket.
package main

import (
	"os"
	"syscall"
)

func listenAgain(fd uintptr, backlog int) error {
	return os.NewSyscallError("listen", syscall.Listen(syscall.Handle(fd), backlog))
}
