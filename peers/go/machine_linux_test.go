package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// localStreams are the transports with connections, and a name for each.
func localStreams(t *testing.T) map[string]string {
	folder := t.TempDir()
	return map[string]string{
		"unix": filepath.Join(folder, "u"), "fifo": filepath.Join(folder, "f"), "pipe": filepath.Join(folder, "p"),
		"shared-memory": fmt.Sprintf("/parley-go-test-%d", os.Getpid()),
	}
}

// pair has a server and a client talk over a transport, and returns what both
// tell. Their ids are the transport's: an id may be in use for a moment after
// its last word.
func (h *harness) pair(transport, name, server, client, more string) (string, string) {
	h.Helper()
	h.say(`{"do":"script","id":"s %s","role":"server","transport":%q,"address":%q,"port":0,"steps":[%s]%s}`, transport, transport, name, server, more)
	h.bound()
	h.say(`{"do":"script","id":"c %s","role":"client","transport":%q,"address":%q,"port":0,"steps":[%s]%s}`, transport, transport, name, client, more)
	return h.stories("s "+transport, "c "+transport)
}

// bound waits for a server's names, and swallows what came with them.
func (h *harness) bound() {
	h.Helper()
	for {
		for _, s := range h.next().Steps {
			if s.Step == "bound" {
				return
			}
		}
	}
}

// cleanFolder fails if something was left where the names were.
func cleanFolder(t *testing.T, names map[string]string) {
	t.Helper()
	for _, name := range names {
		if found, _ := filepath.Glob(name + "*"); len(found) > 0 {
			t.Errorf("%v is left", found)
		}
		if found, _ := filepath.Glob(memoryFolder + name + "*"); strings.Count(name, "/") == 1 && len(found) > 0 {
			t.Errorf("%v is left", found)
		}
	}
}

func TestBothSidesOfLocalStreamsMaySendAtOnce(t *testing.T) {
	h, names := startPeer(t), localStreams(t)
	for transport, name := range names {
		much := `{"do":"send","payload":{"pattern":"random","size":1000000}},{"do":"half-close"},{"do":"receive","until":"end"},{"do":"close"}`
		server, client := h.pair(transport, name, `{"do":"accept"},`+much, `{"do":"connect"},`+much, "")
		h.expect(server, "accepted, sent, half-closed, received, end, closed")
		h.expect(client, "created, connected, sent, half-closed, received, end, closed")
	}
	cleanFolder(t, names)
}

func TestLocalStreamsTellOfReadersThatAreGone(t *testing.T) {
	h, names := startPeer(t), localStreams(t)
	for transport, name := range names {
		_, client := h.pair(transport, name, `{"do":"accept"},{"do":"close"}`,
			`{"do":"connect"},{"do":"receive","until":"end"},{"do":"send","payload":{"pattern":"text","size":1000000}}`, "")
		h.expect(client, "created, connected, received, end, reset, failed reset, closed")
	}
	cleanFolder(t, names)
}

func TestLocalNamesAreMissedAndKept(t *testing.T) {
	h, names := startPeer(t), localStreams(t)
	for transport, name := range names {
		h.say(`{"do":"script","id":"c %s","role":"client","transport":%q,"address":%q,"port":0,"steps":[{"do":"connect"}]}`, transport, transport, name)
		h.expect(h.story("c "+transport, 0), "created, failed missing, closed")
		h.say(`{"do":"script","id":"s %s","role":"server","transport":%q,"address":%q,"port":0,"steps":[{"do":"accept"}]}`, transport, transport, name)
		h.bound()
		h.say(`{"do":"script","id":"t %s","role":"server","transport":%q,"address":%q,"port":0,"steps":[{"do":"accept"}]}`, transport, transport, name)
		if told := h.story("t "+transport, 0); !strings.Contains(told, "failed address-in-use") {
			t.Errorf("%s: %s", transport, told)
		}
		h.say(`{"do":"stop","id":"s %s"}`, transport)
		h.expect(h.story("s "+transport, 0), "closed")
	}
	cleanFolder(t, names)
}

