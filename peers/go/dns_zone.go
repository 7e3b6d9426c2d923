//go:build !plain && !fasthttp

// This file owns the zone of a dns service: its records as a command gives
// them, and what answers a question (RFC 1035, 4.3.2). It knows nothing about
// messages and sockets.
package main

import (
	"encoding/json"
	"math"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// zone holds records by their names, in lower case and with the last dot.
type zone struct {
	origin  string
	records map[string][]dnsmessage.Resource
	above   map[string]bool // names below which there are some
}

// dnsType is how the data of a type are read.
type dnsType struct {
	number dnsmessage.Type
	read   func(d *dnsData) dnsmessage.ResourceBody
}

// dnsTypes has every type that a zone may hold.
var dnsTypes = map[string]dnsType{
	"A":     {dnsmessage.TypeA, func(d *dnsData) dnsmessage.ResourceBody { return &dnsmessage.AResource{A: d.address().As4()} }},
	"AAAA":  {dnsmessage.TypeAAAA, func(d *dnsData) dnsmessage.ResourceBody { return &dnsmessage.AAAAResource{AAAA: d.address().As16()} }},
	"CNAME": {dnsmessage.TypeCNAME, func(d *dnsData) dnsmessage.ResourceBody { return &dnsmessage.CNAMEResource{CNAME: d.name()} }},
	"NS":    {dnsmessage.TypeNS, func(d *dnsData) dnsmessage.ResourceBody { return &dnsmessage.NSResource{NS: d.name()} }},
	"PTR":   {dnsmessage.TypePTR, func(d *dnsData) dnsmessage.ResourceBody { return &dnsmessage.PTRResource{PTR: d.name()} }},
	"MX": {dnsmessage.TypeMX, func(d *dnsData) dnsmessage.ResourceBody {
		return &dnsmessage.MXResource{Pref: d.short(), MX: d.name()}
	}},
	"SRV": {dnsmessage.TypeSRV, func(d *dnsData) dnsmessage.ResourceBody {
		return &dnsmessage.SRVResource{Priority: d.short(), Weight: d.short(), Port: d.short(), Target: d.name()}
	}},
	"TXT": {dnsmessage.TypeTXT, func(d *dnsData) dnsmessage.ResourceBody { return &dnsmessage.TXTResource{TXT: d.texts()} }},
	"SOA": {dnsmessage.TypeSOA, func(d *dnsData) dnsmessage.ResourceBody {
		return &dnsmessage.SOAResource{
			NS: d.name(), MBox: d.name(), Serial: d.long(), Refresh: d.long(), Retry: d.long(), Expire: d.long(), MinTTL: d.long(),
		}
	}},
}

func newZone(c *zoneCommand) (*zone, error) {
	if c == nil {
		return nil, missing("zone")
	}
	z := &zone{origin: lower(dotted(c.Origin)), records: map[string][]dnsmessage.Resource{}, above: map[string]bool{}}
	for _, given := range c.Records {
		record, err := readRecord(given)
		if err != nil {
			return nil, err
		}
		z.add(record)
	}
	return z, nil
}

// add also notes every name above that of the record.
func (z *zone) add(record dnsmessage.Resource) {
	name := lower(record.Header.Name.String())
	z.records[name] = append(z.records[name], record)
	for {
		_, name, _ = strings.Cut(name, ".")
		if name == "" {
			return
		}
		z.above[name] = true
	}
}

func readRecord(given []json.RawMessage) (record dnsmessage.Resource, err error) {
	var name, kind string
	var ttl uint32
	data := &dnsData{}
	if len(given) != 4 {
		return record, badCommand("a record is a name, a type, a TTL and data")
	}
	for i, into := range []any{&name, &kind, &ttl, &data.left} {
		if err := decode(given[i], into); err != nil {
			return record, err
		}
	}
	of, known := dnsTypes[kind]
	if !known {
		return record, unsupported("there are no records of the type %q here", kind)
	}
	owner := dnsData{left: []any{name}}
	record.Header = dnsmessage.ResourceHeader{Name: owner.name(), Type: of.number, Class: dnsmessage.ClassINET, TTL: ttl}
	record.Body = of.read(data)
	if data.wrong || owner.wrong || len(data.left) > 0 || !packs(record) {
		return record, badCommand("the %s of %q cannot be read", kind, name)
	}
	return record, nil
}

// packs says whether a message can hold a record: its names and texts may be
// too long.
func packs(record dnsmessage.Resource) bool {
	_, err := (&dnsmessage.Message{Answers: []dnsmessage.Resource{record}}).Pack()
	return err == nil
}

// dnsData is a list of data, of which each reader takes the first.
type dnsData struct {
	left  []any
	wrong bool
}

// take returns a zero value where the next is of another type or missing.
func take[T any](d *dnsData) (next T) {
	if len(d.left) == 0 {
		d.wrong = true
		return next
	}
	next, ok := d.left[0].(T)
	d.wrong = d.wrong || !ok
	d.left = d.left[1:]
	return next
}

func (d *dnsData) name() dnsmessage.Name {
	name, err := dnsmessage.NewName(dotted(take[string](d)))
	d.wrong = d.wrong || err != nil
	return name
}

func (d *dnsData) address() netip.Addr {
	address, err := netip.ParseAddr(take[string](d))
	if err != nil {
		d.wrong = true
		return netip.IPv4Unspecified()
	}
	return address
}

func (d *dnsData) long() uint32 {
	n := take[float64](d)
	if n < 0 || n > math.MaxUint32 || n != math.Trunc(n) {
		d.wrong = true
		return 0
	}
	return uint32(n)
}

func (d *dnsData) short() uint16 {
	n := d.long()
	d.wrong = d.wrong || n > math.MaxUint16
	return uint16(n)
}

func (d *dnsData) texts() (all []string) {
	for len(d.left) > 0 {
		all = append(all, take[string](d))
	}
	return all
}

// dotted is a name as messages have it, with the root at its end.
func dotted(name string) string { return strings.TrimSuffix(name, ".") + "." }

// lower is without the case of ASCII letters; other octets are no letters
// (RFC 4343).
func lower(name string) string {
	octets := []byte(name)
	for i, octet := range octets {
		if 'A' <= octet && octet <= 'Z' {
			octets[i] = octet + 'a' - 'A'
		}
	}
	return string(octets)
}

// holds says whether a name belongs to the zone, whether it is there or not.
func (z *zone) holds(name string) bool {
	return name == z.origin || z.origin == "." || strings.HasSuffix(name, "."+z.origin)
}

// find is what answers a question, and whether the name is there at all. The
// first records bear the name as it was asked for.
func (z *zone) find(asked dnsmessage.Name, kind dnsmessage.Type) (found []dnsmessage.Resource, there bool) {
	name, seen := asked, map[string]bool{}
	for {
		at := lower(name.String())
		if seen[at] {
			break // the aliases go in circles
		}
		seen[at] = true
		records := z.records[at]
		found = append(found, ofType(records, kind, name)...)
		if kind == dnsmessage.TypeALL || kind == dnsmessage.TypeCNAME {
			break
		}
		alias := ofType(records, dnsmessage.TypeCNAME, name)
		if len(alias) == 0 {
			break
		}
		found = append(found, alias[0])
		name = alias[0].Body.(*dnsmessage.CNAMEResource).CNAME
	}
	key := lower(asked.String())
	return found, len(z.records[key]) > 0 || z.above[key] || key == z.origin
}

func ofType(records []dnsmessage.Resource, kind dnsmessage.Type, name dnsmessage.Name) (found []dnsmessage.Resource) {
	for _, record := range records {
		if record.Header.Type == kind || kind == dnsmessage.TypeALL {
			record.Header.Name = name
			found = append(found, record)
		}
	}
	return found
}

// authority is the zone's SOA as it stands behind a negative answer: it may be
// kept no longer than the answer (RFC 2308, 3).
func (z *zone) authority() []dnsmessage.Resource {
	for _, record := range z.records[z.origin] {
		if soa, is := record.Body.(*dnsmessage.SOAResource); is {
			record.Header.TTL = min(record.Header.TTL, soa.MinTTL)
			return []dnsmessage.Resource{record}
		}
	}
	return nil
}
