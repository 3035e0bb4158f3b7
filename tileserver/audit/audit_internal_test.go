package audit

import (
	"bytes"
	"encoding/json"
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
	broken bool
}

var errNoSpace = errors.New("no space left on device")

func (f *fullDisk) Write(p []byte) (int, error) {
	if len(p) <= f.room {
		f.room -= len(p)
		return f.File.Write(p)
	}
	n, err := f.File.Write(p[:f.room])
	f.room = 0
	return n, errors.Join(err, errNoSpace)
}

func (f *fullDisk) Truncate(size int64) error {
	if f.sealed {
		return errNoSpace
	}
	return f.File.Truncate(size)
}

func (f *fullDisk) Sync() error {
	if f.broken {
		return errNoSpace
	}
	return f.File.Sync()
}

func openOnFullDisk(t *testing.T) (*Log, *fullDisk, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "audit")
	l, err := Open(dir, "test", Options{})
	if err != nil {
		t.Fatal(err)
	}
	disk := &fullDisk{File: l.file.(*os.File), room: 400}
	l.mu.Lock()
	l.file = disk
	l.mu.Unlock()
	return l, disk, dir
}

// A disk that is full refuses requests; the file stays whole, and once there is room
// the next line tells how many.
func TestAppendToAFullDisk(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		l, disk, dir := openOnFullDisk(t)
		disk.sealed = sealed
		refused := 0
		for range 10 {
			if err := l.Append(Record{Time: time.Unix(0, 0), Tier: "secure"}); err != nil {
				refused++
				if q := problem.Of(err); q == nil || q.Code != "AUDIT_WRITE" || !errors.Is(err, errNoSpace) {
					t.Fatalf("got %v, want AUDIT_WRITE", err)
				}
			}
		}
		if s := l.Stats(); s.Refused == 0 || s.Refused == 10 || s.Refused != int64(refused) || s.Lines != int64(10-refused) {
			t.Fatalf("%+v, %d refused, want some", s, refused)
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
		all, err := Verify(dir, nil)
		if err != nil || all[0].N != int64(10-refused+2) || all[0].Lost != int64(refused) {
			t.Errorf("%+v, %v, want %d lost", all, err, refused)
		}
	}
}

// Lines that cannot be made to outlast a loss of power shut the log until they can.
func TestAppendToADiskThatDoesNotSync(t *testing.T) {
	l, disk, dir := openOnFullDisk(t)
	disk.room = 10_000
	if err := l.Append(Record{Time: time.Unix(0, 0)}); err != nil {
		t.Fatal(err)
	}
	disk.broken = true
	if err := l.Sync(); !errors.Is(err, errNoSpace) {
		t.Fatalf("got %v", err)
	}
	if p := problem.Of(l.Append(Record{Time: time.Unix(0, 0)})); p == nil || p.Code != "AUDIT_WRITE" {
		t.Errorf("got %v, want AUDIT_WRITE", p)
	}
	disk.broken = false
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(Record{Time: time.Unix(0, 0)}); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if all, err := Verify(dir, nil); err != nil || all[0].N != 2 || all[0].Lost != 1 {
		t.Errorf("%+v, %v", all, err)
	}
}

// A next file that cannot be begun shuts the log.
func TestRotateFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	l, err := Open(dir, "test", Options{FileBytes: 300})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(l.path(2), 0o700); err != nil {
		t.Fatal(err)
	}
	var refused error
	for range 3 {
		refused = errors.Join(refused, l.Append(Record{Time: time.Unix(0, 0), Tier: "secure"}))
	}
	if p := problem.Of(refused); p == nil || p.Code != "AUDIT_WRITE" {
		t.Errorf("got %v", refused)
	}
	if err := os.Remove(l.path(2)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Append(Record{Time: time.Unix(0, 0)}), l.Close()); err != nil {
		t.Error(err)
	}
	if all, err := Verify(dir, nil); err != nil || all[0].Files != 2 || all[0].Lost == 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

// What clip returns takes no more bytes as JSON than it may, and is what it was
// given when that fits.
func TestClip(t *testing.T) {
	for _, s := range []string{"", "a", strings.Repeat("a", 100), strings.Repeat("\x00", 30), strings.Repeat("耕\"", 40), "\u2028\u2029\\"} {
		for size := 10; size < 200; size++ {
			got := clip(s, size)
			if used := len(appendText(nil, got)) - 2; got != "" && used > size {
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

// isPlain tells what encoding/json would leave as it is, wherever a byte stands.
func TestIsPlain(t *testing.T) {
	for size := 1; size < 20; size++ {
		for at := range size {
			for c := range 256 {
				s := []byte(strings.Repeat("a", size))
				s[at] = byte(c)
				var b bytes.Buffer
				e := json.NewEncoder(&b)
				e.SetEscapeHTML(false)
				if err := e.Encode(string(s)); err != nil {
					t.Fatal(err)
				}
				want := c < 128 && b.String() == `"`+string(s)+"\"\n"
				if got := isPlain(string(s)); got != want {
					t.Fatalf("byte %#x at %d of %d: %t", c, at, size, got)
				}
			}
		}
	}
}

// Lines are what encoding/json writes of the same struct, and come back as they were.
func FuzzLine(f *testing.F) {
	f.Add(int64(1), int64(0), "", "", 0.0, 0.0)
	f.Add(int64(1<<40), int64(1e18), "/secure/wmts?a=\"b\"\\&<tk>=\u2028", "耕地\xff", 108.61, 1e14)
	f.Add(int64(7), int64(-1e18), "\x00\x7f", "a", -0.00000004, -1e-9)
	f.Fuzz(func(t *testing.T, n, nanos int64, path, who string, x, m2 float64) {
		l := line{
			N: n, Prev: strings.Repeat("0a", 32), Lost: n % 3, Torn: n % 2,
			Record: Record{Time: time.Unix(0, nanos), Path: path, Who: who, Layer: path, Box: []float64{x, -x, x / 3, x * 3}, AreaM2: m2, Bytes: n, Status: int(n % 600)},
		}
		if n%5 == 0 {
			l.Removed = &Removed{who, 3, n, path}
		}
		l.cut()
		if l.Removed != nil { // the program's own, and short
			l.Removed.Chain, l.Removed.Hash = clip(strings.ToValidUTF8(who, "?"), 30), strings.Repeat("f", 64)
		}
		got := l.append(nil)
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(l); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, b.Bytes()) {
			t.Fatalf("got  %s\nwant %s", got, b.Bytes())
		}
		if n < 1 {
			return
		}
		back, err := parseLine(got[:len(got)-1])
		if err != nil || !bytes.Equal(back.append(nil), got) {
			t.Fatalf("%v: %s", err, got)
		}
	})
}

// Lines that are not on the disk yet are counted until they are.
func TestBehind(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	l, err := Open(dir, "server", Options{every: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	want := func(n int64) {
		t.Helper()
		if got := l.Stats().Behind; got != n {
			t.Errorf("%d lines are behind, want %d", got, n)
		}
	}
	want(0)
	for n := range int64(3) {
		if err := l.Append(Record{Time: time.Unix(1e9, 0)}); err != nil {
			t.Fatal(err)
		}
		want(n + 1)
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	want(0)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}
