//go:build !plain && !fasthttp

// This file owns what is done in a session of jlaffaye/ftp's client: each
// operation, and the line ends of TYPE A, which are left to its users.
package main

import (
	"bytes"
	"errors"
	"io"

	"github.com/jlaffaye/ftp"
)

// ftpVerb is a kind of operation.
type ftpVerb struct {
	do func(*ftpSession, operation) (did, error)

	// status is the only code that the library takes for success.
	status int
}

var ftpVerbs = map[string]ftpVerb{
	"retrieve": {(*ftpSession).retrieve, ftp.StatusClosingDataConnection},
	"store":    {(*ftpSession).store, ftp.StatusClosingDataConnection},
	"append":   {(*ftpSession).store, ftp.StatusClosingDataConnection},
	"names":    {(*ftpSession).names, ftp.StatusClosingDataConnection},
	"entries":  {(*ftpSession).entries, ftp.StatusClosingDataConnection},
	"size":     {(*ftpSession).size, ftp.StatusFile},
	"where":    {(*ftpSession).where, ftp.StatusPathCreated},
	"make": {
		func(s *ftpSession, o operation) (did, error) { return did{}, s.MakeDir(o.name) }, ftp.StatusPathCreated,
	},
	"rename": {
		func(s *ftpSession, o operation) (did, error) { return did{}, s.Rename(o.name, o.to) }, ftp.StatusRequestedFileActionOK,
	},
	"delete": {
		func(s *ftpSession, o operation) (did, error) { return did{}, s.Delete(o.name) }, ftp.StatusRequestedFileActionOK,
	},
	"remove": {
		func(s *ftpSession, o operation) (did, error) { return did{}, s.RemoveDir(o.name) }, ftp.StatusRequestedFileActionOK,
	},
	"enter": {
		func(s *ftpSession, o operation) (did, error) { return did{}, s.ChangeDir(o.name) }, ftp.StatusRequestedFileActionOK,
	},
}

// be says TYPE where another was in force. The library begins with that of
// images.
func (s *ftpSession) be(ascii bool) error {
	if ascii == s.ascii {
		return nil
	}
	wanted := ftp.TransferTypeBinary
	if ascii {
		wanted = ftp.TransferTypeASCII
	}
	if err := s.Type(wanted); err != nil {
		return err
	}
	s.ascii = ascii
	return nil
}

func (s *ftpSession) retrieve(o operation) (did, error) {
	if err := s.be(o.ascii); err != nil {
		return did{}, err
	}
	data, err := s.RetrFrom(o.name, o.offset)
	if err != nil {
		return did{}, err
	}
	came := &tally{}
	if o.ascii {
		err = copyLines(came, data)
	} else {
		_, err = io.Copy(came, data)
	}
	return did{count: came}, errors.Join(err, data.Close())
}

// copyLines makes LF of CRLF.
func copyLines(out io.Writer, in io.Reader) error {
	ends := &lineEnds{out: out}
	if _, err := io.Copy(ends, in); err != nil || !ends.returned {
		return err
	}
	_, err := out.Write([]byte("\r"))
	return err
}

// lineEnds is the part of it that can be done without knowing the end.
type lineEnds struct {
	out      io.Writer
	returned bool // the last octet was CR, and is not written yet
}

func (l *lineEnds) Write(octets []byte) (int, error) {
	turned := make([]byte, 0, len(octets)+1)
	for _, octet := range octets {
		if l.returned && octet != '\n' {
			turned = append(turned, '\r')
		}
		if l.returned = octet == '\r'; !l.returned {
			turned = append(turned, octet)
		}
	}
	_, err := l.out.Write(turned)
	return len(octets), err
}

func (s *ftpSession) store(o operation) (did, error) {
	if err := s.be(o.ascii); err != nil {
		return did{}, err
	}
	given := &tally{}
	if err := o.content.copyTo(given); err != nil {
		return did{}, err
	}
	var content io.Reader = o.content.open()
	if o.ascii {
		content = bytes.NewReader(bytes.ReplaceAll(o.content.all(), []byte("\n"), []byte("\r\n")))
	}
	if o.op == "append" {
		return did{count: given}, s.Append(o.name, content)
	}
	return did{count: given}, s.StorFrom(o.name, content, o.offset)
}

// names is never told as null: a folder may be empty.
func (s *ftpSession) names(o operation) (did, error) {
	found, err := s.NameList(o.name)
	names := append([]string{}, found...)
	return did{Names: &names}, err
}

// entries is MLSD where the server offers it, and LIST where it does not.
func (s *ftpSession) entries(o operation) (did, error) {
	found, err := s.List(o.name)
	entries := make([][3]any, 0, len(found))
	for _, entry := range found {
		switch {
		case entry.Name == "." || entry.Name == "..":
		case entry.Type == ftp.EntryTypeFolder:
			entries = append(entries, [3]any{entry.Name, "dir", nil})
		case entry.Type == ftp.EntryTypeFile:
			entries = append(entries, [3]any{entry.Name, "file", entry.Size})
		}
	}
	return did{Entries: &entries}, err
}

func (s *ftpSession) size(o operation) (did, error) {
	if err := s.be(false); err != nil {
		return did{}, err
	}
	size, err := s.FileSize(o.name)
	return did{Size: &size}, err
}

func (s *ftpSession) where(operation) (did, error) {
	name, err := s.CurrentDir()
	return did{Name: &name}, err
}
