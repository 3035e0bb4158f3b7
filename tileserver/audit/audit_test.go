package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gengtu/index/problem"
	"gengtu/tileserver/audit"
)

// day0 is when the records of the tests begin.
var day0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// chain is one that is no server's, so that it needs no acts beside it.
const chain = "test"

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	p := problem.Of(err)
	if p == nil || p.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	for _, l := range []problem.Lang{problem.Chinese, problem.English} {
		if s := p.Text(l); strings.Contains(s, "%!") || p.Found(l) == "" {
			t.Errorf("bad text: %s", s)
		}
	}
}

func newDir(t testing.TB) string { return filepath.Join(t.TempDir(), "audit") }

// fill writes n records, a second apart, to a log in dir.
func fill(t testing.TB, dir string, n int, opt audit.Options) {
	t.Helper()
	l, err := audit.Open(dir, chain, opt)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		r := audit.Record{
			Time: day0.Add(time.Duration(i) * time.Second), Request: fmt.Sprintf("r%d", i), Tier: "secure", Who: "张三",
			Outcome: "allowed", Method: "GET", Path: "/secure/wmts?tk=abc&LAYER=dltb", Layer: "dltb", Status: 200,
			Bytes: 1234, Generation: "0123abcd",
		}
		if err := l.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// one verifies a log of one chain.
func one(dir string, kept ...audit.Summary) (audit.Summary, error) {
	all, err := audit.Verify(dir, kept)
	if len(all) == 0 {
		return audit.Summary{}, err
	}
	return all[0], err
}

func file(dir string, number int) string {
	return filepath.Join(dir, fmt.Sprintf("%s.%06d.jsonl", chain, number))
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLine(t *testing.T) {
	dir := newDir(t)
	fill(t, dir, 1, audit.Options{})
	want := `{"n":1,"time":"2026-01-01T00:00:00Z","request":"r0","tier":"secure","who":"张三","outcome":"allowed","method":"GET",` +
		`"path":"/secure/wmts?tk=***&LAYER=dltb","layer":"dltb","status":200,"bytes":1234,"generation":"0123abcd",` +
		`"prev":"0000000000000000000000000000000000000000000000000000000000000000"}` + "\n"
	if got := string(read(t, file(dir, 1))); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for path, mode := range map[string]os.FileMode{dir: 0o700, file(dir, 1): 0o600, filepath.Join(dir, chain+".head.json"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: mode %v, %v, want %v", path, info.Mode(), err, mode)
		}
	}
}

// Two lines of one request, at its beginning and its end, share their box.
func TestAppendLeavesTheBoxAlone(t *testing.T) {
	l, err := audit.Open(newDir(t), chain, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	box := []float64{108.123456789, 34.123456789, 108.2, 34.2}
	was := slices.Clone(box)
	if err := errors.Join(l.Append(audit.Record{Time: day0, Box: box}), l.Close()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(box, was) {
		t.Errorf("the box is %v, was %v", box, was)
	}
}

// Where the group may use the directory, it may use the files: three administrators
// write one log.
func TestGroupSharesALog(t *testing.T) {
	dir := newDir(t)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o770); err != nil {
		t.Fatal(err)
	}
	fill(t, dir, 1, audit.Options{})
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o660 {
			t.Errorf("%s: mode %v, %v", e.Name(), info.Mode(), err)
		}
	}
}

// A log that is opened again goes on with its chain, and so it does over files that end
// by size and by day.
func TestGoesOn(t *testing.T) {
	dir := newDir(t)
	for _, n := range []int{3, 0, 2} {
		fill(t, dir, n, audit.Options{})
	}
	if s, err := one(dir); err != nil || s.N != 5 || s.Files != 1 || s.Lost != 0 || !s.First.Equal(day0) || !s.Last.Equal(day0.Add(time.Second)) {
		t.Errorf("got %+v, %v", s, err)
	}
	dir = newDir(t)
	for range 3 {
		fill(t, dir, 10, audit.Options{FileBytes: 1500})
	}
	s, err := one(dir)
	if err != nil || s.N != 30 || s.Files < 5 {
		t.Errorf("by size: %+v, %v", s, err)
	}
	for n := range s.Files {
		if size := len(read(t, file(dir, n+1))); size > 1500 || size == 0 {
			t.Errorf("file %d has %d bytes", n+1, size)
		}
	}
	dir = newDir(t)
	l, err := audit.Open(dir, chain, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, hours := range []int{0, 23, 24, 25, 47, 96} {
		if err := l.Append(audit.Record{Time: day0.Add(time.Duration(hours) * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err := one(dir); err != nil || s.Files != 3 || s.N != 6 {
		t.Errorf("by day: %+v, %v", s, err)
	}
	fill(t, dir, 1, audit.Options{}) // of day 0: another day than the last line's
	if s, err := one(dir); err != nil || s.Files != 4 || s.N != 7 {
		t.Errorf("the day after: %+v, %v", s, err)
	}
}

// A program that dies just after it has begun a file leaves an empty one; the chain goes
// on from the file before.
func TestGoesOnFromAnEmptyFile(t *testing.T) {
	dir := newDir(t)
	fill(t, dir, 3, audit.Options{})
	write(t, file(dir, 2), nil)
	fill(t, dir, 3, audit.Options{})
	if s, err := one(dir); err != nil || s.N != 6 || s.Files != 2 {
		t.Errorf("%+v, %v", s, err)
	}
}

// A line that a crash left unfinished is cut off, and the next one says so.
func TestOpenAfterACrash(t *testing.T) {
	for _, whole := range []int{0, 1, 5} {
		dir := newDir(t)
		fill(t, dir, whole, audit.Options{})
		f, err := os.OpenFile(file(dir, 1), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(`{"n":99,"time`); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		_, err = one(dir)
		wantCode(t, err, "AUDIT_TORN")
		fill(t, dir, 2, audit.Options{})
		if s, err := one(dir); err != nil || s.N != int64(whole+2) {
			t.Errorf("after %d lines: %+v, %v", whole, s, err)
		}
		if text := read(t, file(dir, 1)); bytes.Count(text, []byte(`"torn":13`)) != 1 {
			t.Errorf("after %d lines: no line tells of the 13 bytes:\n%s", whole, text)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, content := range map[string]string{
		"another file":            "root:x:0:0:root:/root:/bin/bash\n",
		"another file, unended":   "hello",
		"other JSON":              `{"a":1}` + "\n",
		"a very long line":        strings.Repeat("x", 3*audit.MaxLineBytes) + "\n",
		"a very long unended one": strings.Repeat("x", 3*audit.MaxLineBytes),
		"an empty line":           "\n",
	} {
		dir := newDir(t)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, file(dir, 1), []byte(content))
		l, err := audit.Open(dir, chain, audit.Options{})
		if l != nil {
			t.Errorf("%s: opened", name)
		}
		wantCode(t, err, "AUDIT_SYNTAX")
		if after := read(t, file(dir, 1)); string(after) != content {
			t.Errorf("%s: the file was changed", name)
		}
	}
	dir := newDir(t)
	first, err := audit.Open(dir, chain, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = audit.Open(dir, chain, audit.Options{})
	wantCode(t, err, "AUDIT_LOCKED")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = audit.Open(filepath.Join(t.TempDir(), "no", "audit"), chain, audit.Options{})
	wantCode(t, err, "AUDIT_WRITE")
	plain := filepath.Join(t.TempDir(), "file")
	write(t, plain, nil)
	_, err = audit.Open(plain, chain, audit.Options{})
	wantCode(t, err, "AUDIT_DIRECTORY")
	_, err = audit.Verify(t.TempDir(), nil)
	wantCode(t, err, "AUDIT_EMPTY")
}

// A log whose end was cut off is not gone on with, as if nothing had been there.
func TestOpenRefusesACutLog(t *testing.T) {
	dir := newDir(t)
	fill(t, dir, 5, audit.Options{})
	whole := read(t, file(dir, 1))
	cut := whole[:bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1]
	for _, left := range []int{0, 20} { // of the last line
		found := whole[:len(cut)+left]
		write(t, file(dir, 1), found)
		_, err := audit.Open(dir, chain, audit.Options{})
		wantCode(t, err, "AUDIT_CUT")
		if after := read(t, file(dir, 1)); !bytes.Equal(after, found) {
			t.Errorf("%d bytes of evidence were cut off", len(found)-len(after))
		}
	}
	if err := os.Remove(file(dir, 1)); err != nil {
		t.Fatal(err)
	}
	_, err := audit.Open(dir, chain, audit.Options{})
	wantCode(t, err, "AUDIT_CUT")
}

// Whatever a client sends, a line is one line, bounded, and verifies.
func TestLinesAreBounded(t *testing.T) {
	dir := newDir(t)
	l, err := audit.Open(dir, chain, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	bad := []string{"\x00", "\n", "\"", "\\", "\xff", "\u2028", "耕", "<&>", "a", "\x7f", "\U0001F33E"}
	for _, s := range bad {
		long := strings.Repeat(s, 20_000)
		r := audit.Record{
			Time: day0, Act: long, Request: long, Tier: long, Who: long, Role: long, Address: long, Outcome: long, Method: long, Path: long,
			Route: long, Layer: long, Place: long, Box: []float64{-179.123456789, -89.123456789, 179.123456789, 89.123456789},
			Shapes: -1 << 62, Features: -1 << 62, AreaM2: 123456789012345.67, Status: -1 << 62, Bytes: -1 << 62, Generation: long, Detail: long, Chain: long,
			Removed: &audit.Removed{Chain: strings.Repeat("x", 31), File: 1 << 40, N: 1 << 62, Hash: strings.Repeat("0", 64)},
		}
		if err := l.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	text := read(t, file(dir, 1))
	for line := range bytes.Lines(text) {
		if len(line) > audit.MaxLineBytes || !json.Valid(line) {
			t.Errorf("a line of %d bytes: %.100s", len(line), line)
		}
	}
	if s, err := audit.VerifyFile(file(dir, 1)); err != nil || s.N != int64(len(bad)) {
		t.Errorf("got %+v, %v", s, err)
	}
	if !strings.Contains(string(text), "耕…") {
		t.Error("what was cut off is not shown")
	}
}

func TestIsConcurrent(t *testing.T) {
	dir := newDir(t)
	l, err := audit.Open(dir, chain, audit.Options{FileBytes: 20_000})
	if err != nil {
		t.Fatal(err)
	}
	const clients, each = 16, 50
	var wait sync.WaitGroup
	for c := range clients {
		wait.Go(func() {
			for i := range each {
				if err := l.Append(audit.Record{Time: day0, Request: fmt.Sprintf("%d-%d", c, i)}); err != nil {
					t.Error(err)
				}
			}
			if err := l.Sync(); err != nil {
				t.Error(err)
			}
			if _, err := one(dir); err != nil {
				t.Errorf("while it is written: %v", err)
			}
		})
	}
	wait.Wait()
	if s, err := one(dir); err != nil || s.N != clients*each {
		t.Errorf("while open: %+v, %v", s, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	wantCode(t, l.Append(audit.Record{Time: day0}), "AUDIT_WRITE")
}
