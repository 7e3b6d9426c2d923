// This file owns the receive steps of a stream: how much of it each of them
// takes, and what it reports. Reading is stream.go's.
package main

import (
	"bytes"
	"context"
	"io"
	"math"
	"time"
)

// goal says how many of the octets seen a receive step takes, after those it
// took before, and whether that is all it wants.
type goal func(seen []byte, before int64) (n int, done bool)

func exactly(wanted int64) goal {
	return func(seen []byte, before int64) (int, bool) {
		n := min(wanted-before, int64(len(seen)))
		return int(n), before+n == wanted
	}
}

func everything(seen []byte, _ int64) (int, bool) { return len(seen), false }

// through takes all up to and with the mark, and leaves what could be its
// beginning until more is seen.
func through(mark []byte) goal {
	return func(seen []byte, _ int64) (int, bool) {
		if at := bytes.Index(seen, mark); at >= 0 {
			return at + len(mark), true
		}
		return max(0, len(seen)-len(mark)+1), false
	}
}

// codeLength is how many octets the code of a reply has; the one behind it
// says whether more lines come (RFC 5321, 4.2.1).
const codeLength = 3

// reply takes one reply, of one line or of several.
func reply() goal {
	var line, code []byte // line: how the present one begins; code: of the first line of several
	return func(seen []byte, _ int64) (int, bool) {
		for i, octet := range seen {
			if len(line) <= codeLength {
				line = append(line, octet)
			}
			if octet != '\n' {
				continue
			}
			more := len(line) > codeLength && line[codeLength] == '-'
			switch {
			case code == nil && more:
				code = line[:codeLength]
			case code == nil, !more && bytes.HasPrefix(line, code):
				return i + 1, true
			}
			line = nil
		}
		return len(seen), false
	}
}

// reception is what a receive step wants.
type reception struct {
	want   goal
	atMost int64 // as many octets are all that it can take
	toEnd  bool  // the end is what it waits for
	keep   *int64
	// besides is for what has to come besides octets, and returns the members
	// that tell of it.
	besides func(context.Context) (any, error)
}

func (t *streamTalk) prepareReceive(s stepCommand) (deed, error) { return t.prepareReceiveWith(s, nil) }

func (t *streamTalk) prepareReceiveWith(s stepCommand, besides func(context.Context) (any, error)) (deed, error) {
	do, err := t.receiveDeed(s, besides)
	if t.prepared++; t.prepared == t.receives {
		do = t.thenDrop(do)
	}
	return do, err
}

// thenDrop is for the last receive: what comes later, nobody asks for.
func (t *streamTalk) thenDrop(do deed) deed {
	return func(ctx context.Context) error {
		err := do(ctx)
		if err == nil {
			t.in.drop()
		}
		return err
	}
}

func (t *streamTalk) receiveDeed(s stepCommand, besides func(context.Context) (any, error)) (deed, error) {
	if s.Keep != nil && *s.Keep < 0 {
		return nil, badCommand("the member \"keep\" is below 0")
	}
	if s.Quiet != nil && s.Octets == nil && s.Through == nil {
		d, err := milliseconds("quiet", s.Quiet)
		return func(ctx context.Context) error { return t.quiet(ctx, d, s.Keep) }, err
	}
	r, err := s.reception()
	r.keep, r.besides = s.Keep, besides
	return func(ctx context.Context) error { return t.receive(ctx, r) }, err
}

func (s *stepCommand) reception() (reception, error) {
	switch {
	case s.Octets != nil:
		n, err := whole("octets", s.Octets)
		return reception{want: exactly(n), atMost: n}, err
	case s.Through != nil:
		mark, err := unhex("through", *s.Through)
		if err == nil && len(mark) == 0 {
			err = badCommand("the member \"through\" is empty")
		}
		return reception{want: through(mark), atMost: math.MaxInt64}, err
	case s.Until == nil:
		return reception{}, badCommand("a receive needs octets, until, through or quiet")
	case *s.Until == "end":
		return reception{want: everything, atMost: math.MaxInt64, toEnd: true}, nil
	case *s.Until == "reply":
		return reception{want: reply(), atMost: math.MaxInt64}, nil
	}
	return reception{}, badCommand("until is \"end\" or \"reply\", not %q", *s.Until)
}

func (t *streamTalk) receive(ctx context.Context, r reception) error {
	if t.conn == nil {
		return notConnected
	}
	got := newKeeper(r.keep)
	err := t.take(ctx, r, got)
	if err != nil {
		t.takeSeen(got) // what could have been the beginning of the mark
	}
	ended := err == io.EOF
	if ended && r.toEnd {
		err = nil // it is no failure
	}
	var members any
	if err == nil && r.besides != nil {
		members, err = r.besides(ctx)
	}
	if err == nil || ended || got.octets > 0 {
		t.reportReceived(got, members)
	}
	if ended {
		t.report.add(step{name: "end"})
	}
	return err
}

func (t *streamTalk) take(ctx context.Context, r reception, got *keeper) error {
	for {
		seen := t.in.seen()
		n, done := r.want(seen, got.octets)
		_, _ = got.Write(seen[:n])
		t.in.consume(n)
		if done {
			return nil
		}
		if err := t.in.more(ctx, r.atMost-got.octets); err != nil {
			return err
		}
	}
}

func (t *streamTalk) takeSeen(got *keeper) {
	seen := t.in.seen()
	_, _ = got.Write(seen)
	t.in.consume(len(seen))
}

func (t *streamTalk) reportReceived(got *keeper, members any) {
	t.report.add(step{name: "received", count: &got.tally, kept: got.kept, members: members})
}

// quiet wants nothing to come: octets that were kept from earlier count as
// having come.
func (t *streamTalk) quiet(ctx context.Context, d time.Duration, keep *int64) error {
	if t.conn == nil {
		return notConnected
	}
	listening, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var err error
	if len(t.in.seen()) == 0 {
		err = t.in.more(listening, math.MaxInt64)
	}
	switch {
	case err == nil:
		got := newKeeper(keep)
		t.takeSeen(got)
		t.reportReceived(got, nil)
		return nil
	case kindOf(err) == "timeout" && ctx.Err() == nil:
		t.report.add(step{name: "quiet"})
		return nil
	}
	return err
}
