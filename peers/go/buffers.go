// This file owns the buffers that pass octets between a socket and the rest.
package main

import "sync"

// bufferSize is also the most that one write call is given unless a script
// says otherwise, and holds any datagram.
const bufferSize = 64 << 10

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func getBuffer() *[bufferSize]byte  { return buffers.Get().(*[bufferSize]byte) }
func putBuffer(b *[bufferSize]byte) { buffers.Put(b) }