// A client may be inside an open when the name of the FIFO goes away.
func TestFIFOsThatNobodyOpensEndWithTheirDeadline(t *testing.T) {
	h, names := startPeer(t), localStreams(t)
	h.say(`{"do":"script","id":"s","role":"server","transport":"fifo","address":%q,"port":0,"steps":[{"do":"wait","ms":100}]}`, names["fifo"])
	h.bound()
	h.say(`{"do":"script","id":"c","role":"client","transport":"fifo","address":%q,"port":0,"deadline":200,"steps":[{"do":"connect"}]}`, names["fifo"])
	_, client := h.stories("s", "c")
	h.expect(client, "created, failed timeout, closed")
	cleanFolder(t, names)
}

func TestRecordsAreToldOneByOne(t *testing.T) {
	h, folder := startPeer(t), t.TempDir()
	for transport, accept := range map[string]string{"unix-seqpacket": `{"do":"accept"},`, "unix-datagram": "", "message-queue": ""} {
		if machineLacks(transport) != "" {
			continue
		}
		name := filepath.Join(folder, "r")
		if transport == "message-queue" {
			name = fmt.Sprintf("/parley-go-test-%d", os.Getpid())
		}
		server, client := h.pair(transport, name, accept+`{"do":"receive","count":12},{"do":"send","payload":{"text":"a"}}`,
			`{"do":"connect"},{"do":"send","payload":{"pattern":"random","size":900},"count":12},{"do":"receive"},{"do":"receive","quiet":1}`,
			`,"deadline":2000`)
		h.expect(strings.TrimPrefix(server, "accepted, "), strings.Repeat("received, ", 12)+"sent, closed")
		if !strings.HasPrefix(client, "created, connected, sent, ") {
			t.Errorf("%s: %s", transport, client)
		}
		if errno := queueUnlink(name + "-up"); transport == "message-queue" && errno != syscall.ENOENT {
			t.Errorf("the queue is left: %v", errno)
		}
	}
	cleanFolder(t, map[string]string{"": folder + "/r"})
}

func TestQueuesThatAreNotWaitedFor(t *testing.T) {
	if machineLacks("message-queue") != "" {
		t.Skip(machineLacks("message-queue"))
	}
	h := startPeer(t)
	server, client := h.pair("message-queue", fmt.Sprintf("/parley-go-test-%d", os.Getpid()),
		`{"do":"wait","messages":1},{"do":"receive","now":true},{"do":"receive","now":true}`,
		`{"do":"connect"},{"do":"send","payload":{"text":"a"},"priority":7},{"do":"send","payload":{"text":"bc"}}`, `,"room":{"messages":1,"size":1}`)
	h.expect(server, "received, failed empty, closed")
	h.expect(client, "created, connected, sent, failed too-large, closed")
}

func TestDescriptorsArePassed(t *testing.T) {
	h, folder := startPeer(t), t.TempDir()
	for transport, much := range map[string]string{"unix": `"octets":1`, "unix-seqpacket": `"count":1`} {
		server, _ := h.pair(transport, filepath.Join(folder, "d"),
			`{"do":"accept","credentials":true},{"do":"receive",`+much+`,"descriptor":true},{"do":"receive",`+much+`}`,
			`{"do":"connect"},{"do":"send","payload":{"text":"a"},"descriptor":{"text":"b"}},{"do":"send","payload":{"text":"a"},"descriptor":{"text":"c"}}`, "")
		h.expect(server, "accepted, received, received, closed")
	}
}

func TestSignalsAreTaken(t *testing.T) {
	h := startPeer(t)
	server, client := h.pair("signal", fmt.Sprint(os.Getpid()), `{"do":"receive","signal":"RTMIN+1"},{"do":"receive","signal":["USR1","USR2"]}`,
		`{"do":"send","signal":"USR2"},{"do":"send","signal":"RTMIN+1","value":-1}`, "")
	h.expect(server, "received, received, closed")
	h.expect(client, "created, sent, sent, closed")
}

func TestWhatTheRuntimeHidesIsUnsupported(t *testing.T) {
	h := startPeer(t)
	for _, steps := range []string{
		`{"do":"block","signals":["USR1"]}`,
		`{"do":"receive","signal":"RTMIN+1","count":2}`,
		`{"do":"receive","signal":["USR1","USR2"],"count":2}`,
		`{"do":"receive","signal":"URG"}`,
	} {
		h.say(`{"do":"script","id":"s","role":"server","transport":"signal","address":"0","port":0,"steps":[%s]}`, steps)
		if e := h.next(); e.Fault != "unsupported" {
			t.Errorf("%s is answered %+v", steps, e)
		}
	}
}
