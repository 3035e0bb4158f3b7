package benchmarks

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// ownProcessor returns the time that this process has used on all processors.
func ownProcessor(t testing.TB) time.Duration {
	t.Helper()
	var begun, ended, kernel, user syscall.Filetime
	h, err := syscall.GetCurrentProcess()
	if err == nil {
		err = syscall.GetProcessTimes(h, &begun, &ended, &kernel, &user)
	}
	if err != nil {
		t.Fatal(err)
	}
	ticks := func(t syscall.Filetime) int64 { return int64(t.HighDateTime)<<32 | int64(t.LowDateTime) }
	return time.Duration(100 * (ticks(kernel) + ticks(user))) // of 100 ns
}

// mostMemory is not told here once a process has ended.
func mostMemory(*os.ProcessState) int64 { return 0 }
