//go:build !plain && !fasthttp

package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

const ftpTestFiles = `,"files":[{"name":"folder/a","content":{"text":"one\ntwo\n"}},{"name":"big","hole":5000000000,"content":{"text":"end"}}]`

func (h *harness) askFTP(id string, port int, user, operations string) {
	h.say(`{"do":"ask","id":%q,"service":"ftp","address":"127.0.0.1","port":%d,"user":%q,"password":"p","operations":[%s]}`, id, port, user, operations)
}

// trees are what sessions have left, or have not removed yet.
func trees(t *testing.T, folder string) int {
	found, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

func TestFilesAreToldByBothSides(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	h := startPeer(t)
	port := h.serve("ftp", "tcp", ftpTestFiles)
	h.askFTP("c", port, "me", `{"op":"retrieve","name":"folder/a","type":"ascii"},{"op":"retrieve","name":"big","offset":5000000000},`+
		`{"op":"store","name":"new","content":{"text":"1\n2\n"},"type":"ascii"},{"op":"append","name":"new","content":{"text":"3"}},`+
		`{"op":"delete","name":"missing"},{"op":"names","name":"folder"},{"op":"where"}`)
	server, client := h.stories("s", "c")
	h.expect(client, "connected, did, did, did, did, did, did, did, closed")
	h.expect(server, "accepted, stored, stored, closed")
	if left := trees(t, folder); left > 0 {
		t.Errorf("%d trees were left", left)
	}
}

func TestNobodyIsRefused(t *testing.T) {
	h := startPeer(t)
	port := h.serve("ftp", "tcp", ftpTestFiles)
	h.askFTP("c", port, "nobody", `{"op":"where"}`)
	server, client := h.stories("s", "c")
	h.expect(client, "connected, did, closed")
	h.expect(server, "accepted, closed")
}

// TestStopRemovesTrees is about transfers, too, which would wait for ever.
func TestStopRemovesTrees(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	h := startPeer(t)
	port := h.serve("ftp", "tcp", ftpTestFiles)
	control, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer control.Close()
	replies := bufio.NewReader(control)
	for _, line := range []string{"USER u", "PASS p", "PASV"} {
		fmt.Fprintf(control, "%s\r\n", line)
	}
	for i := 0; i < 4; i++ {
		if _, err := replies.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Fprintf(control, "STOR new\r\nNOOP\r\n")
	if trees(t, folder) != 1 {
		t.Error("there is no tree")
	}
	h.say(`{"do":"stop","id":"s"}`)
	h.expect(h.story("s", 0), "closed")
	if left := trees(t, folder); left > 0 {
		t.Errorf("%d trees were left", left)
	}
}

// answerFTP answers one client, by the verb, as it is told.
func answerFTP(t *testing.T, greeting string, answers map[string]string) int {
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
		fmt.Fprintf(conn, "%s\r\n", greeting)
		for in := bufio.NewScanner(conn); in.Scan(); {
			verb, _, _ := strings.Cut(in.Text(), " ")
			answer, known := answers[verb]
			switch {
			case known && answer == "":
				return
			case known:
				fmt.Fprintf(conn, "%s\r\n", answer)
			default:
				fmt.Fprint(conn, "502 no\r\n")
			}
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

func TestSessionsEndAsTheirReplies(t *testing.T) {
	h := startPeer(t)
	in := map[string]string{"USER": "331 who", "PASS": "230-in\r\n502 yes\r\n230 in", "TYPE": "200 ok", "QUIT": "221-bye\r\n221 bye"}
	with := func(verb, answer string) map[string]string {
		answers := map[string]string{verb: answer}
		for verb, answer := range in {
			if _, there := answers[verb]; !there {
				answers[verb] = answer
			}
		}
		return answers
	}
	for _, test := range []struct {
		greeting string
		answers  map[string]string
		want     string
	}{
		{"220 yes", with("DELE", "250 gone"), "connected, did, did, closed"},
		{"220 yes", with("DELE", "421 down"), "connected, did, closed"},
		{"220 yes", with("DELE", "what?"), "connected, failed other, closed"},
		{"220 yes", with("DELE", ""), "connected, failed ended, closed"},
		{"220 yes", with("USER", "530 no"), "connected, did, closed"},
		{"220 yes", with("TYPE", ""), "connected, failed ended, closed"},
		{"220 yes", with("QUIT", ""), "connected, did, did, failed ended, closed"},
		{"120 wait", in, "connected, did, closed"},
		{"what?", in, "connected, failed other, closed"},
	} {
		port := answerFTP(t, test.greeting, test.answers)
		id := fmt.Sprint(port)
		h.askFTP(id, port, "me", `{"op":"delete","name":"a"},{"op":"size","name":"a"}`)
		h.expect(h.story(id, 0), test.want)
	}
}

func TestDataConnectionsGoToTheServer(t *testing.T) {
	h := startPeer(t)
	data, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	go func() {
		if conn, err := data.Accept(); err == nil {
			fmt.Fprint(conn, "one\r\n")
			conn.Close()
		}
	}()
	at := data.Addr().(*net.TCPAddr).Port
	port := answerFTP(t, "220 yes", map[string]string{
		"USER": "230 in", "TYPE": "200 ok", "QUIT": "221 bye", "RETR": "150 here\r\n226 done",
		"PASV": fmt.Sprintf("227 (192,0,2,1,%d,%d)", at/256, at%256),
	})
	h.askFTP("c", port, "me", `{"op":"retrieve","name":"a"}`)
	h.expect(h.story("c", 0), "connected, did, closed")
}

func TestOperationsThatAreNone(t *testing.T) {
	h := startPeer(t)
	for operation, want := range map[string]string{
		`{"op":"dance"}`: "unsupported", `{"op":"size"}`: "bad-command", `{"op":"rename","name":"a"}`: "bad-command",
		`{"op":"store","name":"a"}`: "bad-command", `{"op":"retrieve","name":"a","type":"ebcdic"}`: "bad-command",
		`{"op":"size","name":"a\r\nDELE b"}`: "unsupported", `{"op":"retrieve","name":"a","offset":-1}`: "bad-command",
	} {
		h.askFTP("c", 1, "me", operation)
		h.expect(h.next().Fault, want)
	}
}

func TestLineEnds(t *testing.T) {
	for octets, want := range map[string]string{"a\r\nb\r\n": "a\nb\n", "\r\r\n\r": "\r\n\r", "a\nb": "a\nb", "": ""} {
		var out strings.Builder
		if err := copyLines(&out, strings.NewReader(octets)); err != nil || out.String() != want {
			t.Errorf("%q becomes %q, %v", octets, out.String(), err)
		}
	}
}
