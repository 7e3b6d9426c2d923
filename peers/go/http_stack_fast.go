//go:build fasthttp

// This file owns which HTTP stack there is: fasthttp, and nothing else.
package main

import (
	"runtime/debug"
	"strings"
)

const fastModule = "github.com/valyala/fasthttp"

var only = []string{"serve http/tcp", "ask http/tcp"}

var libraries = map[string]string{"fasthttp": fastVersion()}

func fastVersion() string {
	built, _ := debug.ReadBuildInfo()
	for _, module := range built.Deps {
		if module.Path == fastModule {
			return strings.TrimPrefix(module.Version, "v")
		}
	}
	return "unknown"
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
