//go:build !plain && !fasthttp

// This file owns asking by FTP with jlaffaye/ftp's client: one session, the
// operations one after the other, and what is told of them.
package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/textproto"
	"strconv"

	"github.com/jlaffaye/ftp"
)

// The codes of replies that decide here (RFC 959, 4.2.2).
const (
	ftpWell       = 200
	ftpTransfered = ftp.StatusClosingDataConnection
	ftpGoingDown  = ftp.StatusNotAvailable
)

// operation is one that was found to be in order.
type operation struct {
	op, name, to string
	ascii        bool
	offset       uint64
	content      []byte
	do           func(*ftpSession, operation) (did, error)
}

// did is the rest of a `did` step.
type did struct {
	Op      string   `json:"op"`
	Status  int      `json:"status"`
	Names   []string `json:"names,omitempty"`
	Entries [][3]any `json:"entries,omitempty"`
	Size    *int64   `json:"size,omitempty"`
	Name    string   `json:"name,omitempty"`

	count *tally
}

var ftpOperations = map[string]func(*ftpSession, operation) (did, error){
	"retrieve": (*ftpSession).retrieve,
	"store":    (*ftpSession).store,
	"append":   (*ftpSession).store,
	"names":    (*ftpSession).names,
	"entries":  (*ftpSession).entries,
	"size":     (*ftpSession).size,
	"rename":   func(s *ftpSession, o operation) (did, error) { return did{}, s.Rename(o.name, o.to) },
	"delete":   func(s *ftpSession, o operation) (did, error) { return did{}, s.Delete(o.name) },
	"make":     func(s *ftpSession, o operation) (did, error) { return did{}, s.MakeDir(o.name) },
	"remove":   func(s *ftpSession, o operation) (did, error) { return did{}, s.RemoveDir(o.name) },
	"enter":    func(s *ftpSession, o operation) (did, error) { return did{}, s.ChangeDir(o.name) },
	"where": func(s *ftpSession, _ operation) (did, error) {
		name, err := s.CurrentDir()
		return did{Name: name}, err
	},
}

func (c *askCommand) askFTP(a *asking) (func(), error) {
	switch {
	case c.User == nil:
		return nil, missing("user")
	case c.Password == nil:
		return nil, missing("password")
	case c.Operations == nil:
		return nil, missing("operations")
	case c.Active:
		return nil, unsupported("jlaffaye/ftp makes all data connections itself: it has no PORT and no EPRT")
	}
	operations := make([]operation, 0, len(c.Operations))
	for _, command := range c.Operations {
		o, err := command.operation()
		if err != nil {
			return nil, err
		}
		operations = append(operations, o)
	}
	return func() {
		if at, err := a.files(*c.User, *c.Password, operations); err != nil {
			a.fail(at, err)
		}
	}, nil
}

func (c *operationCommand) operation() (operation, error) {
	if c.Op == nil {
		return operation{}, missing("op")
	}
	do := ftpOperations[*c.Op]
	if do == nil {
		return operation{}, unsupported("there is no operation %q here", *c.Op)
	}
	o := operation{op: *c.Op, ascii: c.Type == "ascii", offset: c.Offset, do: do}
	if c.Name != nil {
		o.name = *c.Name
	}
	if c.To != nil {
		o.to = *c.To
	}
	if c.Content != nil {
		content, err := c.Content.recipe()
		if err != nil {
			return operation{}, err
		}
		o.content = content.all()
	}
	return o, nil
}

// ftpSession is jlaffaye's client.
type ftpSession struct {
	*ftp.ServerConn
	set ftp.TransferType
}

// files holds the session. The number is that of the operation that an error
// belongs to, -1 before the first.
func (a *asking) files(user, password string, operations []operation) (at int, err error) {
	session, status, err := a.beginFTP(user, password)
	if err != nil {
		return -1, err
	}
	if status != ftpWell {
		a.reportDid(operations[0], did{Status: status})
		return 0, nil
	}
	for at, o := range operations {
		done, err := o.do(session, o)
		refused := statusOfFTP(err)
		switch {
		case err != nil && refused == 0:
			return at, err
		case refused != 0:
			done = did{Status: refused}
		case done.Status == 0:
			done.Status = ftpWell
		}
		a.reportDid(o, done)
		if refused == ftpGoingDown {
			return at, nil
		}
	}
	return len(operations) - 1, session.Quit()
}

