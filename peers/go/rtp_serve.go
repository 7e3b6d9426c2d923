//go:build !plain && !fasthttp

// This file owns the service rtp: a receiver of streams, which reports on each
// when it is asked to. Packets are read by pion/rtp and pion/rtcp.
package main

import (
	"math/rand"
	"net/netip"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

const (
	rtpCNAME = "parley@go.example"

	// The second octets by which RTCP is told from RTP (RFC 5761, 4).
	rtcpFirst = 192
	rtcpLast  = 223

	rtcpPadded = 0x20 // the bit of the first octet
)

func isRTCP(octets []byte) bool {
	return len(octets) >= 2 && octets[1] >= rtcpFirst && octets[1] <= rtcpLast
}

// readRTCP reads a compound packet, and refuses what A.2 has refused: pion
// does not ask what the first one is.
func readRTCP(octets []byte) ([]rtcp.Packet, error) {
	kind := rtcp.PacketType(octets[1])
	if octets[0]&rtcpPadded != 0 || kind != rtcp.TypeSenderReport && kind != rtcp.TypeReceiverReport {
		return nil, badCommand("no compound packet")
	}
	return rtcp.Unmarshal(octets)
}

func describe(ssrc uint32) *rtcp.SourceDescription {
	return rtcp.NewCNAMESourceDescription(ssrc, rtpCNAME)
}

// rtpFrom is a source: those of different addresses differ.
type rtpFrom struct {
	address netip.AddrPort
	ssrc    uint32
}

// rtpReceiver has the sources that have not left.
type rtpReceiver struct {
	*service
	ssrc    uint32
	sources map[rtpFrom]*rtpSource
}

func (c *serveCommand) rtp() (func(*service) error, error) {
	return func(s *service) error {
		receiver := &rtpReceiver{s, rand.Uint32(), map[rtpFrom]*rtpSource{}}
		return s.serveDatagrams(receiver.take)
	}, nil
}

// take is for each datagram; one that is no valid packet counts for nothing.
func (r *rtpReceiver) take(octets []byte, from netip.AddrPort) (answer []byte) {
	now := time.Now()
	if isRTCP(octets) {
		return r.control(octets, from, now)
	}
	var p rtp.Packet
	if p.Unmarshal(octets) != nil || p.Version != rtpVersion {
		return nil
	}
	at := rtpFrom{from, p.SSRC}
	if r.sources[at] == nil {
		r.sources[at] = newRTPSource(&p)
	}
	r.sources[at].take(&p, now)
	return nil
}

// control tells of streams that a BYE ends, and answers an SR of one that goes
// on.
func (r *rtpReceiver) control(octets []byte, from netip.AddrPort, now time.Time) []byte {
	packets, err := readRTCP(octets)
	if err != nil {
		return nil
	}
	for _, packet := range packets {
		if bye, is := packet.(*rtcp.Goodbye); is {
			r.left(bye.Sources, from)
		}
	}
	for _, packet := range packets {
		if sender, is := packet.(*rtcp.SenderReport); is && r.sources[rtpFrom{from, sender.SSRC}] != nil {
			return r.answer(r.sources[rtpFrom{from, sender.SSRC}], sender, now)
		}
	}
	return nil
}

func (r *rtpReceiver) left(ssrcs []uint32, from netip.AddrPort) {
	for _, ssrc := range ssrcs {
		source := r.sources[rtpFrom{from, ssrc}]
		if source != nil && !r.silent {
			whole, told := source.told()
			r.report.add(step{name: "stream", remote: from, count: whole, members: told})
		}
		delete(r.sources, rtpFrom{from, ssrc})
	}
}

func (r *rtpReceiver) answer(source *rtpSource, sender *rtcp.SenderReport, came time.Time) []byte {
	block := source.block()
	block.LastSenderReport = uint32(sender.NTPTime >> 16) // the middle 32 bits
	block.Delay = uint32(time.Since(came).Seconds() * 65536)
	report := &rtcp.ReceiverReport{SSRC: r.ssrc, Reports: []rtcp.ReceptionReport{block}}
	answer, err := rtcp.Marshal([]rtcp.Packet{report, describe(r.ssrc)})
	if err != nil {
		return nil // all of its numbers fit, so that there is none
	}
	return answer
}
