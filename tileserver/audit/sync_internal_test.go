package audit

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gengtu/index/problem"
)

// A file that is taken away, replaced, cut or written to by others shuts the log within
// a sync; put back, it goes on without a restart.
func TestAppendToAFileThatIsTakenAway(t *testing.T) {
	move := func(from, to string) error { return os.Rename(from, to) }
	for name, c := range map[string]struct {
		harm, mend func(dir, file string) error
	}{
		"the directory is moved": {
			func(dir, _ string) error { return move(dir, dir+".away") },
			func(dir, _ string) error { return move(dir+".away", dir) },
		},
		"the directory is made anew": {
			func(dir, _ string) error { return errors.Join(move(dir, dir+".away"), os.Mkdir(dir, 0o700)) },
			func(dir, _ string) error { return errors.Join(os.Remove(dir), move(dir+".away", dir)) },
		},
		"the file is moved": {
			func(_, file string) error { return move(file, file+".away") },
			func(_, file string) error { return move(file+".away", file) },
		},
		"the file is replaced by its copy": {
			func(_, file string) error {
				data, err := os.ReadFile(file)
				return errors.Join(err, move(file, file+".away"), os.WriteFile(file, data, 0o600))
			},
			func(_, file string) error { return move(file+".away", file) },
		},
		"the file is cut": {func(_, file string) error { return os.Truncate(file, 10) }, nil},
		"others write to the file": {
			func(_, file string) error {
				data, err := os.ReadFile(file)
				return errors.Join(err, os.WriteFile(file, append(data, "x\n"...), 0o600))
			}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "audit")
			l, err := Open(dir, "test", Options{})
			if err != nil {
				t.Fatal(err)
			}
			r := Record{Time: time.Unix(0, 0), Tier: "secure"}
			if err := errors.Join(l.Append(r), l.Sync(), c.harm(dir, l.path(1))); err != nil {
				t.Fatal(err)
			}
			if p := problem.Of(l.Sync()); p == nil || p.Code != "AUDIT_GONE" {
				t.Fatalf("synced: %v, want AUDIT_GONE", p)
			}
			if p := problem.Of(l.Append(r)); p == nil || p.Code != "AUDIT_GONE" {
				t.Errorf("appended: %v, want AUDIT_GONE", p)
			}
			if c.mend == nil {
				if err := l.Close(); err == nil {
					t.Error("closed without a word")
				}
				return
			}
			if err := errors.Join(c.mend(dir, l.path(1)), l.Sync(), l.Append(r), l.Close()); err != nil {
				t.Fatal(err)
			}
			if all, err := Verify(dir, nil); err != nil || all[0].N != 2 || all[0].Lost != 1 {
				t.Errorf("%+v, %v", all, err)
			}
		})
	}
}

// stuckDisk takes nothing until it is let go.
type stuckDisk struct {
	*os.File
	mu            sync.Mutex
	writes, syncs chan struct{} // nil where the disk is not stuck
	count         int
}

func (f *stuckDisk) wait(c *chan struct{}) {
	f.mu.Lock()
	stuck := *c
	f.mu.Unlock()
	if stuck != nil {
		<-stuck
	}
}

func (f *stuckDisk) Write(p []byte) (int, error) {
	f.wait(&f.writes)
	f.mu.Lock()
	f.count++
	f.mu.Unlock()
	return f.File.Write(p)
}

func (f *stuckDisk) Sync() error {
	f.wait(&f.syncs)
	return f.File.Sync()
}

func (f *stuckDisk) set(c *chan struct{}, to chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*c = to
}

func openOnStuckDisk(t *testing.T, opt Options) (*Log, *stuckDisk, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "audit")
	l, err := Open(dir, "test", opt)
	if err != nil {
		t.Fatal(err)
	}
	disk := &stuckDisk{File: l.file.(*os.File)}
	l.mu.Lock()
	l.file = disk
	l.mu.Unlock()
	return l, disk, dir
}

