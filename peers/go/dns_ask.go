// This file owns asking by DNS with net.Resolver, Go's own: one question after
// the other, all of one server, and what the resolver shows of the answers.
package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
)

// dnsQuestion is one that was found to be in order.
type dnsQuestion func(ctx context.Context, r *net.Resolver) ([][]any, error)

// dnsLookups has every type that net.Resolver asks for by itself. The names
// have their last dot, so that no search list is used.
var dnsLookups = map[string]func(ctx context.Context, r *net.Resolver, name string) ([][]any, error){
	"A": func(ctx context.Context, r *net.Resolver, name string) ([][]any, error) {
		return lookupIP(ctx, r, "ip4", name)
	},
	"AAAA": func(ctx context.Context, r *net.Resolver, name string) ([][]any, error) {
		return lookupIP(ctx, r, "ip6", name)
	},
	"MX": func(ctx context.Context, r *net.Resolver, name string) ([][]any, error) {
		found, err := r.LookupMX(ctx, name)
		return eachOf(found, func(mx *net.MX) []any { return []any{mx.Pref, undotted(mx.Host)} }), err
	},
	"NS": func(ctx context.Context, r *net.Resolver, name string) ([][]any, error) {
		found, err := r.LookupNS(ctx, name)
		return eachOf(found, func(ns *net.NS) []any { return []any{undotted(ns.Host)} }), err
	},
	"SRV": func(ctx context.Context, r *net.Resolver, name string) ([][]any, error) {
		_, found, err := r.LookupSRV(ctx, "", "", name)
		return eachOf(found, func(s *net.SRV) []any { return []any{s.Priority, s.Weight, s.Port, undotted(s.Target)} }), err
	},
	"TXT": func(ctx context.Context, r *net.Resolver, name string) ([][]any, error) {
		found, err := r.LookupTXT(ctx, name)
		return eachOf(found, func(text string) []any { return []any{text} }), err
	},
	"PTR": func(ctx context.Context, r *net.Resolver, name string) ([][]any, error) {
		address, _ := reversed(name)
		found, err := r.LookupAddr(ctx, address.String())
		return eachOf(found, func(name string) []any { return []any{undotted(name)} }), err
	},
}

func lookupIP(ctx context.Context, r *net.Resolver, network, name string) ([][]any, error) {
	found, err := r.LookupNetIP(ctx, network, name)
	return eachOf(found, func(address netip.Addr) []any { return []any{address.Unmap().String()} }), err
}

// eachOf is never nil: no records are an empty list.
func eachOf[T any](found []T, data func(T) []any) [][]any {
	records := make([][]any, 0, len(found))
	for _, one := range found {
		records = append(records, data(one))
	}
	return records
}

func undotted(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(name, ".")
}

// Where the names of addresses are (RFC 1035, 3.5; RFC 3596, 2.5).
const (
	reverse4 = ".in-addr.arpa"
	reverse6 = ".ip6.arpa"
)

// reversed is the address that a name belongs to: net.Resolver asks for the
// names of addresses only by these.
func reversed(name string) (netip.Addr, bool) {
	name = strings.ToLower(undotted(name))
	four, is := strings.CutSuffix(name, reverse4)
	if is {
		address, err := netip.ParseAddr(strings.Join(backwards(strings.Split(four, ".")), "."))
		return address, err == nil && address.Is4()
	}
	digits := backwards(strings.Split(strings.TrimSuffix(name, reverse6), "."))
	if !strings.HasSuffix(name, reverse6) || len(digits) != 32 {
		return netip.Addr{}, false
	}
	text := strings.Join(digits, "")
	groups := make([]string, 0, 8)
	for ; len(text) >= 4; text = text[4:] {
		groups = append(groups, text[:4])
	}
	address, err := netip.ParseAddr(strings.Join(groups, ":"))
	return address, err == nil
}

func backwards(labels []string) []string {
	turned := make([]string, len(labels))
	for i, label := range labels {
		turned[len(labels)-1-i] = label
	}
	return turned
}

