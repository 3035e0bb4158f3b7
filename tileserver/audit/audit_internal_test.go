package audit

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gengtu/index/problem"
)

// fullDisk lets room more bytes through and then fails, as a full disk does.
type fullDisk struct {
	*os.File
	room   int
	sealed bool
}

var errFull = errors.New("no space left on device")

func (f *fullDisk) Write(p []byte) (int, error) {
	if len(p) <= f.room {
		f.room -= len(p)
		return f.File.Write(p)
	}
	n, err := f.File.Write(p[:f.room])
	f.room = 0
	return n, errors.Join(err, errFull)
}

func (f *fullDisk) Truncate(size int64) error {
	if f.sealed {
		return errFull
	}
	return f.File.Truncate(size)
}

func openOnFullDisk(t *testing.T, p Policy) (*Log, *fullDisk, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l, err := Open(path, p)
	if err != nil {
		t.Fatal(err)
	}
	disk := &fullDisk{File: l.file.(*os.File), room: 400}
	l.file = disk
	return l, disk, path
}

// A disk that is full refuses requests by one policy and not by the other; in
// either the file stays whole, and once there is room the gap is told.
func TestAppendToAFullDisk(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		for _, p := range []Policy{FailClosed, FailOpen} {
			l, disk, path := openOnFullDisk(t, p)
			disk.sealed = sealed
			refused := 0
			for range 10 {
				if err := l.Append(Record{Time: time.Unix(0, 0), Tier: "secure"}); err != nil {
					refused++
					if q := problem.Of(err); q == nil || q.Code != "AUDIT_WRITE" || !errors.Is(err, errFull) {
						t.Fatalf("got %v, want AUDIT_WRITE", err)
					}
				}
			}
			lost := int(l.Lost())
			if lost == 0 || lost == 10 {
				t.Fatalf("%d of 10 records lost, want some", lost)
			}
			if want := map[Policy]int{FailClosed: lost, FailOpen: 0}[p]; refused != want {
				t.Errorf("policy %d: %d refused, want %d", p, refused, want)
			}
			disk.room, disk.sealed = 10_000, false
			for range 2 {
				if err := l.Append(Record{Time: time.Unix(0, 0)}); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			s, err := Verify(path)
			if err != nil || s.Lines != int64(10-lost+2) || s.Lost != int64(lost) {
				t.Errorf("policy %d: %+v, %v, want %d lost", p, s, err, lost)
			}
		}
	}
}

// What clip returns takes no more bytes as JSON than it may, and is what it was
// given when that fits.
func TestClip(t *testing.T) {
	for _, s := range []string{"", "a", strings.Repeat("a", 100), strings.Repeat("\x00", 30), strings.Repeat("耕\"", 40), "\u2028\u2029\\"} {
		for size := 10; size < 200; size++ {
			got := clip(s, size)
			text, err := encodeLine(line{Record: Record{Path: got}})
			if err != nil {
				t.Fatal(err)
			}
			empty, err := encodeLine(line{Record: Record{Path: "x"}})
			if err != nil {
				t.Fatal(err)
			}
			used := len(text) - len(empty) + 1
			if got != "" && used > size {
				t.Errorf("clip(%q, %d) takes %d bytes", s, size, used)
			}
			if got != s && !strings.HasSuffix(got, "…") {
				t.Errorf("clip(%q, %d) is %q", s, size, got)
			}
		}
	}
	if got := clip("aaaa", 4); got != "aaaa" {
		t.Errorf("what fits was cut to %q", got)
	}
}
