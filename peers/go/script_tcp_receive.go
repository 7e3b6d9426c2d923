// This file owns the receive steps of a TCP script: how much of the stream
// each of them takes, and what it reports. Reading is stream.go's.
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

func (t *tcpTalk) prepareReceive(s stepCommand) (deed, error) {
	if s.Keep != nil && *s.Keep < 0 {
		return nil, badCommand("the member \"keep\" is below 0")
	}
	receive := func(want goal, atMost int64) deed {
		return func(ctx context.Context) error { return t.receive(ctx, want, atMost, s.Keep) }
	}
	switch {
	case s.Octets != nil:
		n, err := whole("octets", s.Octets)
		return receive(exactly(n), n), err
	case s.Through != nil:
		mark, err := unhex("through", *s.Through)
		if err == nil && len(mark) == 0 {
			err = badCommand("the member \"through\" is empty")
		}
		return receive(through(mark), math.MaxInt64), err
	case s.Quiet != nil:
		d, err := milliseconds("quiet", s.Quiet)
		return func(ctx context.Context) error { return t.quiet(ctx, d, s.Keep) }, err
	case s.Until == nil:
		return nil, badCommand("a receive needs octets, until, through or quiet")
	case *s.Until != "end":
		return nil, badCommand("until is \"end\", not %q", *s.Until)
	}
	return func(ctx context.Context) error { return t.receiveAll(ctx, s.Keep) }, nil
}

func (t *tcpTalk) receive(ctx context.Context, want goal, atMost int64, keep *int64) error {
	if t.conn == nil {
		return notConnected
	}
	got := newKeeper(keep)
	err := t.take(ctx, want, atMost, got)
	if err != nil {
		t.takeSeen(got) // what could have been the beginning of the mark
	}
	if err == nil || err == io.EOF || got.octets > 0 {
		t.reportReceived(got)
	}
	if err == io.EOF {
		t.report.add(step{name: "end"})
	}
	return err
}

// receiveAll is a receive for which the end is no failure.
func (t *tcpTalk) receiveAll(ctx context.Context, keep *int64) error {
	err := t.receive(ctx, everything, math.MaxInt64, keep)
	if err == io.EOF {
		return nil
	}
	return err
}

func (t *tcpTalk) take(ctx context.Context, want goal, atMost int64, got *keeper) error {
	for {
		seen := t.in.seen()
		n, done := want(seen, got.octets)
		_, _ = got.Write(seen[:n])
		t.in.consume(n)
		if done {
			return nil
		}
		if err := t.in.more(ctx, atMost-got.octets); err != nil {
			return err
		}
	}
}

func (t *tcpTalk) takeSeen(got *keeper) {
	seen := t.in.seen()
	_, _ = got.Write(seen)
	t.in.consume(len(seen))
}

func (t *tcpTalk) reportReceived(got *keeper) {
	t.report.add(step{name: "received", count: &got.tally, kept: got.kept})
}

// quiet wants nothing to come: octets that were kept from earlier count as
// having come.
func (t *tcpTalk) quiet(ctx context.Context, d time.Duration, keep *int64) error {
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
		t.reportReceived(got)
		return nil
	case kindOf(err) == "timeout" && ctx.Err() == nil:
		t.report.add(step{name: "quiet"})
		return nil
	}
	return err
}
