//go:build !windows && !plain && !fasthttp

// This file owns sockets that are bound to a group. Package net would bind
// them to any address, where they hear what others have joined.
package main

import (
	"net"
	"net/netip"
	"os"
	"syscall"
)

func bindGroup(group netip.AddrPort, at *net.Interface, created func()) (*net.UDPConn, error) {
	family, name := groupName(group, at)
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(family, syscall.SOCK_DGRAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	created()
	file := os.NewFile(uintptr(fd), "group")
	defer file.Close() // the connection has a descriptor of its own
	if err := shareAndBind(fd, name); err != nil {
		return nil, err
	}
	conn, err := net.FilePacketConn(file)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UDPConn), nil
}

func groupName(group netip.AddrPort, at *net.Interface) (family int, name syscall.Sockaddr) {
	if group.Addr().Is4() {
		return syscall.AF_INET, &syscall.SockaddrInet4{Port: int(group.Port()), Addr: group.Addr().As4()}
	}
	return syscall.AF_INET6, &syscall.SockaddrInet6{Port: int(group.Port()), Addr: group.Addr().As16(), ZoneId: uint32(at.Index)}
}

func shareAndBind(fd int, name syscall.Sockaddr) error {
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if _, is := name.(*syscall.SockaddrInet6); is {
		if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return os.NewSyscallError("bind", syscall.Bind(fd, name))
}
