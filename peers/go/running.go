// This file owns what is in flight: which conversations and services there
// are, and how each is ended early. It knows nothing about what they do.
package main

import (
	"context"
	"sync"
	"time"
)

// running is every conversation and service that is in flight, by id.
type running struct {
	mu    sync.Mutex
	stops map[string]func()
	all   sync.WaitGroup
}

func newRunning() *running {
	return &running{stops: map[string]func(){}}
}

// start runs work by itself until it returns. stop, which may be called at
// any time and from anywhere, makes it return soon. It is false if the id is
// taken.
func (r *running) start(id string, stop, work func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, taken := r.stops[id]; taken {
		return false
	}
	r.stops[id] = stop
	r.all.Add(1)
	go func() {
		defer r.all.Done()
		defer r.forget(id)
		work()
	}()
	return true
}

func (r *running) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.stops, id)
}

// stop ends one. An id that is not there belongs to something that has
// already said its last word.
func (r *running) stop(id string) {
	r.mu.Lock()
	stop := r.stops[id]
	r.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// stopAll ends all, and waits until they have ended, for at most grace.
func (r *running) stopAll(grace time.Duration) {
	r.mu.Lock()
	for _, stop := range r.stops {
		go stop()
	}
	r.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		r.all.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(grace):
	}
}

// socket is what a halt needs of a connection, listener or UDP socket.
type socket interface{ SetDeadline(time.Time) error }

// halt is how a conversation is interrupted: ctx for what waits on channels,
// and the deadlines of its sockets for what is inside a socket call. ctx also
// carries the deadline of the whole conversation.
type halt struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	sockets []socket
}

func newHalt(deadline time.Duration) *halt {
	h := &halt{}
	h.ctx, h.cancel = context.WithTimeout(context.Background(), deadline)
	return h
}

// guard has the socket interrupted by a stop from now on.
func (h *halt) guard(s socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sockets = append(h.sockets, s)
}

// longAgo is a deadline that interrupts what is under way.
var longAgo = time.Unix(1, 0)

func (h *halt) stop() {
	h.cancel()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sockets {
		_ = s.SetDeadline(longAgo) // a socket that is closed needs no interruption
	}
}

// stopped tells an end that was asked for from one by the deadline.
func (h *halt) stopped() bool { return h.ctx.Err() == context.Canceled }

// arm gives the socket call that follows the deadline of ctx. It looks at ctx
// afterwards: a stop that it misses comes after the deadline was set, and
// overrides it.
func arm(ctx context.Context, set func(time.Time) error) error {
	deadline, _ := ctx.Deadline()
	if err := set(deadline); err != nil {
		return err
	}
	return ctx.Err()
}
