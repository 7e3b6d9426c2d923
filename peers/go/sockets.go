// This file owns opening sockets, with the steps of their coming to life
// reported in their true order. It knows nothing about what is said on them.
package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// life reports the first and the last step of what has a socket. It belongs to
// one goroutine.
type life struct {
	report *reporter
	living bool // there was a socket, and `closed` was not reported yet
}

// created reports that a socket exists.
func (l *life) created() {
	l.living = true
	l.report.add(step{name: "created"})
}

// closed reports the end of what had a socket, once.
func (l *life) closed() {
	if l.living {
		l.living = false
		l.report.add(step{name: "closed"})
	}
}

// noKeepAlive: probes on an idle connection would be traffic that nobody asked
// for.
const noKeepAlive = -1

// onCreated has f called when a socket exists, before it is bound or
// connected. The net package may try again with a further socket (after a
// connection to itself, for one); only the first is told of.
func onCreated(f func()) func(string, string, syscall.RawConn) error {
	var once sync.Once
	return func(string, string, syscall.RawConn) error {
		once.Do(f)
		return nil
	}
}

// listenTCP binds and listens. Package net sets SO_REUSEADDR (not on Windows)
// and IPV6_V6ONLY, and takes the longest backlog that the system allows: where
// another is asked for, the socket is told to listen once more.
func listenTCP(at netip.AddrPort, backlog int, report *reporter, created func()) (*net.TCPListener, error) {
	config := net.ListenConfig{KeepAlive: noKeepAlive, Control: onCreated(created)}
	config.SetMultipathTCP(false) // newer defaults would have it on, which is another protocol on the wire
	listener, err := config.Listen(context.Background(), network("tcp", at), at.String())
	if err != nil {
		return nil, err
	}
	if backlog > 0 {
		if err := setBacklog(listener.(*net.TCPListener), backlog); err != nil {
			_ = listener.Close()
			return nil, err
		}
	}
	local := listener.Addr().(*net.TCPAddr).AddrPort()
	report.add(step{name: "bound", local: local})
	report.add(step{name: "listening", local: local})
	return listener.(*net.TCPListener), nil
}

func setBacklog(listener *net.TCPListener, backlog int) error {
	raw, err := listener.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = listenAgain(fd, backlog) })
	return errors.Join(err, failed)
}

// bindUDP makes a UDP socket without a peer address.
func bindUDP(at netip.AddrPort, created func()) (*net.UDPConn, error) {
	config := net.ListenConfig{Control: onCreated(created)}
	conn, err := config.ListenPacket(context.Background(), network("udp", at), at.String())
	if err != nil {
		return nil, err
	}
	return conn.(*net.UDPConn), nil
}

// dial connects. created is called between socket and connect.
func dial(ctx context.Context, transport string, to netip.AddrPort, created func()) (net.Conn, error) {
	dialer := net.Dialer{KeepAlive: noKeepAlive, Control: onCreated(created)}
	return dialer.DialContext(ctx, network(transport, to), to.String())
}

// sourceFor is the address from which the system sends datagrams to a peer
// when a socket is bound to none: the one that a connected socket gets.
// Nothing is sent to find it out.
func sourceFor(to netip.AddrPort) (netip.Addr, error) {
	probe, err := net.DialUDP(network("udp", to), nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return netip.Addr{}, err
	}
	defer probe.Close()
	return localOf(probe).Addr(), nil
}

func localOf(conn net.Conn) netip.AddrPort  { return addrPortOf(conn.LocalAddr()) }
func remoteOf(conn net.Conn) netip.AddrPort { return addrPortOf(conn.RemoteAddr()) }

func addrPortOf(a net.Addr) netip.AddrPort {
	return a.(interface{ AddrPort() netip.AddrPort }).AddrPort()
}
