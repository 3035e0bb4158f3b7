//go:build unix

package main

import (
	"syscall"
	"time"

	"gengtu/index/edition"
)

// closeOutputs keeps from all but the owner and the group what the process makes from
// here on, where that holds data of a tier above public: a file with all that belongs to
// it and passing files beside it, and folders. A command calls it before it writes; an
// edition's own files have modes of their own. What was there keeps its mode.
func closeOutputs(tier edition.Tier) {
	if tier.Above(edition.Public) {
		syscall.Umask(umask() | 0o027)
	}
}

// keepUmask returns what puts the process's umask back, which a command may narrow by
// [closeOutputs].
func keepUmask() func() {
	is := umask()
	return func() { syscall.Umask(is) }
}

// umask returns the process's, which the system tells by setting it; what another
// goroutine makes meanwhile is for the owner alone.
func umask() int {
	is := syscall.Umask(0o077)
	syscall.Umask(is)
	return is
}

// processorTime returns what the process has taken so far; 0 where the system does
// not tell.
func processorTime() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// clicked is false: here a program that is started by a click has no terminal to be seen in.
func clicked() bool { return false }

// systemLang is "": the environment tells the user's language.
func systemLang() string { return "" }
