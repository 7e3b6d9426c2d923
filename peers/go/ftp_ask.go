//go:build !plain && !fasthttp

// This file owns asking by FTP with jlaffaye/ftp's client: one session, the
// operations one after the other, and what is told of them. How each is done
// stands in ftp_operations.go.
package main

import (
	"errors"
	"io"
	"net"
	"net/textproto"
	"strings"

	"github.com/jlaffaye/ftp"
)

// operation is one that was found to be in order.
type operation struct {
	ftpVerb
	op, name, to string
	ascii        bool
	offset       uint64
	content      recipe
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
	verb, known := ftpVerbs[*c.Op]
	if !known {
		return operation{}, unsupported("there is no operation %q", *c.Op)
	}
	if err := c.check(); err != nil {
		return operation{}, err
	}
	o := operation{ftpVerb: verb, op: *c.Op, name: textOf(c.Name), to: textOf(c.To), ascii: c.Type == "ascii", offset: c.Offset}
	if strings.ContainsAny(o.name+o.to, "\r\n") {
		return operation{}, unsupported("jlaffaye/ftp takes no names with CR or LF")
	}
	if c.Content == nil {
		return o, nil
	}
	content, err := c.Content.recipe()
	o.content = content
	return o, err
}

func (c *operationCommand) check() error {
	stores := *c.Op == "store" || *c.Op == "append"
	switch {
	case c.Name == nil && *c.Op != "where":
		return missing("name")
	case c.To == nil && *c.Op == "rename":
		return missing("to")
	case c.Content == nil && stores:
		return missing("content")
	case c.Type != "" && c.Type != "image" && c.Type != "ascii":
		return badCommand("a type is \"image\" or \"ascii\", not %q", c.Type)
	}
	return nil
}

func textOf(member *string) string {
	if member == nil {
		return ""
	}
	return *member
}

// did is the rest of a `did` step.
type did struct {
	Op      string    `json:"op"`
	Status  int       `json:"status"`
	Names   *[]string `json:"names,omitempty"`
	Entries *[][3]any `json:"entries,omitempty"`
	Size    *int64    `json:"size,omitempty"`
	Name    *string   `json:"name,omitempty"`

	count *tally
}

func (a *asking) reportDid(o operation, status int, told did) {
	told.Op, told.Status = o.op, status
	a.report.add(step{name: "did", count: told.count, members: told})
}

// ftpGoingDown ends a session (RFC 959, 4.2.2).
const ftpGoingDown = ftp.StatusNotAvailable

// ftpSession is jlaffaye's client.
type ftpSession struct {
	*ftp.ServerConn
	ascii bool
}

// files holds the session. The number is that of the operation that an error
// belongs to, -1 before the first.
func (a *asking) files(user, password string, operations []operation) (at int, err error) {
	dialer := &ftpDialer{asking: a}
	session, refused, err := dialer.begin(user, password)
	if err != nil {
		return -1, err
	}
	if session == nil {
		if len(operations) > 0 {
			a.reportDid(operations[0], refused, did{})
		}
		return 0, nil
	}
	for at, o := range operations {
		if refused, err = a.fileOperation(session, o); err != nil || refused == ftpGoingDown {
			return at, err
		}
	}
	dialer.control.leaving = true
	return len(operations) - 1, session.Quit()
}

// fileOperation does one and tells of it. What was refused is told by its
// status alone.
func (a *asking) fileOperation(session *ftpSession, o operation) (refused int, err error) {
	told, err := o.do(session, o)
	refused, err = ftpRefusal(err)
	switch {
	case err != nil:
		return 0, err
	case refused != 0:
		a.reportDid(o, refused, did{})
	default:
		a.reportDid(o, o.status, told)
	}
	return refused, nil
}

// ftpRefusal is the code of a reply that the library made an error of; 0: there
// was none. Other errors say that no reply came.
func ftpRefusal(err error) (code int, other error) {
	var reply *textproto.Error
	if errors.As(err, &reply) {
		return reply.Code, nil
	}
	return 0, err
}

// begin connects and logs in. There is no session where that was refused, but
// the code of the refusal.
func (d *ftpDialer) begin(user, password string) (session *ftpSession, refused int, err error) {
	conn, err := ftp.Dial(d.asking.to.String(), ftp.DialWithDialFunc(d.dial))
	if err == nil {
		err = conn.Login(user, password)
	}
	if err == nil {
		return &ftpSession{ServerConn: conn}, 0, nil
	}
	refused, err = ftpRefusal(err)
	if err != nil && !brokeOff(err) {
		// Of a refusal of USER the library shows the text alone.
		return nil, d.control.heard.code, nil
	}
	return nil, refused, err
}

// brokeOff tells what the connection, or a reply that is none, has to do with
// from what a reply says.
func brokeOff(err error) bool {
	var system net.Error
	var garbled textproto.ProtocolError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &system) || errors.As(err, &garbled)
}
