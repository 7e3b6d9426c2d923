// This file owns the life of a service: its sockets from bind to stop, and the
// connections it has. What is said on them stands in serve_tcp.go,
// serve_udp.go and http_serve.go.
package main

import (
	"log"
	"net"
	"net/netip"
	"slices"
	"sort"
	"sync"
	"time"
)

type serveCommand struct {
	endpoint
	Service   *string           `json:"service"`
	Transport *string           `json:"transport"`
	Report    string            `json:"report"`
	Site      []resourceCommand `json:"site"`
	Zone      *zoneCommand      `json:"zone"`
	Files     []fileCommand     `json:"files"`
}

// service is one that is running.
type service struct {
	*halt
	life   // of the service itself
	id     string
	at     netip.AddrPort
	silent bool // tells nothing of its connections and datagrams

	mu     sync.Mutex
	ending bool
	conns  map[net.Conn]struct{}
	count  int
	busy   sync.WaitGroup // connections that are not reported to be done yet
}

// forever is the deadline of a service: it ends when it is stopped.
const forever = 100 * 365 * 24 * time.Hour

// serviceAbilities lists the services that there are, sorted.
func serviceAbilities() []string {
	can := []string{"serve http/tcp"}
	for name := range libraryServices {
		can = append(can, "serve "+name)
	}
	for name := range tcpServices {
		can = append(can, "serve "+name+"/tcp")
	}
	for name := range udpServices {
		can = append(can, "serve "+name+"/udp")
	}
	sort.Strings(can)
	return can
}

func (p *peer) serve(id string, line []byte) error {
	var command serveCommand
	if err := decode(line, &command); err != nil {
		return err
	}
	at, err := command.addrPort()
	if err != nil {
		return err
	}
	run, err := command.runner()
	if err != nil {
		return err
	}
	s := &service{
		halt: newHalt(forever), life: life{report: newReporter(p.out, p.hold, id, 0)}, id: id, at: at,
		silent: command.Report == "none", conns: map[net.Conn]struct{}{},
	}
	return p.start(id, s.stop, func() { s.live(run) })
}

// runner finds who carries the service out. It returns after a stop, with its
// own sockets closed, or with an error if it could not begin.
func (c *serveCommand) runner() (func(*service) error, error) {
	switch {
	case c.Service == nil:
		return nil, missing("service")
	case c.Transport == nil:
		return nil, missing("transport")
	case only != nil && !slices.Contains(only, "serve "+*c.Service+"/"+*c.Transport):
	case *c.Service == "http" && *c.Transport == "tcp":
		site, err := newSite(c.Site)
		return func(s *service) error { return s.serveSite(site) }, err
	case *c.Transport == "tcp" && tcpServices[*c.Service] != nil:
		return func(s *service) error { return s.serveTCP(tcpServices[*c.Service]) }, nil
	case *c.Transport == "udp" && udpServices[*c.Service] != nil:
		return func(s *service) error { return s.serveUDP(udpServices[*c.Service]) }, nil
	}
	if library := libraryServices[*c.Service+"/"+*c.Transport]; library != nil {
		return library(c)
	}
	return nil, unsupported("there is no service %q over %q", *c.Service, *c.Transport)
}

// live runs a service from beginning to end.
func (s *service) live(run func(*service) error) {
	defer s.cancel()
	err := run(s)
	s.busy.Wait()
	if err != nil {
		s.report.add(step{name: "failed", members: failureOf(-1, err)})
	}
	s.closed()
	s.report.finish()
}

// listen opens the listener of a TCP service.
func (s *service) listen() (*net.TCPListener, error) {
	listener, err := listenTCP(s.at, 0, s.report, s.created)
	if err != nil {
		return nil, err
	}
	s.guard(listener)
	s.report.flush()
	return listener, nil
}

// acceptRest is how long to wait when accept fails for want of descriptors or
// memory.
const acceptRest = 5 * time.Millisecond

// accept waits for the next connection. It fails only when the service is
// stopped.
func (s *service) accept(listener *net.TCPListener) (*net.TCPConn, *reporter, error) {
	for !s.stopped() {
		conn, err := listener.AcceptTCP()
		if err == nil {
			return conn, s.admit(conn), nil
		}
		if !s.stopped() {
			log.Printf("service %s: %v", s.id, err)
			time.Sleep(acceptRest)
		}
	}
	return nil, nil, net.ErrClosed
}

// admit numbers a connection, and has a stop close it.
func (s *service) admit(conn *net.TCPConn) *reporter {
	s.mu.Lock()
	s.count++
	number := s.count
	s.conns[conn] = struct{}{}
	ending := s.ending
	s.busy.Add(1)
	s.mu.Unlock()
	var report *reporter
	if !s.silent {
		report = s.report.connection(s.id, number)
		report.add(step{name: "accepted", local: localOf(conn), remote: remoteOf(conn)})
	}
	if ending {
		_ = conn.Close() // the stop came too early to see it
	}
	return report
}

// dismiss ends the account of a connection that was closed.
func (s *service) dismiss(conn *net.TCPConn, report *reporter) {
	report.add(step{name: "closed"})
	report.finish()
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
	s.busy.Done()
}

// stop interrupts accepting and reading datagrams, and closes all connections.
func (s *service) stop() {
	s.halt.stop()
	s.mu.Lock()
	s.ending = true
	open := make([]net.Conn, 0, len(s.conns))
	for conn := range s.conns {
		open = append(open, conn)
	}
	s.mu.Unlock()
	for _, conn := range open {
		_ = conn.Close() // it may have closed by itself just now
	}
}
