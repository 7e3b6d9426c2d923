// This file owns which transports of one machine (machine.md) there are here.
// How they are carried out is the system's matter: machine_*_linux.go.
package main

// machineTransports are all that there may be.
var machineTransports = []string{
	"unix", "unix-seqpacket", "unix-datagram", "fifo", "pipe", "shared-memory", "message-queue", "signal",
}

// machineTalk makes a talk over one of them.
func (s *scriptCommand) machineTalk(c *conversation) (talk, error) {
	open, known := machineTalks[*s.Transport]
	switch {
	case !known:
		return nil, unsupported("there is no transport %q", *s.Transport)
	case machineLacks(*s.Transport) != "":
		return nil, unsupported("%s", machineLacks(*s.Transport))
	case s.Address == nil:
		return nil, missing("address")
	}
	c.name = *s.Address
	return open(c, s)
}

// machineAbilities lists what can be done here, and why the rest cannot.
func machineAbilities() (can []string, lacks map[string]string) {
	lacks = map[string]string{}
	for _, role := range []string{"client", "server"} {
		for _, transport := range machineTransports {
			ability := "script " + role + "/" + transport
			if why := machineLacks(transport); why != "" {
				lacks[ability] = why
			} else {
				can = append(can, ability)
			}
		}
	}
	return can, lacks
}
