//go:build !linux

// This file owns the systems for which nothing of machine.md was written.
package main

var machineTalks map[string]func(*conversation, *scriptCommand) (talk, error)

func machineLacks(string) string { return "this peer does it with system calls of Linux" }
