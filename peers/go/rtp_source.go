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
	base, highest int64 // extended
	received      int64
	jitter        float64
	transit       float64
	lastReport    uint32 // the middle of the last SR's NTP timestamp
	reportCame    time.Time
	contents      map[int64][]byte

	expectedBefore, receivedBefore int64
}

func newRTPSource(first *rtp.Packet) *rtpSource {
	number := int64(first.SequenceNumber)
	return &rtpSource{
		ssrc: first.SSRC, rate: clockRate(first.PayloadType), base: number, highest: number, contents: map[int64][]byte{},
	}
}

func (s *rtpSource) take(p *rtp.Packet, at time.Time, since time.Time) {
	if ahead := p.SequenceNumber - uint16(s.highest); ahead < halfOfNumbers {
		s.highest += int64(ahead)
	}
	behind := uint16(s.highest) - p.SequenceNumber
	if number := s.highest - int64(behind); s.contents[number] == nil {
		s.contents[number] = append([]byte{}, p.Payload...)
	}
	transit := at.Sub(since).Seconds()*s.rate - float64(p.Timestamp)
	if s.received > 0 {
		// Timestamps wrap: A.8 has integers of 32 bits.
		late := math.Abs(math.Remainder(transit-s.transit, 1<<32))
		s.jitter += (late - s.jitter) / 16
	}
	s.transit = transit
	s.received++
}

func (s *rtpSource) expected() int64 { return s.highest - s.base + 1 }

func (s *rtpSource) lost() int64 { return s.expected() - s.received }

// fraction is what was lost since it was asked before, of 256.
func (s *rtpSource) fraction() uint8 {
	expected, received := s.expected()-s.expectedBefore, s.received-s.receivedBefore
	s.expectedBefore, s.receivedBefore = s.expected(), s.received
	if expected <= 0 || received >= expected {
		return 0
	}
	return uint8((expected - received) * 256 / expected)
}

func (s *rtpSource) block(now time.Time) rtcp.ReceptionReport {
	var delay uint32
	if !s.reportCame.IsZero() {
		delay = uint32(now.Sub(s.reportCame).Seconds() * 65536)
	}
	return rtcp.ReceptionReport{
		SSRC: s.ssrc, FractionLost: s.fraction(), TotalLost: uint32(s.lost()) & 0xFFFFFF,
		LastSequenceNumber: uint32(s.highest), Jitter: uint32(s.jitter), LastSenderReport: s.lastReport, Delay: delay,
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
