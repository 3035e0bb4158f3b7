//go:build unix

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
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// mostMemory is what a process that has ended had in memory at its most, in bytes; 0 where
// the system does not tell.
func mostMemory(p *os.ProcessState) int64 {
	if r, ok := p.SysUsage().(*syscall.Rusage); ok {
		return int64(r.Maxrss) << 10 //nolint:unconvert // the types differ between systems
	}
	return 0
}
