// This file owns the small services over UDP (RFC 862 to 865, 867, 868): each
// datagram is answered by at most one.
package main

import (
	"fmt"
	"log"
	"net"
	"net/netip"
)

// udpServices make the answer to a datagram; nil: there is none.
var udpServices = map[string]func(asked []byte) []byte{
	"echo":    func(asked []byte) []byte { return asked },
	"discard": func([]byte) []byte { return nil },
	"chargen": func([]byte) []byte { return generatedAnswer },
	"qotd":    func([]byte) []byte { return quote() },
	"daytime": func([]byte) []byte { return daytime() },
	"time":    func([]byte) []byte { return secondsSince1900() },
}

func (s *service) serveUDP(answer func(asked []byte) []byte) error {
	return s.serveDatagrams(func(asked []byte, _ netip.AddrPort) []byte { return answer(asked) })
}

// serveDatagrams is for who wants to know, too, whence a datagram came.
func (s *service) serveDatagrams(answer func(asked []byte, from netip.AddrPort) []byte) error {
	conn, err := bindUDP(s.at, s.created)
	if err != nil {
		return err
	}
	s.report.add(step{name: "bound", local: localOf(conn)})
	s.guard(conn)
	s.report.flush()
	buffer := getBuffer()
	defer putBuffer(buffer)
	for !s.stopped() {
		if err := s.serveDatagram(conn, buffer[:], answer); err != nil && !s.stopped() {
			// What the system says here is about one datagram; the next
			// sender is not to suffer for it.
			log.Printf("service %s: %v", s.id, err)
		}
	}
	_ = conn.Close()
	return nil
}

func (s *service) serveDatagram(conn *net.UDPConn, buffer []byte, answer func([]byte, netip.AddrPort) []byte) error {
	n, from, err := conn.ReadFromUDPAddrPort(buffer)
	if err != nil {
		return err
	}
	s.passed("received", buffer[:n], from)
	octets := answer(buffer[:n], from)
	if octets == nil {
		return nil
	}
	if _, err := conn.WriteToUDPAddrPort(octets, from); err != nil {
		return fmt.Errorf("no answer to %v: %w", from, err)
	}
	s.passed("sent", octets, from)
	return nil
}

// passed reports a datagram that passed a socket call.
func (s *service) passed(name string, octets []byte, remote netip.AddrPort) {
	if s.silent {
		return
	}
	var count tally
	_, _ = count.Write(octets)
	s.report.add(step{name: name, count: &count, remote: remote})
}
