// This file owns the words of commands about DNS.
package main

import "encoding/json"

// zoneCommand is the zone of a service.
type zoneCommand struct {
	Origin  string              `json:"origin"`
	Records [][]json.RawMessage `json:"records"` // of a name, a type, a TTL and data each
}

type dnsQuestionCommand struct {
	Name *string `json:"name"`
	Type *string `json:"type"`
}
