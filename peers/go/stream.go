// This file owns reading a stream: octets come in, at once or when they are
// asked for, and wait until somebody takes them. It knows nothing about
// scripts and reports.
package main

import (
	"context"
	"io"
	"sync"
	"time"
)

// streamRoom bounds what is kept for later. A sender without end meets the
// usual flow control there, not the end of this machine's memory.
const streamRoom = 32 << 20

// channel is a connection as a script uses it, in both directions.
type channel interface {
	io.ReadWriteCloser
	// CloseWrite ends the sending direction.
	CloseWrite() error
	SetDeadline(time.Time) error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// stream is the receiving direction of a connection.
type stream struct {
	conn channel
	held []byte // taken out of fresh and not consumed yet; of the consumer alone

	lazy bool
	mu   sync.Mutex
	// What the reader has brought since the consumer last looked, and how
	// reading ended. With forget, nobody will look again.
	fresh  []byte
	err    error
	forget bool
	news   chan struct{} // something has come
	room   chan struct{} // something was taken
}

// lazyStream reads only when it is asked for more.
func lazyStream(conn channel) *stream { return &stream{conn: conn, lazy: true} }

// eagerStream reads from now on, until the connection is closed.
func eagerStream(conn channel) *stream {
	s := &stream{conn: conn, news: make(chan struct{}, 1), room: make(chan struct{}, 1)}
	go s.pump()
	return s
}

func (s *stream) pump() {
	buffer := getBuffer()
	defer putBuffer(buffer)
	for {
		n, err := s.conn.Read(buffer[:])
		full := s.keep(buffer[:n], err)
		notify(s.news)
		if err != nil {
			return
		}
		for full {
			<-s.room
			full = s.isFull()
		}
	}
}

// keep puts octets and the end of reading where the consumer finds them.
func (s *stream) keep(octets []byte, err error) (full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.forget {
		s.fresh = append(s.fresh, octets...)
	}
	s.err = err
	return len(s.fresh) >= streamRoom
}

func (s *stream) isFull() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.fresh) >= streamRoom
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// drop says that no octet will be asked for any more.
func (s *stream) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held, s.fresh, s.forget = nil, nil, true
	notify(s.room)
}

// seen are the octets that came and were not consumed yet.
func (s *stream) seen() []byte { return s.held }

func (s *stream) consume(n int) { s.held = s.held[n:] }

// more waits until more is seen: at most about atMost octets if reading is
// lazy. The end of the stream is an error, after everything else was seen.
func (s *stream) more(ctx context.Context, atMost int64) error {
	if s.lazy {
		return s.readNow(ctx, atMost)
	}
	for {
		if added, err := s.takeFresh(); added || err != nil {
			return err
		}
		select {
		case <-s.news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *stream) takeFresh() (added bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.fresh) == 0 {
		return false, s.err
	}
	if len(s.held) == 0 {
		s.held, s.fresh = s.fresh, nil
	} else {
		s.held, s.fresh = append(s.held, s.fresh...), s.fresh[:0]
	}
	notify(s.room)
	return true, nil
}

func (s *stream) readNow(ctx context.Context, atMost int64) error {
	if err := arm(ctx, s.conn.SetReadDeadline); err != nil {
		return err
	}
	buffer := getBuffer()
	defer putBuffer(buffer)
	n, err := s.conn.Read(buffer[:min(atMost, bufferSize)])
	s.held = append(s.held, buffer[:n]...)
	if n > 0 {
		return nil
	}
	return err
}

// brokenOr is how the connection broke, if reading ahead has found that out
// before err did.
func (s *stream) brokenOr(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if isReset(s.err) {
		return s.err
	}
	return err
}
