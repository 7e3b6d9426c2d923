// Command peer holds network conversations on command and reports what
// happened at its own socket interface.
//
// This file owns the life of the process: what it is started with and how it
// ends. It knows nothing about commands, which are contract.go's.
package main

import (
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

const (
	// collectorPercent trades memory, of which a peer uses little, for fewer
	// collections while thousands of short conversations pass through.
	collectorPercent = 400

	// hangUpGrace and drainGrace together stay within the two seconds that a
	// peer has to end by itself.
	hangUpGrace = time.Second
	drainGrace  = 500 * time.Millisecond
)

func main() {
	debug.SetGCPercent(collectorPercent)
	// A harness that went away must not kill the peer half-way through its
	// clean-up: without the signal, writing to it is an error like any other.
	signal.Ignore(syscall.SIGPIPE)

	out := newOutput()
	go out.run(os.Stdout)
	p := newPeer(out)
	p.listen(os.Stdin)
	p.conversations.stopAll(hangUpGrace)
	out.drain(drainGrace)
}
