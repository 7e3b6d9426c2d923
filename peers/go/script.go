// This file owns the frame of a script: which steps there are, in what order
// they run, and how a conversation ends. What a step does stands in
// script_*.go, and for what connects processes of one machine in machine_*.go.
package main

import (
	"context"
	"encoding/json"
	"net/netip"
	"time"
)

type scriptCommand struct {
	endpoint
	Role      *string       `json:"role"`
	Transport *string       `json:"transport"`
	Steps     []stepCommand `json:"steps"`
	Reading   *string       `json:"reading"`
	Deadline  *int64        `json:"deadline"`
	Backlog   *int64        `json:"backlog"`
	Room      roomCommand   `json:"room"`
	Joined    bool          `json:"joined"`

	// Those of multicast.
	Interface *string `json:"interface"`
	Local     *string `json:"local"`
	Source    *string `json:"source"`
	Hops      *int64  `json:"hops"`
}

// roomCommand is how much fits into what a server makes.
type roomCommand struct {
	Octets   *int64 `json:"octets"`
	Messages *int64 `json:"messages"`
	Size     *int64 `json:"size"`
}

// stepCommand has the members of all kinds of step.
type stepCommand struct {
	Do      *string         `json:"do"`
	Within  *int64          `json:"within"`
	Payload *payloadCommand `json:"payload"`
	Writes  []int64         `json:"writes"`
	Gap     *int64          `json:"gap"`
	Count   *int64          `json:"count"`
	Octets  *int64          `json:"octets"`
	Until   *string         `json:"until"`
	Through *string         `json:"through"`
	Quiet   *int64          `json:"quiet"`
	Keep    *int64          `json:"keep"`
	Ms      *int64          `json:"ms"`

	// Those of one machine.
	Descriptor  json.RawMessage `json:"descriptor"` // a payload, or true
	Credentials bool            `json:"credentials"`
	Priority    *int64          `json:"priority"`
	Now         bool            `json:"now"`
	Messages    *int64          `json:"messages"`
	Signal      json.RawMessage `json:"signal"` // a name, or several
	Signals     []string        `json:"signals"`
	Value       *int64          `json:"value"`
}

// deed carries one step out. It returns when the step is done, or cannot be
// done, or ctx ends.
type deed func(ctx context.Context) error

// action is a step that was found to be in order.
type action struct {
	do     deed
	within time.Duration // below 0: as long as the conversation may last
}

// talk is a conversation at the socket interface, of any transport.
type talk interface {
	// prepare checks a step, and makes a deed of it.
	prepare(s stepCommand) (deed, error)
	// open does what comes before the first step.
	open() error
	// fail tells what is to be told of an error besides `failed`, and may
	// put it into better words.
	fail(err error) failure
	// hangUp closes what is open.
	hangUp()
}

// conversation is what scripts of all transports have in common.
type conversation struct {
	*halt
	life
	peer    netip.AddrPort // of the command: to bind as a server, to talk to as a client
	name    string         // the same, for what connects processes of one machine
	backlog int64          // of a server's listener; 0: not said
	client  bool
	eager   bool
}

func (p *peer) script(id string, line []byte) error {
	var command scriptCommand
	if err := decode(line, &command); err != nil {
		return err
	}
	if only != nil {
		return unsupported("there are no scripts here")
	}
	c, err := command.conversation(p, id)
	if err != nil {
		return err
	}
	t, err := command.talk(c)
	if err == nil {
		var actions []action
		if actions, err = command.actions(t); err == nil {
			return p.start(id, c.stop, func() { c.hold(t, actions) })
		}
	}
	c.cancel()
	return err
}

func (s *scriptCommand) conversation(p *peer, id string) (*conversation, error) {
	deadline, err := limit("deadline", s.Deadline, defaultDeadline)
	if err != nil {
		return nil, err
	}
	eager := s.Reading == nil || *s.Reading == "eager"
	if !eager && *s.Reading != "lazy" {
		return nil, badCommand("reading is \"eager\" or \"lazy\", not %q", *s.Reading)
	}
	var backlog int64
	if s.Backlog != nil {
		if backlog, err = whole("backlog", s.Backlog); err != nil {
			return nil, err
		}
	}
	report := newReporter(p.out, p.hold, id, 0)
	return &conversation{halt: newHalt(deadline), life: life{report: report}, backlog: backlog, eager: eager}, nil
}

func (s *scriptCommand) talk(c *conversation) (talk, error) {
	switch {
	case s.Role == nil:
		return nil, missing("role")
	case s.Transport == nil:
		return nil, missing("transport")
	case s.Steps == nil:
		return nil, missing("steps")
	case *s.Role != "client" && *s.Role != "server":
		return nil, unsupported("there is no role %q", *s.Role)
	}
	c.client = *s.Role == "client"
	switch *s.Transport {
	case "tcp", "udp":
		to, err := s.addrPort()
		c.peer = to
		return s.inetTalk(c), err
	}
	if library := libraryTalks[*s.Transport]; library != nil {
		return library(c, s)
	}
	return s.machineTalk(c)
}

func (s *scriptCommand) inetTalk(c *conversation) talk {
	if *s.Transport == "tcp" {
		return newTCPTalk(c, s)
	}
	return &udpTalk{conversation: c, connects: s.count("connect") > 0}
}

// count is how many steps of a kind there are.
func (s *scriptCommand) count(do string) (n int) {
	for _, step := range s.Steps {
		if step.Do != nil && *step.Do == do {
			n++
		}
	}
	return n
}

func (s *scriptCommand) actions(t talk) ([]action, error) {
	actions := make([]action, 0, len(s.Steps))
	for _, command := range s.Steps {
		if command.Do == nil {
			return nil, missing("do")
		}
		within, err := limit("within", command.Within, -1)
		if err != nil {
			return nil, err
		}
		do, err := t.prepare(command)
		if err != nil {
			return nil, err
		}
		actions = append(actions, action{do, within})
	}
	return actions, nil
}

// hold runs a conversation from beginning to end.
func (c *conversation) hold(t talk, actions []action) {
	defer c.cancel()
	defer c.report.finish()
	defer t.hangUp()
	if at, err := c.run(t, actions); err != nil && !c.stopped() {
		failed := t.fail(err)
		failed.At = at
		c.report.add(step{name: "failed", members: failed})
	}
}

func (c *conversation) run(t talk, actions []action) (at int, err error) {
	if err := t.open(); err != nil {
		return -1, err
	}
	for at, a := range actions {
		if err := a.run(c.ctx); err != nil {
			return at, err
		}
	}
	return 0, nil
}

func (a action) run(ctx context.Context) error {
	if a.within >= 0 {
		bounded, cancel := context.WithTimeout(ctx, a.within)
		defer cancel()
		ctx = bounded
	}
	return a.do(ctx)
}

// pause is the step `wait`, and the gap between two writes.
func pause(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func prepareWait(s stepCommand) (deed, error) {
	ms, err := milliseconds("ms", s.Ms)
	return func(ctx context.Context) error { return pause(ctx, ms) }, err
}
