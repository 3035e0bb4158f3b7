package audit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gengtu/index/problem"
	"gengtu/tileserver/audit"
)

// fill writes n records to a new log and returns its path.
func fill(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	appendTo(t, path, n)
	return path
}

func appendTo(t *testing.T, path string, n int) {
	t.Helper()
	l, err := audit.Open(path, audit.FailClosed)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		r := audit.Record{
			Time: day0.Add(time.Duration(i) * time.Second), Request: fmt.Sprintf("r%d", i), Tier: "secure", Token: "张三",
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

func TestLogLine(t *testing.T) {
	path := fill(t, 1)
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"time":"2026-01-01T00:00:00Z","request":"r0","tier":"secure","token":"张三","outcome":"allowed","method":"GET",` +
		`"path":"/secure/wmts?tk=***&LAYER=dltb","layer":"dltb","status":200,"bytes":1234,"generation":"0123abcd",` +
		`"prev":"0000000000000000000000000000000000000000000000000000000000000000"}` + "\n"
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 600", info.Mode(), err)
	}
}

// A log that is opened again goes on with its chain.
func TestLogGoesOn(t *testing.T) {
	path := fill(t, 3)
	appendTo(t, path, 0)
	appendTo(t, path, 2)
	s, err := audit.Verify(path)
	if err != nil || s.Lines != 5 || s.Lost != 0 || !s.First.Equal(day0) || !s.Last.Equal(day0.Add(time.Second)) {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestVerifyFindsTampering(t *testing.T) {
	const n = 12
	path := fill(t, n)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	good, err := audit.Verify(path)
	if err != nil || good.Lines != n {
		t.Fatalf("untouched: %+v, %v", good, err)
	}
	verify := func(lines [][]byte) (audit.Summary, error) {
		t.Helper()
		changed := filepath.Join(t.TempDir(), "audit.jsonl")
		if err := os.WriteFile(changed, bytes.Join(lines, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		return audit.Verify(changed)
	}
	lines := func() [][]byte { return bytes.SplitAfter(bytes.Clone(whole), []byte("\n"))[:n] }
	for i := range n {
		last := i == n-1
		for name, change := range map[string]func(l [][]byte) [][]byte{
			"status changed": func(l [][]byte) [][]byte {
				l[i] = bytes.Replace(l[i], []byte(`"status":200`), []byte(`"status":403`), 1)
				return l
			},
			"taken out": func(l [][]byte) [][]byte { return append(l[:i:i], l[i+1:]...) },
			"repeated": func(l [][]byte) [][]byte {
				return append(append(l[:i+1:i+1], l[i]), l[i+1:]...)
			},
			"moved": func(l [][]byte) [][]byte {
				other := i + 1
				if last {
					other = i - 1
				}
				l[i], l[other] = l[other], l[i]
				return l
			},
			"spaces put in": func(l [][]byte) [][]byte {
				l[i] = bytes.Replace(l[i], []byte(`,"tier"`), []byte(`, "tier"`), 1)
				return l
			},
			"a field said twice": func(l [][]byte) [][]byte {
				l[i] = bytes.Replace(l[i], []byte(`{"time"`), []byte(`{"layer":"x","time"`), 1)
				return l
			},
		} {
			s, err := verify(change(lines()))
			if err == nil && last && (name == "status changed" || name == "taken out") {
				// Nothing vouches for the end but a summary kept elsewhere.
				if s.Hash == good.Hash {
					t.Errorf("line %d %s: the summary is the same", i+1, name)
				}
				continue
			}
			if p := problem.Of(err); p == nil || p.Record < int64(i) || p.Record > int64(i+2) {
				t.Errorf("line %d %s: %+v, %v", i+1, name, s, err)
			}
		}
	}
	for cut := 1; cut < len(whole); cut += 97 {
		s, err := verify([][]byte{whole[:cut]})
		if wholeLines := bytes.Count(whole[:cut], []byte("\n")); whole[cut-1] != '\n' {
			wantCode(t, err, "AUDIT_TORN")
			if s.Lines != int64(wholeLines) {
				t.Errorf("cut at %d: %d lines, want %d", cut, s.Lines, wholeLines)
			}
		}
	}
	_, err = verify([][]byte{bytes.Repeat([]byte("x"), audit.MaxLineBytes+1), []byte("\n")})
	wantCode(t, err, "AUDIT_SYNTAX")
}

// A line that a crash left unfinished is cut off, and the next one says so.
func TestOpenAfterACrash(t *testing.T) {
	for _, whole := range []int{0, 1, 5} {
		path := fill(t, whole)
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(`{"time":"2026`); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		appendTo(t, path, 2)
		s, err := audit.Verify(path)
		if err != nil || s.Lines != int64(whole+2) {
			t.Errorf("after %d lines: %+v, %v", whole, s, err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(text), `"torn":13`) != 1 {
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
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := audit.Open(path, audit.FailClosed)
		if l != nil {
			t.Errorf("%s: opened", name)
		}
		wantCode(t, err, "AUDIT_SYNTAX")
		if after, err := os.ReadFile(path); err != nil || string(after) != content {
			t.Errorf("%s: the file was changed", name)
		}
	}
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	first, err := audit.Open(path, audit.FailClosed)
	if err != nil {
		t.Fatal(err)
	}
	_, err = audit.Open(path, audit.FailClosed)
	wantCode(t, err, "AUDIT_LOCKED")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = audit.Open(filepath.Join(t.TempDir(), "no", "audit.jsonl"), audit.FailClosed)
	wantCode(t, err, "AUDIT_WRITE")
}

// Whatever a client sends, a line is one line, bounded, and verifies.
func TestLogLinesAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l, err := audit.Open(path, audit.FailClosed)
	if err != nil {
		t.Fatal(err)
	}
	bad := []string{"\x00", "\n", "\"", "\\", "\xff", "\u2028", "耕", "<&>", "a", "\x7f", "\U0001F33E"}
	for _, s := range bad {
		long := strings.Repeat(s, 20_000)
		r := audit.Record{
			Time: day0, Request: long, Tier: long, Token: long, Outcome: long, Method: long,
			Path: long, Layer: long, Status: -1 << 62, Bytes: -1 << 62, Generation: long,
		}
		if err := l.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err := audit.Verify(path); err != nil || s.Lines != int64(len(bad)) {
		t.Errorf("got %+v, %v", s, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		if len(line) > audit.MaxLineBytes || !json.Valid(line) {
			t.Errorf("a line of %d bytes: %.100s", len(line), line)
		}
	}
	if !strings.Contains(string(text), "耕…") {
		t.Error("what was cut off is not shown")
	}
}

func TestLogIsConcurrent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l, err := audit.Open(path, audit.FailClosed)
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
		})
	}
	wait.Wait()
	if s, err := audit.Verify(path); err != nil || s.Lines != clients*each {
		t.Errorf("while open: %+v, %v", s, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(audit.Record{Time: day0}); err == nil {
		t.Error("a closed log took a record")
	}
}

// A log that verifies is the concatenation of lines that each verify after the
// one before; any single byte changed before its last line is found.
func FuzzVerify(f *testing.F) {
	seed := func(n int) []byte {
		dir := f.TempDir()
		path := filepath.Join(dir, "audit.jsonl")
		l, err := audit.Open(path, audit.FailClosed)
		if err != nil {
			f.Fatal(err)
		}
		for range n {
			if err := l.Append(audit.Record{Time: day0, Path: "/x?tk=1"}); err != nil {
				f.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			f.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		return data
	}
	f.Add(seed(0), uint(0))
	f.Add(seed(1), uint(3))
	f.Add(seed(3), uint(250))
	f.Add([]byte("{}\n"), uint(1))
	f.Add([]byte("\n\n"), uint(0))
	path := filepath.Join(f.TempDir(), "fuzz.jsonl")
	f.Fuzz(func(t *testing.T, data []byte, at uint) {
		check := func(data []byte) (audit.Summary, error) {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			return audit.Verify(path)
		}
		s, err := check(data)
		if err != nil {
			if problem.Of(err) == nil {
				t.Fatalf("%v is no problem", err)
			}
			return
		}
		if int(s.Lines) != bytes.Count(data, []byte("\n")) {
			t.Fatalf("%d lines in %q", s.Lines, data)
		}
		if s.Lines < 2 {
			return
		}
		vouched := bytes.LastIndexByte(data[:len(data)-1], '\n')
		i := int(at % uint(vouched))
		data[i] ^= 1
		if _, err := check(data); err == nil {
			t.Fatalf("a changed byte %d was not found", i)
		}
	})
}

// day0 is when the records of the tests were made.
var day0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

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
