// This file owns the message queues of POSIX, which the standard library does
// not have: their system calls, and scripts over two of them
// (mq_overview(7)).
package main

import (
	"context"
	"errors"
	"math"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// queueAttributes is struct mq_attr of the kernel.
type queueAttributes struct {
	flags, maxMessages, messageSize, messages int
	_                                         [4]int
}

const (
	defaultMessages    = 8
	defaultMessageSize = 1024
)

var haveQueues = sync.OnceValue(func() bool {
	// Any other answer says that the kernel knows the call.
	return queueUnlink("") != syscall.ENOSYS
})

// limitOfQueues is RLIMIT_MSGQUEUE, which bounds the octets in all queues of a
// user. Its usual 800 KiB are not enough for 128 conversations at once.
const limitOfQueues = 12

// raiseQueueLimit makes more room where this process may; where it may not,
// mq_open says so when there is none left.
var raiseQueueLimit = sync.OnceFunc(func() {
	var now syscall.Rlimit
	if syscall.Getrlimit(limitOfQueues, &now) != nil {
		return
	}
	unlimited := syscall.Rlimit{Cur: math.MaxUint64, Max: math.MaxUint64}
	if syscall.Setrlimit(limitOfQueues, &unlimited) != nil {
		_ = syscall.Setrlimit(limitOfQueues, &syscall.Rlimit{Cur: now.Max, Max: now.Max})
	}
})

// queue is one of the two. The runtime's poller waits for it, as it does for
// any descriptor.
type queue struct {
	*os.File
	size int // of a message
}

// queueName is a name as the kernel wants it: without the slash.
func queueName(name string) (*byte, error) {
	if !strings.HasPrefix(name, "/") {
		return nil, syscall.EINVAL
	}
	return syscall.BytePtrFromString(name[1:])
}

func openQueue(name string, flags int, attributes *queueAttributes) (*queue, error) {
	plain, err := queueName(name)
	if err != nil {
		return nil, os.NewSyscallError("mq_open", err)
	}
	fd, _, errno := syscall.Syscall6(syscall.SYS_MQ_OPEN, uintptr(unsafe.Pointer(plain)),
		uintptr(flags|syscall.O_NONBLOCK|syscall.O_CLOEXEC), onlyOwner, uintptr(unsafe.Pointer(attributes)), 0, 0)
	if errno != 0 {
		return nil, os.NewSyscallError("mq_open", errno)
	}
	q := &queue{File: os.NewFile(fd, name)}
	now, err := q.attributes()
	if err != nil {
		_ = q.Close()
		return nil, err
	}
	q.size = now.messageSize
	return q, nil
}

func queueUnlink(name string) syscall.Errno {
	plain, err := syscall.BytePtrFromString(strings.TrimPrefix(name, "/"))
	if err != nil {
		return syscall.EINVAL
	}
	_, _, errno := syscall.Syscall(syscall.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(plain)), 0, 0)
	return errno
}

// call makes a system call on the queue. With wait it is made again when the
// poller says so, for as long as it answers EAGAIN.
func (q *queue) call(raw func(func(uintptr) bool) error, wait bool, call func(fd uintptr) syscall.Errno) error {
	var errno syscall.Errno
	err := raw(func(fd uintptr) bool {
		for errno = syscall.EINTR; errno == syscall.EINTR; {
			errno = call(fd)
		}
		return errno != syscall.EAGAIN || !wait
	})
	if err == nil && errno != 0 {
		err = errno
	}
	return err
}

func (q *queue) attributes() (now queueAttributes, err error) {
	raw, err := q.SyscallConn()
	if err != nil {
		return now, err
	}
	return now, q.call(func(do func(uintptr) bool) error { return raw.Control(func(fd uintptr) { do(fd) }) }, false,
		func(fd uintptr) syscall.Errno {
			_, _, errno := syscall.Syscall(syscall.SYS_MQ_GETSETATTR, fd, 0, uintptr(unsafe.Pointer(&now)))
			return errno
		})
}

func (q *queue) send(message []byte, with sending) error {
	raw, err := q.SyscallConn()
	if err != nil {
		return err
	}
	return os.NewSyscallError("mq_send", q.call(raw.Write, !with.now, func(fd uintptr) syscall.Errno {
		_, _, errno := syscall.Syscall6(syscall.SYS_MQ_TIMEDSEND, fd, uintptr(unsafe.Pointer(unsafe.SliceData(message))),
			uintptr(len(message)), uintptr(with.priority), 0, 0)
		return errno
	}))
}

