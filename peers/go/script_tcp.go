// This file owns what a TCP script does that other streams do not: how a
// connection is made or accepted, and aborted. The rest is script_stream.go's.
package main

import (
	"context"
	"math"
	"net"
)

type tcpTalk struct {
	streamTalk
	listener *net.TCPListener
}

func newTCPTalk(c *conversation, s *scriptCommand) *tcpTalk {
	return &tcpTalk{streamTalk: streamTalk{conversation: c, receives: s.count("receive"), atOnce: bufferSize}}
}

func (t *tcpTalk) prepare(s stepCommand) (deed, error) {
	switch *s.Do {
	case "connect", "accept":
		return t.prepareOwn(*s.Do, t.connect, t.accept)
	case "reset":
		return t.reset, nil
	}
	if prepare, known := streamSteps[*s.Do]; known {
		return prepare(&t.streamTalk, s)
	}
	return nil, unsupported("there is no step %q for tcp", *s.Do)
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
	t.stand("connected", conn.(*net.TCPConn))
	return nil
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
	t.stand("accepted", conn)
	return nil
}

func (t *tcpTalk) stand(as string, conn *net.TCPConn) {
	t.begin(conn, step{name: as, local: localOf(conn), remote: remoteOf(conn)})
}

func (t *tcpTalk) reset(context.Context) error {
	if t.conn == nil {
		return notConnected
	}
	if err := t.conn.(*net.TCPConn).SetLinger(0); err != nil {
		return err
	}
	err := t.leave()
	t.report.add(step{name: "reset", by: "us"})
	t.closed()
	return err
}

func (t *tcpTalk) hangUp() {
	t.streamTalk.hangUp()
	if t.listener != nil {
		_ = t.listener.Close()
	}
}
