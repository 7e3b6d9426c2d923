// This file owns the words for what went wrong: from an error of the system
// to the contract's few. The numbers that differ from system to system are in
// errno.go and errno_windows.go.
package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// failure is the rest of a `failed` step.
type failure struct {
	At    int    `json:"at"`
	Error string `json:"error"`
	Says  string `json:"says"`
}

// notNow is a step that cannot be done in the state the conversation is in.
type notNow string

func (n notNow) Error() string { return string(n) }

func failureOf(at int, err error) failure {
	return failure{At: at, Error: kindOf(err), Says: systemWords(err)}
}

// kindOf is the contract's word for an error.
func kindOf(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		if kind, ok := errnoKinds[errno]; ok {
			return kind
		}
	}
	var waited net.Error
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.As(err, &waited) && waited.Timeout():
		return "timeout"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "ended"
	}
	return "other"
}

func isReset(err error) bool { return err != nil && kindOf(err) == "reset" }

// systemWords is what the innermost error says: without the operation and the
// addresses, which the report gives in members of their own.
func systemWords(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			break
		}
		err = inner
	}
	if err == io.EOF {
		return "end of stream"
	}
	return err.Error()
}
