// This file owns the sockets of the Unix domain that keep records apart:
// SOCK_SEQPACKET, with connections, and SOCK_DGRAM, without (unix(7)).
package main

import (
	"context"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
)

// largestRecord is more than a socket of the Unix domain lets through, unless
// its buffers were made larger.
const largestRecord = 256 << 10

var recordBuffers = sync.Pool{New: func() any { return new([largestRecord]byte) }}

// packetDoor is where connections that keep records apart are made.
type packetDoor struct{ unixDoor }

func newSeqpacketTalk(c *conversation, s *scriptCommand) (talk, error) {
	t := newRecordTalk(c, s)
	t.office = &packetDoor{unixDoor{conversation: c, network: "unixpacket"}}
	return t, nil
}

func (d *packetDoor) open() (post, error) { return nil, d.unixDoor.open() }

func (d *packetDoor) accept(ctx context.Context) (post, error) {
	conn, err := d.acceptUnix(ctx)
	if err != nil {
		return nil, err
	}
	return &seqpacket{unixChannel{UnixConn: conn}}, nil
}

func (d *packetDoor) connect(ctx context.Context) (post, error) {
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	return &seqpacket{unixChannel{UnixConn: conn}}, nil
}

// seqpacket is such a connection.
type seqpacket struct{ unixChannel }

// next takes a record, with the descriptors that came with it. One without
// octets is the end: Linux does not tell them apart.
func (p *seqpacket) next() datagram {
	buffer := recordBuffers.Get().(*[largestRecord]byte)
	defer recordBuffers.Put(buffer)
	n, passed, err := p.readRecord(buffer[:])
	d := datagram{octets: append([]byte(nil), buffer[:n]...), err: err, passed: passed}
	if len(passed) > 0 {
		d.release = func() { closeAll(passed) }
	}
	return d
}

func (p *seqpacket) put(octets []byte, with sending) error {
	if with.descriptor == nil {
		_, err := p.UnixConn.Write(octets)
		return err
	}
	return withDescriptor(*with.descriptor, func(fd int) error {
		_, _, err := p.WriteMsgUnix(octets, syscall.UnixRights(fd), nil)
		return err
	})
}

// gramOffice is the name of a datagram socket, and that of a client's own.
type gramOffice struct {
	*conversation
	made string
}

func newUnixgramTalk(c *conversation, s *scriptCommand) (talk, error) {
	t := newRecordTalk(c, s)
	t.office = &gramOffice{conversation: c}
	return t, nil
}

// bind makes a socket with a name.
func (o *gramOffice) bind(name string) (*unixgram, error) {
	config := net.ListenConfig{Control: onNew(o.createdHere)}
	conn, err := config.ListenPacket(context.Background(), "unixgram", name)
	if err != nil {
		return nil, err
	}
	o.made = name
	return &unixgram{UnixConn: conn.(*net.UnixConn)}, nil
}

func (o *gramOffice) open() (post, error) {
	made, err := o.bind(o.name)
	if err != nil {
		return nil, err
	}
	return made, nil
}

func (o *gramOffice) accept(context.Context) (post, error) { return nil, noSocket }

// connect gives the socket a peer address behind the back of package net,
// which would not tell whether it was bind or connect that failed.
func (o *gramOffice) connect(ctx context.Context) (post, error) {
	made, err := o.bind(o.name + ".client")
	if err != nil {
		return nil, err
	}
	if err := made.connect(o.name); err != nil {
		_ = made.Close()
		return nil, err
	}
	made.client = true
	return made, nil
}

// close removes the name, of which the kernel keeps an abstract one itself.
func (o *gramOffice) close() {
	if o.made != "" && !strings.HasPrefix(o.made, "@") {
		_ = os.Remove(o.made)
	}
}

// unixgram is a datagram socket.
type unixgram struct {
	*net.UnixConn
	client bool
	to     net.Addr // of a server: whence the last datagram came
}

func (u *unixgram) connect(name string) error {
	raw, err := u.SyscallConn()
	if err != nil {
		return err
	}
	return onDescriptor(raw, func(fd int) error {
		return os.NewSyscallError("connect", syscall.Connect(fd, &syscall.SockaddrUnix{Name: name}))
	})
}

// next takes a datagram. One without octets is one, too.
func (u *unixgram) next() datagram {
	buffer := recordBuffers.Get().(*[largestRecord]byte)
	defer recordBuffers.Put(buffer)
	n, from, err := u.ReadFromUnix(buffer[:])
	d := datagram{octets: append([]byte(nil), buffer[:max(n, 0)]...), err: err}
	if !u.client && from != nil && from.Name != "" {
		d.sender = from
	}
	return d
}

func (u *unixgram) put(octets []byte, _ sending) (err error) {
	switch {
	case u.client:
		_, err = u.UnixConn.Write(octets)
	case u.to == nil:
		err = noSender
	default:
		_, err = u.WriteTo(octets, u.to)
	}
	return err
}
