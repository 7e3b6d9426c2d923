// This file owns the reports: what a step looks like, and when the gathered
// steps of a conversation become a line. It knows nothing about sockets.
package main

import (
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

const (
	// holdTick is half of the longest time for which a step is held back to
	// be joined by others; the contract allows 50 ms in all.
	holdTick = 20 * time.Millisecond

	// fullLine is where the steps of a conversation go out without waiting
	// for more. A line is at most this and one more step, the largest of
	// which are bounded by keepLimit and headLimit to stay below 900 KiB.
	fullLine = 32 << 10
)

// step is one entry of a report. Members that a step does not have are zero.
type step struct {
	name          string
	local, remote netip.AddrPort
	count         *tally // octets and digest
	kept          []byte // the first octets, if they were asked for: not nil
	by            string
	members       any // of the rare kinds of step: a struct that becomes JSON
}

func (s *step) appendJSON(b []byte) []byte {
	b = append(b, `{"step":"`...)
	b = append(b, s.name...)
	b = append(b, `","t":`...)
	b = strconv.AppendInt(b, now(), 10)
	b = appendAddress(b, `,"local":`, s.local)
	b = appendAddress(b, `,"remote":`, s.remote)
	if s.count != nil {
		b = append(b, `,"octets":`...)
		b = strconv.AppendInt(b, s.count.octets, 10)
		b = append(b, `,"digest":"`...)
		b = s.count.appendDigest(b)
		b = append(b, '"')
	}
	if s.kept != nil {
		b = append(b, `,"hex":"`...)
		b = hex.AppendEncode(b, s.kept)
		b = append(b, '"')
	}
	if s.by != "" {
		b = append(b, `,"by":"`...)
		b = append(b, s.by...)
		b = append(b, '"')
	}
	if s.members != nil {
		b = append(b, ',')
		b = append(b, mustJSON(s.members)[1:]...)
		return b
	}
	return append(b, '}')
}

func appendAddress(b []byte, member string, a netip.AddrPort) []byte {
	if !a.IsValid() {
		return b
	}
	b = append(b, member...)
	b = append(b, `["`...)
	b = a.Addr().Unmap().AppendTo(b)
	b = append(b, `",`...)
	b = strconv.AppendUint(b, uint64(a.Port()), 10)
	return append(b, ']')
}

// mustJSON is for values of this program's own types, all of which can be
// written as JSON.
func mustJSON(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}

// reporter gathers the steps of one conversation, connection or service. A
// nil reporter is one that was told to keep quiet.
type reporter struct {
	out  *output
	hold *holder
	head []byte

	mu    sync.Mutex
	steps []byte
	held  bool
	done  bool
}

// newReporter speaks for a conversation, or with conn > 0 for a connection.
func newReporter(out *output, hold *holder, id string, conn int) *reporter {
	head := append(make([]byte, 0, 64), `{"event":"steps","id":`...)
	head = append(head, mustJSON(id)...)
	if conn > 0 {
		head = append(head, `,"conn":`...)
		head = strconv.AppendInt(head, int64(conn), 10)
	}
	head = append(head, `,"steps":[`...)
	return &reporter{out: out, hold: hold, head: head}
}

// connection is the reporter of a connection of this service.
func (r *reporter) connection(id string, conn int) *reporter {
	return newReporter(r.out, r.hold, id, conn)
}

// add reports that something happened just now. After the end of the
// conversation there is nothing more to say.
func (r *reporter) add(s step) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done {
		return
	}
	if r.steps == nil {
		r.steps = make([]byte, 0, 1024)
	}
	if len(r.steps) > 0 {
		r.steps = append(r.steps, ',')
	}
	r.steps = s.appendJSON(r.steps)
	if len(r.steps) >= fullLine {
		r.say("]}\n")
	} else if !r.held {
		r.held = true
		r.hold.add(r)
	}
}

// flush sends what was gathered.
func (r *reporter) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.steps) > 0 {
		r.say("]}\n")
	}
}

// release is flush, for a holder that lets go of the reporter.
func (r *reporter) release() {
	r.mu.Lock()
	r.held = false
	r.mu.Unlock()
	r.flush()
}

// finish sends what was gathered and says that it was the last.
func (r *reporter) finish() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done {
		return
	}
	r.done = true
	r.say("],\"done\":true}\n")
}

func (r *reporter) say(tail string) {
	r.out.line(r.head, r.steps, []byte(tail))
	r.steps = nil
}

// holder remembers who holds steps back, and has each of them flushed within
// two ticks. It rests while nobody does.
type holder struct {
	sweeping sync.Mutex // whoever holds it knows that no sweep is half-done

	mu    sync.Mutex
	young []*reporter
	old   []*reporter
	armed bool
}

func (h *holder) add(r *reporter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.young = append(h.young, r)
	if !h.armed {
		h.armed = true
		time.AfterFunc(holdTick, h.tick)
	}
}

// tick flushes those who have waited for a whole tick.
func (h *holder) tick() {
	h.sweeping.Lock()
	defer h.sweeping.Unlock()
	h.mu.Lock()
	due := h.old
	h.old, h.young = h.young, nil
	h.armed = len(h.old) > 0
	if h.armed {
		time.AfterFunc(holdTick, h.tick)
	}
	h.mu.Unlock()
	releaseAll(due)
}

// flush has everybody flushed, and returns when it is done.
func (h *holder) flush() {
	h.sweeping.Lock()
	defer h.sweeping.Unlock()
	h.mu.Lock()
	old, young := h.old, h.young
	h.old, h.young = nil, nil
	h.mu.Unlock()
	releaseAll(old)
	releaseAll(young)
}

func releaseAll(reporters []*reporter) {
	for _, r := range reporters {
		r.release()
	}
}
