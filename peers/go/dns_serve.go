//go:build !plain && !fasthttp

// This file owns the service dns: from a query to its answer, with the
// messages of golang.org/x/net. What is answered is the zone's to say, and the
// sockets are those of the small services.
package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	dnsHeader = 12

	// dnsDatagram is how much goes over UDP (RFC 1035, 4.2.1).
	dnsDatagram = 512
)

func (c *serveCommand) dnsUDP() (func(*service) error, error) {
	z, err := newZone(c.Zone)
	return func(s *service) error {
		return s.serveUDP(func(asked []byte) []byte { return z.answer(asked, dnsDatagram) })
	}, err
}

func (c *serveCommand) dnsTCP() (func(*service) error, error) {
	z, err := newZone(c.Zone)
	return func(s *service) error { return s.serveTCP(z.converse) }, err
}

// converse answers one query after the other until the client's FIN. Each
// message stands behind its length (RFC 1035, 4.2.2).
func (z *zone) converse(l *link) error {
	in := bufio.NewReaderSize(l, bufferSize)
	var length [2]byte
	for {
		if _, err := io.ReadFull(in, length[:]); err != nil {
			return wholeEnd(err)
		}
		asked := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(in, asked); err != nil {
			return wholeEnd(err)
		}
		said := z.answer(asked, math.MaxUint16)
		if said == nil {
			continue
		}
		if _, err := l.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(said))), said...)); err != nil {
			return err
		}
	}
}

// wholeEnd: a FIN is one in the middle of a message, too.
func wholeEnd(err error) error {
	if err == io.ErrUnexpectedEOF {
		return io.EOF
	}
	return err
}

// answer is the response to a query, of at most so many octets; nil: there is
// none.
func (z *zone) answer(asked []byte, limit int) []byte {
	if len(asked) < dnsHeader {
		return nil
	}
	flags := binary.BigEndian.Uint16(asked[2:])
	said := dnsmessage.Message{Header: dnsmessage.Header{
		ID: binary.BigEndian.Uint16(asked), Response: true,
		OpCode: dnsmessage.OpCode(flags >> 11 & 0xF), RecursionDesired: flags>>8&1 != 0,
	}}
	if isResponse := flags>>15 != 0; isResponse {
		return nil
	}
	question, err := readQuestion(asked)
	switch {
	case said.OpCode != 0:
		said.RCode = dnsmessage.RCodeNotImplemented
	case err != nil:
		said.RCode = dnsmessage.RCodeFormatError
	default:
		said.Questions = []dnsmessage.Question{question}
		z.resolve(&said, question)
	}
	return pack(said, limit)
}

// readQuestion reads the only question, and sees that nothing behind it breaks
// off.
func readQuestion(asked []byte) (question dnsmessage.Question, err error) {
	if questions := binary.BigEndian.Uint16(asked[4:]); questions != 1 {
		return question, badCommand("%d questions", questions)
	}
	var p dnsmessage.Parser
	if _, err := p.Start(asked); err != nil {
		return question, err
	}
	if question, err = p.Question(); err != nil {
		return question, err
	}
	for _, skip := range []func() error{p.SkipAllQuestions, p.SkipAllAnswers, p.SkipAllAuthorities, p.SkipAllAdditionals} {
		if err := skip(); err != nil {
			return question, err
		}
	}
	return question, nil
}

// resolve fills in what the zone has.
func (z *zone) resolve(said *dnsmessage.Message, question dnsmessage.Question) {
	if question.Class != dnsmessage.ClassINET || !z.holds(lower(question.Name.String())) {
		said.RCode = dnsmessage.RCodeRefused
		return
	}
	said.Authoritative = true
	var there bool
	said.Answers, there = z.find(question.Name, question.Type)
	if len(said.Answers) > 0 {
		return
	}
	said.Authorities = z.authority()
	if !there {
		said.RCode = dnsmessage.RCodeNameError
	}
}

// pack sends no records at all where not all of them fit.
func pack(said dnsmessage.Message, limit int) []byte {
	octets, err := said.Pack()
	if err == nil && len(octets) <= limit {
		return octets
	}
	said.Truncated, said.Answers, said.Authorities = true, nil, nil
	octets, _ = said.Pack() // the question could be read, so that it can be written
	return octets
}