// beginFTP connects and logs in. The status is that of what refused the
// session; ftpWell where nothing did.
func (a *asking) beginFTP(user, password string) (*ftpSession, int, error) {
	control := true
	dial := func(network, address string) (net.Conn, error) {
		if control {
			control = false
			conn, err := a.dial()
			if err == nil {
				a.guard(conn)
				err = arm(a.ctx, conn.SetDeadline)
			}
			return conn, err
		}
		var dialer net.Dialer
		conn, err := dialer.DialContext(a.ctx, network, address)
		if err == nil {
			a.guard(conn)
			err = arm(a.ctx, conn.SetDeadline)
		}
		return conn, err
	}
	var replies lastReply
	conn, err := ftp.Dial(a.to.String(), ftp.DialWithDialFunc(dial), ftp.DialWithDebugOutput(&replies))
	if err == nil {
		err = conn.Login(user, password)
	}
	refused := statusOfFTP(err)
	if err != nil && refused == 0 && replies.code >= 400 {
		refused = replies.code // of a refusal of USER the library shows only the words
	}
	if refused != 0 {
		return nil, refused, nil
	}
	return &ftpSession{ServerConn: conn, set: ftp.TransferTypeBinary}, ftpWell, err
}

// lastReply is shown all that passes the control connection, and keeps the
// code of the last reply.
type lastReply struct{ code int }

func (l *lastReply) Write(octets []byte) (int, error) {
	for _, line := range bytes.Split(octets, []byte("\n")) {
		if len(line) > 3 && line[3] == ' ' {
			if code, err := strconv.Atoi(string(line[:3])); err == nil {
				l.code = code
			}
		}
	}
	return len(octets), nil
}

// statusOfFTP is the code of a refusal that was made an error of; 0 where it
// was none.
func statusOfFTP(err error) int {
	var reply *textproto.Error
	if errors.As(err, &reply) && reply.Code >= 400 {
		return reply.Code
	}
	return 0
}

func (a *asking) reportDid(o operation, done did) {
	done.Op = o.op
	a.report.add(step{name: "did", count: done.count, members: done})
}

func (s *ftpSession) carry(o operation) error {
	wanted := ftp.TransferTypeBinary
	if o.ascii {
		wanted = ftp.TransferTypeASCII
	}
	if wanted == s.set {
		return nil
	}
	s.set = wanted
	return s.Type(wanted)
}

func carried(octets []byte) did {
	var count tally
	_, _ = count.Write(octets)
	return did{Status: ftpTransfered, count: &count}
}

func (s *ftpSession) retrieve(o operation) (did, error) {
	if err := s.carry(o); err != nil {
		return did{}, err
	}
	data, err := s.RetrFrom(o.name, o.offset)
	if err != nil {
		return did{}, err
	}
	came, err := io.ReadAll(data)
	if closed := data.Close(); err == nil {
		err = closed
	}
	if o.ascii {
		came = bytes.ReplaceAll(came, []byte("\r\n"), []byte("\n"))
	}
	return carried(came), err
}

func (s *ftpSession) store(o operation) (did, error) {
	if err := s.carry(o); err != nil {
		return did{}, err
	}
	octets := o.content
	if o.ascii {
		octets = bytes.ReplaceAll(octets, []byte("\n"), []byte("\r\n"))
	}
	if o.op == "append" {
		return carried(o.content), s.Append(o.name, bytes.NewReader(octets))
	}
	return carried(o.content), s.StorFrom(o.name, bytes.NewReader(octets), o.offset)
}

func (s *ftpSession) names(o operation) (did, error) {
	names, err := s.NameList(o.name)
	return did{Names: names, Status: ftpTransfered}, err
}

func (s *ftpSession) entries(o operation) (did, error) {
	found, err := s.List(o.name)
	entries := [][3]any{}
	for _, entry := range found {
		switch {
		case entry.Name == "." || entry.Name == "..":
		case entry.Type == ftp.EntryTypeFolder:
			entries = append(entries, [3]any{entry.Name, "dir", nil})
		case entry.Type == ftp.EntryTypeFile:
			entries = append(entries, [3]any{entry.Name, "file", entry.Size})
		}
	}
	return did{Entries: entries, Status: ftpTransfered}, err
}

func (s *ftpSession) size(o operation) (did, error) {
	if err := s.carry(operation{}); err != nil {
		return did{}, err
	}
	size, err := s.FileSize(o.name)
	return did{Size: &size}, err
}
