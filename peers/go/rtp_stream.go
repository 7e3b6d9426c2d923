//go:build !plain && !fasthttp

// This file owns the packets of a stream that is asked for: which they are,
// and their octets, by pion/rtp. It knows nothing about when they are sent.
package main

import (
	"math"
	"slices"
	"time"

	"github.com/pion/rtp"
)

const (
	rtpVersion = 2
	mostTypes  = 128
	mostCSRC   = 15
	octetsWord = 4
	defaultGap = 20 * time.Millisecond
)

// rtpStream is one that was found to be in order.
type rtpStream struct {
	*streamCommand
	payload  recipe
	extended bool
	profile  uint16 // of the header extension
	words    []byte // of it
	padding  uint8
}

// missing is the member that has to be there and is not; "": none.
func (c *streamCommand) missing() string {
	switch {
	case c.SSRC == nil:
		return "ssrc"
	case c.Type == nil:
		return "type"
	case c.Sequence == nil:
		return "sequence"
	case c.Timestamp == nil:
		return "timestamp"
	case c.Advance == nil:
		return "advance"
	case len(c.Order) == 0:
		return "order"
	}
	return ""
}

func (c *streamCommand) stream() (s rtpStream, err error) {
	switch {
	case c == nil:
		return s, missing("stream")
	case c.missing() != "":
		return s, missing(c.missing())
	case *c.Type >= mostTypes:
		return s, badCommand("%d is no payload type", *c.Type)
	case len(c.CSRC) > mostCSRC:
		return s, badCommand("a packet has no more than %d contributing sources", mostCSRC)
	case c.Padding != nil && *c.Padding == 0:
		return s, badCommand("there is no padding of 0 octets")
	}
	s.streamCommand = c
	if c.Padding != nil {
		s.padding = *c.Padding
	}
	if s.payload, err = c.Payload.recipe(); err == nil && c.Extension != nil {
		err = s.extend(c.Extension)
	}
	return s, err
}

func (s *rtpStream) extend(members []any) (err error) {
	if len(members) != 2 {
		return badCommand("an extension is a profile and its words")
	}
	profile, isNumber := members[0].(float64)
	text, isText := members[1].(string)
	if !isNumber || !isText || profile != math.Trunc(profile) || profile < 0 || profile > math.MaxUint16 {
		return badCommand("an extension is a profile and its words")
	}
	s.extended, s.profile = true, uint16(profile)
	if s.words, err = unhex("extension", text); err != nil {
		return err
	}
	if len(s.words)%octetsWord != 0 || len(s.words)/octetsWord > math.MaxUint16 {
		return badCommand("an extension has whole words")
	}
	header := s.header(0)
	if header.SetExtension(0, s.words) != nil {
		return unsupported("pion/rtp puts nothing but the elements of RFC 8285 under the profile %#x", s.profile)
	}
	return nil
}

// timestamp is that of packet k.
func (s *rtpStream) timestamp(k uint32) uint32 { return *s.Timestamp + k**s.Advance }

func (s *rtpStream) header(k uint32) rtp.Header {
	return rtp.Header{
		Version: rtpVersion, PayloadType: *s.Type, SSRC: *s.SSRC, CSRC: s.CSRC,
		SequenceNumber: *s.Sequence + uint16(k), Timestamp: s.timestamp(k), Marker: slices.Contains(s.Marked, k),
		Extension: s.extended, ExtensionProfile: s.profile, Padding: s.padding > 0,
	}
}

func (s *rtpStream) packet(k uint32, content []byte) ([]byte, error) {
	p := rtp.Packet{Header: s.header(k), Payload: content, PaddingSize: s.padding}
	if s.extended {
		if err := p.SetExtension(0, s.words); err != nil {
			return nil, err
		}
	}
	return p.Marshal()
}

// gap is the time before a place in the order, which is not the first.
func (s *rtpStream) gap(place int) time.Duration {
	if len(s.Gaps) == 0 {
		return defaultGap
	}
	return time.Duration(s.Gaps[min(place-1, len(s.Gaps)-1)]) * time.Millisecond
}

// reportsAt says whether a report is asked for when so many packets were sent.
func (s *rtpStream) reportsAt(sent int) bool {
	return sent == len(s.Order) || slices.Contains(s.Reports, sent)
}
