//go:build !plain && !fasthttp

package main

import (
	"fmt"
	"testing"
)

func TestMailIsToldByBothSides(t *testing.T) {
	h := startPeer(t)
	port := h.serve("smtp", "tcp", "")
	content := `"content":{"text":"a\r\n.b\r\n"}`
	h.say(`{"do":"ask","id":"c","service":"smtp","address":"127.0.0.1","port":%d,"messages":[`+
		`{"from":"a@x","recipients":["nobody@x","b@x"],`+content+`},`+
		`{"from":"Banned@x","recipients":["b@x"],`+content+`},`+
		`{"from":"","recipients":["later@x"],`+content+`},`+
		`{"from":"a@x","recipients":["picky@x","b@x"],`+content+`}]}`, port)
	server, client := h.mails()
	h.expect(client, "connected, mail, mail, mail, mail, closed")
	h.expect(server, "accepted, mail, closed")
}

// mails are what a service and the one who asks it tell, as far as the end of
// the connection.
func (h *harness) mails() (server, client string) {
	told := map[string]string{}
	for open := 2; open > 0; {
		e := h.next()
		for _, s := range e.Steps {
			told[e.ID] += ", " + s.Step
		}
		if e.Done {
			open--
		}
	}
	return told["s"][2:], told["c"][2:]
}

func TestSessionsThatCannotBegin(t *testing.T) {
	h := startPeer(t)
	for greeting, want := range map[string]string{
		"554 no\r\n":                      "connected, mail, closed",
		"220 yes\r\n502 no\r\n550 no\r\n": "connected, mail, closed",
		"220 yes\r\n250 yes\r\nwhat?\r\n": "connected, failed other, closed",
	} {
		port := sayOnce(t, greeting)
		id := fmt.Sprint(port)
		h.say(`{"do":"ask","id":%q,"service":"smtp","address":"127.0.0.1","port":%d,"messages":[`+
			`{"from":"a@x","recipients":["b@x"],"content":{"text":"a\r\n"}}]}`, id, port)
		h.expect(h.story(id, 0), want)
	}
}
