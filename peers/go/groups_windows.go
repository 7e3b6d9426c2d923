//go:build !plain && !fasthttp

// This file owns sockets for a group on Windows, which binds to none: package
// net binds them to any address, and lets others share the port.
package main

import (
	"net"
	"net/netip"
)

func bindGroup(group netip.AddrPort, _ *net.Interface, created func()) (*net.UDPConn, error) {
	return bindUDP(group, created)
}
