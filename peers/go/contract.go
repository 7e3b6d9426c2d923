// This file owns the control channel: reading commands, the handshake, handing
// each command to those who carry it out, and the answers to bad ones. It
// knows nothing about what the commands do.
package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	contractVersion = 1
	lineLimit       = 1 << 20
)

// peer is the whole program between its two ends.
type peer struct {
	out           *output
	hold          *holder
	conversations *running
	// Before it is greeted a peer carries nothing out.
	greeted bool
}

func newPeer(out *output) *peer {
	return &peer{out: out, hold: &holder{}, conversations: newRunning()}
}

// commands has everything that can be asked for.
var commands = map[string]func(p *peer, id string, line []byte) error{
	"serve":  (*peer).serve,
	"script": (*peer).script,
	"ask":    (*peer).ask,
	"load":   (*peer).load,
	"stop":   (*peer).stop,
	"flush":  (*peer).flush,
}

// listen carries out commands until there are no more.
func (p *peer) listen(stdin io.Reader) {
	in := bufio.NewReaderSize(stdin, lineLimit+1)
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			p.refuse("", badCommand("the line is longer than %d octets", lineLimit))
			if skipLine(in) != nil {
				return
			}
		case len(line) > 0:
			p.obey(line)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

func skipLine(in *bufio.Reader) error {
	for {
		_, err := in.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// envelope is what all commands have in common. A member of the wrong type
// must not hide the other.
type envelope struct {
	Do any `json:"do"`
	ID any `json:"id"`
}

func (p *peer) obey(line []byte) {
	var e envelope
	if !utf8.Valid(line) {
		p.refuse("", badCommand("the line is not UTF-8"))
		return
	}
	if err := decode(line, &e); err != nil {
		p.refuse("", err)
		return
	}
	id, _ := e.ID.(string)
	if err := p.dispatch(e, id, line); err != nil {
		p.refuse(id, err)
	}
}

func (p *peer) dispatch(e envelope, id string, line []byte) error {
	do, ok := e.Do.(string)
	if !ok {
		return badCommand("the member \"do\" is missing or no text")
	}
	if do == "hello" {
		p.greeted = true
		return p.hello(line)
	}
	if !p.greeted {
		return nil
	}
	command, known := commands[do]
	if !known {
		return unsupported("there is no command %q", do)
	}
	if id == "" {
		return badCommand("the member \"id\" is missing or no text")
	}
	return command(p, id, line)
}

// start runs a conversation or service under its id.
func (p *peer) start(id string, stop, work func()) error {
	if !p.conversations.start(id, stop, work) {
		return badCommand("the id %q is in use", id)
	}
	return nil
}

func (p *peer) stop(id string, _ []byte) error {
	// Ending something waits for its sockets, and no other command should.
	go p.conversations.stop(id)
	return nil
}

func (p *peer) flush(id string, _ []byte) error {
	p.hold.flush()
	p.say(struct {
		Event string `json:"event"`
		ID    string `json:"id"`
	}{"flushed", id})
	return nil
}

func (p *peer) refuse(id string, err error) {
	kind := "bad-command"
	var f *fault
	if errors.As(err, &f) {
		kind = f.kind
	}
	p.say(struct {
		Event string `json:"event"`
		ID    string `json:"id"`
		Fault string `json:"fault"`
		Says  string `json:"says"`
	}{"error", id, kind, err.Error()})
}

func (p *peer) say(event any) {
	p.out.line(mustJSON(event), []byte("\n"))
}

func (p *peer) hello(line []byte) error {
	var command struct {
		Contract *int64 `json:"contract"`
	}
	if err := decode(line, &command); err != nil {
		return err
	}
	if command.Contract == nil {
		return missing("contract")
	}
	can, lacks := abilities()
	// Whatever version was asked for: this is the one that is spoken.
	p.say(struct {
		Event     string            `json:"event"`
		Contract  int               `json:"contract"`
		Peer      string            `json:"peer"`
		Language  string            `json:"language"`
		System    string            `json:"system"`
		Stack     string            `json:"stack"`
		Families  []string          `json:"families"`
		Can       []string          `json:"can"`
		Lacks     map[string]string `json:"lacks,omitempty"`
		Libraries map[string]string `json:"libraries"`
		T         int64             `json:"t"`
	}{
		"hello", contractVersion, "go", language(), system(), stack(), families(), can, lacks,
		libraries(), now(),
	})
	return nil
}

func language() string {
	return "Go " + strings.TrimPrefix(runtime.Version(), "go") + " (" + runtime.Compiler + ")"
}

// abilities lists the services, sorted, and then everything else; and why
// something is not there.
func abilities() (can []string, lacks map[string]string) {
	if only != nil {
		return only, nil
	}
	here, lacks := machineAbilities()
	can = append(serviceAbilities(), "script client/tcp", "script client/udp", "script server/tcp", "script server/udp")
	can = append(can, here...)
	for ability, why := range libraryLacks {
		lacks[ability] = why
	}
	for name := range libraryAskers {
		can = append(can, "ask "+name)
	}
	for transport := range libraryTalks {
		can = append(can, "script client/"+transport, "script server/"+transport)
	}
	can = append(can, "ask dns/udp", "ask http/tcp", "ask smtp/tcp", "load tcp")
	return withoutDatagrams(can, lacks), lacks
}

// families lists those in which a socket can be bound. The unspecified
// address is bound because the others may not have been configured yet.
func families() []string {
	found := []string{}
	for _, family := range []struct{ name, network, any string }{
		{"ipv4", "tcp4", "0.0.0.0:0"},
		{"ipv6", "tcp6", "[::]:0"},
	} {
		if socket, err := net.Listen(family.network, family.any); err == nil {
			socket.Close()
			found = append(found, family.name)
		}
	}
	return found
}

// withoutDatagrams takes out what needs UDP where package net cannot have it:
// it asks Windows for more than older versions of Wine know.
func withoutDatagrams(can []string, lacks map[string]string) []string {
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err == nil {
		socket.Close()
		return can
	}
	return slices.DeleteFunc(can, func(ability string) bool {
		needs := strings.HasSuffix(ability, "/udp") || strings.HasSuffix(ability, "/multicast") || strings.Contains(ability, " dns/")
		if needs {
			lacks[ability] = "package net opens no socket for datagrams here: " + err.Error()
		}
		return needs
	})
}
