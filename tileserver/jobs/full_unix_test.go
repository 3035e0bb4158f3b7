//go:build unix

package jobs_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"gengtu/tileserver/jobs"
)

// On a full disk nothing new is taken and what is kept is there; with room again the
// queue goes on, without a restart. The limit of the size of files, of a process of its
// own, stands for the disk.
func TestFullDisk(t *testing.T) {
	dir := os.Getenv("JOBS_TO_FILL")
	if dir == "" {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFullDisk$")
		c.Env = append(os.Environ(), "JOBS_TO_FILL="+t.TempDir())
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	opt := options(dir, newRunner())
	opt.KeptBytes = 1 << 30
	q := open(t, opt)
	first := ask(t, q, "a", "k", "ok")
	until(t, q, first.ID, "done")
	limit := func(bytes uint64) {
		t.Helper()
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: syscall.RLIM_INFINITY & (1<<63 - 1)}); err != nil {
			t.Skipf("the limit cannot be set: %v", err)
		}
	}
	limit(64 << 10)
	large := jobs.Ask{Tier: "secure", Owner: "b", Key: "large", Body: make([]byte, 1<<20), About: json.RawMessage(`{}`)}
	if _, err := q.Ask(large); !errors.Is(err, jobs.ErrStore) {
		t.Errorf("a job that cannot be written down: %v", err)
	}
	if _, err := os.ReadFile(filepath.Join(q.Dir(first.ID), "result")); err != nil {
		t.Error(err)
	}
	if got := q.Counts(); got[jobs.Waiting]+got[jobs.Running] > 0 || got[jobs.Done] != 1 {
		t.Errorf("%v", got)
	}
	limit(1 << 40)
	late := time.After(20 * time.Second)
	j, err := q.Ask(large)
	for err != nil {
		select {
		case <-late:
			t.Fatalf("with room again: %v", err)
		case <-time.After(50 * time.Millisecond):
			j, err = q.Ask(large)
		}
	}
	until(t, q, j.ID, "done")
}
