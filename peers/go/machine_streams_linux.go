// This file owns the frame of the scripts over the streams of one machine. How
// the ends of one find each other is the matter of a door.
package main

import (
	"context"
	"math"
)

// door is where the two ends of a stream meet.
type door interface {
	// open makes what a server's address names, and reports `created`.
	open() error
	// accept and connect make a connection. They report `created` where it is
	// there before the connection stands.
	accept(ctx context.Context) (channel, error)
	connect(ctx context.Context) (channel, error)
	// close removes what was made.
	close()
}

// localTalk is a script over such a stream.
type localTalk struct {
	streamTalk
	transport string
	door      door
	once      bool // there is one connection, and no second
	opened    int  // connections that were prepared
}

func newLocalTalk(c *conversation, s *scriptCommand) *localTalk {
	return &localTalk{
		streamTalk: streamTalk{conversation: c, receives: s.count("receive"), atOnce: math.MaxInt64},
		transport:  *s.Transport,
	}
}

func (t *localTalk) prepare(s stepCommand) (deed, error) {
	sockets := t.transport == "unix"
	if err := s.refuseMembers(t.transport, sockets, false); err != nil {
		return nil, err
	}
	prepare, known := streamSteps[*s.Do]
	switch {
	case *s.Do == "connect" || *s.Do == "accept":
		return t.prepareOpening(s)
	case s.Descriptor != nil:
		return t.prepareDescriptor(s)
	case known:
		return prepare(&t.streamTalk, s)
	}
	return nil, unsupported("there is no step %q for %s", *s.Do, t.transport)
}

func (t *localTalk) prepareOpening(s stepCommand) (deed, error) {
	if t.opened++; t.once && t.opened > 1 {
		return nil, unsupported("over %s there is one connection only", t.transport)
	}
	return t.prepareOwn(*s.Do, t.opening("connected", t.door.connect, s.Credentials), t.opening("accepted", t.door.accept, s.Credentials))
}

// opening makes a connection, and reports it.
func (t *localTalk) opening(as string, make func(context.Context) (channel, error), credentials bool) deed {
	return func(ctx context.Context) error {
		if t.conn != nil {
			return connectedYet
		}
		conn, err := make(ctx)
		if err != nil {
			return err
		}
		stands := step{name: as}
		if credentials {
			stands.members, err = credentialsOf(conn)
		}
		t.living = true
		t.begin(conn, stands)
		return err
	}
}

func (t *localTalk) open() error {
	if t.client {
		return nil
	}
	if err := t.door.open(); err != nil {
		return err
	}
	t.boundHere(t.name, true)
	return nil
}

func (t *localTalk) fail(err error) failure { return localFailure(t.streamTalk.fail(err), err) }

func (t *localTalk) hangUp() {
	t.streamTalk.hangUp()
	t.door.close()
}
