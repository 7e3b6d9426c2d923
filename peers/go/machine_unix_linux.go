// This file owns sockets of the Unix domain: their names, their connections,
// and what is passed over them besides octets (unix(7)).
package main

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// unixDoor is a listening socket, or the way to one. Package net takes a name
// that begins with @ for an abstract one.
type unixDoor struct {
	*conversation
	network  string // unix or unixpacket
	listener *net.UnixListener
}

func newUnixTalk(c *conversation, s *scriptCommand) (talk, error) {
	t := newLocalTalk(c, s)
	t.door = &unixDoor{conversation: c, network: "unix"}
	return t, nil
}

// onNew is for a socket that was made and has no name yet. Its mode then is
// the mode of the name to come, so that no other user ever can use it.
func onNew(created func()) func(string, string, syscall.RawConn) error {
	tell := onCreated(created)
	return func(network, address string, raw syscall.RawConn) error {
		if err := tell(network, address, raw); err != nil {
			return err
		}
		return onDescriptor(raw, func(fd int) error { return syscall.Fchmod(fd, onlyOwner) })
	}
}

func onDescriptor(raw syscall.RawConn, do func(fd int) error) error {
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = do(int(fd)) }); err != nil {
		return err
	}
	return failed
}

func (d *unixDoor) open() error {
	config := net.ListenConfig{Control: onNew(d.createdHere)}
	listener, err := config.Listen(context.Background(), d.network, d.name)
	if err != nil {
		return err
	}
	d.listener = listener.(*net.UnixListener) // its Close removes the name
	d.guard(d.listener)
	if d.backlog == 0 {
		return nil
	}
	raw, err := d.listener.SyscallConn()
	if err != nil {
		return err
	}
	backlog := int(min(d.backlog, math.MaxInt32))
	return onDescriptor(raw, func(fd int) error { return listenAgain(uintptr(fd), backlog) })
}

func (d *unixDoor) acceptUnix(ctx context.Context) (*net.UnixConn, error) {
	if err := arm(ctx, d.listener.SetDeadline); err != nil {
		return nil, err
	}
	return d.listener.AcceptUnix()
}

func (d *unixDoor) accept(ctx context.Context) (channel, error) {
	conn, err := d.acceptUnix(ctx)
	if err != nil {
		return nil, err
	}
	return &unixChannel{UnixConn: conn}, nil
}

// dial connects. While the listener's queue is full, the system says so
// instead of waiting.
func (d *unixDoor) dial(ctx context.Context) (conn *net.UnixConn, err error) {
	dialer := net.Dialer{Control: onCreated(d.createdHere)}
	err = until(ctx, func() (bool, error) {
		made, err := dialer.DialContext(ctx, d.network, d.name)
		if err == nil {
			conn = made.(*net.UnixConn)
		}
		if errors.Is(err, syscall.EAGAIN) {
			return false, nil
		}
		return true, err
	})
	return conn, err
}

func (d *unixDoor) connect(ctx context.Context) (channel, error) {
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	return &unixChannel{UnixConn: conn}, nil
}

func (d *unixDoor) close() {
	if d.listener != nil {
		_ = d.listener.Close()
	}
}

// credentialsOf are those of the other side of a connection.
func credentialsOf(conn any) (any, error) {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, err
	}
	var told credentialsMember
	return &told, onDescriptor(raw, func(fd int) error {
		found, err := syscall.GetsockoptUcred(fd, syscall.SOL_SOCKET, syscall.SO_PEERCRED)
		if err == nil {
			told.Credentials = credentials{int(found.Pid), int(found.Uid), int(found.Gid)}
		}
		return os.NewSyscallError("getsockopt", err)
	})
}

// unixChannel is a connection that also passes descriptors.
type unixChannel struct {
	*net.UnixConn
	pass int // goes out with the next octet; 0: none

	mu   sync.Mutex
	came []int // taken in, and not asked for yet
	over bool  // nobody will ask
}

// passedAtOnce is room for as many descriptors as one message is expected to
// bring; the system closes those above it.
const passedAtOnce = 16

// Read takes octets in, and what came with them.
func (u *unixChannel) Read(into []byte) (int, error) {
	n, passed, err := u.readRecord(into)
	u.keep(passed)
	return n, err
}

// readRecord sets right what package net tells otherwise here than of a Read:
// the end as io.EOF itself, and no octets when there was an error.
func (u *unixChannel) readRecord(into []byte) (n int, passed []int, err error) {
	var control [passedAtOnce*4 + 64]byte
	n, more, _, _, err := u.ReadMsgUnix(into, control[:])
	if errors.Is(err, io.EOF) {
		err = io.EOF
	}
	return max(n, 0), descriptorsIn(control[:max(more, 0)]), err
}

func descriptorsIn(control []byte) (found []int) {
	if len(control) == 0 {
		return nil
	}
	messages, _ := syscall.ParseSocketControlMessage(control)
	for i := range messages {
		passed, _ := syscall.ParseUnixRights(&messages[i]) // others hold no descriptors
		found = append(found, passed...)
	}
	return found
}

func (u *unixChannel) keep(passed []int) {
	if len(passed) == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.over {
		closeAll(passed)
		return
	}
	u.came = append(u.came, passed...)
}

func closeAll(descriptors []int) {
	for _, fd := range descriptors {
		_ = syscall.Close(fd)
	}
}

