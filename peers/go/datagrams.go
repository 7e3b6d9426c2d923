// This file owns reading datagrams, and other records that come one by one:
// they come in, at once or when they are asked for, and wait until somebody
// takes them. It knows nothing about scripts and reports.
package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

const (
	// datagramRoom bounds the octets that are kept for later. What comes on
	// top is lost, as datagrams are, or left where it is.
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

	// Of those that do not come over UDP.
	sender   net.Addr
	priority uint32
	passed   []int  // descriptors
	release  func() // closes them
}

// drop lets go of what came with one that nobody wants.
func (d datagram) drop() {
	if d.release != nil {
		d.release()
	}
}

func (d datagram) cost() int { return len(d.octets) + datagramCost }

// datagrams is a socket that datagrams come out of.
type datagrams interface {
	// next waits for one.
	next() datagram
	SetReadDeadline(time.Time) error
}

// mailbox is the receiving direction of such a socket.
type mailbox struct {
	socket datagrams
	lazy   bool
	// patient: the sender is held up when there is too much, and loses nothing
	patient bool

	mu     sync.Mutex
	fresh  []datagram
	size   int
	forget bool // nobody will look again
	news   chan struct{}
	room   chan struct{}
}

// lazyMailbox reads only when it is asked for a datagram.
func lazyMailbox(socket datagrams) *mailbox { return &mailbox{socket: socket, lazy: true} }

// eagerMailbox reads from now on, until the socket is closed.
func eagerMailbox(socket datagrams, patient bool) *mailbox {
	m := &mailbox{socket: socket, patient: patient, news: make(chan struct{}, 1), room: make(chan struct{}, 1)}
	go m.pump()
	return m
}

func (m *mailbox) pump() {
	for {
		d := m.socket.next()
		if errors.Is(d.err, net.ErrClosed) || errors.Is(d.err, os.ErrDeadlineExceeded) {
			return // closed or stopped: nobody waits for it any more
		}
		full := m.keep(d)
		notify(m.news)
		if d.err == io.EOF {
			return
		}
		for full {
			<-m.room
			full = m.isFull()
		}
	}
}

// udpDatagrams is a UDP socket.
type udpDatagrams struct{ *net.UDPConn }

func (u udpDatagrams) next() datagram {
	buffer := getBuffer()
	defer putBuffer(buffer)
	n, from, err := u.ReadFromUDPAddrPort(buffer[:])
	return datagram{octets: append([]byte(nil), buffer[:n]...), from: from, err: err}
}

func (m *mailbox) keep(d datagram) (full bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.forget || !m.patient && m.size+d.cost() > datagramRoom {
		d.drop()
		return false
	}
	m.size += d.cost()
	m.fresh = append(m.fresh, d)
	return m.patient && m.size >= datagramRoom
}

func (m *mailbox) isFull() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.size >= datagramRoom
}

// drop says that nobody will take any more.
func (m *mailbox) drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.fresh {
		d.drop()
	}
	m.fresh, m.size, m.forget = nil, 0, true
	notify(m.room)
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

// take takes the first; an end stays, since nothing follows it.
func (m *mailbox) take() (datagram, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.fresh) == 0 {
		return datagram{}, false
	}
	d := m.fresh[0]
	if d.err == io.EOF {
		return d, true
	}
	m.fresh = m.fresh[1:]
	m.size -= d.cost()
	notify(m.room)
	return d, true
}

func (m *mailbox) readNow(ctx context.Context) (datagram, error) {
	if err := arm(ctx, m.socket.SetReadDeadline); err != nil {
		return datagram{}, err
	}
	d := m.socket.next()
	return d, d.err
}
