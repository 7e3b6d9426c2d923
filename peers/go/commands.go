// This file owns the shapes of commands on the wire, and the words for those
// that are wrong. It carries nothing out.
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"time"
)

// fault is why a command cannot be carried out at all.
type fault struct{ kind, says string }

func (f *fault) Error() string { return f.says }

func badCommand(format string, args ...any) error {
	return &fault{"bad-command", fmt.Sprintf(format, args...)}
}

func unsupported(format string, args ...any) error {
	return &fault{"unsupported", fmt.Sprintf(format, args...)}
}

func missing(member string) error { return badCommand("the member %q is missing", member) }

// decode reads the members of a command that it needs from a line.
func decode(line []byte, into any) error {
	if err := json.Unmarshal(line, into); err != nil {
		return badCommand("the command is not as the contract says: %v", err)
	}
	return nil
}

// endpoint is where to bind, or whom to talk to.
type endpoint struct {
	Address *string `json:"address"`
	Port    *int64  `json:"port"`
}

func (e endpoint) addrPort() (netip.AddrPort, error) {
	switch {
	case e.Address == nil:
		return netip.AddrPort{}, missing("address")
	case e.Port == nil:
		return netip.AddrPort{}, missing("port")
	case *e.Port < 0 || *e.Port > math.MaxUint16:
		return netip.AddrPort{}, badCommand("port %d is none", *e.Port)
	}
	address, err := netip.ParseAddr(*e.Address)
	if err != nil {
		return netip.AddrPort{}, badCommand("%q is no IP address", *e.Address)
	}
	return netip.AddrPortFrom(address.Unmap(), uint16(*e.Port)), nil
}

// network is "tcp4" or "udp6" and the like: never both families at once.
func network(transport string, a netip.AddrPort) string {
	if a.Addr().Is4() {
		return transport + "4"
	}
	return transport + "6"
}

const defaultDeadline = 10 * time.Second

// limit is the deadline of a command or the bound of a step.
func limit(member string, ms *int64, otherwise time.Duration) (time.Duration, error) {
	if ms == nil {
		return otherwise, nil
	}
	return milliseconds(member, ms)
}

func milliseconds(member string, ms *int64) (time.Duration, error) {
	n, err := whole(member, ms)
	return time.Duration(min(n, math.MaxInt32)) * time.Millisecond, err
}

// whole is a number that has to be there, and not below 0.
func whole(member string, n *int64) (int64, error) {
	switch {
	case n == nil:
		return 0, missing(member)
	case *n < 0:
		return 0, badCommand("the member %q is below 0", member)
	}
	return *n, nil
}

type payloadCommand struct {
	Pattern *string `json:"pattern"`
	Seed    int64   `json:"seed"`
	Size    *int64  `json:"size"`
	Text    *string `json:"text"`
	Hex     *string `json:"hex"`
}

func (p *payloadCommand) recipe() (recipe, error) {
	switch {
	case p == nil:
		return recipe{}, missing("payload")
	case p.Text != nil:
		return recipe{literal: []byte(*p.Text)}, nil
	case p.Hex != nil:
		octets, err := unhex("hex", *p.Hex)
		return recipe{literal: octets}, err
	case p.Pattern == nil:
		return recipe{}, badCommand("a payload needs a pattern, a text or hex")
	}
	if _, known := patterns[*p.Pattern]; !known {
		return recipe{}, unsupported("there is no pattern %q", *p.Pattern)
	}
	if p.Seed < 0 || p.Seed > math.MaxUint32 {
		return recipe{}, badCommand("the seed %d is not within 32 bits", p.Seed)
	}
	size, err := whole("size", p.Size)
	return recipe{pattern: *p.Pattern, seed: uint32(p.Seed), size: size}, err
}

func unhex(member, text string) ([]byte, error) {
	octets, err := hex.DecodeString(text)
	if err != nil {
		return nil, badCommand("the member %q is not hexadecimal", member)
	}
	return octets, nil
}

// fieldList is [[name, value], ...].
type fieldList [][]string

func (l fieldList) check() error {
	for _, field := range l {
		if len(field) != 2 {
			return badCommand("a field is not a pair of a name and a value")
		}
	}
	return nil
}
