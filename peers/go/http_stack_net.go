//go:build !fasthttp

// This file owns which HTTP stack there is: net/http, beside everything else
// that this peer can do.
package main

import (
	"runtime"
	"strings"
)

// only lists the abilities of a peer that is there for its HTTP stack; nil:
// there are no others to leave out.
var only []string

// libraries are those that hold conversations, and their versions.
func libraries() map[string]string {
	all := versions(otherModules)
	for _, own := range []string{"net/http", "net/smtp", "net (resolver)"} {
		all[own] = strings.TrimPrefix(runtime.Version(), "go")
	}
	return all
}

func (s *service) serveSite(content site) error { return s.serveHTTP(content) }

// checkTarget finds nothing that net/http could not send.
func checkTarget(string) error { return nil }

func newClient(a *asking) httpClient { return newNetClient(a) }
