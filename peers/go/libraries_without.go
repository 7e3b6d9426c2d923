//go:build plain || fasthttp

// This file owns what is missing in a peer that was built without modules
// besides the standard library: where none could be fetched, for one.
package main

var otherModules map[string]string

var libraryServices map[string]func(*serveCommand) (func(*service) error, error)

var libraryAskers map[string]func(*askCommand, *asking) (func(), error)

var libraryTalks map[string]func(*conversation, *scriptCommand) (talk, error)

var libraryLacks = map[string]string{
	"serve ftp/tcp":           "it was built without github.com/fclairamb/ftpserverlib, which could not be fetched",
	"ask ftp/tcp":             "it was built without github.com/jlaffaye/ftp, which could not be fetched",
	"serve rtp/udp":           "it was built without github.com/pion/rtp, which could not be fetched",
	"ask rtp/udp":             "it was built without github.com/pion/rtp, which could not be fetched",
	"script client/multicast": "it was built without golang.org/x/net, which could not be fetched",
	"script server/multicast": "it was built without golang.org/x/net, which could not be fetched",
	"serve smtp/tcp":          "it was built without github.com/emersion/go-smtp, which could not be fetched",
	"serve dns/udp":           "it was built without golang.org/x/net, which could not be fetched",
	"serve dns/tcp":           "it was built without golang.org/x/net, which could not be fetched",
}
