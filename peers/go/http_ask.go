// This file owns asking by HTTP: requests, one after the other, and what is
// told of them. Which stack sends them stands in http_stack_*.go.
package main

import (
	"net/netip"
	"strings"
)

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

// askHTTP holds the requests of a command.
func (c *askCommand) askHTTP(a *asking) (func(), error) {
	if c.Requests == nil {
		return nil, missing("requests")
	}
	questions, err := questionsOf(c.Requests)
	if err != nil {
		return nil, err
	}
	a.client = newClient(a)
	return func() { a.request(questions) }, nil
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

func (a *asking) request(questions []question) {
	defer a.client.rest()
	for at, q := range questions {
		if err := a.client.exchange(q); err != nil {
			if !a.stopped() {
				a.failRequest(at, err)
			}
			return
		}
	}
}

func (a *asking) failRequest(at int, err error) {
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

// authority is host and port, without the port where it is the default one,
// and never with a zone, which means nothing to the other side.
func authority(to netip.AddrPort) string {
	host := netip.AddrPortFrom(to.Addr().WithZone(""), to.Port()).String()
	return strings.TrimSuffix(host, ":80")
}
