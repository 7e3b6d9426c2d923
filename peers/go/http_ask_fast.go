//go:build fasthttp

// This file owns asking with fasthttp's client, on connections that belong to
// one conversation.
package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// fastAsking is one conversation: its own client, with its own connections.
type fastAsking struct {
	*halt
	report *reporter
	to     netip.AddrPort
	client *fasthttp.HostClient

	mu     sync.Mutex
	conns  []net.Conn // all that were opened
	dialed bool       // there was a socket
	over   bool       // and there shall be no further one
}

func newFastAsking(report *reporter, to netip.AddrPort, deadline time.Duration) *fastAsking {
	a := &fastAsking{halt: newHalt(deadline), report: report, to: to}
	a.client = &fasthttp.HostClient{
		Addr: to.String(), Dial: a.dial, MaxConns: 1,
		NoDefaultUserAgentHeader: true, DisableHeaderNamesNormalizing: true, DisablePathNormalizing: true,
		ReadBufferSize: headLimit, StreamResponseBody: true, MaxIdemponentCallAttempts: 1,
	}
	return a
}

// dial reports every connection, those included that the client opens by
// itself because the server has closed an earlier one.
func (a *fastAsking) dial(string) (net.Conn, error) {
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

func (a *fastAsking) created() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dialed = true
}

func (a *fastAsking) hold(questions []question) {
	defer a.report.finish()
	defer a.hangUp()
	// fasthttp knows no context: what it waits for ends with its connection.
	defer context.AfterFunc(a.ctx, a.shut)()
	for at, q := range questions {
		if err := a.exchange(q); err != nil {
			if !a.stopped() {
				a.fail(at, err)
			}
			return
		}
	}
}

func (a *fastAsking) fail(at int, err error) {
	if late := a.ctx.Err(); late != nil {
		err = late
	}
	if isReset(err) {
		a.report.add(step{name: "reset", by: "them"})
	}
	failed := failureOf(at, err)
	if errors.Is(err, fasthttp.ErrConnectionClosed) {
		failed.Error = "ended"
	}
	a.report.add(step{name: "failed", members: failed})
}

func (a *fastAsking) shut() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	for _, conn := range a.conns {
		_ = conn.Close() // the client has closed some of them
	}
}

func (a *fastAsking) hangUp() {
	a.cancel()
	a.shut()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dialed {
		a.report.add(step{name: "closed"})
	}
}

// exchange sends a request and reports its response. The error is that of a
// request without a response, or of a deadline that leaves no time for others.
func (a *fastAsking) exchange(q question) error {
	request, response := &fasthttp.Request{}, &fasthttp.Response{}
	q.fast(request, a.to)
	if err := a.client.Do(request, response); err != nil {
		return err
	}
	got := newKeeper(q.keep)
	err := drinkFast(response, got)
	if a.stopped() {
		return a.ctx.Err()
	}
	a.report.add(step{name: "response", count: &got.tally, kept: got.kept, members: answered{
		Status: response.StatusCode(), Reason: latin1(string(response.Header.StatusMessage())), Version: string(response.Header.Protocol()),
		Fields: fastFields(response.Header.All()), Complete: err == nil,
	}})
	if isReset(err) {
		a.report.add(step{name: "reset", by: "them"})
	}
	return a.ctx.Err()
}

func drinkFast(response *fasthttp.Response, into io.Writer) error {
	stream := response.BodyStream()
	if stream == nil {
		_, err := into.Write(response.Body())
		return err
	}
	_, err := io.Copy(into, stream)
	if closed := response.CloseBodyStream(); err == nil {
		err = closed
	}
	return err
}

// fast is the request as fasthttp has it.
func (q *question) fast(request *fasthttp.Request, to netip.AddrPort) {
	request.Header.DisableNormalizing()
	request.Header.SetNoDefaultContentType(true)
	request.Header.SetMethod(q.method)
	request.URI().DisablePathNormalizing = true
	request.SetRequestURI("http://" + authority(to) + q.target)
	for _, field := range q.fields {
		request.Header.Add(field[0], toLatin1(field[1]))
		if strings.EqualFold(field[0], "Host") {
			request.UseHostHeader = true
		}
	}
	switch {
	case q.body == nil:
	case q.chunked:
		request.SetBodyStream(q.body.open(), -1)
	default:
		request.SetBodyRaw(q.body.all())
	}
}
