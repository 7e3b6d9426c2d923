// This file owns the rings in shared memory: how octets pass through them, and
// how each side waits for the other. It knows nothing of names and scripts.
package main

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// Where everything lies (machine.md): the words of a ring follow each other in
// ringStride steps, so that no two sides ever write to the same cache line.
const (
	capacityAt = 0
	arrivedAt  = 64
	writtenAt  = 128
	readAt     = 192
	noMoreAt   = 256
	goneAt     = 320
	ringStride = 256
	ringsAt    = 640
)

// memory is a mapped object. Whoever looks into it must hold it, so that it is
// not unmapped meanwhile.
type memory struct {
	octets []byte
	size   uint64 // of each ring
}

// load and store are atomic, and order what is around them as acquire and
// release do. The words are little-endian on every machine.
func (m *memory) load(at int) uint64 { return ordered(atomic.LoadUint64(m.word(at))) }

func (m *memory) store(at int, n uint64) { atomic.StoreUint64(m.word(at), ordered(n)) }

func (m *memory) word(at int) *uint64 { return (*uint64)(unsafe.Pointer(&m.octets[at])) }

// ordered turns a little-endian word into one of this machine, and back.
func ordered(n uint64) uint64 {
	var octets [8]byte
	binary.NativeEndian.PutUint64(octets[:], n)
	return binary.LittleEndian.Uint64(octets[:])
}

// ring is number r of the two.
func (m *memory) ring(r int) []byte {
	start := ringsAt + uint64(r)*m.size
	return m.octets[start : start+m.size]
}

// rings is a channel through shared memory. The system knows nothing of it, so
// that deadlines and the end of waiting are kept here.
type rings struct {
	in, out                 int // the numbers of the rings
	readUntil, writeUntil   atomic.Int64
	stoppedWriting, leaving atomic.Bool

	holding sync.RWMutex // held to write by who takes the memory away
	memory  *memory      // nil: closed
}

func newRings(m *memory, in, out int) *rings { return &rings{memory: m, in: in, out: out} }

var errRing = errors.New("the other side's numbers cannot be those of a ring")

// Read takes octets, and waits until there is one.
func (r *rings) Read(into []byte) (n int, err error) {
	err = r.look(&r.readUntil, func(m *memory) (done bool, err error) {
		n, done, err = m.take(r.in, into)
		return done, err
	})
	return n, err
}

// take moves octets out of a ring. It looks at noMore first: what was written
// before that is seen after it.
func (m *memory) take(r int, into []byte) (n int, done bool, err error) {
	noMore := m.load(noMoreAt+r*ringStride) != 0
	read := m.load(readAt + r*ringStride)
	there := m.load(writtenAt+r*ringStride) - read
	switch {
	case there > m.size:
		return 0, true, errRing
	case there == 0 && noMore:
		return 0, true, io.EOF
	case there == 0:
		return 0, len(into) == 0, nil
	}
	ring, start := m.ring(r), read%m.size
	into = into[:min(uint64(len(into)), there)]
	n = copy(into, ring[start:])
	n += copy(into[n:], ring)
	m.store(readAt+r*ringStride, read+uint64(n))
	return n, true, nil
}

// Write puts all octets into the ring, as room comes.
func (r *rings) Write(octets []byte) (n int, err error) {
	if r.stoppedWriting.Load() {
		return 0, os.ErrClosed
	}
	for n < len(octets) && err == nil {
		err = r.look(&r.writeUntil, func(m *memory) (bool, error) {
			put, err := m.put(r.out, octets[n:])
			n += put
			return put > 0, err
		})
	}
	return n, err
}

func (m *memory) put(r int, octets []byte) (int, error) {
	if m.load(goneAt+r*ringStride) != 0 {
		return 0, syscall.EPIPE
	}
	written := m.load(writtenAt + r*ringStride)
	held := written - m.load(readAt+r*ringStride)
	if held > m.size {
		return 0, errRing
	}
	ring, start := m.ring(r), written%m.size
	octets = octets[:min(uint64(len(octets)), m.size-held)]
	n := copy(ring[start:], octets)
	n += copy(ring, octets[n:])
	m.store(writtenAt+r*ringStride, written+uint64(n))
	return n, nil
}

// looksAtOnce is how often a side looks again before it begins to rest, which
// it does for longer and longer: a side that answers at once is not kept
// waiting, and one that is idle costs little.
const (
	looksAtOnce = 200
	firstRest   = 50 * time.Microsecond
)

// look looks into the memory until done is true, or fails, or time is up.
func (r *rings) look(until *atomic.Int64, done func(*memory) (bool, error)) error {
	rest := firstRest
	for looks := 0; ; looks++ {
		if at := until.Load(); at != 0 && time.Now().UnixNano() >= at {
			return os.ErrDeadlineExceeded
		}
		if ok, err := r.lookOnce(done); ok || err != nil {
			return err
		}
		if looks < looksAtOnce {
			runtime.Gosched()
			continue
		}
		time.Sleep(rest)
		rest = min(2*rest, lookAgain)
	}
}

func (r *rings) lookOnce(done func(*memory) (bool, error)) (bool, error) {
	r.holding.RLock()
	defer r.holding.RUnlock()
	if r.memory == nil || r.leaving.Load() {
		return true, net.ErrClosed
	}
	return done(r.memory)
}

func (r *rings) CloseWrite() error {
	r.stoppedWriting.Store(true)
	_, err := r.lookOnce(func(m *memory) (bool, error) {
		m.store(noMoreAt+r.out*ringStride, 1)
		return true, nil
	})
	return err
}

// Close tells the other side that this one neither writes nor reads any more.
func (r *rings) Close() error {
	r.leaving.Store(true) // so that nobody begins a further look meanwhile
	r.holding.Lock()
	defer r.holding.Unlock()
	m := r.memory
	if m == nil {
		return net.ErrClosed
	}
	r.memory = nil
	m.store(noMoreAt+r.out*ringStride, 1)
	m.store(goneAt+r.in*ringStride, 1)
	return os.NewSyscallError("munmap", syscall.Munmap(m.octets))
}

func (r *rings) SetReadDeadline(at time.Time) error  { return setUntil(&r.readUntil, at) }
func (r *rings) SetWriteDeadline(at time.Time) error { return setUntil(&r.writeUntil, at) }

func (r *rings) SetDeadline(at time.Time) error {
	return errors.Join(r.SetReadDeadline(at), r.SetWriteDeadline(at))
}

func setUntil(until *atomic.Int64, at time.Time) error {
	if at.IsZero() {
		until.Store(0)
	} else {
		until.Store(at.UnixNano())
	}
	return nil
}
