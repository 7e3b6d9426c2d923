// This file owns the members of commands for what needs modules besides the
// standard library. They are read also where those are missing.
package main

type fileCommand struct {
	Name    *string         `json:"name"`
	Content *payloadCommand `json:"content"`
	Hole    int64           `json:"hole"`
}

type operationCommand struct {
	Op      *string         `json:"op"`
	Name    *string         `json:"name"`
	To      *string         `json:"to"`
	Type    string          `json:"type"`
	Offset  uint64          `json:"offset"`
	Content *payloadCommand `json:"content"`
}

type streamCommand struct {
	SSRC      *uint32         `json:"ssrc"`
	Type      *uint8          `json:"type"`
	Sequence  *uint16         `json:"sequence"`
	Timestamp *uint32         `json:"timestamp"`
	Advance   *uint32         `json:"advance"`
	Payload   *payloadCommand `json:"payload"`
	Order     []uint32        `json:"order"`
	Gaps      []uint32        `json:"gaps"`
	Reports   []int           `json:"reports"`
	Marked    []uint32        `json:"marked"`
	CSRC      []uint32        `json:"csrc"`
	Extension []any           `json:"extension"` // the profile, and words in hexadecimal
	Padding   *uint8          `json:"padding"`
}
