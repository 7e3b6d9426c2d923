// This file owns what the services qotd, daytime, time and chargen say
// (RFC 865, 867, 868 and 864). It knows nothing about how it is sent.
package main

import (
	"encoding/binary"
	"time"
)

// quote is within 512 octets of printable ASCII (RFC 865).
func quote() []byte {
	return []byte("Be liberal in what you accept, and conservative in what you send.\r\n")
}

func daytime() []byte {
	return []byte(time.Now().UTC().Format("Monday, January 2, 2006 15:04:05") + "-UTC\r\n")
}

// secondsTo1970 lie between the origin of RFC 868 and that of Unix.
const secondsTo1970 = 2208988800

// secondsSince1900 wraps around in 2036, as RFC 868 has it.
func secondsSince1900() []byte {
	return binary.BigEndian.AppendUint32(nil, uint32(time.Now().Unix()+secondsTo1970))
}

// generated is the pattern of chargen: its beginning, and as whole periods,
// which can be sent over and over.
var (
	generated       = recipe{pattern: "text", seed: 1, size: printable * textLine * 8}.all()
	generatedAnswer = generated[:256]
)
