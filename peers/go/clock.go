// This file owns the clock of every report. Its origin is the start of the
// process, and means nothing to anybody else.
package main

import "time"

var origin = time.Now()

// now is the monotonic time in microseconds.
func now() int64 { return time.Since(origin).Microseconds() }
