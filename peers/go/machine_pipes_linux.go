// This file owns the streams that are made of pipes: FIFOs, which have names,
// and anonymous ones, which are handed over (fifo(7), pipe(7)).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// ends is a channel of two files, each of which has one direction. Either may
// be missing.
type ends struct{ in, out *os.File }

// newEnds takes descriptors; below 0: there is none. From here on they are
// waited for by the runtime's poller.
func newEnds(in, out int) *ends { return &ends{newEnd(in), newEnd(out)} }

func newEnd(fd int) *os.File {
	if fd < 0 {
		return nil
	}
	_ = syscall.SetNonblock(fd, true)
	return os.NewFile(uintptr(fd), "pipe")
}

func (e *ends) Read(into []byte) (int, error) {
	if e.in == nil {
		return 0, io.EOF
	}
	return e.in.Read(into)
}

func (e *ends) Write(octets []byte) (int, error) { return e.out.Write(octets) }

func (e *ends) CloseWrite() error { return e.out.Close() }

func (e *ends) Close() error {
	_ = e.out.Close() // after a half-close it is closed already
	if e.in == nil {
		return nil
	}
	return e.in.Close()
}

func (e *ends) SetDeadline(at time.Time) error {
	return errors.Join(e.SetReadDeadline(at), e.SetWriteDeadline(at))
}

func (e *ends) SetReadDeadline(at time.Time) error {
	if e.in == nil {
		return nil
	}
	return e.in.SetReadDeadline(at)
}

func (e *ends) SetWriteDeadline(at time.Time) error { return e.out.SetWriteDeadline(at) }

// fifoDoor is two FIFOs.
type fifoDoor struct {
	*conversation
	made []string
}

func newFIFOTalk(c *conversation, s *scriptCommand) (talk, error) {
	t := newLocalTalk(c, s)
	t.door = &fifoDoor{conversation: c}
	return t, nil
}

func (d *fifoDoor) up() string   { return d.name + ".up" }
func (d *fifoDoor) down() string { return d.name + ".down" }

func (d *fifoDoor) open() error {
	for _, path := range []string{d.up(), d.down()} {
		if err := syscall.Mkfifo(path, onlyOwner); err != nil {
			return os.NewSyscallError("mkfifo", err)
		}
		d.made = append(d.made, path)
	}
	d.createdHere()
	return nil
}

func (d *fifoDoor) accept(ctx context.Context) (channel, error) {
	in, err := openWaiting(ctx, d.up(), syscall.O_RDONLY)
	if err != nil {
		return nil, err
	}
	out, err := openWaiting(ctx, d.down(), syscall.O_WRONLY)
	if err != nil {
		_ = syscall.Close(in)
		return nil, err
	}
	return newEnds(in, out), nil
}

func (d *fifoDoor) connect(ctx context.Context) (channel, error) {
	d.createdHere()
	out, err := openWaiting(ctx, d.up(), syscall.O_WRONLY)
	if err != nil {
		return nil, err
	}
	in, err := openWaiting(ctx, d.down(), syscall.O_RDONLY)
	if err != nil {
		_ = syscall.Close(out)
		return nil, err
	}
	return newEnds(in, out), nil
}

func (d *fifoDoor) close() {
	for _, path := range d.made {
		_ = os.Remove(path) // the other side may have done it
	}
}

// openPath is O_PATH, which package syscall has for some machines only: it
// gets hold of what a name stands for, and opens nothing.
const openPath = 0x200000

// opened is what came of an open.
type opened struct {
	fd  int
	err error
}

// openWaiting opens a FIFO as a blocking open does: it returns when the other
// end is open, too. The wait is the system's, in a thread of its own. Where it
// must end early, both ends are opened from here, which nothing holds up; and
// by way of a descriptor, since the name may be gone by then.
func openWaiting(ctx context.Context, path string, flags int) (int, error) {
	handle, err := syscall.Open(path, openPath|syscall.O_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("open", err)
	}
	defer syscall.Close(handle)
	same := fmt.Sprintf("/proc/self/fd/%d", handle)
	wait := make(chan opened, 1)
	go func() { wait <- openUninterrupted(same, flags) }()
	select {
	case o := <-wait:
		return o.fd, os.NewSyscallError("open", o.err)
	case <-ctx.Done():
		wake(same, wait)
		return -1, ctx.Err()
	}
}

