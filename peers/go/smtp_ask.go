// This file owns asking by SMTP with net/smtp's client: one session, the
// messages one after the other, and what is told of them.
package main

import (
	"errors"
	"net/smtp"
	"net/textproto"
)

const smtpClientName = "client.example"

// The codes of replies that decide here (RFC 5321, 4.2.3).
const (
	smtpReady = 220
	smtpDone  = 250
)

type messageCommand struct {
	From       *string         `json:"from"`
	Recipients []string        `json:"recipients"`
	Content    *payloadCommand `json:"content"`
}

// message is one that was found to be in order.
type message struct {
	from       string
	recipients []string
	content    recipe
}

func (c *askCommand) askSMTP(a *asking) (func(), error) {
	if c.Messages == nil {
		return nil, missing("messages")
	}
	messages := make([]message, 0, len(c.Messages))
	for _, command := range c.Messages {
		m, err := command.message()
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	return func() {
		if at, err := a.mail(messages); err != nil {
			a.fail(at, err)
		}
	}, nil
}

func (c *messageCommand) message() (message, error) {
	switch {
	case c.From == nil:
		return message{}, missing("from")
	case len(c.Recipients) == 0:
		return message{}, missing("recipients")
	case c.Content == nil:
		return message{}, missing("content")
	}
	content, err := c.Content.recipe()
	return message{*c.From, c.Recipients, content}, err
}

// mailed is the rest of a `mail` step of an ask.
type mailed struct {
	Status  int      `json:"status"`
	Refused [][2]any `json:"refused,omitempty"`
}

func (a *asking) reportMail(m message, told mailed) error {
	var given tally
	if err := m.content.copyTo(&given); err != nil {
		return err
	}
	a.report.add(step{name: "mail", count: &given, members: told})
	return nil
}

// mail holds the session. The number is that of the message that an error
// belongs to, -1 before the first.
func (a *asking) mail(messages []message) (at int, err error) {
	session, status, err := a.beginMail()
	if err != nil {
		return -1, err
	}
	if status != smtpReady {
		if len(messages) == 0 {
			return 0, nil
		}
		return 0, a.reportMail(messages[0], mailed{Status: status})
	}
	for at, m := range messages {
		told, err := session.deliver(m)
		if err == nil {
			err = a.reportMail(m, told)
		}
		if err != nil {
			return at, err
		}
	}
	_, err = statusOf(session.Quit())
	return len(messages) - 1, err
}

// mailClient is net/smtp's client.
type mailClient struct {
	*smtp.Client
	begun bool // a transaction was begun and not ended
}

// beginMail connects, and waits for the greeting and the answer to EHLO, or to
// HELO. The status is that of whatever refused the session.
func (a *asking) beginMail() (session *mailClient, status int, err error) {
	conn, err := a.dial()
	if err != nil {
		return nil, 0, err
	}
	a.guard(conn)
	if err := arm(a.ctx, conn.SetDeadline); err != nil {
		return nil, 0, err
	}
	client, err := smtp.NewClient(conn, a.to.Addr().String())
	if err == nil {
		err = client.Hello(smtpClientName)
	}
	status, err = statusOf(err)
	if status == smtpDone {
		status = smtpReady
	}
	return &mailClient{Client: client}, status, err
}

// statusOf is the code of a reply that net/smtp made an error of; smtpDone
// where there was none. Other errors say that no reply came.
func statusOf(err error) (int, error) {
	var reply *textproto.Error
	switch {
	case err == nil:
		return smtpDone, nil
	case errors.As(err, &reply):
		return reply.Code, nil
	}
	return 0, err
}

// deliver has the server take one message for those recipients that it takes.
func (c *mailClient) deliver(m message) (told mailed, err error) {
	if c.begun {
		if _, err := statusOf(c.Reset()); err != nil {
			return told, err
		}
	}
	told.Status, err = statusOf(c.Mail(m.from))
	if c.begun = told.Status == smtpDone; !c.begun || err != nil {
		return told, err
	}
	for _, recipient := range m.recipients {
		if told.Status, err = statusOf(c.Rcpt(recipient)); err != nil {
			return told, err
		}
		if told.Status != smtpDone {
			told.Refused = append(told.Refused, [2]any{recipient, told.Status})
		}
	}
	if len(told.Refused) < len(m.recipients) {
		told.Status, err = c.send(m.content)
	}
	return told, err
}

// send is for the content. The answer to it ends the transaction, whatever it
// is; a refusal of DATA does not.
func (c *mailClient) send(content recipe) (status int, err error) {
	out, err := c.Data()
	if err != nil {
		return statusOf(err)
	}
	c.begun = false
	if err := content.copyTo(out); err != nil {
		return 0, err
	}
	return statusOf(out.Close())
}
