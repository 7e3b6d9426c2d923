//go:build !plain && !fasthttp

// This file owns the connections of a session that is asked for by FTP: where
// they go, and what jlaffaye/ftp does not show of the replies.
package main

import (
	"net"
	"net/netip"
	"strconv"
)

// ftpDialer makes the connections of one session; the control connection is
// the first.
type ftpDialer struct {
	asking  *asking
	control *ftpControl
}

func (d *ftpDialer) dial(_, address string) (net.Conn, error) {
	if d.control != nil {
		return d.data(address)
	}
	conn, err := d.asking.dial()
	if err != nil {
		return nil, err
	}
	d.control = &ftpControl{Conn: conn}
	return d.control, d.bound(conn)
}

// data goes to the address of the control connection: only its port is the
// server's to choose.
func (d *ftpDialer) data(address string) (net.Conn, error) {
	said, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	to := netip.AddrPortFrom(d.asking.to.Addr(), said.Port())
	conn, err := d.asking.openTo(to, "tcp", d.asking.created, func(net.Conn) {})
	if err != nil {
		return nil, err
	}
	return conn, d.bound(conn)
}

// bound has a connection last no longer than the conversation.
func (d *ftpDialer) bound(conn net.Conn) error {
	d.asking.guard(conn)
	return arm(d.asking.ctx, conn.SetDeadline)
}

// ftpControl is a control connection that hears the replies, too.
type ftpControl struct {
	net.Conn
	heard   ftpReplies
	leaving bool // QUIT is said next, and then the connection is closed
}

func (c *ftpControl) Read(into []byte) (int, error) {
	n, err := c.Conn.Read(into)
	c.heard.hear(into[:n])
	return n, err
}

// Close waits for the answer to QUIT, for which jlaffaye/ftp does not.
func (c *ftpControl) Close() error {
	if !c.leaving {
		return c.Conn.Close()
	}
	c.leaving = false
	var octets [512]byte
	for before := c.heard.count; c.heard.count == before; {
		if _, err := c.Read(octets[:]); err != nil {
			_ = c.Conn.Close()
			return err
		}
	}
	return c.Conn.Close()
}

// ftpReplies counts replies, and knows the code of the last (RFC 959, 4.2).
type ftpReplies struct {
	count int
	code  int
	begun string // the code of a reply of many lines that has not ended
	head  []byte // of the line that has not ended
}

const (
	ftpCodeDigits = 3
	ftpMore       = '-' // behind the code: further lines follow
)

func (r *ftpReplies) hear(octets []byte) {
	for _, octet := range octets {
		switch {
		case octet == '\n':
			r.line()
			r.head = r.head[:0]
		case len(r.head) <= ftpCodeDigits:
			r.head = append(r.head, octet)
		}
	}
}

func (r *ftpReplies) line() {
	if len(r.head) <= ftpCodeDigits {
		return
	}
	code, more := string(r.head[:ftpCodeDigits]), r.head[ftpCodeDigits] == ftpMore
	switch {
	case more && r.begun == "":
		r.begun = code
	case !more && (r.begun == "" || r.begun == code):
		r.begun = ""
		r.count++
		r.code, _ = strconv.Atoi(code) // what is no number is no reply, which the library tells
	}
}
