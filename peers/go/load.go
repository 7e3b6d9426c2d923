// This file owns the load for benchmarks: many short conversations with an
// echo service, of which only the number is reported.
package main

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
)

type loadCommand struct {
	endpoint
	Payload       *payloadCommand `json:"payload"`
	Conversations *int64          `json:"conversations"`
	Parallel      *int64          `json:"parallel"`
}

// loaded is the rest of the step of that name.
type loaded struct {
	Conversations int64 `json:"conversations"`
	Failed        int64 `json:"failed"`
	T0            int64 `json:"t0"`
}

const (
	// largestLoad bounds the payload, which is held in memory.
	largestLoad = 64 << 20

	// oneSided is how much can be sent without anybody reading meanwhile.
	oneSided = 16 << 10
)

// load is one load that is running.
type load struct {
	*halt
	report   *reporter
	to       netip.AddrPort
	payload  []byte
	left     atomic.Int64 // conversations that were not begun yet
	failures atomic.Int64
}

func (p *peer) load(id string, line []byte) error {
	var command loadCommand
	if err := decode(line, &command); err != nil {
		return err
	}
	to, err := command.addrPort()
	if err != nil {
		return err
	}
	payload, err := command.Payload.recipe()
	if err != nil {
		return err
	}
	conversations, err := whole("conversations", command.Conversations)
	if err != nil {
		return err
	}
	parallel, err := whole("parallel", command.Parallel)
	if err != nil {
		return err
	}
	if parallel == 0 || payload.length() > largestLoad {
		return badCommand("parallel has to be above 0, and the payload at most %d octets", largestLoad)
	}
	l := &load{halt: newHalt(forever), report: newReporter(p.out, p.hold, id, 0), to: to, payload: payload.all()}
	l.left.Store(conversations)
	return p.start(id, l.stop, func() { l.run(conversations, min(parallel, conversations)) })
}

func (l *load) run(conversations, parallel int64) {
	defer l.cancel()
	defer l.report.finish()
	start := now()
	var workers sync.WaitGroup
	for ; parallel > 0; parallel-- {
		workers.Add(1)
		go func() {
			defer workers.Done()
			l.work()
		}()
	}
	workers.Wait()
	if !l.stopped() {
		l.report.add(step{name: "loaded", members: loaded{conversations, l.failures.Load(), start}})
	}
}

// work holds conversations until none is left.
func (l *load) work() {
	for l.left.Add(-1) >= 0 && !l.stopped() {
		if !l.converse() {
			l.failures.Add(1)
		}
	}
}

// converse is true if as many octets came back as were sent.
func (l *load) converse() bool {
	ctx, cancel := context.WithTimeout(l.ctx, defaultDeadline)
	defer cancel()
	dialed, err := dial(ctx, "tcp", l.to, func() {})
	if err != nil {
		return false
	}
	conn := dialed.(*net.TCPConn)
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(longAgo) })()
	if len(l.payload) > oneSided {
		go l.speak(conn)
	} else if l.speak(conn) != nil {
		return false
	}
	return l.hear(conn) == int64(len(l.payload))
}

func (l *load) speak(conn *net.TCPConn) error {
	if _, err := conn.Write(l.payload); err != nil {
		return err
	}
	return conn.CloseWrite()
}

func (l *load) hear(conn *net.TCPConn) (octets int64) {
	buffer := getBuffer()
	defer putBuffer(buffer)
	for {
		n, err := conn.Read(buffer[:])
		octets += int64(n)
		if err != nil {
			if err != io.EOF {
				return -1
			}
			return octets
		}
	}
}
