//go:build !plain && !fasthttp

// This file owns the service rtp: a receiver of streams, which reports on each
// when it is asked to. Packets are pion's, RTCP's with pion/rtcp.
package main

import (
	"log"
	"math/rand"
	"net"
	"net/netip"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

const (
	rtpCNAME     = "parley@go.example"
	rtcpFirst    = 192 // of the packet types by which RTCP is told from RTP (RFC 5761, 4)
	rtcpLast     = 223
	rtcpPadded   = 0x20
	firstOfRTCP  = 200 // SR
	secondOfRTCP = 201 // RR
)

func isRTCP(octets []byte) bool {
	return len(octets) >= 2 && octets[1] >= rtcpFirst && octets[1] <= rtcpLast
}

// readRTCP reads a compound packet, and refuses what A.2 has refused: pion
// does not ask what the first one is.
func readRTCP(octets []byte) ([]rtcp.Packet, error) {
	if octets[0]&rtcpPadded != 0 || octets[1] != firstOfRTCP && octets[1] != secondOfRTCP {
		return nil, badCommand("no compound packet")
	}
	return rtcp.Unmarshal(octets)
}

func describe(ssrc uint32) *rtcp.SourceDescription {
	return rtcp.NewCNAMESourceDescription(ssrc, rtpCNAME)
}

func (c *serveCommand) rtp() (func(*service) error, error) {
	return (*service).serveRTP, nil
}

// rtpReceiver has the sources of each address.
type rtpReceiver struct {
	*service
	conn    *net.UDPConn
	ssrc    uint32
	since   time.Time
	sources map[netip.AddrPort]map[uint32]*rtpSource
}

func (s *service) serveRTP() error {
	conn, err := bindUDP(s.at, s.created)
	if err != nil {
		return err
	}
	s.report.add(step{name: "bound", local: localOf(conn)})
	s.guard(conn)
	s.report.flush()
	receiver := &rtpReceiver{s, conn, rand.Uint32(), time.Now(), map[netip.AddrPort]map[uint32]*rtpSource{}}
	buffer := getBuffer()
	defer putBuffer(buffer)
	for !s.stopped() {
		if err := receiver.datagram(buffer[:]); err != nil && !s.stopped() {
			log.Printf("service %s: %v", s.id, err)
		}
	}
	_ = conn.Close()
	return nil
}

func (r *rtpReceiver) datagram(buffer []byte) error {
	n, from, err := r.conn.ReadFromUDPAddrPort(buffer)
	if err != nil {
		return err
	}
	now, octets := time.Now(), buffer[:n]
	r.passed("received", octets, from)
	if isRTCP(octets) {
		return r.control(octets, from, now)
	}
	var p rtp.Packet
	if err := p.Unmarshal(octets); err != nil || p.Version != 2 {
		return nil // it counts for nothing
	}
	known := r.sources[from]
	if known == nil {
		known = map[uint32]*rtpSource{}
		r.sources[from] = known
	}
	if known[p.SSRC] == nil {
		known[p.SSRC] = newRTPSource(&p)
	}
	known[p.SSRC].take(&p, now, r.since)
	return nil
}

// control answers an SR, and tells of a stream that a BYE ends.
func (r *rtpReceiver) control(octets []byte, from netip.AddrPort, now time.Time) error {
	packets, err := readRTCP(octets)
	if err != nil {
		return nil // it counts for nothing
	}
	for _, packet := range packets {
		if bye, is := packet.(*rtcp.Goodbye); is {
			r.left(bye.Sources, from)
		}
	}
	sender, is := packets[0].(*rtcp.SenderReport)
	if !is || r.sources[from][sender.SSRC] == nil {
		return nil
	}
	source := r.sources[from][sender.SSRC]
	source.lastReport, source.reportCame = uint32(sender.NTPTime>>16), now
	report := &rtcp.ReceiverReport{SSRC: r.ssrc, Reports: []rtcp.ReceptionReport{source.block(time.Now())}}
	answer, err := rtcp.Marshal([]rtcp.Packet{report, describe(r.ssrc)})
	if err != nil {
		return err
	}
	if _, err := r.conn.WriteToUDPAddrPort(answer, from); err != nil {
		return err
	}
	r.passed("sent", answer, from)
	return nil
}

func (r *rtpReceiver) left(sources []uint32, from netip.AddrPort) {
	known := r.sources[from]
	for _, ssrc := range sources {
		if source := known[ssrc]; source != nil {
			whole, told := source.told()
			r.report.add(step{name: "stream", remote: from, count: whole, members: told})
			delete(known, ssrc)
		}
	}
	if len(known) == 0 {
		delete(r.sources, from)
	}
}
