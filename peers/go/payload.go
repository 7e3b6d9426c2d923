// This file owns the payload recipes: from a recipe to its octets. It knows
// nothing about who sends them.
package main

import "io"

// recipe describes octets: a literal, or size octets of a pattern.
type recipe struct {
	pattern string
	seed    uint32
	size    int64
	literal []byte
}

// later is the recipe of the n-th datagram of a series: its seed one higher
// each time.
func (r recipe) later(n int64) recipe {
	r.seed += uint32(n)
	return r
}

// generator writes the next octets of a pattern, as many as fit.
type generator func(into []byte)

// patterns has a generator for each pattern that the contract names.
var patterns = map[string]func(seed uint32) generator{
	"every-octet": everyOctet,
	"constant":    constant,
	"text":        textLines,
	"random":      xorshift,
}

// octets reads the octets of a recipe: each Read fills its buffer unless the
// end is nearer.
type octets struct {
	next generator
	left int64
}

func (r recipe) open() *octets {
	if r.pattern == "" {
		return &octets{next: literal(r.literal), left: int64(len(r.literal))}
	}
	return &octets{next: patterns[r.pattern](r.seed), left: r.size}
}

// length is the number of octets that the recipe makes.
func (r recipe) length() int64 {
	if r.pattern == "" {
		return int64(len(r.literal))
	}
	return r.size
}

// all is for recipes that are known to be small.
func (r recipe) all() []byte {
	whole := make([]byte, r.length())
	r.open().next(whole)
	return whole
}

func (o *octets) Read(into []byte) (int, error) {
	if o.left == 0 {
		return 0, io.EOF
	}
	n := int(min(o.left, int64(len(into))))
	o.next(into[:n])
	o.left -= int64(n)
	return n, nil
}

// copyTo writes all octets of the recipe.
func (r recipe) copyTo(out io.Writer) error {
	buffer := getBuffer()
	defer putBuffer(buffer)
	source := r.open()
	for {
		n, err := source.Read(buffer[:])
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := out.Write(buffer[:n]); err != nil {
			return err
		}
	}
}

func literal(text []byte) generator {
	return func(into []byte) { text = text[copy(into, text):] }
}

// everyOctet: octet i is (seed + i) mod 256.
func everyOctet(seed uint32) generator {
	octet := byte(seed)
	return func(into []byte) {
		for i := range into {
			into[i] = octet
			octet++
		}
	}
}

// constant: each octet is seed mod 256.
func constant(seed uint32) generator {
	return func(into []byte) {
		for i := range into {
			into[i] = byte(seed)
		}
	}
}

const (
	textWidth = 72 // printable octets in a line of the pattern text
	textLine  = textWidth + 2
	printable = 95 // octets from 32 to 126
)

// textLines: at column c of line k the octet is 32 + (seed + k + c) mod 95;
// each line ends with CR LF.
func textLines(seed uint32) generator {
	first, column := seed%printable, uint32(0) // first: (seed + k) mod 95
	return func(into []byte) {
		for i := range into {
			switch column {
			case textWidth:
				into[i] = '\r'
			case textWidth + 1:
				into[i] = '\n'
			default:
				into[i] = byte(' ' + (first+column)%printable)
			}
			if column++; column == textLine {
				first, column = (first+1)%printable, 0
			}
		}
	}
}

// xorshift: the generator xorshift32, each number in network order.
func xorshift(seed uint32) generator {
	x, spare := seed, 0 // spare: octets of x that are still to be used
	if x == 0 {
		x = 2654435769
	}
	return func(into []byte) {
		for i := range into {
			if spare == 0 {
				x ^= x << 13
				x ^= x >> 17
				x ^= x << 5
				spare = 4
			}
			spare--
			into[i] = byte(x >> (8 * spare))
		}
	}
}
