// This file owns which transports of one machine Linux has, and what their
// scripts have in common: names instead of addresses, and credentials.
package main

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// machineTalks makes the talks of the transports.
var machineTalks = map[string]func(*conversation, *scriptCommand) (talk, error){
	"unix":           newUnixTalk,
	"unix-seqpacket": newSeqpacketTalk,
	"unix-datagram":  newUnixgramTalk,
	"fifo":           newFIFOTalk,
	"pipe":           newPipeTalk,
	"shared-memory":  newMemoryTalk,
	"message-queue":  newQueueTalk,
	"signal":         newSignalTalk,
}

// machineLacks is why this machine cannot do one of them; "": it can.
func machineLacks(transport string) string {
	switch {
	case transport == "shared-memory" && !isFolder(memoryFolder):
		return "there is no " + memoryFolder + ", where POSIX shared memory objects are"
	case transport == "message-queue" && !haveQueues():
		return "the kernel has no POSIX message queues"
	}
	return ""
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// onlyOwner is the mode of everything that is made.
const onlyOwner = 0o600

// credentials tell of a process.
type credentials struct {
	PID int `json:"pid"`
	UID int `json:"uid"`
	GID int `json:"gid"`
}

// credentialsMember is the rest of the steps that tell credentials.
type credentialsMember struct {
	Credentials credentials `json:"credentials"`
}

func ownCredentials() credentialsMember {
	return credentialsMember{credentials{os.Getpid(), os.Geteuid(), os.Getegid()}}
}

// localMember is the rest of the steps that tell a name.
type localMember struct {
	Local [2]any `json:"local"`
}

// createdHere reports that a conversation has something, and whose it is.
func (c *conversation) createdHere() {
	c.living = true
	c.report.add(step{name: "created", members: ownCredentials()})
}

// boundHere reports that a server's names are there, at once.
func (c *conversation) boundHere(name string, listens bool) {
	local := localMember{[2]any{name, 0}}
	c.report.add(step{name: "bound", members: local})
	if listens {
		c.report.add(step{name: "listening", members: local})
	}
	c.report.flush()
}

// lookAgain is how long to rest between two looks at what wakes nobody.
const lookAgain = time.Millisecond

// until looks again and again until done is true, or fails.
func until(ctx context.Context, done func() (bool, error)) error {
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		if err := pause(ctx, lookAgain); err != nil {
			return err
		}
	}
}

// localFailure knows the words that only these transports have.
func localFailure(failed failure, err error) failure {
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ESRCH):
		failed.Error = "missing"
	case errors.Is(err, syscall.EEXIST):
		failed.Error = "address-in-use"
	case errors.Is(err, syscall.EMSGSIZE):
		failed.Error = "too-large"
	}
	return failed
}

// refuseMembers says no to what a transport cannot do with a step.
func (s *stepCommand) refuseMembers(transport string, descriptors, queues bool) error {
	switch {
	case (s.Descriptor != nil || s.Credentials) && !descriptors:
		return unsupported("no descriptors and credentials are passed over %s", transport)
	case (s.Priority != nil || s.Now || s.Messages != nil) && !queues:
		return unsupported("priority, now and messages are not there over %s", transport)
	}
	return nil
}
