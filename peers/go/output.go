// This file owns standard output: whole lines, gathered into few writes. It
// knows nothing about what a line says.
package main

import (
	"io"
	"runtime"
	"sync"
	"time"
)

// roomyBatch is the size above which a written batch is given back to the
// collector instead of being kept for the next one.
const roomyBatch = 4 << 20

// output gathers lines while the writer is busy with earlier ones. It has no
// upper bound on purpose: a reader that is slow must never hold up a
// conversation, and what there is to say is bounded by what was commanded.
type output struct {
	wake    chan struct{}
	drained chan struct{}

	mu      sync.Mutex
	pending []byte
	ending  bool
}

func newOutput() *output {
	return &output{wake: make(chan struct{}, 1), drained: make(chan struct{})}
}

// line queues the line that the pieces make up; the last one ends with '\n'.
func (o *output) line(pieces ...[]byte) {
	o.mu.Lock()
	for _, piece := range pieces {
		o.pending = append(o.pending, piece...)
	}
	o.mu.Unlock()
	o.nudge()
}

func (o *output) nudge() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// run writes batches until drain has asked for the end and nothing is left.
func (o *output) run(w io.Writer) {
	var batch []byte
	for range o.wake {
		// Whoever is about to speak as well may do so now, into this batch.
		runtime.Gosched()
		var ending bool
		batch, ending = o.swap(batch)
		// An error means that nobody listens any more. Standard input will
		// say so too, and only that ends the peer.
		_, _ = w.Write(batch)
		if ending {
			close(o.drained)
			return
		}
		if cap(batch) > roomyBatch {
			batch = nil
		}
	}
}

func (o *output) swap(empty []byte) (batch []byte, ending bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	batch, o.pending = o.pending, empty[:0]
	return batch, o.ending
}

// drain lets the writer finish, for at most grace: a reader that does not
// read cannot keep the process alive.
func (o *output) drain(grace time.Duration) {
	o.mu.Lock()
	o.ending = true
	o.mu.Unlock()
	o.nudge()
	select {
	case <-o.drained:
	case <-time.After(grace):
	}
}
