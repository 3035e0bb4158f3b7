// Command gengtu takes land deliveries, makes the three editions of the one map
// from them and serves them.
//
// Flags, configuration, words for a terminal and exit codes live here alone, and nothing
// else does: what a command does is done by the packages below, which know none of these.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first Ctrl-C asks for an orderly end; a second one ends the process.
	context.AfterFunc(ctx, stop)
	args := os.Args[1:]
	byClick := len(args) == 0 && clicked()
	if byClick {
		args = []string{"demo"}
	}
	code := run(ctx, args, os.Stdout, os.Stderr)
	stop()
	if byClick && code != 0 {
		// The window ends with the program, and what it says should be read.
		_, _ = os.Stdin.Read(make([]byte, 1)) // whatever is pressed, or nobody there to press it
	}
	os.Exit(code)
}
