//go:build !plain && !fasthttp

// This file owns asking by RTP: a sender of one stream, with pion's packets,
// and what is told of the reports that come back.
package main

import (
	"encoding/hex"
	"net"
	"slices"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

const (
	// rtcpAnswerTime is how long the answer to an SR is waited for.
	rtcpAnswerTime = time.Second

	defaultGap = 20 * time.Millisecond
)

func (c *askCommand) askRTP(a *asking) (func(), error) {
	if c.Stream == nil {
		return nil, missing("stream")
	}
	if len(c.Stream.Order) == 0 {
		return nil, missing("order")
	}
	payload, err := c.Stream.Payload.recipe()
	if err != nil {
		return nil, err
	}
	sender := &rtpSender{asking: a, stream: c.Stream, payload: payload}
	if sender.words, err = c.Stream.words(); err != nil {
		return nil, err
	}
	return func() {
		if err := sender.run(); err != nil {
			a.fail(int(sender.packets), err)
		}
	}, nil
}

// words are those of the header extension.
func (c *streamCommand) words() ([]byte, error) {
	if len(c.Extension) != 2 {
		return nil, nil
	}
	text, _ := c.Extension[1].(string)
	if _, is := c.Extension[0].(float64); !is {
		return nil, badCommand("an extension is a profile and its words")
	}
	words, err := hex.DecodeString(text)
	if err != nil {
		return nil, badCommand("an extension's words are hexadecimal: %v", err)
	}
	return words, nil
}

// rtpSender sends one stream.
type rtpSender struct {
	*asking
	stream  *streamCommand
	payload recipe
	words   []byte

	conn            net.Conn
	packets, octets uint32
	last            uint32 // the timestamp of the last packet
	lastLeft        time.Time
}

func (s *rtpSender) run() error {
	conn, err := s.open("udp", func(conn net.Conn) {
		s.report.add(step{name: "connected", local: localOf(conn), remote: remoteOf(conn)})
	})
	if err != nil {
		return err
	}
	s.conn = conn
	s.guard(conn)
	defer s.leave()
	for place, number := range s.stream.Order {
		if place > 0 {
			if err := pause(s.ctx, s.gap(place-1)); err != nil {
				return err
			}
		}
		if err := s.send(number); err != nil {
			return err
		}
		sent := place + 1
		if sent == len(s.stream.Order) || slices.Contains(s.stream.Reports, sent) {
			if err := s.ask(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *rtpSender) gap(place int) time.Duration {
	if len(s.stream.Gaps) == 0 {
		return defaultGap
	}
	return time.Duration(s.stream.Gaps[min(place, len(s.stream.Gaps)-1)]) * time.Millisecond
}

func (s *rtpSender) send(number int64) error {
	content := s.payload.later(number).all()
	octets, err := s.packet(number, content)
	if err != nil {
		return err
	}
	if err := s.write(octets); err != nil {
		return err
	}
	s.packets++
	s.octets += uint32(len(content))
	s.last, s.lastLeft = s.stream.Timestamp+uint32(number)*s.stream.Advance, time.Now()
	return nil
}

func (s *rtpSender) packet(number int64, content []byte) ([]byte, error) {
	p := rtp.Packet{
		Header: rtp.Header{
			Version: 2, PayloadType: s.stream.Type, SSRC: s.stream.SSRC, CSRC: s.stream.CSRC,
			SequenceNumber: s.stream.Sequence + uint16(number),
			Timestamp:      s.stream.Timestamp + uint32(number)*s.stream.Advance,
			Marker:         slices.Contains(s.stream.Marked, number),
		},
		Payload: content,
	}
	if s.words != nil {
		p.Extension, p.ExtensionProfile = true, uint16(s.stream.Extension[0].(float64))
		if err := p.SetExtension(0, s.words); err != nil {
			return nil, err
		}
	}
	if s.stream.Padding > 0 {
		p.Padding, p.PaddingSize = true, s.stream.Padding
	}
	return p.Marshal()
}

func (s *rtpSender) write(octets []byte) error {
	if _, err := s.conn.Write(octets); err != nil {
		return err
	}
	var count tally
	_, _ = count.Write(octets)
	s.report.add(step{name: "sent", count: &count, remote: s.to})
	return nil
}

// senderReport is an SR of now, and who it is of.
func (s *rtpSender) senderReport() []rtcp.Packet {
	now := time.Now()
	passed := uint32(now.Sub(s.lastLeft).Seconds() * clockRate(s.stream.Type))
	return []rtcp.Packet{
		&rtcp.SenderReport{
			SSRC: s.stream.SSRC, NTPTime: ntpTime(now), RTPTime: s.last + passed, PacketCount: s.packets, OctetCount: s.octets,
		},
		describe(s.stream.SSRC),
	}
}

// reportTold is a `report` step.
type reportTold struct {
	SSRC     uint32 `json:"ssrc"`
	Fraction uint8  `json:"fraction"`
	Lost     int32  `json:"lost"`
	Highest  uint32 `json:"highest"`
	Jitter   uint32 `json:"jitter"`
	LSR      uint32 `json:"lsr"`
	DLSR     uint32 `json:"dlsr"`
}

// ask sends an SR, and waits for the answer to it.
func (s *rtpSender) ask() error {
	octets, err := rtcp.Marshal(s.senderReport())
	if err != nil {
		return err
	}
	if err := s.write(octets); err != nil {
		return err
	}
	if err := s.conn.SetReadDeadline(time.Now().Add(rtcpAnswerTime)); err != nil {
		return err
	}
	buffer := getBuffer()
	defer putBuffer(buffer)
	n, err := s.conn.Read(buffer[:])
	if err != nil {
		return err
	}
	s.came(buffer[:n])
	return nil
}

func (s *rtpSender) came(octets []byte) {
	var count tally
	_, _ = count.Write(octets)
	s.report.add(step{name: "received", count: &count, remote: s.to})
	if !isRTCP(octets) {
		return
	}
	packets, err := readRTCP(octets)
	if err != nil {
		return
	}
	for _, packet := range packets {
		switch report := packet.(type) {
		case *rtcp.ReceiverReport:
			s.blocks(report.Reports)
		case *rtcp.SenderReport:
			s.blocks(report.Reports)
		}
	}
}

func (s *rtpSender) blocks(blocks []rtcp.ReceptionReport) {
	for _, b := range blocks {
		if b.SSRC == s.stream.SSRC {
			lost := int32(b.TotalLost<<8) >> 8
			told := reportTold{b.SSRC, b.FractionLost, lost, b.LastSequenceNumber, b.Jitter, b.LastSenderReport, b.Delay}
			s.report.add(step{name: "report", members: told})
		}
	}
}

// leave says BYE; nobody is waited for.
func (s *rtpSender) leave() {
	octets, err := rtcp.Marshal(append(s.senderReport(), &rtcp.Goodbye{Sources: []uint32{s.stream.SSRC}}))
	if err == nil && !s.stopped() {
		_ = s.write(octets)
	}
}
