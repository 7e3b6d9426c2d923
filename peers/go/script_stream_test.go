package main

import (
	"fmt"
	"io"
	"net"
	"testing"
)

// sayOnce has somebody wait for a client and then say these pieces, each in a
// write of its own.
func sayOnce(t *testing.T, pieces ...string) (port int) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for _, piece := range pieces {
			fmt.Fprint(conn, piece)
		}
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, conn) // closing with octets unread would be a reset
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

func TestRepliesEndAtTheirLastLine(t *testing.T) {
	h := startPeer(t)
	for _, reading := range []string{"eager", "lazy"} {
		port := sayOnce(t, "220 a\r\n2", "50-b\r\n250-", "c\n251 d\r\n250 e\r\n", "250\n2\n", "25")
		h.say(`{"do":"script","id":%q,"role":"client","transport":"tcp","address":"127.0.0.1","port":%d,"reading":%q,"steps":[{"do":"connect"},`+
			`{"do":"receive","until":"reply"},{"do":"receive","until":"reply","keep":100},{"do":"receive","until":"reply"},{"do":"receive","until":"reply"},`+
			`{"do":"receive","until":"reply"}]}`, reading, port, reading)
		h.expect(h.story(reading, 0), "created, connecting, connected, received, received, received, received, received, end, failed ended, closed")
	}
}

func TestGoalOfAReplyTakesWholeLines(t *testing.T) {
	for text, want := range map[string]int{
		"220 hello\r\n250 x\r\n":               11,
		"250-a\r\n250-b\r\n250 c\r\n221 d\r\n": 21,
		"250-a\r\n251 b\r\n250\n":              18,
		"a\nb\n":                               2,
		"250-a\r\n2\n250 c\n":                  15,
	} {
		took, done := 0, false
		for take := reply(); took < len(text) && !done; {
			var n int
			n, done = take([]byte(text[took:took+1]), int64(took))
			took += n
		}
		if took != want || !done {
			t.Errorf("of %q %d octets are taken, not %d", text, took, want)
		}
	}
}
