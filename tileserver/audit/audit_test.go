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

	"github.com/google/go-cmp/cmp"

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
	if err := verify(files, head); err != nil {
		t.Fatal(err)
	}
	found := func(name string, files [][]byte) {
		t.Helper()
		for how, err := range map[string]error{"head": verify(files, head), "kept": verify(files, nil, good)} {
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
	write(t, file(dir, 1), cut)
	_, err := audit.Open(dir, chain, audit.Options{})
	wantCode(t, err, "AUDIT_CUT")
	if err := os.Remove(file(dir, 1)); err != nil {
		t.Fatal(err)
	}
	_, err = audit.Open(dir, chain, audit.Options{})
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

// Servers have a chain each, acts one together; a chain that is gone is missed.
func TestServersAndActs(t *testing.T) {
	dir := newDir(t)
	who := audit.Record{Act: "serve", Who: "root", Outcome: audit.Begun}
	var logs []*audit.Log
	for k := range 3 {
		l, err := audit.OpenServer(dir, who, audit.Options{})
		if err != nil || l.Chain() != fmt.Sprintf("server-%d", k+1) {
			t.Fatalf("%v, %v", l, err)
		}
		logs = append(logs, l)
		if err := l.Append(audit.Record{Time: day0, Tier: "secure"}); err != nil {
			t.Fatal(err)
		}
	}
	failed := problem.New("SOME_CODE", "秘密", "a secret")
	err := audit.Act(dir, audit.Record{Act: "token add", Who: "li"}, audit.Options{}, func() error { return failed })
	if !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
	for _, l := range logs {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	all, err := audit.Verify(dir, nil)
	if err != nil || len(all) != 4 || all[0].Chain != audit.ActsChain || all[0].N != 5 {
		t.Fatalf("%+v, %v", all, err)
	}
	var got []string
	err = audit.Read(dir, audit.Filter{Acts: true}, func(_ string, n int64, r audit.Record) error {
		got = append(got, fmt.Sprint(n, " ", r.Act, " ", r.Who, " ", r.Outcome, " ", r.Chain, r.Detail))
		return nil
	})
	want := []string{"1 serve root begun server-1", "2 serve root begun server-2", "3 serve root begun server-3", "4 token add li begun ", "5 token add li failed code=SOME_CODE"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for _, gone := range []string{"server-2", audit.ActsChain} {
		copied := newDir(t)
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		for _, ending := range []string{".000001.jsonl", ".head.json"} {
			if err := os.Remove(filepath.Join(copied, gone+ending)); err != nil {
				t.Fatal(err)
			}
		}
		_, err := audit.Verify(copied, nil)
		wantCode(t, err, "AUDIT_MISSING")
	}
	// Without the line that tells of it, nothing is done.
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "acts.head.json"), []byte("{}"))
	done := false
	err = audit.Act(dir, who, audit.Options{}, func() error { done = true; return nil })
	wantCode(t, err, "AUDIT_HEAD")
	if done {
		t.Error("it was done without a line")
	}
}

// Only what is old enough goes, an act tells of it, and the rest verifies; without the
// act it does not.
func TestPrune(t *testing.T) {
	dir := newDir(t)
	l, err := audit.OpenServer(dir, audit.Record{Act: "serve"}, audit.Options{Now: func() time.Time { return day0 }})
	if err != nil {
		t.Fatal(err)
	}
	for day := range 300 {
		if err := l.Append(audit.Record{Time: day0.AddDate(0, 0, day), Tier: "secure"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := audit.Verify(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	kept := newDir(t)
	if err := os.CopyFS(kept, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return day0.AddDate(0, 0, 299) }
	auditor := audit.Record{Act: "audit prune", Who: "wang"}
	_, err = audit.Prune(dir, audit.LeastKeepDays-1, auditor, audit.Options{Now: now})
	wantCode(t, err, "AUDIT_KEEP")
	gone, err := audit.Prune(dir, audit.DefaultKeepDays, auditor, audit.Options{Now: now})
	if err != nil || len(gone) != 1 || gone[0].Chain != "server-1" || gone[0].File != 109 || gone[0].N != 109 {
		t.Fatalf("%+v, %v", gone, err)
	}
	all, err := audit.Verify(dir, before)
	if err != nil || all[1].FirstN != 110 || all[1].N != 300 || !all[1].First.Equal(now().AddDate(0, 0, -190)) {
		t.Fatalf("%+v, %v", all, err)
	}
	// The acts have a second file since, so that their first may go.
	for _, want := range []int{1, 0} {
		gone, err := audit.Prune(dir, audit.DefaultKeepDays, auditor, audit.Options{Now: now})
		if err != nil || len(gone) != want || want == 1 && gone[0].Chain != audit.ActsChain {
			t.Errorf("once more: %+v, %v", gone, err)
		}
		if _, err := audit.Verify(dir, nil); err != nil {
			t.Error(err)
		}
	}
	// One file more than the act tells is missed.
	path := func(dir string, n int) string { return filepath.Join(dir, fmt.Sprintf("server-1.%06d.jsonl", n)) }
	if err := os.Remove(path(dir, 110)); err != nil {
		t.Fatal(err)
	}
	_, err = audit.Verify(dir, nil)
	wantCode(t, err, "AUDIT_MISSING")
	// Removing that was cut off on the way is no tampering; removing without an act is.
	write(t, path(dir, 110), read(t, path(kept, 110)))
	write(t, path(dir, 109), read(t, path(kept, 109)))
	if _, err := audit.Verify(dir, nil); err != nil {
		t.Error(err)
	}
	if err := os.Remove(path(kept, 1)); err != nil {
		t.Fatal(err)
	}
	_, err = audit.Verify(kept, nil)
	wantCode(t, err, "AUDIT_MISSING")
	_, err = audit.Prune(kept, audit.DefaultKeepDays, auditor, audit.Options{Now: now})
	wantCode(t, err, "AUDIT_MISSING")
}

func TestReadFilters(t *testing.T) {
	dir := newDir(t)
	l, err := audit.Open(dir, chain, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	records := []audit.Record{
		{Time: day0, Who: "a", Tier: "secure", Layer: "pbf,dltb", Status: 200, Request: "1", Box: []float64{108.61234567891, 34, 109, 35}, AreaM2: 12.345},
		{Time: day0.Add(time.Hour), Who: "b", Tier: "government", Layer: "pbf", Place: "610402001", Status: 403, Request: "2"},
		{Time: day0.Add(2 * time.Hour), Who: "b", Act: "token add", Request: "3"},
	}
	for _, r := range records {
		if err := l.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		f    audit.Filter
		want string
	}{
		"all":     {audit.Filter{}, "123"},
		"since":   {audit.Filter{Since: day0.Add(time.Hour)}, "23"},
		"until":   {audit.Filter{Until: day0.Add(time.Hour)}, "1"},
		"who":     {audit.Filter{Who: "b"}, "23"},
		"tier":    {audit.Filter{Tier: "secure"}, "1"},
		"layer":   {audit.Filter{Layer: "dltb"}, "1"},
		"place":   {audit.Filter{Place: "610402"}, "2"},
		"status":  {audit.Filter{Status: 403}, "2"},
		"request": {audit.Filter{Request: "3"}, "3"},
		"acts":    {audit.Filter{Acts: true}, "3"},
	} {
		got := ""
		if err := audit.Read(dir, c.f, func(_ string, _ int64, r audit.Record) error { got += r.Request; return nil }); err != nil || got != c.want {
			t.Errorf("%s: got %s, %v, want %s", name, got, err, c.want)
		}
	}
	err = audit.Read(dir, audit.Filter{Request: "1"}, func(_ string, _ int64, r audit.Record) error {
		if diff := cmp.Diff([]float64{108.612346, 34, 109, 35}, r.Box); diff != "" || r.AreaM2 != 12.35 {
			t.Errorf("%s, %v", diff, r.AreaM2)
		}
		return errors.New("enough")
	})
	if err == nil || err.Error() != "enough" {
		t.Errorf("got %v", err)
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
