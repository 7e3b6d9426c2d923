// This file owns what a peer says about the system it runs on, apart from its
// version, which release_*.go find out.
package main

import (
	"runtime"
	"strings"
)

// kernels and machines give what uname would say.
var (
	kernels  = map[string]string{"linux": "Linux", "windows": "Windows", "darwin": "Darwin", "freebsd": "FreeBSD"}
	machines = map[string]string{"amd64": "x86_64", "386": "i686", "arm64": "aarch64"}
)

func uname(table map[string]string, name string) string {
	if usual, known := table[name]; known {
		return usual
	}
	return name
}

// stack is the TCP/IP stack: Go brings none, so it is the kernel's.
func stack() string { return uname(kernels, runtime.GOOS) }

func system() string {
	words := []string{stack(), release(), uname(machines, runtime.GOARCH)}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}
