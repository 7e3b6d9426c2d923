// This file owns asking: requests through net/http's client transport, on
// connections that belong to one conversation. It reads nothing of an answer
// that the transport does not hand over.
package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"
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

// asker holds a conversation with some stack.
type asker interface {
	hold(questions []question)
	stop()
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

// continueWait is how long content is held back that was announced with
// Expect: 100-continue; it is net/http's own default.
const continueWait = time.Second

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
	a := newAsker(newReporter(p.out, p.hold, id, 0), to, deadline)
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

// asking is one conversation: its own transport, with its own connections.
type asking struct {
	*halt
	report    *reporter
	to        netip.AddrPort
	transport *http.Transport

	mu     sync.Mutex
	conns  []net.Conn // all that were opened
	dialed bool       // there was a socket
	over   bool       // and there shall be no further one
}

func newAsking(report *reporter, to netip.AddrPort, deadline time.Duration) *asking {
	a := &asking{halt: newHalt(deadline), report: report, to: to}
	a.transport = &http.Transport{
		DialContext:            a.dial,
		DisableCompression:     true,
		MaxConnsPerHost:        1,
		ExpectContinueTimeout:  continueWait,
		MaxResponseHeaderBytes: headLimit,
	}
	return a
}

// dial reports every connection, those included that the transport opens by
// itself because the server has closed an earlier one. The transport's own
// context may outlive the conversation, which must not leave a socket behind.
func (a *asking) dial(context.Context, string, string) (net.Conn, error) {
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
		if err := a.exchange(q); err != nil {
			if !a.stopped() {
				a.fail(at, err)
			}
			return
		}
	}
}

func (a *asking) fail(at int, err error) {
	if isReset(err) {
		a.report.add(step{name: "reset", by: "them"})
	}
	failed := failureOf(at, err)
	if failed.Says == "http: server closed idle connection" { // net/http does not export this error
		failed.Error = "ended"
	}
	a.report.add(step{name: "failed", members: failed})
}

func (a *asking) hangUp() {
	a.cancel()
	a.transport.CloseIdleConnections()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	for _, conn := range a.conns {
		_ = conn.Close() // the transport has closed some of them
	}
	if a.dialed {
		a.report.add(step{name: "closed"})
	}
}

// exchange sends a request and reports its response. The error is that of a
// request without a response, or of a deadline that leaves no time for others.
func (a *asking) exchange(q question) error {
	request, err := q.request(a.ctx, a.to)
	if err != nil {
		return err
	}
	response, err := a.transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	got := newKeeper(q.keep)
	err = drink(response, got)
	if a.stopped() {
		return a.ctx.Err()
	}
	a.report.add(step{name: "response", count: &got.tally, kept: got.kept, members: answered{
		Status: response.StatusCode, Reason: reasonOf(response), Version: response.Proto,
		Fields: reportedFields(response.Header), Trailers: reportedFields(response.Trailer), Complete: err == nil,
	}})
	if isReset(err) {
		a.report.add(step{name: "reset", by: "them"})
	}
	return a.ctx.Err()
}

// drink reads the content. After 101 the connection is no longer HTTP, and
// what comes on it is no content.
func drink(response *http.Response, into io.Writer) error {
	if response.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	_, err := io.Copy(into, response.Body)
	return err
}

// reasonOf is what net/http leaves of the status line after the code.
func reasonOf(response *http.Response) string {
	_, reason, _ := strings.Cut(response.Status, " ")
	return latin1(reason)
}

func (q *question) request(ctx context.Context, to netip.AddrPort) (*http.Request, error) {
	request := (&http.Request{
		Method: q.method,
		URL:    targetURL(q.target, to),
		Header: http.Header{},
	}).WithContext(ctx)
	addFields(request.Header, q.fields)
	// net/http has these at other places than the other fields.
	request.Host = request.Header.Get("Host")
	request.Header.Del("Host")
	if q.body != nil {
		q.setBody(request, q.body.length())
	}
	return request, nil
}

// setBody leaves GetBody out, so that net/http cannot send content twice.
func (q *question) setBody(request *http.Request, length int64) {
	request.Body = io.NopCloser(q.body.open())
	switch {
	case q.chunked:
		request.ContentLength = -1
		request.TransferEncoding = []string{"chunked"}
	case length == 0:
		request.Body = http.NoBody
		request.TransferEncoding = []string{"identity"} // has it say Content-Length: 0
	default:
		request.ContentLength = length
	}
}

// targetURL has net/http send the target exactly as it is. An opaque URL does
// that, except that one beginning with // would become an absolute-form.
func targetURL(target string, to netip.AddrPort) *url.URL {
	u := &url.URL{Scheme: "http", Host: authority(to), Opaque: target}
	if !strings.HasPrefix(target, "//") {
		return u
	}
	path, query, asked := strings.Cut(target, "?")
	if plain, err := url.PathUnescape(path); err == nil {
		u.Opaque, u.Path, u.RawPath = "", plain, path
		u.RawQuery, u.ForceQuery = query, asked
	}
	return u
}

// authority is host and port, without the port where it is the default one,
// and never with a zone, which means nothing to the other side.
func authority(to netip.AddrPort) string {
	host := netip.AddrPortFrom(to.Addr().WithZone(""), to.Port()).String()
	return strings.TrimSuffix(host, ":80")
}
