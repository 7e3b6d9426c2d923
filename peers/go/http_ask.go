// This file owns asking: requests, one after the other, on connections that
// belong to one conversation, and what is told of them. Which stack sends them
// stands in http_stack_*.go.
package main

import (
	"net"
	"net/netip"
	"strings"
	"sync"
)

type askCommand struct {
	endpoint
	Service  *string          `json:"service"`
	Requests []requestCommand `json:"requests"`
	Deadline *int64           `json:"deadline"`
}

type requestCommand struct {
	Method *string         `json:"method"`
	Target *string         `json:"target"`
	Fields fieldList       `json:"fields"`
	Body   *payloadCommand `json:"body"`
	Coding string          `json:"coding"`
	Keep   *int64          `json:"keep"`
}

// question is a request that was found to be in order.
type question struct {
	method, target string
	fields         fieldList
	body           *recipe
	chunked        bool
	keep           *int64
}

// httpClient is a stack that asks.
type httpClient interface {
	// exchange sends a request and reports its response. The error is that of
	// a request without a response, or of a deadline that leaves no time for
	// others.
	exchange(q question) error
	// early says whether the connection ended before there was a response.
	early(err error) bool
	// rest lets go of what the stack keeps open.
	rest()
}

// answered is the rest of a `response` step of an ask.
type answered struct {
	Status   int         `json:"status"`
	Reason   string      `json:"reason"`
	Version  string      `json:"version"`
	Fields   [][2]string `json:"fields"`
	Trailers [][2]string `json:"trailers,omitempty"`
	Complete bool        `json:"complete"`
}

func (p *peer) ask(id string, line []byte) error {
	var command askCommand
	if err := decode(line, &command); err != nil {
		return err
	}
	to, err := command.addrPort()
	switch {
	case err != nil:
		return err
	case command.Service == nil:
		return missing("service")
	case *command.Service != "http":
		return unsupported("there is no client for %q", *command.Service)
	case command.Requests == nil:
		return missing("requests")
	}
	questions, err := questionsOf(command.Requests)
	if err != nil {
		return err
	}
	deadline, err := limit("deadline", command.Deadline, defaultDeadline)
	if err != nil {
		return err
	}
	a := &asking{halt: newHalt(deadline), report: newReporter(p.out, p.hold, id, 0), to: to}
	a.client = newClient(a)
	return p.start(id, a.stop, func() { a.hold(questions) })
}

func questionsOf(commands []requestCommand) ([]question, error) {
	questions := make([]question, 0, len(commands))
	for _, command := range commands {
		q, err := command.question()
		if err != nil {
			return nil, err
		}
		questions = append(questions, q)
	}
	return questions, nil
}

func (c *requestCommand) question() (question, error) {
	switch {
	case c.Method == nil:
		return question{}, missing("method")
	case c.Target == nil:
		return question{}, missing("target")
	case *c.Target == "": // net/http would ask for / instead
		return question{}, badCommand("the target is empty")
	case c.Keep != nil && *c.Keep < 0:
		return question{}, badCommand("the member \"keep\" is below 0")
	}
	chunked, err := isChunked(c.Coding)
	if err != nil {
		return question{}, err
	}
	if err := checkTarget(*c.Target); err != nil {
		return question{}, err
	}
	q := question{method: *c.Method, target: *c.Target, fields: c.Fields, chunked: chunked, keep: c.Keep}
	if c.Body != nil {
		body, err := c.Body.recipe()
		if err != nil {
			return question{}, err
		}
		q.body = &body
	}
	return q, c.Fields.check()
}

// asking is one conversation: its own client, with its own connections.
type asking struct {
	*halt
	report *reporter
	to     netip.AddrPort
	client httpClient

	mu     sync.Mutex
	conns  []net.Conn // all that were opened
	dialed bool       // there was a socket
	over   bool       // and there shall be no further one
}

// dial reports every connection, those included that the client opens by
// itself because the server has closed an earlier one. A client may dial even
// when the conversation is over, which must not leave a socket behind.
func (a *asking) dial() (net.Conn, error) {
	conn, err := dial(a.ctx, "tcp", a.to, a.created)
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
	a.report.add(step{name: "connected", local: localOf(conn), remote: remoteOf(conn)})
	return conn, nil
}

func (a *asking) created() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dialed = true
}

func (a *asking) hold(questions []question) {
	defer a.report.finish()
	defer a.hangUp()
	for at, q := range questions {
		if err := a.client.exchange(q); err != nil {
			if !a.stopped() {
				a.fail(at, err)
			}
			return
		}
	}
}

func (a *asking) fail(at int, err error) {
	a.noteReset(err)
	failed := failureOf(at, err)
	if a.client.early(err) {
		failed.Error = "ended"
	}
	a.report.add(step{name: "failed", members: failed})
}

// answered reports a response, of which err is what its content ended with.
func (a *asking) answered(response answered, content *keeper, err error) error {
	if a.stopped() {
		return a.ctx.Err()
	}
	response.Complete = err == nil
	a.report.add(step{name: "response", count: &content.tally, kept: content.kept, members: response})
	a.noteReset(err)
	return a.ctx.Err()
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
	a.client.rest()
	a.shut()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dialed {
		a.report.add(step{name: "closed"})
	}
}

// authority is host and port, without the port where it is the default one,
// and never with a zone, which means nothing to the other side.
func authority(to netip.AddrPort) string {
	host := netip.AddrPortFrom(to.Addr().WithZone(""), to.Port()).String()
	return strings.TrimSuffix(host, ":80")
}
