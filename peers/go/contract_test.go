package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// event has the members that the tests look at.
type event struct {
	Event string
	ID    string
	Conn  int
	Fault string
	Done  bool
	Steps []struct {
		Step, Error, Digest, Hex string
		Octets                   int
		Local                    []any
	}
}

// harness drives a peer over its two ends.
type harness struct {
	*testing.T
	commands io.WriteCloser
	events   chan event
	ended    chan struct{}
}

func startPeer(t *testing.T) *harness {
	stdin, commands := io.Pipe()
	reports, stdout := io.Pipe()
	h := &harness{t, commands, make(chan event, 1000), make(chan struct{})}
	out := newOutput()
	go out.run(stdout)
	go func() {
		p := newPeer(out)
		p.greeted = true
		p.listen(stdin)
		p.conversations.stopAll(hangUpGrace)
		out.drain(drainGrace)
		stdout.Close()
		close(h.ended)
	}()
	go h.read(reports)
	t.Cleanup(h.end)
	return h
}

func (h *harness) read(reports io.Reader) {
	lines := bufio.NewReader(reports)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			h.Errorf("%v in %s", err, line)
		}
		h.events <- e
	}
}

// end closes standard input, and wants the peer to end in time.
func (h *harness) end() {
	h.commands.Close()
	select {
	case <-h.ended:
	case <-time.After(2 * time.Second):
		h.Error("the peer did not end within two seconds")
	}
}

func (h *harness) say(format string, args ...any) {
	fmt.Fprintf(h.commands, format+"\n", args...)
}

// next waits for the next event.
func (h *harness) next() event {
	h.Helper()
	select {
	case e := <-h.events:
		return e
	case <-time.After(5 * time.Second):
		h.Fatal("no event came")
		return event{}
	}
}

// story is what is told of an id and connection until it is done.
func (h *harness) story(id string, conn int) string {
	h.Helper()
	var words []string
	for {
		e := h.next()
		if e.ID != id || e.Conn != conn {
			continue
		}
		for _, s := range e.Steps {
			words = append(words, strings.TrimSpace(s.Step+" "+s.Error))
		}
		if e.Done {
			return strings.Join(words, ", ")
		}
	}
}

// stories are what is told of two ids from now on, until both are done.
func (h *harness) stories(one, other string) (string, string) {
	h.Helper()
	words, open := map[string][]string{}, 2
	for open > 0 {
		e := h.next()
		for _, s := range e.Steps {
			words[e.ID] = append(words[e.ID], strings.TrimSpace(s.Step+" "+s.Error))
		}
		if e.Done {
			open--
		}
	}
	return strings.Join(words[one], ", "), strings.Join(words[other], ", ")
}

// serve starts a service, and returns its port.
func (h *harness) serve(service, transport, more string) int {
	h.Helper()
	h.say(`{"do":"serve","id":"s","service":%q,"transport":%q,"address":"127.0.0.1","port":0%s}`, service, transport, more)
	for _, s := range h.next().Steps {
		if s.Step == "bound" {
			return int(s.Local[1].(float64))
		}
	}
	h.Fatal("the service is not bound")
	return 0
}

func (h *harness) expect(got, want string) {
	h.Helper()
	if got != want {
		h.Errorf("told:\n  %s\nnot:\n  %s", got, want)
	}
}

func TestHelloNamesAbilities(t *testing.T) {
	h := startPeer(t)
	h.say(`{"do":"hello","contract":7,"more":[]}`)
	h.expect(h.next().Event, "hello")
}

func TestBadCommandsAreAnsweredAndSurvived(t *testing.T) {
	h := startPeer(t)
	for line, want := range map[string]event{
		`{`:                                  {ID: "", Fault: "bad-command"},
		`[]`:                                 {ID: "", Fault: "bad-command"},
		"\xff":                               {ID: "", Fault: "bad-command"},
		strings.Repeat("x", lineLimit):       {ID: "", Fault: "bad-command"},
		`{"do":1,"id":"a"}`:                  {ID: "a", Fault: "bad-command"},
		`{"do":"dance","id":"a"}`:            {ID: "a", Fault: "unsupported"},
		`{"do":"serve","id":"a"}`:            {ID: "a", Fault: "bad-command"},
		`{"do":"serve","id":1}`:              {ID: "", Fault: "bad-command"},
		`{"do":"script","id":"a","steps":0}`: {ID: "a", Fault: "bad-command"},
	} {
		h.say("%s", line)
		if got := h.next(); got.Event != "error" || got.ID != want.ID || got.Fault != want.Fault {
			t.Errorf("%.40s is answered %+v", line, got)
		}
	}
}

