// This file owns the steps of a TCP script: one connection, made or accepted,
// and what is done on it. Reading is stream.go's.
package main

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"syscall"
	"time"
)

// largestWrite bounds the memory that a single write call of a script needs.
const largestWrite = 16 << 20

type tcpTalk struct {
	*conversation
	lastReceive int // the number of the last receive step

	listener   *net.TCPListener
	conn       *net.TCPConn
	in         *stream
	position   int // the number of the next step to be prepared
	halfClosed bool
}

const (
	notConnected = notNow("there is no connection")
	connectedYet = notNow("there is a connection already")
)

// tcpSteps has every step that there is for TCP.
var tcpSteps = map[string]func(*tcpTalk, stepCommand) (deed, error){
	"connect":    (*tcpTalk).prepareConnect,
	"accept":     (*tcpTalk).prepareAccept,
	"send":       (*tcpTalk).prepareSend,
	"receive":    (*tcpTalk).prepareReceive,
	"half-close": func(t *tcpTalk, _ stepCommand) (deed, error) { return t.halfClose, nil },
	"close":      func(t *tcpTalk, _ stepCommand) (deed, error) { return t.close, nil },
	"reset":      func(t *tcpTalk, _ stepCommand) (deed, error) { return t.reset, nil },
	"wait":       func(_ *tcpTalk, s stepCommand) (deed, error) { return prepareWait(s) },
}

func (t *tcpTalk) prepare(s stepCommand) (deed, error) {
	prepare, known := tcpSteps[*s.Do]
	if !known {
		return nil, unsupported("there is no step %q for tcp", *s.Do)
	}
	do, err := prepare(t, s)
	if t.position == t.lastReceive {
		do = t.thenDrop(do)
	}
	t.position++
	return do, err
}

// thenDrop is for the last receive: what comes later, nobody asks for.
func (t *tcpTalk) thenDrop(do deed) deed {
	return func(ctx context.Context) error {
		err := do(ctx)
		if err == nil {
			t.in.drop()
		}
		return err
	}
}

func (t *tcpTalk) open() error {
	if t.client {
		return nil
	}
	listener, err := listenTCP(t.peer, int(min(t.backlog, math.MaxInt32)), t.report, t.created)
	if err != nil {
		return err
	}
	t.listener = listener
	t.guard(listener)
	t.report.flush()
	return nil
}

func (t *tcpTalk) prepareConnect(stepCommand) (deed, error) {
	if !t.client {
		return nil, unsupported("a server does not connect")
	}
	return t.connect, nil
}

func (t *tcpTalk) connect(ctx context.Context) error {
	if t.conn != nil {
		return connectedYet
	}
	conn, err := dial(ctx, "tcp", t.peer, func() {
		t.created()
		t.report.add(step{name: "connecting", remote: t.peer})
	})
	if err != nil {
		return err
	}
	t.begin("connected", conn.(*net.TCPConn))
	return nil
}

func (t *tcpTalk) prepareAccept(stepCommand) (deed, error) {
	if t.client {
		return nil, unsupported("a client does not accept")
	}
	return t.accept, nil
}

func (t *tcpTalk) accept(ctx context.Context) error {
	if t.conn != nil {
		return connectedYet
	}
	if err := arm(ctx, t.listener.SetDeadline); err != nil {
		return err
	}
	conn, err := t.listener.AcceptTCP()
	if err != nil {
		return err
	}
	t.living = true
	t.begin("accepted", conn)
	return nil
}

// begin is where a connection stands.
func (t *tcpTalk) begin(as string, conn *net.TCPConn) {
	t.report.add(step{name: as, local: localOf(conn), remote: remoteOf(conn)})
	t.conn, t.halfClosed = conn, false
	t.guard(conn)
	if t.eager {
		t.in = eagerStream(conn)
	} else {
		t.in = lazyStream(conn)
	}
	if t.lastReceive < 0 {
		t.in.drop()
	}
}

// writing is how the octets of a send step are cut into writes.
type writing struct {
	payload recipe
	sizes   []int64
	gap     time.Duration
}

func (t *tcpTalk) prepareSend(s stepCommand) (deed, error) {
	payload, err := s.Payload.recipe()
	if err != nil {
		return nil, err
	}
	gap, err := limit("gap", s.Gap, 0)
	if err != nil {
		return nil, err
	}
	for _, size := range s.Writes {
		if size < 1 {
			return nil, badCommand("a write of %d octets is none", size)
		}
	}
	w := writing{payload, s.Writes, gap}
	return func(ctx context.Context) error { return t.send(ctx, w) }, nil
}

func (t *tcpTalk) send(ctx context.Context, w writing) error {
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
		return bufferSize
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

func (t *tcpTalk) halfClose(context.Context) error {
	if t.conn == nil {
		return notConnected
	}
	if err := t.conn.CloseWrite(); err != nil {
		return err
	}
	t.halfClosed = true
	t.report.add(step{name: "half-closed"})
	return nil
}

func (t *tcpTalk) close(context.Context) error {
	if t.conn == nil {
		return notConnected
	}
	err := t.leave()
	t.closed()
	return err
}

func (t *tcpTalk) reset(context.Context) error {
	if t.conn == nil {
		return notConnected
	}
	if err := t.conn.SetLinger(0); err != nil {
		return err
	}
	err := t.leave()
	t.report.add(step{name: "reset", by: "us"})
	t.closed()
	return err
}

// fail tells a connection that the other side has aborted from other errors.
// After our own half-close, EPIPE only says that we must not send any more;
// and reading ahead may have been told of the abort before the call that
// failed.
func (t *tcpTalk) fail(err error) failure {
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
func (t *tcpTalk) leave() error {
	conn := t.conn
	t.conn = nil
	t.in.drop()
	return conn.Close()
}

func (t *tcpTalk) hangUp() {
	if t.conn != nil {
		_ = t.leave()
	}
	t.closed()
	if t.listener != nil {
		_ = t.listener.Close()
	}
}
