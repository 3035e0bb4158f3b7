package exchange

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// Ensure: whatever is done to the log of exchange is found: a line changed, taken out,
// put in or moved by the one behind it, an end by the hash that was kept or by the record
// of what was taken in, a record that was set back by the log.
func TestVerifyLog(t *testing.T) {
	k := newKeys(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	if sum, err := VerifyLog(to, ""); err != nil || sum.Lines != 0 {
		t.Fatal(sum, err)
	}
	made(t, from, edition.Government, parcels(3))
	one := packed(t, k, from, nil)
	two := packed(t, k, from, nil)
	for _, p := range []string{one, two} {
		if _, err := receive(t, k, to, p, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := receive(t, k, to, one, nil); code(err) != "PACKAGE_REPLAY" {
		t.Fatal(err)
	}
	sum, err := VerifyLog(to, "")
	if err != nil || sum.Lines < 15 || len(sum.Hash) != 64 {
		t.Fatal(sum, err)
	}
	path := filepath.Join(to, edition.ExchangeDir, logFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	lines = lines[:len(lines)-1]
	verify := func(what string, text []byte, kept string, want string, line int64) {
		t.Helper()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := VerifyLog(to, kept)
		if code(err) != want && (want != "" || err != nil) {
			t.Errorf("%s: %v", what, err)
		} else if p := problem.Of(err); p != nil && p.Record != line {
			t.Errorf("%s: line %d, want %d", what, p.Record, line)
		}
	}
	const bad = "EXCHANGE_LOG"
	n := len(lines)
	for i := range n {
		out := slices.Delete(slices.Clone(lines), i, i+1)
		if i == n-1 {
			verify("the last taken out", slices.Concat(out...), "", "", 0)
			verify("the last taken out, and its hash kept", slices.Concat(out...), sum.Hash, bad, 0)
		} else {
			verify("a line taken out", slices.Concat(out...), "", bad, int64(i+1))
		}
		changed := slices.Clone(lines)
		changed[i] = bytes.Replace(lines[i], []byte(`"at":"2026`), []byte(`"at":"2025`), 1)
		at := int64(i + 2)
		if i == n-1 {
			verify("the last changed, and its hash kept", slices.Concat(changed...), sum.Hash, bad, 0)
		} else {
			verify("a line changed", slices.Concat(changed...), "", bad, at)
		}
		if i > 0 {
			moved := slices.Clone(lines)
			moved[i], moved[i-1] = moved[i-1], moved[i]
			verify("two lines exchanged", slices.Concat(moved...), "", bad, int64(i))
		}
		verify("a line twice", slices.Concat(slices.Insert(slices.Clone(lines), i, lines[i])...), "", bad, int64(max(i, 0)+2))
		verify("a line that says more", slices.Concat(append(slices.Clone(lines[:i]), append([]byte(`{"x":1,`), lines[i][1:]...))...), "", bad, int64(i+1))
	}
	verify("an unfinished line", append(slices.Clone(whole), `{"at":`...), "", bad, int64(n+1))
	// Cut so far back that what was taken in last is not among the lines.
	cut := slices.IndexFunc(lines, func(l []byte) bool { return strings.Contains(string(l), `"step":"apply"`) }) + 1
	verify("an end cut off with what was taken in", slices.Concat(lines[:cut]...), "", bad, 0)
	verify("no log any more", nil, "", bad, 0)
	// The record set back, so that what was taken in could be replayed.
	state := filepath.Join(to, edition.ExchangeDir, receivedFile)
	was, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(state, []byte(`{"streams": {}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	verify("a sequence that was set back", whole, "", bad, 0)
	if err := os.WriteFile(state, was, 0o600); err != nil {
		t.Fatal(err)
	}
	verify("as it was", whole, sum.Hash, "", 0)
	// What a crash left of a line is cut off, and told by the next, and the chain goes on.
	if err := os.WriteFile(path, append(slices.Clone(whole), `{"at":`...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := receive(t, k, to, one, nil); code(err) != "PACKAGE_REPLAY" {
		t.Fatal(err)
	}
	if after, err := VerifyLog(to, sum.Hash); err != nil || after.Lines <= sum.Lines {
		t.Error(after, err)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), `"torn":6`) != 1 {
		t.Errorf("%s %v", text[len(whole):], err)
	}
	if _, err := VerifyLog(from, ""); err != nil {
		t.Error("the sender's:", err)
	}
}