// openUninterrupted: the runtime's own signals may interrupt an open.
func openUninterrupted(path string, flags int) opened {
	for {
		fd, err := syscall.Open(path, flags|syscall.O_CLOEXEC, 0)
		if err != syscall.EINTR {
			return opened{fd, err}
		}
	}
}

// wake has a waiting open return, and closes what it opened.
func wake(path string, wait <-chan opened) {
	both, err := syscall.Open(path, syscall.O_RDWR|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	for err != nil { // too many files are open just now
		time.Sleep(lookAgain)
		both, err = syscall.Open(path, syscall.O_RDWR|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	}
	if o := <-wait; o.err == nil {
		_ = syscall.Close(o.fd)
	}
	_ = syscall.Close(both)
}

// pipeDoor is a listening socket over which pipes are handed.
type pipeDoor struct {
	unixDoor
	joined bool // one pipe, which both sides write into
}

func newPipeTalk(c *conversation, s *scriptCommand) (talk, error) {
	t := newLocalTalk(c, s)
	t.door = &pipeDoor{unixDoor{conversation: c, network: "unix"}, s.Joined}
	return t, nil
}

func (d *pipeDoor) accept(ctx context.Context) (channel, error) {
	conn, err := d.acceptUnix(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if d.joined {
		return handJoined(conn)
	}
	return handPair(conn)
}

// handPair makes a pipe each way. Only the ends that stay here are made
// non-blocking: how a process waits on its own is its own matter.
func handPair(conn *net.UnixConn) (channel, error) {
	var up, down [2]int
	if err := syscall.Pipe2(up[:], syscall.O_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	if err := syscall.Pipe2(down[:], syscall.O_CLOEXEC); err != nil {
		closeAll(up[:])
		return nil, os.NewSyscallError("pipe2", err)
	}
	err := hand(conn, down[0], up[1])
	closeAll([]int{down[0], up[1]})
	if err != nil {
		closeAll([]int{up[0], down[1]})
		return nil, err
	}
	return newEnds(up[0], down[1]), nil
}

// handJoined makes one pipe. Its writing end is opened a second time: a copy
// would share the client's blocking mode.
func handJoined(conn *net.UnixConn) (channel, error) {
	var up [2]int
	if err := syscall.Pipe2(up[:], syscall.O_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	own := openUninterrupted(fmt.Sprintf("/proc/self/fd/%d", up[1]), syscall.O_WRONLY)
	err := os.NewSyscallError("open", own.err)
	if err == nil {
		if err = hand(conn, up[1]); err != nil {
			_ = syscall.Close(own.fd)
		}
	}
	_ = syscall.Close(up[1])
	if err != nil {
		_ = syscall.Close(up[0])
		return nil, err
	}
	return newEnds(up[0], own.fd), nil
}

func hand(conn *net.UnixConn, descriptors ...int) error {
	_, _, err := conn.WriteMsgUnix([]byte{0}, syscall.UnixRights(descriptors...), nil)
	return err
}

// connect takes the ends that the server hands over.
func (d *pipeDoor) connect(ctx context.Context) (channel, error) {
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	d.guard(conn)
	if err := arm(ctx, conn.SetReadDeadline); err != nil {
		return nil, err
	}
	socket := unixChannel{UnixConn: conn}
	_, handed, err := socket.readRecord(make([]byte, 1))
	if err != nil {
		return nil, err
	}
	switch len(handed) {
	case 1:
		return newEnds(-1, handed[0]), nil
	case 2:
		return newEnds(handed[0], handed[1]), nil
	}
	closeAll(handed)
	return nil, notNow("the server passed neither one descriptor nor two")
}
