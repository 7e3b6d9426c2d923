// This file owns the shared memory objects of POSIX: their names, their making
// and mapping. What passes through them is machine_ring_linux.go's.
package main

import (
	"context"
	"math"
	"os"
	"strings"
	"syscall"
)

// memoryFolder is where shm_open has the objects (shm_overview(7)).
const memoryFolder = "/dev/shm"

const (
	defaultRing = 65536
	largestRing = math.MaxInt32
)

// memoryDoor is a shared memory object.
type memoryDoor struct {
	*conversation
	size  uint64 // of each ring that a server makes
	made  bool
	rings *rings // of a server
}

func newMemoryTalk(c *conversation, s *scriptCommand) (talk, error) {
	size := int64(defaultRing)
	if s.Room.Octets != nil {
		size = *s.Room.Octets
	}
	if size < 1 || size > largestRing {
		return nil, badCommand("a ring of %d octets is none", size)
	}
	t := newLocalTalk(c, s)
	t.door, t.once = &memoryDoor{conversation: c, size: uint64(size)}, true
	return t, nil
}

// shmOpen is shm_open(3): package syscall has the files, not the names.
func shmOpen(name string, flags int) (int, error) {
	path, err := shmPath(name)
	if err != nil {
		return -1, err
	}
	fd, err := syscall.Open(path, flags|syscall.O_RDWR|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, onlyOwner)
	return fd, os.NewSyscallError("shm_open", err)
}

func shmPath(name string) (string, error) {
	plain := strings.TrimLeft(name, "/")
	if plain == "" || plain == "." || plain == ".." || strings.Contains(plain, "/") {
		return "", os.NewSyscallError("shm_open", syscall.EINVAL)
	}
	return memoryFolder + "/" + plain, nil
}

func (d *memoryDoor) open() error {
	fd, err := shmOpen(d.name, syscall.O_CREAT|syscall.O_EXCL)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	d.made = true
	d.createdHere()
	whole := ringsAt + 2*d.size
	if err := syscall.Ftruncate(fd, int64(whole)); err != nil {
		return os.NewSyscallError("ftruncate", err)
	}
	made, err := mapMemory(fd, whole)
	if err != nil {
		return err
	}
	made.size = d.size
	d.rings = newRings(made, 0, 1)
	made.store(capacityAt, d.size) // last of all: a client that sees it may begin
	return nil
}

func mapMemory(fd int, octets uint64) (*memory, error) {
	mapped, err := syscall.Mmap(fd, 0, int(octets), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	return &memory{octets: mapped}, os.NewSyscallError("mmap", err)
}

func (d *memoryDoor) accept(ctx context.Context) (channel, error) {
	return d.rings, until(ctx, func() (bool, error) {
		return d.rings.lookOnce(func(m *memory) (bool, error) { return m.load(arrivedAt) != 0, nil })
	})
}

func (d *memoryDoor) connect(ctx context.Context) (channel, error) {
	d.createdHere()
	fd, err := shmOpen(d.name, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	var laid *memory
	err = until(ctx, func() (ready bool, err error) {
		laid, err = laidOut(fd)
		return laid != nil, err
	})
	if err != nil {
		return nil, err
	}
	laid.store(arrivedAt, 1)
	return newRings(laid, 1, 0), nil
}

// laidOut is the server's memory as soon as it is laid out; nil: not yet.
func laidOut(fd int) (*memory, error) {
	var about syscall.Stat_t
	if err := syscall.Fstat(fd, &about); err != nil {
		return nil, os.NewSyscallError("fstat", err)
	}
	if about.Size < ringsAt {
		return nil, nil
	}
	m, err := mapMemory(fd, uint64(about.Size))
	if err != nil {
		return nil, err
	}
	m.size = m.load(capacityAt)
	if m.size > 0 && m.size <= largestRing && ringsAt+2*m.size <= uint64(about.Size) {
		return m, nil
	}
	return nil, os.NewSyscallError("munmap", syscall.Munmap(m.octets))
}

func (d *memoryDoor) close() {
	if d.rings != nil {
		_ = d.rings.Close() // a script that accepted has closed it already
	}
	if path, err := shmPath(d.name); err == nil && d.made {
		_ = os.Remove(path)
	}
}
