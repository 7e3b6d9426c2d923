// This file owns what is common to both sides of HTTP: how messages are
// reported. It knows nothing about serving and asking.
package main

import (
	"net/http"
	"sort"
	"strings"
)

// headLimit is how many octets of header section either side accepts. In a
// report a field can take three times its octets, and a line has 1 MiB.
const headLimit = 256 << 10

// reportedFields are a header or trailer section as net/http hands it over:
// without the order, so they are sorted, and decoded as Latin-1.
func reportedFields(section http.Header) [][2]string {
	names := make([]string, 0, len(section))
	for name := range section {
		names = append(names, name)
	}
	sort.Strings(names)
	fields := make([][2]string, 0, len(names))
	for _, name := range names {
		for _, value := range section[name] {
			fields = append(fields, [2]string{latin1(name), latin1(value)})
		}
	}
	return fields
}

// latin1 decodes octets, each of which is a character.
func latin1(octets string) string {
	ascii := true
	for i := 0; i < len(octets) && ascii; i++ {
		ascii = octets[i] < 0x80
	}
	if ascii {
		return octets
	}
	var text strings.Builder
	for i := 0; i < len(octets); i++ {
		text.WriteRune(rune(octets[i]))
	}
	return text.String()
}

// toLatin1 is the reverse; a text with other characters stays UTF-8.
func toLatin1(text string) string {
	octets := make([]byte, 0, len(text))
	for _, character := range text {
		if character > 0xff {
			return text
		}
		octets = append(octets, byte(character))
	}
	return string(octets)
}

// addFields puts fields into a section, names in net/http's own form.
func addFields(section http.Header, fields fieldList) {
	for _, field := range fields {
		section.Add(field[0], toLatin1(field[1]))
	}
}
