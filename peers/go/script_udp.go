// This file owns the steps of a UDP script: one socket, with or without a
// peer address, and the datagrams on it. Reading is datagrams.go's.
package main

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// largestDatagram is more than any datagram can carry: the system refuses it,
// and refuses what is larger for the same reason.
const largestDatagram = 65536

type udpTalk struct {
	*conversation
	connects bool // some step is `connect`: it makes the socket

	conn          *net.UDPConn
	in            *mailbox
	connected     bool
	named         bool           // the local address was reported
	correspondent netip.AddrPort // of a server: whence the last datagram came
}

const (
	noSocket = notNow("there is no socket")
	noSender = notNow("no datagram has come that could be answered")
)

// udpSteps has every step that there is for UDP.
var udpSteps = map[string]func(*udpTalk, stepCommand) (deed, error){
	"connect": func(t *udpTalk, _ stepCommand) (deed, error) { return t.prepareOwn("connect", t.connect, nil) },
	"send":    (*udpTalk).prepareSend,
	"receive": (*udpTalk).prepareReceive,
	"close":   func(t *udpTalk, _ stepCommand) (deed, error) { return t.close, nil },
	"wait":    func(_ *udpTalk, s stepCommand) (deed, error) { return prepareWait(s) },
}

func (t *udpTalk) prepare(s stepCommand) (deed, error) {
	prepare, known := udpSteps[*s.Do]
	if !known {
		return nil, unsupported("there is no step %q for udp", *s.Do)
	}
	return prepare(t, s)
}

// open makes the socket of a server, and of a client that never connects.
func (t *udpTalk) open() error {
	if t.client && t.connects {
		return nil
	}
	at := t.peer
	if t.client {
		at = netip.AddrPortFrom(unspecified(t.peer.Addr()), 0)
	}
	conn, err := bindUDP(at, t.created)
	if err != nil {
		return err
	}
	t.begin(conn)
	if !t.client {
		t.report.add(step{name: "bound", local: localOf(conn)})
		t.report.flush()
	}
	return nil
}

