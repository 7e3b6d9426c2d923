//go:build !plain && !fasthttp

// This file owns scripts over multicast (multicast.md): a UDP script whose
// server joins a group and leaves it, and whose client sends to one.
package main

import (
	"context"
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// groupTalk is a udpTalk to a group.
type groupTalk struct {
	*udpTalk
	interfaceName string
	local, source netip.Addr
	hops          int
	in            group
}

// group is what x/net's two kinds of connection have in common here.
type group interface {
	JoinGroup(*net.Interface, net.Addr) error
	LeaveGroup(*net.Interface, net.Addr) error
	JoinSourceSpecificGroup(*net.Interface, net.Addr, net.Addr) error
	LeaveSourceSpecificGroup(*net.Interface, net.Addr, net.Addr) error
	SetMulticastInterface(*net.Interface) error
	SetMulticastLoopback(bool) error
}

func newGroupTalk(c *conversation, s *scriptCommand) (talk, error) {
	to, err := s.addrPort()
	if err != nil {
		return nil, err
	}
	c.peer = to
	t := &groupTalk{udpTalk: &udpTalk{conversation: c, named: true}, interfaceName: s.Interface}
	if t.local, err = netip.ParseAddr(s.Local); err != nil {
		return nil, badCommand("the member \"local\" is no address: %v", err)
	}
	if s.Source != nil {
		if t.source, err = netip.ParseAddr(*s.Source); err != nil {
			return nil, badCommand("the member \"source\" is no address: %v", err)
		}
	}
	if s.Hops != nil {
		hops, err := whole("hops", s.Hops)
		if err != nil {
			return nil, err
		}
		t.hops = int(hops)
	}
	return t, nil
}

func (t *groupTalk) prepare(s stepCommand) (deed, error) {
	switch {
	case *s.Do == "connect":
		return nil, unsupported("a client of a group does not connect")
	case *s.Do == "join" && !t.client:
		return func(context.Context) error { return t.member(true, "joined") }, nil
	case *s.Do == "leave" && !t.client:
		return func(context.Context) error { return t.member(false, "left") }, nil
	}
	return t.udpTalk.prepare(s)
}

// open makes the socket. net binds a server to any address where it is given
// a group's: what it then tells is the group and the port all the same.
func (t *groupTalk) open() error {
	at := t.peer
	if t.client {
		at = netip.AddrPortFrom(t.local, 0)
	}
	conn, err := bindUDP(at, t.created)
	if err != nil {
		return err
	}
	t.begin(conn)
	if at.Addr().Is4() {
		t.in = ipv4.NewPacketConn(conn)
	} else {
		t.in = ipv6.NewPacketConn(conn)
	}
	local := localOf(conn)
	if t.client {
		err = t.aim(conn)
	} else {
		local = netip.AddrPortFrom(t.peer.Addr(), local.Port())
		err = t.member(true, "")
	}
	if err != nil {
		return err
	}
	t.report.add(step{name: "bound", local: local})
	t.report.flush()
	return nil
}

// aim has datagrams leave by the interface, go as far as they are to, and not
// be heard here.
func (t *groupTalk) aim(conn *net.UDPConn) error {
	at, err := net.InterfaceByName(t.interfaceName)
	if err != nil {
		return err
	}
	if err := t.in.SetMulticastInterface(at); err != nil {
		return err
	}
	if err := t.in.SetMulticastLoopback(false); err != nil || t.hops == 0 {
		return err
	}
	if t.local.Is4() {
		return ipv4.NewPacketConn(conn).SetMulticastTTL(t.hops)
	}
	return ipv6.NewPacketConn(conn).SetMulticastHopLimit(t.hops)
}

// member joins the group or leaves it, for one source alone if there is one,
// and tells so by that name.
func (t *groupTalk) member(joins bool, told string) error {
	at, err := net.InterfaceByName(t.interfaceName)
	if err != nil {
		return err
	}
	to := &net.UDPAddr{IP: t.peer.Addr().AsSlice()}
	from := &net.UDPAddr{IP: t.source.AsSlice()}
	switch {
	case t.source.IsValid() && joins:
		err = t.in.JoinSourceSpecificGroup(at, to, from)
	case t.source.IsValid():
		err = t.in.LeaveSourceSpecificGroup(at, to, from)
	case joins:
		err = t.in.JoinGroup(at, to)
	default:
		err = t.in.LeaveGroup(at, to)
	}
	if err == nil && told != "" {
		t.report.add(step{name: told})
	}
	return err
}
