//go:build !plain && !fasthttp

// This file owns the list of what needs modules besides the standard library:
// services, clients, and transports of scripts.
package main

var otherModules = map[string]string{
	"ftp":          "github.com/jlaffaye/ftp",
	"ftpserverlib": "github.com/fclairamb/ftpserverlib",
	"go-smtp":      "github.com/emersion/go-smtp",
	"rtcp":         "github.com/pion/rtcp",
	"rtp":          "github.com/pion/rtp",
	"x/net":        "golang.org/x/net",
}

var libraryServices = map[string]func(*serveCommand) (func(*service) error, error){
	"ftp/tcp":  (*serveCommand).ftp,
	"rtp/udp":  (*serveCommand).rtp,
	"smtp/tcp": (*serveCommand).smtp,
	"dns/udp":  (*serveCommand).dnsUDP,
	"dns/tcp":  (*serveCommand).dnsTCP,
}

var libraryAskers = map[string]func(*askCommand, *asking) (func(), error){
	"ftp/tcp": (*askCommand).askFTP,
	"rtp/udp": (*askCommand).askRTP,
}

var libraryTalks = map[string]func(*conversation, *scriptCommand) (talk, error){
	"multicast": newGroupTalk,
}

var libraryLacks map[string]string
