//go:build !plain && !fasthttp

// This file owns the list of the services that need modules besides the
// standard library.
package main

var otherModules = map[string]string{"go-smtp": "github.com/emersion/go-smtp", "x/net": "golang.org/x/net"}

var libraryServices = map[string]func(*serveCommand) (func(*service) error, error){
	"smtp/tcp": (*serveCommand).smtp,
	"dns/udp":  (*serveCommand).dnsUDP,
	"dns/tcp":  (*serveCommand).dnsTCP,
}

var libraryLacks map[string]string