func unspecified(of netip.Addr) netip.Addr {
	if of.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

func (t *udpTalk) begin(conn *net.UDPConn) {
	t.conn = conn
	t.guard(conn)
	if t.eager {
		t.in = eagerMailbox(udpDatagrams{conn}, false)
	} else {
		t.in = lazyMailbox(udpDatagrams{conn})
	}
}

func (t *udpTalk) connect(ctx context.Context) error {
	if t.conn != nil {
		return connectedYet
	}
	conn, err := dial(ctx, "udp", t.peer, func() {
		t.created()
		t.report.add(step{name: "connecting", remote: t.peer})
	})
	if err != nil {
		return err
	}
	t.connected = true
	t.report.add(step{name: "connected", local: localOf(conn), remote: remoteOf(conn)})
	t.begin(conn.(*net.UDPConn))
	return nil
}

// series is the datagrams of one send step.
type series struct {
	payload recipe
	count   int64
	gap     time.Duration
}

func (t *udpTalk) prepareSend(s stepCommand) (deed, error) {
	w, err := s.series()
	return func(ctx context.Context) error { return t.send(ctx, w) }, err
}

func (s *stepCommand) series() (series, error) {
	payload, err := s.Payload.recipe()
	if err != nil {
		return series{}, err
	}
	count, err := countOf(*s)
	if err != nil {
		return series{}, err
	}
	gap, err := limit("gap", s.Gap, 0)
	return series{payload, count, gap}, err
}

func countOf(s stepCommand) (int64, error) {
	if s.Count == nil {
		return 1, nil
	}
	return whole("count", s.Count)
}

func (t *udpTalk) send(ctx context.Context, w series) error {
	if t.conn == nil {
		return noSocket
	}
	if err := arm(ctx, t.conn.SetWriteDeadline); err != nil {
		return err
	}
	return w.each(ctx, t.sendOne)
}

// each has the datagrams sent one by one.
func (w series) each(ctx context.Context, send func(recipe) error) error {
	for i := int64(0); i < w.count; i++ {
		if i > 0 {
			if err := pause(ctx, w.gap); err != nil {
				return err
			}
		}
		if err := send(w.payload.later(i)); err != nil {
			return err
		}
	}
	return nil
}

func (t *udpTalk) sendOne(payload recipe) error {
	to := t.peer
	if !t.client {
		to = t.correspondent
	}
	if !to.IsValid() {
		return noSender
	}
	buffer := getBuffer()
	defer putBuffer(buffer)
	octets := fit(buffer, min(payload.length(), largestDatagram))
	payload.open().next(octets)
	if err := t.write(octets, to); err != nil {
		return err
	}
	var sent tally
	_, _ = sent.Write(octets)
	t.report.add(step{name: "sent", count: &sent, remote: to})
	return t.name(to)
}

func (t *udpTalk) write(octets []byte, to netip.AddrPort) (err error) {
	if t.connected {
		_, err = t.conn.Write(octets)
	} else {
		_, err = t.conn.WriteToUDPAddrPort(octets, to)
	}
	return err
}

// name reports the local address of a client that is not connected. The
// socket is bound to any address, so the system chooses one as it sends.
func (t *udpTalk) name(to netip.AddrPort) error {
	if t.named || t.connected || !t.client {
		return nil
	}
	source, err := sourceFor(to)
	if err != nil {
		return err
	}
	t.named = true
	t.report.add(step{name: "bound", local: netip.AddrPortFrom(source, localOf(t.conn).Port())})
	return nil
}

func (t *udpTalk) prepareReceive(s stepCommand) (deed, error) {
	if s.Octets != nil || s.Until != nil || s.Through != nil {
		return nil, badCommand("a datagram is received by count, or quiet")
	}
	if s.Keep != nil && *s.Keep < 0 {
		return nil, badCommand("the member \"keep\" is below 0")
	}
	if s.Quiet != nil {
		d, err := milliseconds("quiet", s.Quiet)
		return func(ctx context.Context) error { return t.quiet(ctx, d, s.Keep) }, err
	}
	count, err := countOf(s)
	return func(ctx context.Context) error { return t.receive(ctx, count, s.Keep) }, err
}

func (t *udpTalk) receive(ctx context.Context, count int64, keep *int64) error {
	if t.conn == nil {
		return noSocket
	}
	for ; count > 0; count-- {
		d, err := t.in.next(ctx)
		if err != nil {
			return err
		}
		t.received(d, keep)
	}
	return nil
}

func (t *udpTalk) received(d datagram, keep *int64) {
	got := newKeeper(keep)
	_, _ = got.Write(d.octets)
	t.correspondent = d.from
	t.report.add(step{name: "received", count: &got.tally, kept: got.kept, remote: d.from})
}

func (t *udpTalk) quiet(ctx context.Context, d time.Duration, keep *int64) error {
	if t.conn == nil {
		return noSocket
	}
	listening, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	came, err := t.in.next(listening)
	switch {
	case err == nil:
		t.received(came, keep)
		return nil
	case kindOf(err) == "timeout" && ctx.Err() == nil:
		t.report.add(step{name: "quiet"})
		return nil
	}
	return err
}

func (t *udpTalk) close(context.Context) error {
	if t.conn == nil {
		return noSocket
	}
	err := t.conn.Close()
	t.conn = nil
	t.closed()
	return err
}

// fail: a UDP socket cannot be reset. Winsock calls so what Unix calls a
// refusal: the port unreachable that came for an earlier datagram.
func (t *udpTalk) fail(err error) failure {
	failed := failureOf(-1, err)
	if failed.Error == "reset" {
		failed.Error = "refused"
	}
	return failed
}

func (t *udpTalk) hangUp() {
	if t.conn != nil {
		_ = t.conn.Close()
	}
	t.closed()
}
