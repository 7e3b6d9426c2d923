//go:build !plain && !fasthttp

package main

import (
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"
)

const testZone = `{"origin":"z.test","records":[["z.test","SOA",60,["ns.z.test","host.z.test",1,2,3,4,5]],` +
	`["WWW.z.test","A",60,["198.18.0.1"]],["alias.z.test","CNAME",60,["www.z.test"]],["loop.z.test","CNAME",60,["loop.z.test"]],` +
	`["a.b.z.test","TXT",60,["one","two"]],["z.test","MX",60,[10,"mail.z.test"]]]}`

func zoneOf(t *testing.T, text string) *zone {
	t.Helper()
	var command zoneCommand
	if err := json.Unmarshal([]byte(text), &command); err != nil {
		t.Fatal(err)
	}
	z, err := newZone(&command)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// query is a question as it goes over UDP.
func query(name string, kind, class, flags uint16) []byte {
	m := binary.BigEndian.AppendUint16(nil, 4711)
	m = binary.BigEndian.AppendUint16(m, flags)
	m = append(m, 0, 1, 0, 0, 0, 0, 0, 0)
	for _, label := range strings.Split(name, ".") {
		m = append(append(m, byte(len(label))), label...)
	}
	m = binary.BigEndian.AppendUint16(append(m, 0), kind)
	return binary.BigEndian.AppendUint16(m, class)
}

func TestQueriesAreAnsweredFromTheZone(t *testing.T) {
	z := zoneOf(t, testZone)
	for _, c := range []struct {
		name                 string
		kind, class, flags   uint16
		said                 uint16 // the flags of the answer
		answers, authorities uint16
	}{
		{"www.Z.test", 1, 1, 0x0100, 0x8500, 1, 0},
		{"alias.z.test", 1, 1, 0, 0x8400, 2, 0},
		{"alias.z.test", 5, 1, 0, 0x8400, 1, 0},
		{"loop.z.test", 1, 1, 0, 0x8400, 1, 0},
		{"z.test", 255, 1, 0, 0x8400, 2, 0},
		{"b.z.test", 1, 1, 0, 0x8400, 0, 1},
		{"www.z.test", 4711, 1, 0, 0x8400, 0, 1},
		{"no.z.test", 1, 1, 0, 0x8403, 0, 1},
		{"www.other.test", 1, 1, 0, 0x8005, 0, 0},
		{"www.z.test", 1, 3, 0, 0x8005, 0, 0},
		{"www.z.test", 1, 1, 0x1000, 0x9004, 0, 0},
	} {
		said := z.answer(query(c.name, c.kind, c.class, c.flags), dnsDatagram)
		flags, answers, authorities := binary.BigEndian.Uint16(said[2:]), binary.BigEndian.Uint16(said[6:]), binary.BigEndian.Uint16(said[8:])
		if flags != c.said || answers != c.answers || authorities != c.authorities {
			t.Errorf("%+v: the flags are %04x, with %d answers and %d authorities", c, flags, answers, authorities)
		}
		if question := query(c.name, c.kind, c.class, 0)[dnsHeader:]; said[5] == 1 && !strings.HasPrefix(string(said[dnsHeader:]), string(question)) {
			t.Errorf("%+v: the question does not come back as it was", c)
		}
	}
}

func TestQueriesThatAreNone(t *testing.T) {
	z := zoneOf(t, testZone)
	whole := query("www.z.test", 1, 1, 0)
	for name, asked := range map[string][]byte{"short": whole[:11], "response": query("www.z.test", 1, 1, 0x8000)} {
		if said := z.answer(asked, dnsDatagram); said != nil {
			t.Errorf("%s: % x", name, said)
		}
	}
	circle := append(append([]byte{}, whole[:dnsHeader]...), 0xc0, dnsHeader, 0, 1, 0, 1)
	for name, asked := range map[string][]byte{"broken off": whole[:20], "circle": circle, "no question": append(append([]byte{}, whole[:5]...), make([]byte, 7)...)} {
		if said := z.answer(asked, dnsDatagram); len(said) != dnsHeader || said[3] != 1 || said[0] != whole[0] {
			t.Errorf("%s: % x", name, said)
		}
	}
}

func TestAnswersThatDoNotFitAreAskedForAgain(t *testing.T) {
	h := startPeer(t)
	var records []string
	for range 60 {
		records = append(records, `["www.z.test","A",60,["198.18.0.1"]]`)
	}
	zone := `,"zone":{"origin":"z.test","records":[` + strings.Join(records, ",") + `]}`
	port := h.serve("dns", "udp", zone)
	h.say(`{"do":"serve","id":"t","service":"dns","transport":"tcp","address":"127.0.0.1","port":%d%s}`, port, zone)
	h.next() // it listens
	h.say(`{"do":"ask","id":"c","service":"dns","address":"127.0.0.1","port":%d,"questions":[{"name":"www.z.test","type":"A"},{"name":"no.z.test","type":"MX"}]}`, port)
	h.expect(h.story("c", 0), "created, answer, answer, closed")
}

func TestNamesOfAddresses(t *testing.T) {
	for name, want := range map[string]string{
		"4.3.2.1.in-addr.arpa": "1.2.3.4",
		"1." + strings.Repeat("0.", 23) + "8.b.d.0.1.0.0.2.ip6.arpa": "2001:db8::1",
		"3.2.1.in-addr.arpa": "", "www.z.test": "",
	} {
		address, is := reversed(name)
		if is != (want != "") || is && address.String() != want {
			t.Errorf("%s belongs to %v", name, address)
		}
	}
}
