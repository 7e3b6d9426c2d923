// This file owns the steps that the scripts of all streams have in common:
// what is done on a connection that stands. How it comes to stand is the
// transports' own, and reading is stream.go's.
package main

import (
	"context"
	"errors"
	"io"
	"syscall"
	"time"
)

// largestWrite bounds the memory that a single write call of a script needs.
const largestWrite = 16 << 20

// streamTalk is the part of a talk that begins where a connection stands.
type streamTalk struct {
	*conversation
	receives int   // how many receive steps there are
	prepared int   // and how many of them were prepared
	atOnce   int64 // the octets of a write call where the script does not say

	conn       channel
	in         *stream
	halfClosed bool
}

const (
	notConnected = notNow("there is no connection")
	connectedYet = notNow("there is a connection already")
)

// streamSteps has the steps that there are for every stream.
var streamSteps = map[string]func(*streamTalk, stepCommand) (deed, error){
	"send":       (*streamTalk).prepareSend,
	"receive":    (*streamTalk).prepareReceive,
	"half-close": func(t *streamTalk, _ stepCommand) (deed, error) { return t.halfClose, nil },
	"close":      func(t *streamTalk, _ stepCommand) (deed, error) { return t.close, nil },
	"wait":       func(_ *streamTalk, s stepCommand) (deed, error) { return prepareWait(s) },
}

// prepareOwn is for the two steps that make a connection.
func (c *conversation) prepareOwn(do string, connect, accept deed) (deed, error) {
	switch {
	case do == "connect" && c.client:
		return connect, nil
	case do == "connect":
		return nil, unsupported("a server does not connect")
	case c.client:
		return nil, unsupported("a client does not accept")
	}
	return accept, nil
}

// begin is where a connection stands.
func (t *streamTalk) begin(conn channel, stands step) {
	t.report.add(stands)
	t.conn, t.halfClosed = conn, false
	t.guard(conn)
	if t.eager {
		t.in = eagerStream(conn)
	} else {
		t.in = lazyStream(conn)
	}
	if t.receives == 0 {
		t.in.drop()
	}
}

// writing is how the octets of a send step are cut into writes.
type writing struct {
	payload recipe
	sizes   []int64
	atOnce  int64
	gap     time.Duration
}

func (t *streamTalk) prepareSend(s stepCommand) (deed, error) {
	w, err := s.writing(t.atOnce)
	if err != nil {
		return nil, err
	}
	count, err := countOf(s)
	return func(ctx context.Context) error {
		for i := int64(0); i < count; i++ {
			if err := t.send(ctx, w.later(i)); err != nil {
				return err
			}
		}
		return nil
	}, err
}

func (s *stepCommand) writing(atOnce int64) (writing, error) {
	payload, err := s.Payload.recipe()
	if err != nil {
		return writing{}, err
	}
	for _, size := range s.Writes {
		if size < 1 {
			return writing{}, badCommand("a write of %d octets is none", size)
		}
	}
	gap, err := limit("gap", s.Gap, 0)
	return writing{payload, s.Writes, atOnce, gap}, err
}

func (t *streamTalk) send(ctx context.Context, w writing) error {
	if t.conn == nil {
		return notConnected
	}
	var sent tally
	if err := arm(ctx, t.conn.SetWriteDeadline); err != nil {
		return err
	}
	if err := w.writeTo(ctx, io.MultiWriter(t.conn, &sent)); err != nil {
		return err
	}
	t.report.add(step{name: "sent", count: &sent})
	return nil
}

// later is the n-th of several sends.
func (w writing) later(n int64) writing {
	w.payload = w.payload.later(n)
	return w
}

func (w *writing) writeTo(ctx context.Context, out io.Writer) error {
	buffer := getBuffer()
	defer putBuffer(buffer)
	source := w.payload.open()
	for i := 0; source.left > 0; i++ {
		if i > 0 && w.gap > 0 {
			if err := pause(ctx, w.gap); err != nil {
				return err
			}
		}
		chunk := fit(buffer, min(w.size(i), source.left))
		if _, err := source.Read(chunk); err != nil {
			return err
		}
		if _, err := out.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}

func (w *writing) size(i int) int64 {
	if len(w.sizes) == 0 {
		return w.atOnce
	}
	return min(w.sizes[min(i, len(w.sizes)-1)], largestWrite)
}

// fit is the buffer cut to n octets, or a larger one.
func fit(buffer *[bufferSize]byte, n int64) []byte {
	if n > bufferSize {
		return make([]byte, n)
	}
	return buffer[:n]
}

func (t *streamTalk) halfClose(context.Context) error {
	if t.conn == nil {
		return notConnected
	}
	return t.shutDown(t.conn, &t.halfClosed)
}

// shutDown ends the sending direction, takes that down, and tells it.
func (c *conversation) shutDown(conn interface{ CloseWrite() error }, done *bool) error {
	if err := conn.CloseWrite(); err != nil {
		return err
	}
	*done = true
	c.report.add(step{name: "half-closed"})
	return nil
}

func (t *streamTalk) close(context.Context) error {
	if t.conn == nil {
		return notConnected
	}
	err := t.leave()
	t.closed()
	return err
}

// fail tells a connection that the other side has aborted from other errors.
// After our own half-close, EPIPE only says that we must not send any more;
// and reading ahead may have been told of the abort before the call that
// failed.
func (t *streamTalk) fail(err error) failure {
	var errno syscall.Errno
	if t.conn != nil && errors.As(err, &errno) {
		err = t.in.brokenOr(err)
	}
	failed := failureOf(-1, err)
	if failed.Error != "reset" {
		return failed
	}
	if t.halfClosed && errors.Is(err, syscall.EPIPE) {
		failed.Error = "other"
		return failed
	}
	t.report.add(step{name: "reset", by: "them"})
	return failed
}

// leave closes the connection; where the kernel still says something to that,
// it is open no more all the same.
func (t *streamTalk) leave() error {
	conn := t.conn
	t.conn = nil
	t.in.drop()
	return conn.Close()
}

// hangUp closes the connection, if there is one.
func (t *streamTalk) hangUp() {
	if t.conn != nil {
		_ = t.leave()
	}
	t.closed()
}