func TestEchoIsToldByBothSides(t *testing.T) {
	h := startPeer(t)
	port := h.serve("echo", "tcp", "")
	h.say(`{"do":"script","id":"c","role":"client","transport":"tcp","address":"127.0.0.1","port":%d,"steps":[{"do":"connect"},`+
		`{"do":"send","payload":{"pattern":"random","size":1000000}},{"do":"half-close"},{"do":"receive","until":"end"}]}`, port)
	h.expect(h.story("c", 0), "created, connecting, connected, sent, half-closed, received, end, closed")
	h.say(`{"do":"stop","id":"s"}`)
	h.expect(h.story("s", 0), "closed")
}

func TestServiceTellsOfItsConnections(t *testing.T) {
	h := startPeer(t)
	port := h.serve("qotd", "tcp", "")
	h.say(`{"do":"script","id":"c","role":"client","transport":"tcp","address":"127.0.0.1","port":%d,"steps":[{"do":"connect"},`+
		`{"do":"receive","until":"end"},{"do":"close"}]}`, port)
	h.expect(h.story("s", 1), "accepted, sent, half-closed, received, end, closed")
}

func TestScriptsFailAtTheirStep(t *testing.T) {
	h := startPeer(t)
	port := h.serve("echo", "tcp", "")
	for steps, want := range map[string]string{
		`{"do":"receive","octets":1,"within":10}`:                              "timeout, closed",
		`{"do":"half-close"},{"do":"receive","octets":1}`:                      "half-closed, received, end, failed ended, closed",
		`{"do":"half-close"},{"do":"receive","quiet":1000}`:                    "half-closed, failed ended, closed",
		`{"do":"send","payload":{"text":"a"}},{"do":"receive","through":"62"}`: "sent, received, failed timeout, closed",
		`{"do":"receive","quiet":10},{"do":"reset"}`:                           "quiet, reset, closed",
	} {
		for _, reading := range []string{"eager", "lazy"} {
			id := fmt.Sprintf("%s, %s", strings.ReplaceAll(steps, `"`, ""), reading) // one may be in use for a moment after its last word
			h.say(`{"do":"script","id":%q,"role":"client","transport":"tcp","address":"127.0.0.1","port":%d,"reading":%q,"deadline":300,`+
				`"steps":[{"do":"connect"},%s]}`, id, port, reading, steps)
			if told := h.story(id, 0); !strings.HasSuffix(told, want) {
				t.Errorf("%s reading: %s\n  told: %s", reading, steps, told)
			}
		}
	}
}

func TestDatagramsAreCountedOneByOne(t *testing.T) {
	h := startPeer(t)
	port := h.serve("echo", "udp", "")
	h.say(`{"do":"script","id":"c","role":"client","transport":"udp","address":"127.0.0.1","port":%d,"steps":[`+
		`{"do":"send","payload":{"pattern":"constant","size":3},"count":2},{"do":"receive","count":2}]}`, port)
	h.expect(h.story("c", 0), "created, sent, bound, sent, received, received, closed")
}

func TestRequestsAreAnsweredFromTheSite(t *testing.T) {
	h := startPeer(t)
	port := h.serve("http", "tcp", `,"site":[{"path":"/m","method":"POST","status":200,"body":"request","coding":"chunked"}]`)
	h.say(`{"do":"ask","id":"c","service":"http","address":"127.0.0.1","port":%d,"requests":[`+
		`{"method":"POST","target":"/m","body":{"text":"abc"},"coding":"chunked"},{"method":"GET","target":"/m"}]}`, port)
	h.expect(h.story("c", 0), "connected, response, response, closed")
}

func TestStopEndsWhatWaits(t *testing.T) {
	h := startPeer(t)
	h.say(`{"do":"script","id":"c","role":"server","transport":"tcp","address":"127.0.0.1","port":0,"steps":[{"do":"accept"}]}`)
	h.next() // it listens
	h.say(`{"do":"stop","id":"c"}`)
	h.expect(h.story("c", 0), "closed")
}