// passed is the first descriptor that came and was not asked for yet.
func (u *unixChannel) passed() (fd int, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.came) == 0 {
		return -1, false
	}
	fd, u.came = u.came[0], u.came[1:]
	return fd, true
}

// Write sends octets, and with the first of them what is to be passed.
func (u *unixChannel) Write(octets []byte) (int, error) {
	if u.pass == 0 {
		return u.UnixConn.Write(octets)
	}
	n, _, err := u.WriteMsgUnix(octets, syscall.UnixRights(u.pass), nil)
	u.pass = 0
	if err != nil || n == len(octets) {
		return n, err
	}
	rest, err := u.UnixConn.Write(octets[n:])
	return n + rest, err
}

func (u *unixChannel) Close() error {
	u.mu.Lock()
	u.over = true
	closeAll(u.came)
	u.came = nil
	u.mu.Unlock()
	return u.UnixConn.Close()
}

// largestPassed is how much a descriptor may hold: a pipe always has room for
// that, so that writing it does not wait for a reader.
const largestPassed = 4096

func (s *stepCommand) passedRecipe() (recipe, error) {
	var payload payloadCommand
	if err := decode(s.Descriptor, &payload); err != nil {
		return recipe{}, err
	}
	held, err := payload.recipe()
	if err == nil && held.length() > largestPassed {
		err = badCommand("a descriptor holds at most %d octets", largestPassed)
	}
	return held, err
}

// withDescriptor makes a descriptor that holds octets, for as long as do
// needs it.
func withDescriptor(held recipe, do func(fd int) error) error {
	var ends [2]int
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC); err != nil {
		return os.NewSyscallError("pipe2", err)
	}
	defer syscall.Close(ends[0])
	_, err := syscall.Write(ends[1], held.all())
	_ = syscall.Close(ends[1])
	if err != nil {
		return os.NewSyscallError("write", err)
	}
	return do(ends[0])
}

// descriptorMember is the rest of a `received` that a descriptor came with.
type descriptorMember struct {
	Descriptor struct {
		Octets int64  `json:"octets"`
		Digest string `json:"digest"`
	} `json:"descriptor"`
}

// readDescriptor reads a descriptor that came to its end, and closes it. It
// may be of any kind: what cannot be waited for is just read.
func (c *conversation) readDescriptor(ctx context.Context, fd int) (any, error) {
	_ = syscall.SetNonblock(fd, true)
	file := os.NewFile(uintptr(fd), "passed")
	defer file.Close()
	if file.SetReadDeadline(time.Time{}) == nil {
		c.guard(file)
		if err := arm(ctx, file.SetReadDeadline); err != nil {
			return nil, err
		}
	}
	var held tally
	if _, err := io.Copy(&held, file); err != nil {
		return nil, err
	}
	var told descriptorMember
	told.Descriptor.Octets, told.Descriptor.Digest = held.octets, string(held.appendDigest(nil))
	return &told, nil
}

func (t *localTalk) prepareDescriptor(s stepCommand) (deed, error) {
	switch *s.Do {
	case "send":
		return t.prepareSendDescriptor(s)
	case "receive":
		return t.prepareReceiveDescriptor(s)
	}
	return nil, badCommand("a step %q passes no descriptor", *s.Do)
}

func (t *localTalk) prepareSendDescriptor(s stepCommand) (deed, error) {
	held, err := s.passedRecipe()
	if err != nil {
		return nil, err
	}
	w, err := s.writing(t.atOnce)
	if err == nil && w.payload.length() == 0 {
		err = badCommand("a descriptor is passed with an octet, and there is none")
	}
	if err != nil {
		return nil, err
	}
	count, err := countOf(s)
	return func(ctx context.Context) error {
		for i := int64(0); i < count; i++ {
			if err := t.sendWith(ctx, held, w.later(i)); err != nil {
				return err
			}
		}
		return nil
	}, err
}

func (t *localTalk) sendWith(ctx context.Context, held recipe, w writing) error {
	if t.conn == nil {
		return notConnected
	}
	return withDescriptor(held, func(fd int) error {
		conn := t.conn.(*unixChannel)
		conn.pass = fd
		defer func() { conn.pass = 0 }()
		return t.send(ctx, w)
	})
}

// wantsDescriptor says whether a receive step asks for one.
func (s *stepCommand) wantsDescriptor() (bool, error) {
	switch strings.TrimSpace(string(s.Descriptor)) {
	case "true":
		return true, nil
	case "false", "null", "":
		return false, nil
	}
	return false, badCommand("the member \"descriptor\" of a receive is true")
}

func (t *localTalk) prepareReceiveDescriptor(s stepCommand) (deed, error) {
	wanted, err := s.wantsDescriptor()
	if err != nil {
		return nil, err
	}
	if !wanted {
		return t.prepareReceive(s)
	}
	return t.prepareReceiveWith(s, t.awaitDescriptor)
}

// awaitDescriptor waits until one has come, which may be with octets that are
// for later steps, and reads it.
func (t *localTalk) awaitDescriptor(ctx context.Context) (any, error) {
	for {
		if fd, ok := t.conn.(*unixChannel).passed(); ok {
			return t.readDescriptor(ctx, fd)
		}
		if err := t.in.more(ctx, bufferSize); err != nil {
			return nil, err
		}
	}
}
