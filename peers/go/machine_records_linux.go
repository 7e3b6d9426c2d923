// This file owns the scripts over what keeps records apart on one machine: the
// steps, and what they report. How records pass is the matter of a post.
package main

import (
	"context"
	"errors"
	"io"
	"math"
	"syscall"
	"time"
)

// post is one end of what records pass through.
type post interface {
	datagrams
	socket
	// put sends one record.
	put(octets []byte, with sending) error
	// CloseWrite ends the sending direction, where there is one.
	CloseWrite() error
	SetWriteDeadline(time.Time) error
	Close() error
}

// sending is what a send step says of each of its records.
type sending struct {
	descriptor *recipe
	priority   uint32
	now        bool
}

// postOffice is where posts come from.
type postOffice interface {
	// open makes what a server's address names, and reports `created`. It
	// returns the post, unless that has to be accepted.
	open() (post, error)
	// accept and connect make a post.
	accept(ctx context.Context) (post, error)
	connect(ctx context.Context) (post, error)
	// close removes what was made.
	close()
}

// recordTalk is a script over such a post.
type recordTalk struct {
	*conversation
	transport string
	office    postOffice
	accepts   bool // it is a connection that has to be accepted, and has an end

	post       post
	in         *mailbox
	halfClosed bool
}

func newRecordTalk(c *conversation, s *scriptCommand) *recordTalk {
	return &recordTalk{conversation: c, transport: *s.Transport, accepts: *s.Transport == "unix-seqpacket"}
}

// recordSteps has the steps that there are for every kind.
var recordSteps = map[string]func(*recordTalk, stepCommand) (deed, error){
	"connect":    (*recordTalk).prepareOpening,
	"accept":     (*recordTalk).prepareOpening,
	"send":       (*recordTalk).prepareSend,
	"receive":    (*recordTalk).prepareReceive,
	"half-close": (*recordTalk).prepareHalfClose,
	"close":      func(t *recordTalk, _ stepCommand) (deed, error) { return t.close, nil },
	"wait":       (*recordTalk).prepareWait,
}

func (t *recordTalk) prepare(s stepCommand) (deed, error) {
	if err := s.refuseMembers(t.transport, t.accepts, t.transport == "message-queue"); err != nil {
		return nil, err
	}
	prepare, known := recordSteps[*s.Do]
	if !known {
		return nil, unsupported("there is no step %q for %s", *s.Do, t.transport)
	}
	return prepare(t, s)
}

func (t *recordTalk) open() error {
	if t.client {
		return nil
	}
	made, err := t.office.open()
	if err != nil {
		return err
	}
	if made != nil {
		t.begin(made)
	}
	t.boundHere(t.name, t.accepts)
	return nil
}

// begin is where there is a post.
func (t *recordTalk) begin(made post) {
	t.post, t.halfClosed = made, false
	t.guard(made)
	if t.eager && t.transport != "message-queue" {
		t.in = eagerMailbox(made, true)
	} else {
		t.in = lazyMailbox(made)
	}
}

func (t *recordTalk) prepareOpening(s stepCommand) (deed, error) {
	if *s.Do == "accept" && !t.accepts {
		return nil, unsupported("there is nothing to accept over %s", t.transport)
	}
	return t.prepareOwn(*s.Do, t.opening("connected", t.office.connect, s.Credentials), t.opening("accepted", t.office.accept, s.Credentials))
}

func (t *recordTalk) opening(as string, make func(context.Context) (post, error), credentials bool) deed {
	return func(ctx context.Context) error {
		if t.post != nil {
			return connectedYet
		}
		made, err := make(ctx)
		if err != nil {
			return err
		}
		stands := step{name: as}
		if credentials {
			stands.members, err = credentialsOf(made)
		}
		t.living = true
		t.report.add(stands)
		t.begin(made)
		return err
	}
}

func (t *recordTalk) prepareSend(s stepCommand) (deed, error) {
	with, err := s.sending()
	if err != nil {
		return nil, err
	}
	w, err := s.series()
	return func(ctx context.Context) error { return t.send(ctx, w, with) }, err
}

func (s *stepCommand) sending() (sending, error) {
	with := sending{now: s.Now}
	if s.Priority != nil {
		if *s.Priority < 0 || *s.Priority > math.MaxUint32 {
			return with, badCommand("the priority %d is none", *s.Priority)
		}
		with.priority = uint32(*s.Priority)
	}
	if s.Descriptor == nil {
		return with, nil
	}
	held, err := s.passedRecipe()
	with.descriptor = &held
	return with, err
}

func (t *recordTalk) send(ctx context.Context, w series, with sending) error {
	if t.post == nil {
		return noSocket
	}
	if err := arm(ctx, t.post.SetWriteDeadline); err != nil {
		return err
	}
	return w.each(ctx, func(payload recipe) error { return t.sendOne(payload, with) })
}

func (t *recordTalk) sendOne(payload recipe, with sending) error {
	octets := payload.all()
	if err := t.post.put(octets, with); err != nil {
		return err
	}
	var sent tally
	_, _ = sent.Write(octets)
	t.report.add(step{name: "sent", count: &sent})
	return nil
}

// collecting is what a receive step wants.
type collecting struct {
	count      int64
	keep       *int64
	descriptor bool
	now        bool
	toEnd      bool
}

