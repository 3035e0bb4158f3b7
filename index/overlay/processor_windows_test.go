package overlay

import (
	"syscall"
	"testing"
	"time"
)

// processorTime returns the time that the process has used on all processors.
func processorTime(b *testing.B) time.Duration {
	var begun, ended, kernel, user syscall.Filetime
	h, err := syscall.GetCurrentProcess()
	if err == nil {
		err = syscall.GetProcessTimes(h, &begun, &ended, &kernel, &user)
	}
	if err != nil {
		b.Fatal(err)
	}
	ticks := func(t syscall.Filetime) int64 { return int64(t.HighDateTime)<<32 | int64(t.LowDateTime) }
	return time.Duration(100 * (ticks(kernel) + ticks(user))) // of 100 ns
}
