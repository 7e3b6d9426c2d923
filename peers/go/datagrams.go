// This file owns reading datagrams: they come in, at once or when they are
// asked for, and wait until somebody takes them. It knows nothing about
// scripts and reports.
package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
)

const (
	// datagramRoom bounds the octets that are kept for later. What comes on
	// top is lost, as datagrams are.
	datagramRoom = 32 << 20

	// datagramCost is what keeping one takes besides its octets.
	datagramCost = 64
)

// datagram is what one read brought: octets, or what the system had to say
// about an earlier one.
type datagram struct {
	octets []byte
	from   netip.AddrPort
	err    error
}

func (d datagram) cost() int { return len(d.octets) + datagramCost }

// mailbox is the receiving direction of a UDP socket.
type mailbox struct {
	conn *net.UDPConn
	lazy bool

	mu    sync.Mutex
	fresh []datagram
	size  int
	news  chan struct{}
}

// lazyMailbox reads only when it is asked for a datagram.
func lazyMailbox(conn *net.UDPConn) *mailbox { return &mailbox{conn: conn, lazy: true} }

// eagerMailbox reads from now on, until the socket is closed.
func eagerMailbox(conn *net.UDPConn) *mailbox {
	m := &mailbox{conn: conn, news: make(chan struct{}, 1)}
	go m.pump()
	return m
}

func (m *mailbox) pump() {
	buffer := getBuffer()
	defer putBuffer(buffer)
	for {
		d := m.read(buffer)
		if errors.Is(d.err, net.ErrClosed) || errors.Is(d.err, os.ErrDeadlineExceeded) {
			return // closed or stopped: nobody waits for it any more
		}
		m.keep(d)
		notify(m.news)
	}
}

func (m *mailbox) read(buffer *[bufferSize]byte) datagram {
	n, from, err := m.conn.ReadFromUDPAddrPort(buffer[:])
	return datagram{append([]byte(nil), buffer[:n]...), from, err}
}

func (m *mailbox) keep(d datagram) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.size+d.cost() > datagramRoom {
		return
	}
	m.size += d.cost()
	m.fresh = append(m.fresh, d)
}

// next waits for the next datagram.
func (m *mailbox) next(ctx context.Context) (datagram, error) {
	if m.lazy {
		return m.readNow(ctx)
	}
	for {
		if d, ok := m.take(); ok {
			return d, d.err
		}
		select {
		case <-m.news:
		case <-ctx.Done():
			return datagram{}, ctx.Err()
		}
	}
}

func (m *mailbox) take() (datagram, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.fresh) == 0 {
		return datagram{}, false
	}
	d := m.fresh[0]
	m.fresh = m.fresh[1:]
	m.size -= d.cost()
	return d, true
}

func (m *mailbox) readNow(ctx context.Context) (datagram, error) {
	if err := arm(ctx, m.conn.SetReadDeadline); err != nil {
		return datagram{}, err
	}
	buffer := getBuffer()
	defer putBuffer(buffer)
	d := m.read(buffer)
	return d, d.err
}
