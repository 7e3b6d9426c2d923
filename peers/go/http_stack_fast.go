//go:build fasthttp

// This file owns which HTTP stack there is: fasthttp, and nothing else.
package main

import "strings"

const fastModule = "github.com/valyala/fasthttp"

var only = []string{"serve http/tcp", "ask http/tcp"}

func libraries() map[string]string {
	return versions(map[string]string{"fasthttp": fastModule})
}

func (s *service) serveSite(content site) error { return s.serveFast(content) }

// checkTarget refuses what fasthttp's client makes something else of.
func checkTarget(target string) error {
	if !strings.HasPrefix(target, "/") {
		return unsupported("fasthttp's client sends no target like %q", target)
	}
	return nil
}

func newClient(a *asking) httpClient { return newFastClient(a) }
