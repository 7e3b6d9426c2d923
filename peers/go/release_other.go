//go:build !linux && !windows

// This file owns the systems whose version package syscall does not tell.
package main

func release() string { return "" }
