//go:build !plain && !fasthttp

package main

import (
	"encoding/hex"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
)

const rtpTestStream = `"ssrc":1,"type":0,"sequence":65534,"timestamp":4294967000,"advance":160,"payload":{"text":"a"}`

func (h *harness) askRTP(port int, stream string) {
	h.say(`{"do":"ask","id":"c","service":"rtp","address":"127.0.0.1","port":%d,"stream":{%s}}`, port, stream)
}

func TestStreamsAreToldByBothSides(t *testing.T) {
	h := startPeer(t)
	port := h.serve("rtp", "udp", "")
	h.askRTP(port, rtpTestStream+`,"order":[0,2,1,1],"gaps":[0],"reports":[2],"marked":[0],"csrc":[9],"extension":[1,"00000000"],"padding":3`)
	told := map[string]string{}
	for ended := false; !ended || !strings.HasSuffix(told["s"], "stream"); {
		e := h.next()
		for _, s := range e.Steps {
			told[e.ID] += " " + s.Step
		}
		ended = ended || e.ID == "c" && e.Done
	}
	h.expect(told["c"], " created connected sent sent sent received report sent sent sent received report sent closed")
	h.expect(told["s"], " received received received sent received received received sent received stream")
}

func TestNoAnswerEndsAStream(t *testing.T) {
	h := startPeer(t)
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	began := time.Now()
	h.askRTP(silent.LocalAddr().(*net.UDPAddr).Port, rtpTestStream+`,"order":[0,1],"reports":[1]`)
	h.expect(h.story("c", 0), "created, connected, sent, sent, sent, failed timeout, closed")
	if took := time.Since(began); took < rtcpAnswerTime {
		t.Errorf("it waited for %v", took)
	}
}

func TestStreamsThatAreNone(t *testing.T) {
	h := startPeer(t)
	for members, want := range map[string]string{
		rtpTestStream:                   "bad-command",
		`"order":[0]`:                   "bad-command",
		rtpTestStream + `,"order":[-1]`: "bad-command",
		rtpTestStream + `,"order":[0],"extension":[1,"00"]`:                       "bad-command",
		rtpTestStream + `,"order":[0],"extension":[65536,""]`:                     "bad-command",
		rtpTestStream + `,"order":[0],"extension":[48862,"10000000"]`:             "unsupported",
		rtpTestStream + `,"order":[0],"padding":0`:                                "bad-command",
		rtpTestStream + `,"order":[0],"padding":256`:                              "bad-command",
		rtpTestStream + `,"order":[0],"type":128`:                                 "bad-command",
		rtpTestStream + `,"order":[0],"csrc":[` + strings.Repeat("1,", 15) + `1]`: "bad-command",
	} {
		h.askRTP(9, members)
		if e := h.next(); e.Fault != want {
			t.Errorf("%s: %q", members, e.Fault)
		}
	}
}

// sourceOf takes packets with these sequence numbers, one of which stands for
// its payload.
func sourceOf(numbers ...uint16) *rtpSource {
	var source *rtpSource
	for _, number := range numbers {
		p := &rtp.Packet{Header: rtp.Header{SequenceNumber: number}, Payload: []byte{byte(number)}}
		if source == nil {
			source = newRTPSource(p)
		}
		source.take(p, source.since)
	}
	return source
}

func TestSequenceNumbers(t *testing.T) {
	for _, test := range []struct {
		numbers       []uint16
		highest, lost int64
		fraction      uint8
		payload       string
	}{
		{[]uint16{7}, 7, 0, 0, "07"},
		{[]uint16{65534, 65535, 1}, 65537, 1, 64, "feff01"},
		{[]uint16{65535, 0, 65534}, 65536, -1, 0, "feff00"},
		{[]uint16{1, 2, 2, 2}, 2, -2, 0, "0102"},
		{[]uint16{1, 4, 3}, 4, 1, 64, "010304"},
	} {
		source := sourceOf(test.numbers...)
		whole, told := source.told()
		block := source.block()
		var want tally
		octets, _ := hex.DecodeString(test.payload)
		_, _ = want.Write(octets)
		if told.Highest != test.highest || told.Lost != test.lost || block.FractionLost != test.fraction {
			t.Errorf("%v: highest %d, lost %d, fraction %d", test.numbers, told.Highest, told.Lost, block.FractionLost)
		}
		if string(whole.appendDigest(nil)) != string(want.appendDigest(nil)) {
			t.Errorf("%v: another payload", test.numbers)
		}
	}
}
