// This file owns asking: the frame of a conversation that a client stack
// holds, its connections, and its end. What is asked is the services' matter.
package main

import (
	"net"
	"net/netip"
	"slices"
	"sync"
)

type askCommand struct {
	endpoint
	Service   *string              `json:"service"`
	Deadline  *int64               `json:"deadline"`
	Requests  []requestCommand     `json:"requests"`
	Messages  []messageCommand     `json:"messages"`
	Questions []dnsQuestionCommand `json:"questions"`

	User       *string            `json:"user"`
	Password   *string            `json:"password"`
	Active     bool               `json:"active"`
	Operations []operationCommand `json:"operations"`
	Stream     *streamCommand     `json:"stream"`
}

// askers check what a command asks for, and return who asks it. Whoever that
// is returns when the conversation is over.
var askers = map[string]func(*askCommand, *asking) (func(), error){
	"http/tcp": (*askCommand).askHTTP,
	"smtp/tcp": (*askCommand).askSMTP,
	"dns/udp":  (*askCommand).askDNS,
}

// askTransports are those that the client of a service begins with.
var askTransports = map[string]string{"http": "tcp", "smtp": "tcp", "ftp": "tcp", "dns": "udp", "rtp": "udp"}

func (p *peer) ask(id string, line []byte) error {
	var command askCommand
	if err := decode(line, &command); err != nil {
		return err
	}
	to, err := command.addrPort()
	if err != nil {
		return err
	}
	prepare, err := command.asker()
	if err != nil {
		return err
	}
	deadline, err := limit("deadline", command.Deadline, defaultDeadline)
	if err != nil {
		return err
	}
	a := &asking{halt: newHalt(deadline), report: newReporter(p.out, p.hold, id, 0), to: to}
	work, err := prepare(&command, a)
	if err == nil {
		return p.start(id, a.stop, func() { a.hold(work) })
	}
	a.cancel()
	return err
}

func (c *askCommand) asker() (func(*askCommand, *asking) (func(), error), error) {
	if c.Service == nil {
		return nil, missing("service")
	}
	ability := *c.Service + "/" + askTransports[*c.Service]
	prepare, known := askers[ability]
	if !known {
		prepare, known = libraryAskers[ability]
	}
	if !known || only != nil && !slices.Contains(only, "ask "+ability) {
		return nil, unsupported("there is no client for %q", *c.Service)
	}
	return prepare, nil
}

// asking is one conversation: its own client, with its own connections.
type asking struct {
	*halt
	report *reporter
	to     netip.AddrPort
	client httpClient // of HTTP

	mu     sync.Mutex
	conns  []net.Conn // all that were opened
	dialed bool       // there was a socket
	over   bool       // and there shall be no further one
}

func (a *asking) hold(work func()) {
	defer a.report.finish()
	defer a.hangUp()
	work()
}

// dial reports every connection, those included that the client opens by
// itself because the server has closed an earlier one.
func (a *asking) dial() (net.Conn, error) {
	return a.open("tcp", func(conn net.Conn) {
		a.report.add(step{name: "connected", local: localOf(conn), remote: remoteOf(conn)})
	})
}

// open makes a socket to whom is asked.
func (a *asking) open(transport string, opened func(net.Conn)) (net.Conn, error) {
	return a.openTo(a.to, transport, a.created, opened)
}

// openTo makes a socket that is closed at the end. A client may want one even
// when the conversation is over, which must not leave a socket behind.
func (a *asking) openTo(to netip.AddrPort, transport string, created func(), opened func(net.Conn)) (net.Conn, error) {
	conn, err := dial(a.ctx, transport, to, created)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	a.conns = append(a.conns, conn)
	opened(conn)
	return conn, nil
}

func (a *asking) created() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dialed = true
}

// fail reports what the conversation ended with, unless it was stopped.
func (a *asking) fail(at int, err error) {
	if a.stopped() {
		return
	}
	a.noteReset(err)
	a.report.add(step{name: "failed", members: failureOf(at, err)})
}

func (a *asking) noteReset(err error) {
	if isReset(err) {
		a.report.add(step{name: "reset", by: "them"})
	}
}

// shut closes all connections, and lets no further one come.
func (a *asking) shut() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	for _, conn := range a.conns {
		_ = conn.Close() // the client has closed some of them
	}
}

func (a *asking) hangUp() {
	a.cancel()
	a.shut()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dialed {
		a.report.add(step{name: "closed"})
	}
}
