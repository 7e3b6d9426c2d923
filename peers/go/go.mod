module parley/peers/go

go 1.22

require (
	github.com/emersion/go-smtp v0.25.1
	github.com/fclairamb/ftpserverlib v0.25.0
	github.com/jlaffaye/ftp v0.2.4
	github.com/pion/rtcp v1.2.14
	github.com/pion/rtp v1.8.9
	github.com/spf13/afero v1.11.0
	golang.org/x/net v0.34.0
)

require (
	github.com/emersion/go-sasl v0.0.0-20241020182733-b788ff22d5a6 // indirect
	github.com/fclairamb/go-log v0.5.0 // indirect
	github.com/pion/randutil v0.1.0 // indirect
	golang.org/x/sys v0.29.0 // indirect
	golang.org/x/text v0.21.0 // indirect
)
