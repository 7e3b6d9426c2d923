//go:build !plain && !fasthttp

// This file owns scripts over multicast (multicast.md): a UDP script whose
// server joins a group and leaves it, and whose client sends to one. How a
// socket is bound to a group is the system's matter: groups_*.go.
package main

import (
	"context"
	"math"
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// ownHops is the system's own choice of how far datagrams go.
const ownHops = -1

// groupTalk is a udpTalk to a group.
type groupTalk struct {
	*udpTalk
	at            string     // the name of the interface
	local, source netip.Addr // source: invalid if anybody may be it
	hops          int
	members       membership
}

// membership is what x/net's connections of both families have in common here.
type membership interface {
	JoinGroup(*net.Interface, net.Addr) error
	LeaveGroup(*net.Interface, net.Addr) error
	JoinSourceSpecificGroup(*net.Interface, net.Addr, net.Addr) error
	LeaveSourceSpecificGroup(*net.Interface, net.Addr, net.Addr) error
	SetMulticastInterface(*net.Interface) error
	SetMulticastLoopback(bool) error
}

func newGroupTalk(c *conversation, s *scriptCommand) (talk, error) {
	to, err := s.addrPort()
	switch {
	case err != nil:
		return nil, err
	case !to.Addr().IsMulticast():
		return nil, badCommand("%v is no group", to.Addr())
	case s.Interface == nil:
		return nil, missing("interface")
	}
	c.peer = to
	t := &groupTalk{udpTalk: &udpTalk{conversation: c, named: true}, at: *s.Interface, hops: ownHops}
	if s.Hops != nil {
		if *s.Hops < 0 || *s.Hops > math.MaxUint8 {
			return nil, badCommand("%d hops are none", *s.Hops)
		}
		t.hops = int(*s.Hops)
	}
	if t.local, err = memberAddress("local", s.Local, to); err == nil && s.Source != nil {
		t.source, err = memberAddress("source", s.Source, to)
	}
	return t, err
}

// memberAddress is an address of the family that the group has.
func memberAddress(member string, text *string, group netip.AddrPort) (netip.Addr, error) {
	if text == nil {
		return netip.Addr{}, missing(member)
	}
	address, err := netip.ParseAddr(*text)
	if err != nil || address.Is4() != group.Addr().Is4() {
		return netip.Addr{}, badCommand("the member %q is no address of the group's family", member)
	}
	return address, nil
}

func (t *groupTalk) prepare(s stepCommand) (deed, error) {
	switch {
	case *s.Do == "join" && !t.client:
		return func(context.Context) error { return t.change(true, "joined") }, nil
	case *s.Do == "leave" && !t.client:
		return func(context.Context) error { return t.change(false, "left") }, nil
	case *s.Do == "connect" || *s.Do == "join" || *s.Do == "leave":
		return nil, unsupported("there is no step %q here over multicast", *s.Do)
	}
	return t.udpTalk.prepare(s)
}

func (t *groupTalk) open() error {
	at, err := net.InterfaceByName(t.at)
	if err != nil {
		return err
	}
	if t.client {
		err = t.openClient(at)
	} else {
		err = t.openServer(at)
	}
	if err != nil {
		return err
	}
	t.report.flush()
	return nil
}

func (t *groupTalk) openServer(at *net.Interface) error {
	conn, err := bindGroup(t.peer, at, t.created)
	if err != nil {
		return err
	}
	t.use(conn)
	if err := t.member(at, true); err != nil {
		return err
	}
	t.report.add(step{name: "bound", local: netip.AddrPortFrom(t.peer.Addr(), localOf(conn).Port())})
	return nil
}

func (t *groupTalk) openClient(at *net.Interface) error {
	conn, err := bindUDP(netip.AddrPortFrom(t.local, 0), t.created)
	if err != nil {
		return err
	}
	t.use(conn)
	if err := t.aim(conn, at); err != nil {
		return err
	}
	t.report.add(step{name: "bound", local: localOf(conn)})
	return nil
}

func (t *groupTalk) use(conn *net.UDPConn) {
	t.begin(conn)
	if t.peer.Addr().Is4() {
		t.members = ipv4.NewPacketConn(conn)
	} else {
		t.members = ipv6.NewPacketConn(conn)
	}
}

// aim has datagrams leave by the interface, go as far as they are to, and not
// be heard here.
func (t *groupTalk) aim(conn *net.UDPConn, at *net.Interface) error {
	if err := t.members.SetMulticastInterface(at); err != nil {
		return err
	}
	if err := t.members.SetMulticastLoopback(false); err != nil || t.hops == ownHops {
		return err
	}
	if t.peer.Addr().Is4() {
		return ipv4.NewPacketConn(conn).SetMulticastTTL(t.hops)
	}
	return ipv6.NewPacketConn(conn).SetMulticastHopLimit(t.hops)
}

// change joins the group or leaves it, and tells so by that name.
func (t *groupTalk) change(join bool, told string) error {
	if t.conn == nil {
		return noSocket
	}
	at, err := net.InterfaceByName(t.at)
	if err == nil {
		err = t.member(at, join)
	}
	if err == nil {
		t.report.add(step{name: told})
	}
	return err
}

// member joins or leaves, for one source alone if there is one.
func (t *groupTalk) member(at *net.Interface, join bool) error {
	group := net.UDPAddrFromAddrPort(t.peer)
	source := net.UDPAddrFromAddrPort(netip.AddrPortFrom(t.source, 0))
	switch {
	case t.source.IsValid() && join:
		return t.members.JoinSourceSpecificGroup(at, group, source)
	case t.source.IsValid():
		return t.members.LeaveSourceSpecificGroup(at, group, source)
	case join:
		return t.members.JoinGroup(at, group)
	}
	return t.members.LeaveGroup(at, group)
}
