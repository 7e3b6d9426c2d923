//go:build !plain && !fasthttp

// This file owns what a receiver knows of one source (RFC 3550, A.1, A.3,
// A.8), and its clock. Packets are read by pion/rtp.
package main

import (
	"math"
	"slices"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

const (
	halfOfNumbers = 1 << 15
	mostLost      = 1<<23 - 1
	ntpToUnix     = 2208988800 // seconds from 1900 to 1970
)

// clockRate is that of a payload type, in Hz (rtp.md).
func clockRate(payloadType uint8) float64 {
	switch payloadType {
	case 96:
		return 90000
	case 97:
		return 48000
	}
	return 8000
}

// ntpTime is a moment as an NTP timestamp of 64 bits.
func ntpTime(at time.Time) uint64 {
	fraction := uint64(at.Nanosecond()) << 32 / uint64(time.Second)
	return uint64(at.Unix()+ntpToUnix)<<32 | fraction
}

// rtpSource is what is known of one source.
type rtpSource struct {
	ssrc          uint32
	rate          float64
	base, highest int64 // sequence numbers with their cycles
	received      int64
	jitter        float64
	transit       float64
	since         time.Time        // the origin of transit times
	contents      map[int64][]byte // payloads by sequence number

	// When a report was asked for before.
	expectedBefore, receivedBefore int64
}

func newRTPSource(first *rtp.Packet) *rtpSource {
	number := int64(first.SequenceNumber)
	return &rtpSource{
		ssrc: first.SSRC, rate: clockRate(first.PayloadType), base: number, highest: number, since: time.Now(), contents: map[int64][]byte{},
	}
}

func (s *rtpSource) take(p *rtp.Packet, at time.Time) {
	s.number(p)
	transit := at.Sub(s.since).Seconds()*s.rate - float64(p.Timestamp)
	if s.received > 0 {
		// Timestamps wrap: A.8 has integers of 32 bits.
		late := math.Abs(math.Remainder(transit-s.transit, 1<<32))
		s.jitter += (late - s.jitter) / 16
	}
	s.transit = transit
	s.received++
}

// number finds a packet's place: what is less than half of all numbers ahead
// of the highest is new, and anything else came late, or twice.
func (s *rtpSource) number(p *rtp.Packet) {
	if ahead := p.SequenceNumber - uint16(s.highest); ahead < halfOfNumbers {
		s.highest += int64(ahead)
	}
	place := s.highest - int64(uint16(s.highest)-p.SequenceNumber)
	if _, twice := s.contents[place]; !twice {
		s.contents[place] = slices.Clone(p.Payload)
	}
}

func (s *rtpSource) expected() int64 { return s.highest - s.base + 1 }

func (s *rtpSource) lost() int64 { return s.expected() - s.received }

// fraction is what was lost since it was asked before, of 256.
func (s *rtpSource) fraction() uint8 {
	expected, received := s.expected()-s.expectedBefore, s.received-s.receivedBefore
	s.expectedBefore, s.receivedBefore = s.expected(), s.received
	if received >= expected {
		return 0
	}
	return uint8(min((expected-received)*256/expected, math.MaxUint8))
}

// block is a report block, but for what it says about the last SR. The lost
// are a number of 24 bits, with a sign.
func (s *rtpSource) block() rtcp.ReceptionReport {
	lost := max(-mostLost-1, min(s.lost(), mostLost))
	return rtcp.ReceptionReport{
		SSRC: s.ssrc, FractionLost: s.fraction(), TotalLost: uint32(lost) & 0xFFFFFF,
		LastSequenceNumber: uint32(s.highest), Jitter: uint32(s.jitter),
	}
}

// streamTold is the rest of a `stream` step.
type streamTold struct {
	SSRC    uint32 `json:"ssrc"`
	Packets int64  `json:"packets"`
	Lost    int64  `json:"lost"`
	Highest int64  `json:"highest"`
	Jitter  int64  `json:"jitter"`
}

func (s *rtpSource) told() (*tally, streamTold) {
	numbers := make([]int64, 0, len(s.contents))
	for number := range s.contents {
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	var whole tally
	for _, number := range numbers {
		_, _ = whole.Write(s.contents[number])
	}
	return &whole, streamTold{s.ssrc, s.received, s.lost(), s.highest, int64(s.jitter)}
}
