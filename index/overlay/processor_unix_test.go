//go:build unix

package overlay

import (
	"syscall"
	"testing"
	"time"
)

// processorTime returns the time that the process has used on all processors:
// on a shared machine it says more than the clock.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