// A disk that does not take what was written refuses what comes later, and goes on once
// it does.
func TestAppendToASlowDisk(t *testing.T) {
	l, disk, dir := openOnStuckDisk(t, Options{every: time.Millisecond, FileBytes: 1 << 40})
	stuck := make(chan struct{})
	disk.set(&disk.syncs, stuck)
	r := Record{Time: time.Unix(0, 0)}
	until := func(what string, done func(error) bool) {
		t.Helper()
		end := time.Now().Add(10 * time.Second)
		for !done(l.Append(r)) {
			if time.Now().After(end) {
				t.Fatal(what)
			}
		}
	}
	until("a disk that does not sync is written to for ever", func(err error) bool {
		p := problem.Of(err)
		return p != nil && p.Code == "AUDIT_SLOW"
	})
	disk.set(&disk.syncs, nil)
	close(stuck)
	until("a disk that syncs again is not written to", func(err error) bool { return err == nil })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if all, err := Verify(dir, nil); err != nil || all[0].Lost == 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

// What comes while somebody writes is written together, and nobody goes on before.
func TestAppendTogether(t *testing.T) {
	l, disk, dir := openOnStuckDisk(t, Options{every: time.Hour, FileBytes: 3000})
	stuck := make(chan struct{})
	disk.set(&disk.writes, stuck)
	const n = 50
	var all sync.WaitGroup
	answered := make(chan error, n+1)
	appendOne := func() { answered <- l.Append(Record{Time: time.Unix(0, 0), Tier: "secure"}) }
	all.Go(appendOne)
	waiting := func() int {
		l.queue.mu.Lock()
		defer l.queue.mu.Unlock()
		if !l.queue.led {
			return -1
		}
		return len(l.queue.waiting)
	}
	for waiting() < 0 { // the first is writing
		time.Sleep(time.Millisecond) //nolint:forbidigo // nothing tells of it
	}
	for range n {
		all.Go(appendOne)
	}
	for waiting() < n {
		time.Sleep(time.Millisecond) //nolint:forbidigo // nothing tells of it
	}
	if len(answered) != 0 {
		t.Error("some went on before their line was written")
	}
	disk.set(&disk.writes, nil)
	close(stuck)
	all.Wait()
	close(answered)
	for err := range answered {
		if err != nil {
			t.Error(err)
		}
	}
	// The first file's own writes: the rest went to files of the system's.
	if disk.count == 0 || disk.count > 2 {
		t.Errorf("%d writes to the first file, want one for the first line and one for those behind it", disk.count)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if sums, err := Verify(dir, nil); err != nil || sums[0].N != n+1 || sums[0].Files < 3 {
		t.Errorf("%+v, %v", sums, err)
	}
}

// At midnight lines of both days come; the file changes once. A clock that is set back
// by days begins one file, and the days after that go on as ever.
func TestRotateByDays(t *testing.T) {
	const day = 24 * time.Hour
	midnight := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		at   []time.Duration
		want int
	}{
		"midnight":            {[]time.Duration{-2, -1, 0, -1, 1, -3, 2}, 2},
		"an hour of a night":  {[]time.Duration{0, -time.Hour, time.Second, -time.Hour + 1}, 1},
		"three days":          {[]time.Duration{0, day, day + 1, 2 * day}, 3},
		"set back a week":     {[]time.Duration{0, -7 * day, -7*day + 1, -6 * day, -6*day + 1, 0}, 4},
		"set forth and back":  {[]time.Duration{0, 400 * day, 1, 2, day, day + 1}, 4},
		"before 1970, and on": {[]time.Duration{0, -60 * 365 * day, 1}, 3},
	} {
		dir := filepath.Join(t.TempDir(), "audit")
		l, err := Open(dir, "test", Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range c.at {
			if err := l.Append(Record{Time: midnight.Add(at), Tier: "secure"}); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if all, err := Verify(dir, nil); err != nil || all[0].N != int64(len(c.at)) || all[0].Files != c.want {
			t.Errorf("%s: %+v, %v, want %d files", name, all, err, c.want)
		}
	}
}
