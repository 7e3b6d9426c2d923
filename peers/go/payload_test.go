package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"testing"
)

// The check values of the contract.
func TestPatternsHaveTheContractsDigests(t *testing.T) {
	for _, check := range []struct {
		recipe recipe
		begins string
	}{
		{recipe{pattern: "random", seed: 1, size: 10}, "2bda327a"},
		{recipe{pattern: "text", seed: 1, size: 100}, "ea481ead"},
	} {
		sum := sha256.Sum256(check.recipe.all())
		if got := hex.EncodeToString(sum[:4]); got != check.begins {
			t.Errorf("%v: the digest begins with %s, not %s", check.recipe, got, check.begins)
		}
	}
}

// However the octets are cut into reads, they are the same.
func TestPatternsDoNotDependOnTheSizeOfReads(t *testing.T) {
	for pattern := range patterns {
		for _, seed := range []uint32{0, 1, 94, 255, 4294967295} {
			r := recipe{pattern: pattern, seed: seed, size: 1000}
			for _, size := range []int{1, 3, 73, 74, 75, 999, 2000} {
				source, got := r.open(), &bytes.Buffer{}
				if _, err := io.CopyBuffer(struct{ io.Writer }{got}, source, make([]byte, size)); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got.Bytes(), r.all()) {
					t.Errorf("%v: other octets in reads of %d", r, size)
				}
			}
		}
	}
}

func TestTextIsLinesOfSeventyFour(t *testing.T) {
	text := recipe{pattern: "text", seed: 0, size: 2 * textLine}.all()
	if text[0] != ' ' || text[71] != ' '+71 || string(text[72:75]) != "\r\n!" {
		t.Errorf("the lines are %q", text)
	}
}

// The seed of a series counts up within 32 bits.
func TestLaterSeedsWrapAround(t *testing.T) {
	if later := (recipe{seed: 4294967295}).later(2); later.seed != 1 {
		t.Errorf("two after the last seed comes %d", later.seed)
	}
}
