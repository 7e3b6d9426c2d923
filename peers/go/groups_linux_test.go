//go:build !plain && !fasthttp

package main

import "testing"

// TestGroupsAreJoinedAndLeft has all pass the loopback interface, which hands
// back what it is given.
func TestGroupsAreJoinedAndLeft(t *testing.T) {
	h := startPeer(t)
	script := func(id, steps string, port int) {
		h.say(`{"do":"script","id":%q,"role":%q,"transport":"multicast","address":"233.252.0.7","port":%d,"interface":"lo","local":"127.0.0.1",`+
			`"hops":2,"steps":[%s]}`, id, id, port, steps)
	}
	script("server", `{"do":"receive"},{"do":"leave"},{"do":"send","payload":{"text":"left"}},{"do":"receive","quiet":100},{"do":"join"}`, 0)
	port := 0
	for _, s := range h.next().Steps {
		if s.Step == "bound" {
			port = int(s.Local[1].(float64))
		}
	}
	script("client", `{"do":"send","payload":{"text":"one"}},{"do":"receive"},{"do":"send","payload":{"text":"two"}}`, port)
	server, client := h.stories("server", "client")
	h.expect(client, "created, bound, sent, received, sent, closed")
	h.expect(server, "received, left, sent, quiet, joined, closed")
}

func TestGroupsThatAreNone(t *testing.T) {
	h := startPeer(t)
	for members, want := range map[string]string{
		`"address":"127.0.0.1","interface":"lo","local":"127.0.0.1","steps":[]`:                      "bad-command",
		`"address":"233.252.0.7","local":"127.0.0.1","steps":[]`:                                     "bad-command",
		`"address":"233.252.0.7","interface":"lo","steps":[]`:                                        "bad-command",
		`"address":"233.252.0.7","interface":"lo","local":"::1","steps":[]`:                          "bad-command",
		`"address":"233.252.0.7","interface":"lo","local":"127.0.0.1","hops":256,"steps":[]`:         "bad-command",
		`"address":"233.252.0.7","interface":"lo","local":"127.0.0.1","steps":[{"do":"connect"}]`:    "unsupported",
		`"address":"233.252.0.7","interface":"lo","local":"127.0.0.1","steps":[{"do":"leave"}]`:      "unsupported",
		`"address":"233.252.0.7","interface":"lo","local":"127.0.0.1","source":"no","steps":[]`:      "bad-command",
		`"address":"233.252.0.7","interface":"lo","local":"127.0.0.1","steps":[{"do":"half-close"}]`: "unsupported",
	} {
		h.say(`{"do":"script","id":"c","role":"client","transport":"multicast","port":7,%s}`, members)
		h.expect(h.next().Fault, want)
	}
}
