// This file owns the small services over TCP: echo, discard, chargen, qotd,
// daytime and time (RFC 862 to 865, 867, 868).
package main

import (
	"io"
	"net"
	"time"
)

// lingering is how long a server that closes first waits for the client's FIN.
const lingering = 5 * time.Second

// tcpServices holds a conversation each: they return when it is over, with
// the error that ended it. Closing is left to the caller.
var tcpServices = map[string]func(*link) error{
	"echo":    echoStream,
	"discard": (*link).readOut,
	"chargen": generateStream,
	"qotd":    func(l *link) error { return l.answer(quote()) },
	"daytime": func(l *link) error { return l.answer(daytime()) },
	"time":    func(l *link) error { return l.answer(secondsSince1900()) },
}

func (s *service) serveTCP(hold func(*link) error) error {
	listener, err := s.listen()
	if err != nil {
		return err
	}
	for {
		conn, report, err := s.accept(listener)
		if err != nil {
			_ = listener.Close()
			return nil
		}
		go func() {
			l := newLink(conn, report)
			l.end(hold(l))
			s.dismiss(conn, report)
		}()
	}
}

// link is a connection of a small service, with its two totals. One goroutine
// reads and one writes, which may be the same.
type link struct {
	*net.TCPConn
	report         *reporter
	received, sent tally
	over           struct{ receiving, sending bool } // the total was reported
}

func newLink(conn *net.TCPConn, report *reporter) *link {
	l := &link{TCPConn: conn, report: report}
	l.received.silent, l.sent.silent = report == nil, report == nil
	return l
}

// Read counts what comes, and reports the total at the client's FIN.
func (l *link) Read(into []byte) (int, error) {
	n, err := l.TCPConn.Read(into)
	_, _ = l.received.Write(into[:n])
	return n, err
}

func (l *link) Write(octets []byte) (int, error) {
	n, err := l.TCPConn.Write(octets)
	_, _ = l.sent.Write(octets[:n])
	return n, err
}

// receivingOver reports the total, and the FIN if that was the reason.
func (l *link) receivingOver(err error) {
	if l.over.receiving {
		return
	}
	l.over.receiving = true
	l.report.add(step{name: "received", count: &l.received})
	if err == io.EOF {
		l.report.add(step{name: "end"})
	}
}

func (l *link) sendingOver() {
	if l.over.sending {
		return
	}
	l.over.sending = true
	l.report.add(step{name: "sent", count: &l.sent})
}

// end reports what was not reported yet, and closes.
func (l *link) end(err error) {
	l.receivingOver(err)
	l.sendingOver()
	if isReset(err) {
		l.report.add(step{name: "reset", by: "them"})
	}
	_ = l.Close() // after a stop it is closed already
}

// echoStream sends each octet back until the client's FIN.
func echoStream(l *link) error {
	buffer := getBuffer()
	defer putBuffer(buffer)
	for {
		n, err := l.Read(buffer[:])
		if n > 0 {
			if _, err := l.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// readOut drops what comes until the client's FIN.
func (l *link) readOut() error {
	buffer := getBuffer()
	defer putBuffer(buffer)
	for {
		if _, err := l.Read(buffer[:]); err != nil {
			return err
		}
	}
}

// answer sends one text and ends: with a half-close, and then waiting for the
// client's FIN, so that no RST can overtake the answer.
func (l *link) answer(text []byte) error {
	if _, err := l.Write(text); err != nil {
		return err
	}
	l.sendingOver()
	if err := l.CloseWrite(); err != nil {
		return err
	}
	l.report.add(step{name: "half-closed"})
	if err := l.SetReadDeadline(time.Now().Add(lingering)); err != nil {
		return err
	}
	return l.readOut()
}

// generateStream sends without end until the client ends. The reader, which
// learns of that, interrupts the writer.
func generateStream(l *link) error {
	ended := make(chan error, 1)
	go func() {
		err := l.readOut()
		_ = l.SetWriteDeadline(longAgo)
		ended <- err
	}()
	var broken error
	for broken == nil {
		_, broken = l.Write(generated)
	}
	_ = l.SetReadDeadline(longAgo)
	err := <-ended
	if isReset(broken) {
		// The writer took the reset's error away: what the reader saw then looks like a FIN and is none.
		return broken
	}
	l.receivingOver(err)
	l.sendingOver()
	return err
}
