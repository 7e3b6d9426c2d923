// This file owns the counting and digesting of octets. It knows nothing about
// where they come from.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
)

// keepLimit bounds what a step can show as hex, so that a line stays below
// the 1 MiB that the contract allows.
const keepLimit = 384 << 10

// tally counts octets and digests them. Its zero value is ready for use.
type tally struct {
	octets int64
	hash   hash.Hash
	silent bool // counts only
}

// Write adds octets; it never fails.
func (t *tally) Write(octets []byte) (int, error) {
	t.octets += int64(len(octets))
	if len(octets) > 0 && !t.silent {
		if t.hash == nil {
			t.hash = sha256.New()
		}
		t.hash.Write(octets)
	}
	return len(octets), nil
}

var emptyDigest = sha256.Sum256(nil)

func (t *tally) appendDigest(b []byte) []byte {
	if t.hash == nil {
		return hex.AppendEncode(b, emptyDigest[:])
	}
	var sum [sha256.Size]byte
	return hex.AppendEncode(b, t.hash.Sum(sum[:0]))
}

// keeper is a tally that also keeps the first octets, when that was asked.
type keeper struct {
	tally
	room int
	kept []byte
}

// newKeeper keeps the first room octets; nil keeps none.
func newKeeper(room *int64) *keeper {
	k := &keeper{}
	if room != nil {
		k.room = int(min(*room, keepLimit))
		k.kept = []byte{}
	}
	return k
}

func (k *keeper) Write(octets []byte) (int, error) {
	if k.room > 0 {
		n := min(k.room, len(octets))
		k.kept = append(k.kept, octets[:n]...)
		k.room -= n
	}
	return k.tally.Write(octets)
}