func (t *recordTalk) prepareReceive(s stepCommand) (deed, error) {
	switch {
	case s.Octets != nil || s.Through != nil:
		return nil, badCommand("a record is received by count, or quiet")
	case s.Until != nil && *s.Until != "end":
		return nil, badCommand("until is \"end\", not %q", *s.Until)
	case s.Until != nil && !t.accepts:
		return nil, unsupported("there is no end over %s", t.transport)
	case s.Keep != nil && *s.Keep < 0:
		return nil, badCommand("the member \"keep\" is below 0")
	case s.Quiet != nil:
		d, err := milliseconds("quiet", s.Quiet)
		return func(ctx context.Context) error { return t.quiet(ctx, d, s.Keep) }, err
	}
	wanted, err := s.wantsDescriptor()
	if err != nil {
		return nil, err
	}
	count, err := countOf(s)
	c := collecting{count, s.Keep, wanted, s.Now, s.Until != nil}
	return func(ctx context.Context) error { return t.receive(ctx, c) }, err
}

func (t *recordTalk) receive(ctx context.Context, c collecting) error {
	if t.post == nil {
		return noSocket
	}
	for ; c.count > 0; c.count-- {
		d, err := t.next(ctx, c.now)
		if err == io.EOF {
			t.report.add(step{name: "end"})
		}
		if err != nil {
			return err
		}
		if err := t.received(ctx, d, c); err != nil {
			return err
		}
	}
	if c.toEnd {
		return t.receiveEnd(ctx, c.keep)
	}
	return nil
}

func (t *recordTalk) next(ctx context.Context, now bool) (datagram, error) {
	if !now {
		return t.in.next(ctx)
	}
	d := t.post.(*queues).takeNow()
	return d, d.err
}

const (
	noDescriptor = notNow("no descriptor came with the record")
	notEnded     = notNow("a record came where the end was expected")
)

func (t *recordTalk) receiveEnd(ctx context.Context, keep *int64) error {
	d, err := t.in.next(ctx)
	switch {
	case err == io.EOF:
		t.report.add(step{name: "end"})
		return nil
	case err == nil:
		err = t.received(ctx, d, collecting{keep: keep})
	}
	if err == nil {
		err = notEnded
	}
	return err
}

// priorityMember is the rest of a `received` of a message queue.
type priorityMember struct {
	Priority uint32 `json:"priority"`
}

// received reports a record. A descriptor that nobody asked for is closed.
func (t *recordTalk) received(ctx context.Context, d datagram, c collecting) (err error) {
	got := newKeeper(c.keep)
	_, _ = got.Write(d.octets)
	told := step{name: "received", count: &got.tally, kept: got.kept}
	switch {
	case t.transport == "message-queue":
		told.members = priorityMember{d.priority}
	case c.descriptor && len(d.passed) > 0:
		told.members, err = t.readDescriptor(ctx, d.passed[0])
		closeAll(d.passed[1:])
	case c.descriptor:
		err = noDescriptor
	default:
		closeAll(d.passed)
	}
	if d.sender != nil {
		t.post.(*unixgram).to = d.sender
	}
	t.report.add(told)
	return err
}

func (t *recordTalk) quiet(ctx context.Context, d time.Duration, keep *int64) error {
	if t.post == nil {
		return noSocket
	}
	listening, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	came, err := t.in.next(listening)
	switch {
	case err == nil:
		return t.received(ctx, came, collecting{keep: keep})
	case kindOf(err) == "timeout" && ctx.Err() == nil:
		t.report.add(step{name: "quiet"})
		return nil
	}
	return err
}

func (t *recordTalk) prepareHalfClose(stepCommand) (deed, error) {
	if !t.accepts {
		return nil, unsupported("there is no half-close over %s", t.transport)
	}
	return t.halfClose, nil
}

func (t *recordTalk) halfClose(context.Context) error {
	if t.post == nil {
		return noSocket
	}
	return t.shutDown(t.post, &t.halfClosed)
}

// prepareWait is also for waiting until as many messages are there.
func (t *recordTalk) prepareWait(s stepCommand) (deed, error) {
	if s.Messages == nil {
		return prepareWait(s)
	}
	n, err := whole("messages", s.Messages)
	return func(ctx context.Context) error {
		if t.post == nil {
			return noSocket
		}
		return until(ctx, func() (bool, error) {
			held, err := t.post.(*queues).held()
			return held >= n, err
		})
	}, err
}

func (t *recordTalk) close(context.Context) error {
	if t.post == nil {
		return noSocket
	}
	err := t.leave()
	t.closed()
	return err
}

func (t *recordTalk) leave() error {
	left := t.post
	t.post = nil
	err := left.Close()
	t.in.drop()
	return err
}

// fail tells what else there is to tell of an error, as for a stream.
func (t *recordTalk) fail(err error) failure {
	failed := localFailure(failureOf(-1, err), err)
	var now notAtOnce
	if errors.As(err, &now) {
		failed.Error = string(now)
	}
	if failed.Error != "reset" {
		return failed
	}
	if t.halfClosed && errors.Is(err, syscall.EPIPE) {
		failed.Error = "other"
		return failed
	}
	t.report.add(step{name: "reset", by: "them"})
	return failed
}

func (t *recordTalk) hangUp() {
	if t.post != nil {
		_ = t.leave()
	}
	t.closed()
	t.office.close()
}