func (q *queue) receive(wait bool) (d datagram) {
	raw, err := q.SyscallConn()
	if err != nil {
		return datagram{err: err}
	}
	message := make([]byte, q.size)
	var octets uintptr
	d.err = os.NewSyscallError("mq_receive", q.call(raw.Read, wait, func(fd uintptr) (errno syscall.Errno) {
		octets, _, errno = syscall.Syscall6(syscall.SYS_MQ_TIMEDRECEIVE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(message))),
			uintptr(len(message)), uintptr(unsafe.Pointer(&d.priority)), 0, 0)
		return errno
	}))
	if d.err == nil {
		d.octets = message[:octets]
	}
	return d
}

// notAtOnce is what a step that is not to wait says: full, or empty.
type notAtOnce string

func (n notAtOnce) Error() string { return "the queue is " + string(n) }
func (n notAtOnce) Unwrap() error { return syscall.EAGAIN }

func (n notAtOnce) insteadOf(err error) error {
	if errors.Is(err, syscall.EAGAIN) {
		return n
	}
	return err
}

// queues are both directions of a script.
type queues struct{ in, out *queue }

func (q *queues) next() datagram { return q.in.receive(true) }

func (q *queues) takeNow() datagram {
	d := q.in.receive(false)
	d.err = notAtOnce("empty").insteadOf(d.err)
	return d
}

func (q *queues) put(octets []byte, with sending) error {
	return notAtOnce("full").insteadOf(q.out.send(octets, with))
}

// held is how many messages wait to be received.
func (q *queues) held() (int64, error) {
	now, err := q.in.attributes()
	return int64(now.messages), err
}

func (q *queues) CloseWrite() error { return q.out.Close() }

func (q *queues) Close() error { return errors.Join(q.in.Close(), q.out.Close()) }

func (q *queues) SetDeadline(at time.Time) error {
	return errors.Join(q.in.SetDeadline(at), q.out.SetDeadline(at))
}

func (q *queues) SetReadDeadline(at time.Time) error  { return q.in.SetDeadline(at) }
func (q *queues) SetWriteDeadline(at time.Time) error { return q.out.SetDeadline(at) }

// queueOffice is the names of two queues.
type queueOffice struct {
	*conversation
	room queueAttributes
	made []string
}

func newQueueTalk(c *conversation, s *scriptCommand) (talk, error) {
	o := &queueOffice{conversation: c, room: queueAttributes{maxMessages: defaultMessages, messageSize: defaultMessageSize}}
	for _, given := range []struct {
		member string
		is     *int64
		into   *int
	}{{"messages", s.Room.Messages, &o.room.maxMessages}, {"size", s.Room.Size, &o.room.messageSize}} {
		if given.is == nil {
			continue
		}
		if *given.is < 1 || *given.is > math.MaxInt32 {
			return nil, badCommand("the room for %d %s is none", *given.is, given.member)
		}
		*given.into = int(*given.is)
	}
	t := newRecordTalk(c, s)
	t.office = o
	return t, nil
}

func (o *queueOffice) up() string   { return o.name + "-up" }
func (o *queueOffice) down() string { return o.name + "-down" }

func (o *queueOffice) open() (post, error) {
	raiseQueueLimit()
	made, err := openQueues(
		func() (*queue, error) { return o.make(o.up(), syscall.O_RDONLY) },
		func() (*queue, error) { return o.make(o.down(), syscall.O_WRONLY) },
	)
	if err != nil {
		return nil, err
	}
	o.createdHere()
	return made, nil
}

func (o *queueOffice) make(name string, direction int) (*queue, error) {
	made, err := openQueue(name, direction|syscall.O_CREAT|syscall.O_EXCL, &o.room)
	if err == nil {
		o.made = append(o.made, name)
	}
	return made, err
}

// openQueues opens both, or neither.
func openQueues(in, out func() (*queue, error)) (*queues, error) {
	first, err := in()
	if err != nil {
		return nil, err
	}
	second, err := out()
	if err != nil {
		_ = first.Close()
		return nil, err
	}
	return &queues{first, second}, nil
}

func (o *queueOffice) accept(context.Context) (post, error) { return nil, noSocket }

func (o *queueOffice) connect(context.Context) (post, error) {
	o.createdHere()
	made, err := openQueues(
		func() (*queue, error) { return openQueue(o.down(), syscall.O_RDONLY, nil) },
		func() (*queue, error) { return openQueue(o.up(), syscall.O_WRONLY, nil) },
	)
	if err != nil {
		return nil, err
	}
	return made, nil
}

func (o *queueOffice) close() {
	for _, name := range o.made {
		_ = queueUnlink(name) // the other side may have done it
	}
}
