//go:build !plain && !fasthttp

// This file owns the service smtp: go-smtp's server on a listener that numbers
// and reports connections, and which mailboxes refuse mail.
package main

import (
	"io"
	"log"
	"strings"

	"github.com/emersion/go-smtp"
)

const (
	smtpDomain = "go.example"

	// smtpContentLimit is how many octets of content the server takes.
	smtpContentLimit = 64 << 20
)

// refusals are by the local part, in lower case, of whom they are for.
var (
	senderRefusals    = map[string]*smtp.SMTPError{"banned": refusal(550, "not from there")}
	recipientRefusals = map[string]*smtp.SMTPError{
		"nobody": refusal(550, "there is no such mailbox"),
		"later":  refusal(450, "not now"),
	}
	contentRefusals = map[string]*smtp.SMTPError{
		"picky": refusal(554, "not such content"),
		"busy":  refusal(451, "not now"),
	}
)

func refusal(code int, says string) *smtp.SMTPError {
	return &smtp.SMTPError{Code: code, Message: says}
}

// refused looks a mailbox up. The error that is no refusal is nil itself, not
// a nil of that type.
func refused(refusals map[string]*smtp.SMTPError, mailbox string) error {
	local := mailbox
	if at := strings.LastIndexByte(mailbox, '@'); at >= 0 {
		local = mailbox[:at]
	}
	if found := refusals[strings.ToLower(local)]; found != nil {
		return found
	}
	return nil
}

func (c *serveCommand) smtp() (func(*service) error, error) {
	return (*service).serveSMTP, nil
}

func (s *service) serveSMTP() error {
	listener, err := s.listen()
	if err != nil {
		return err
	}
	server := smtp.NewServer(smtp.BackendFunc(newMailSession))
	server.Domain = smtpDomain
	server.MaxMessageBytes = smtpContentLimit
	server.ErrorLog = log.New(io.Discard, "", 0)
	_ = server.Serve(siteListener{listener, s}) // it returns after a stop
	_ = server.Close()
	return nil
}

// mailSession is what is known of the message that a connection brings.
type mailSession struct {
	conn       *siteConn
	from       string
	recipients []string
}

func newMailSession(c *smtp.Conn) (smtp.Session, error) {
	return &mailSession{conn: c.Conn().(*siteConn)}, nil
}

func (m *mailSession) Reset() { m.from, m.recipients = "", nil }

func (m *mailSession) Logout() error { return nil }

func (m *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	if err := refused(senderRefusals, from); err != nil {
		return err
	}
	m.from = from
	return nil
}

func (m *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := refused(recipientRefusals, to); err != nil {
		return err
	}
	m.recipients = append(m.recipients, to)
	return nil
}

// mailTaken is the rest of a `mail` step of a service.
type mailTaken struct {
	From       string   `json:"from"`
	Recipients []string `json:"recipients"`
}

// Data takes the content, and tells of it before go-smtp says 250.
func (m *mailSession) Data(content io.Reader) error {
	received := tally{silent: m.conn.report == nil}
	if _, err := io.Copy(&received, content); err != nil {
		return err
	}
	for _, recipient := range m.recipients {
		if err := refused(contentRefusals, recipient); err != nil {
			return err
		}
	}
	if m.conn.report != nil {
		m.conn.report.add(step{name: "mail", count: &received, members: mailTaken{m.from, m.recipients}})
		m.conn.report.flush()
	}
	return nil
}
