//go:build plain || fasthttp

// This file owns what is missing in a peer that was built without modules
// besides the standard library: where none could be fetched, for one.
package main

var otherModules map[string]string

var libraryServices map[string]func(*serveCommand) (func(*service) error, error)

var libraryLacks = map[string]string{
	"serve smtp/tcp": "it was built without github.com/emersion/go-smtp, which could not be fetched",
	"serve dns/udp":  "it was built without golang.org/x/net, which could not be fetched",
	"serve dns/tcp":  "it was built without golang.org/x/net, which could not be fetched",
}
