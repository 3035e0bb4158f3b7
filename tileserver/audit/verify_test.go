package audit_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/benchmarks/suite"
	"gengtu/index/problem"
	"gengtu/tileserver/audit"
)

// Every change of a log of several files is found: each line changed, taken out,
// repeated or moved, each file taken out, exchanged or emptied, and the end cut off
// wherever it is. The head file tells of the last line.
func TestVerifyFindsTampering(t *testing.T) {
	const n = 12
	src := newDir(t)
	fill(t, src, n, audit.Options{FileBytes: 1400})
	good, err := one(src)
	if err != nil || good.N != n || good.Files < 3 {
		t.Fatalf("untouched: %+v, %v", good, err)
	}
	head := read(t, filepath.Join(src, chain+".head.json"))
	files := make([][]byte, good.Files)
	for i := range files {
		files[i] = read(t, file(src, i+1))
	}
	// What somebody may have written who may write there: a head of the first line alone.
	first, _, _ := bytes.Cut(files[0], []byte("\n"))
	short := fmt.Appendf(nil, `{"n":1,"hash":"%x","time":"2026-01-01T00:00:00Z"}`, sha256.Sum256(first))
	verify := func(files [][]byte, withHead []byte, kept ...audit.Summary) error {
		t.Helper()
		dir := newDir(t)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for i, f := range files {
			if f != nil {
				write(t, file(dir, i+1), f)
			}
		}
		if withHead != nil {
			write(t, filepath.Join(dir, chain+".head.json"), withHead)
		}
		_, err := one(dir, kept...)
		return err
	}
	for name, h := range map[string][]byte{"head": head, "short head": short} {
		if err := verify(files, h); err != nil {
			t.Fatal(name, err)
		}
	}
	wantCode(t, verify(files, nil), "AUDIT_HEAD_MISSING")
	wantCode(t, verify(files, nil, good), "AUDIT_HEAD_MISSING")
	faults := 0
	found := func(name string, files [][]byte) {
		t.Helper()
		faults++
		for how, err := range map[string]error{"head": verify(files, head), "kept": verify(files, short, good)} {
			if p := problem.Of(err); p == nil || !strings.HasPrefix(p.Code, "AUDIT_") || p.File == "" {
				t.Errorf("%s, with the %s: %v", name, how, err)
			}
		}
	}
	for i, f := range files {
		with := func(replaced []byte) [][]byte {
			out := slices.Clone(files)
			out[i] = replaced
			return out
		}
		lines := bytes.SplitAfter(f, []byte("\n"))
		lines = lines[:len(lines)-1]
		for j := range lines {
			name := fmt.Sprintf("file %d line %d ", i+1, j+1)
			edit := func(from, to string) []byte {
				l := slices.Clone(lines)
				l[j] = bytes.Replace(l[j], []byte(from), []byte(to), 1)
				return bytes.Join(l, nil)
			}
			found(name+"status", with(edit(`"status":200`, `"status":403`)))
			found(name+"spaces", with(edit(`,"tier"`, `, "tier"`)))
			found(name+"a field twice", with(edit(`{"n"`, `{"layer":"x","n"`)))
			found(name+"taken out", with(bytes.Join(slices.Delete(slices.Clone(lines), j, j+1), nil)))
			found(name+"repeated", with(bytes.Join(slices.Insert(slices.Clone(lines), j, lines[j]), nil)))
			if j > 0 {
				moved := slices.Clone(lines)
				moved[j-1], moved[j] = moved[j], moved[j-1]
				found(name+"moved", with(bytes.Join(moved, nil)))
			}
			found(name+"and all after it", append(slices.Clone(files[:i]), bytes.Join(lines[:j], nil)))
		}
		found(fmt.Sprintf("file %d gone", i+1), with(nil))
		if i < len(files)-1 {
			wantCode(t, verify(with(nil), head), "AUDIT_MISSING")
		}
		found(fmt.Sprintf("file %d empty", i+1), with([]byte{}))
		if i > 0 {
			exchanged := slices.Clone(files)
			exchanged[i-1], exchanged[i] = files[i], files[i-1]
			found(fmt.Sprintf("files %d and %d exchanged", i, i+1), exchanged)
		}
		for cut := 1; cut < len(f); cut += 97 {
			found(fmt.Sprintf("file %d cut at %d", i+1, cut), append(slices.Clone(files[:i]), f[:cut]))
		}
	}
	found("all gone", nil)
	suite.Count(t, "log-faults", float64(faults), "faults")
	// A whole log of other lines is found by what was kept.
	other := newDir(t)
	fill(t, other, 1, audit.Options{FileBytes: 2000})
	fill(t, other, n, audit.Options{FileBytes: 2000})
	if _, err := one(other, good); err == nil {
		t.Error("a log written anew was not found")
	}
}

// A single byte that is changed anywhere in a log is found.
func TestVerifyFindsEveryByte(t *testing.T) {
	dir := newDir(t)
	fill(t, dir, 4, audit.Options{})
	data := read(t, file(dir, 1))
	for i := range data {
		changed := bytes.Clone(data)
		changed[i] ^= 1
		write(t, file(dir, 1), changed)
		if _, err := one(dir); err == nil {
			t.Fatalf("byte %d changed from %q to %q was not found", i, data[i], changed[i])
		}
	}
	suite.Count(t, "log-bytes", float64(len(data)), "bytes")
}

// What is verified while it is written is whole, however often files end meanwhile.
func TestVerifyWhileItRotates(t *testing.T) {
	dir := newDir(t)
	l, err := audit.Open(dir, chain, audit.Options{FileBytes: 400})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 150 {
			if err := errors.Join(l.Append(audit.Record{Time: day0, Path: "/secure/places"}), l.Sync()); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for going := true; going; {
		if _, err := audit.Verify(dir, nil); err != nil {
			t.Error(err)
			going = false
		}
		select {
		case <-done:
			going = false
		default:
		}
	}
	<-done
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// A file that verifies is lines of which each says the hash of the one before, and any
// single byte that is changed before its last line is found.
func FuzzVerifyFile(f *testing.F) {
	seed := func(n int) []byte {
		dir := newDir(f)
		fill(f, dir, n, audit.Options{})
		return read(f, file(dir, 1))
	}
	f.Add(seed(0), uint(0))
	f.Add(seed(1), uint(3))
	f.Add(seed(3), uint(250))
	f.Add([]byte("{}\n"), uint(1))
	f.Add([]byte("\n\n"), uint(0))
	path := filepath.Join(f.TempDir(), "fuzz.000001.jsonl")
	f.Fuzz(func(t *testing.T, data []byte, at uint) {
		check := func(data []byte) (audit.Summary, error) {
			write(t, path, data)
			return audit.VerifyFile(path)
		}
		s, err := check(data)
		if err != nil {
			if problem.Of(err) == nil {
				t.Fatalf("%v is no problem", err)
			}
			return
		}
		lines := bytes.Count(data, []byte("\n"))
		if lines > 0 && int(s.N-s.FirstN)+1 != lines {
			t.Fatalf("%+v in %q", s, data)
		}
		if lines < 2 {
			return
		}
		vouched := bytes.LastIndexByte(data[:len(data)-1], '\n')
		first := bytes.IndexByte(data, '\n') // whose prev nothing vouches for in a single file
		i := first + int(at%uint(vouched-first))
		data[i] ^= 1
		if _, err := check(data); err == nil {
			t.Fatalf("a changed byte %d was not found", i)
		}
	})
}