func (c *askCommand) askDNS(a *asking) (func(), error) {
	if c.Questions == nil {
		return nil, missing("questions")
	}
	questions := make([]dnsQuestion, 0, len(c.Questions))
	for _, command := range c.Questions {
		q, err := command.question()
		if err != nil {
			return nil, err
		}
		questions = append(questions, q)
	}
	return func() { a.resolve(questions) }, nil
}

func (c *dnsQuestionCommand) question() (dnsQuestion, error) {
	switch {
	case c.Name == nil:
		return nil, missing("name")
	case c.Type == nil:
		return nil, missing("type")
	}
	lookup, known := dnsLookups[*c.Type]
	if !known {
		return nil, unsupported("net.Resolver does not ask for records of the type %q alone", *c.Type)
	}
	if _, is := reversed(*c.Name); *c.Type == "PTR" && !is {
		return nil, unsupported("net.Resolver asks for PTR records of addresses only, and %q is the name of none", *c.Name)
	}
	name := undotted(*c.Name) + "."
	return func(ctx context.Context, r *net.Resolver) ([][]any, error) { return lookup(ctx, r, name) }, nil
}

// dnsServer is the way to the server, and what the resolver does not hand on
// of what happened there.
type dnsServer struct {
	*asking
	mu    sync.Mutex
	asked bool  // something was asked since the last question
	err   error // what the last socket call said
}

// dial ignores the servers that the system would ask.
func (s *dnsServer) dial(_ context.Context, network, _ string) (net.Conn, error) {
	s.mu.Lock()
	s.asked = true
	s.mu.Unlock()
	conn, err := s.open(strings.TrimRight(network, "46"), func(net.Conn) {})
	s.note(err)
	if udp, is := conn.(*net.UDPConn); is {
		return &dnsSocket{udp, s}, nil // as a packet connection, by which the resolver knows UDP
	}
	return conn, err
}

func (s *dnsServer) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// began says whether something was asked since it was called last.
func (s *dnsServer) began() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = false
	return asked
}

// dnsSocket takes down what a read says.
type dnsSocket struct {
	*net.UDPConn
	server *dnsServer
}

func (s *dnsSocket) Read(into []byte) (int, error) {
	n, err := s.UDPConn.Read(into)
	s.server.note(err)
	return n, err
}

// resolved is the rest of an `answer` step.
type resolved struct {
	Records [][]any `json:"records"`
	RCode   string  `json:"rcode,omitempty"`
}

func (a *asking) resolve(questions []dnsQuestion) {
	a.created()
	a.report.add(step{name: "created"})
	// The resolver does not look at its context while it reads.
	defer context.AfterFunc(a.ctx, a.shut)()
	server := &dnsServer{asking: a}
	resolver := &net.Resolver{PreferGo: true, Dial: server.dial}
	for at, ask := range questions {
		told, err := server.answer(ask(a.ctx, resolver))
		if err != nil {
			a.fail(at, err)
			return
		}
		a.report.add(step{name: "answer", members: told})
	}
}

// What net.Resolver says where an answer came that it does not like: it does
// not tell the codes of these apart.
const (
	misbehaving  = "server misbehaving"
	lameReferral = "lame referral"
)

var errNotAsked = errors.New("the resolver did not ask the server")

// answer tells an answer without records from no answer.
func (s *dnsServer) answer(records [][]any, err error) (told resolved, failed error) {
	asked, late := s.began(), s.ctx.Err()
	var said *net.DNSError
	switch {
	case late != nil:
		return told, late
	case !asked:
		return told, errNotAsked
	case len(records) > 0:
		return resolved{records, "NOERROR"}, nil // others it would not have shown
	case err == nil, errors.As(err, &said) && (said.IsNotFound || said.Err == misbehaving || said.Err == lameReferral):
		return resolved{Records: records}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		err = s.err
	}
	return told, err
}
