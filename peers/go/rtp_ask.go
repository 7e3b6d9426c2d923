//go:build !plain && !fasthttp

// This file owns asking by RTP: a sender of one stream, its reports with
// pion/rtcp, and what is told of those that come back.
package main

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"github.com/pion/rtcp"
)

// rtcpAnswerTime is how long the answer to an SR is waited for.
const rtcpAnswerTime = time.Second

func (c *askCommand) askRTP(a *asking) (func(), error) {
	stream, err := c.Stream.stream()
	if err != nil {
		return nil, err
	}
	s := &rtpSender{asking: a, stream: stream, answers: make(chan struct{}, 1), failures: make(chan error, 1)}
	return func() {
		if err := s.run(); err != nil {
			a.fail(int(s.packets), err)
		}
	}, nil
}

// rtpSender sends one stream.
type rtpSender struct {
	*asking
	stream   rtpStream
	conn     net.Conn
	answers  chan struct{} // some RTCP came
	failures chan error    // of reading: what the system says about an earlier datagram

	packets, octets uint32
	last            uint32 // the timestamp of the last packet
	lastLeft        time.Time
}

func (s *rtpSender) run() (err error) {
	s.conn, err = s.openTo(s.to, "udp", s.begun, func(conn net.Conn) {
		s.report.add(step{name: "connected", local: localOf(conn), remote: remoteOf(conn)})
	})
	if err != nil {
		return err
	}
	s.guard(s.conn) // and no deadline: BYE is said after it, too
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		s.hear()
	}()
	defer func() { <-heard }()
	defer s.conn.Close()
	defer s.leave()
	return s.sendAll()
}

func (s *rtpSender) begun() {
	s.created()
	s.report.add(step{name: "created"})
}

func (s *rtpSender) sendAll() error {
	for place, k := range s.stream.Order {
		if place > 0 {
			if err := pause(s.ctx, s.stream.gap(place)); err != nil {
				return err
			}
		}
		if err := s.send(k); err != nil {
			return err
		}
		if s.stream.reportsAt(place + 1) {
			if err := s.ask(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *rtpSender) send(k uint32) error {
	select {
	case err := <-s.failures:
		return err
	default:
	}
	content := s.stream.payload.later(int64(k)).all()
	octets, err := s.stream.packet(k, content)
	if err == nil {
		err = s.write(octets)
	}
	if err != nil {
		return err
	}
	s.packets++
	s.octets += uint32(len(content))
	s.last, s.lastLeft = s.stream.timestamp(k), time.Now()
	return nil
}

func (s *rtpSender) write(octets []byte) error {
	if _, err := s.conn.Write(octets); err != nil {
		return err
	}
	s.passed("sent", octets)
	return nil
}

// passed reports a datagram that passed a socket call.
func (s *rtpSender) passed(name string, octets []byte) {
	var count tally
	_, _ = count.Write(octets)
	s.report.add(step{name: name, count: &count, remote: s.to})
}

// senderReport is an SR of now, and who it is of.
func (s *rtpSender) senderReport() []rtcp.Packet {
	now, ssrc := time.Now(), *s.stream.SSRC
	passed := uint32(now.Sub(s.lastLeft).Seconds() * clockRate(*s.stream.Type))
	return []rtcp.Packet{
		&rtcp.SenderReport{SSRC: ssrc, NTPTime: ntpTime(now), RTPTime: s.last + passed, PacketCount: s.packets, OctetCount: s.octets},
		describe(ssrc),
	}
}

// ask sends an SR, and waits for the answer to it.
func (s *rtpSender) ask() error {
	octets, err := rtcp.Marshal(s.senderReport())
	if err != nil {
		return err
	}
	select {
	case <-s.answers: // to nothing that was asked
	default:
	}
	if err := s.write(octets); err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(s.ctx, rtcpAnswerTime)
	defer cancel()
	select {
	case <-s.answers:
		return nil
	case err := <-s.failures:
		return err
	case <-waiting.Done():
		return waiting.Err()
	}
}

// leave says BYE, also where the stream broke off. Nothing answers it.
func (s *rtpSender) leave() {
	octets, err := rtcp.Marshal(append(s.senderReport(), &rtcp.Goodbye{Sources: []uint32{*s.stream.SSRC}}))
	if err == nil && !s.stopped() {
		_ = s.write(octets) // what broke the stream off may keep it from leaving, too
	}
}

// hear reports what comes, until the socket is closed or the sender stopped.
func (s *rtpSender) hear() {
	buffer := getBuffer()
	defer putBuffer(buffer)
	for {
		n, err := s.conn.Read(buffer[:])
		switch {
		case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded):
			return
		case err != nil:
			select {
			case s.failures <- err:
			default:
			}
		default:
			s.came(buffer[:n])
		}
	}
}

func (s *rtpSender) came(octets []byte) {
	s.passed("received", octets)
	if !isRTCP(octets) {
		return
	}
	packets, err := readRTCP(octets)
	if err != nil {
		return // it counts for nothing
	}
	for _, packet := range packets {
		switch report := packet.(type) {
		case *rtcp.ReceiverReport:
			s.blocks(report.Reports)
		case *rtcp.SenderReport:
			s.blocks(report.Reports)
		}
	}
	notify(s.answers)
}

// reportTold is the rest of a `report` step.
type reportTold struct {
	SSRC     uint32 `json:"ssrc"`
	Fraction uint8  `json:"fraction"`
	Lost     int32  `json:"lost"`
	Highest  uint32 `json:"highest"`
	Jitter   uint32 `json:"jitter"`
	LSR      uint32 `json:"lsr"`
	DLSR     uint32 `json:"dlsr"`
}

func (s *rtpSender) blocks(blocks []rtcp.ReceptionReport) {
	for _, b := range blocks {
		if b.SSRC == *s.stream.SSRC {
			lost := int32(b.TotalLost<<8) >> 8 // 24 bits with a sign
			told := reportTold{b.SSRC, b.FractionLost, lost, b.LastSequenceNumber, b.Jitter, b.LastSenderReport, b.Delay}
			s.report.add(step{name: "report", members: told})
		}
	}
}
