package policy_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/ingest/policy"
)

// enter adds n lines to a register.
func enter(t *testing.T, dir string, n int) (hash string) {
	t.Helper()
	for i := range n {
		var err error
		e := &policy.Entry{Event: policy.Published, Time: time.Unix(int64(i), 0).UTC(), Approver: "张三", Register: &policy.Register{From: edition.Secure, To: edition.Public}}
		if hash, err = policy.Enter(dir, e); err != nil {
			t.Fatal(err)
		}
	}
	return hash
}

// What was entered is read again, in order; and any line that was changed, taken out, put
// in or moved is found, with its number. A cut at the end shows by another hash.
func TestRegister(t *testing.T) {
	dir := t.TempDir()
	if got, hash, err := policy.ReadRegister(dir); err != nil || len(got) > 0 || hash != "" {
		t.Errorf("none: %v %q %v", got, hash, err)
	}
	last := enter(t, dir, 5)
	path := filepath.Join(dir, edition.Register)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, hash, err := policy.ReadRegister(dir)
	if err != nil || len(got) != 5 || hash != last || got[4].Time.Unix() != 4 || got[0].Prev != "" || got[0].Approver != "张三" || got[3].To != edition.Public {
		t.Fatalf("%+v, %s, %v", got, hash, err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	lines := bytes.SplitAfter(bytes.TrimSuffix(whole, []byte("\n")), []byte("\n"))
	lines[4] = append(lines[4], '\n')
	change := func(edit func(l [][]byte) [][]byte) []byte {
		return bytes.Join(edit(slices.Clone(lines)), nil)
	}
	for name, c := range map[string]struct {
		data []byte
		line int64 // that is told, 0 for a sound register with another end
	}{
		"a letter changed": {change(func(l [][]byte) [][]byte {
			l[1] = bytes.Replace(l[1], []byte("public"), []byte("publid"), 1)
			return l
		}), 3},
		"one taken out":   {change(func(l [][]byte) [][]byte { return slices.Delete(l, 2, 3) }), 3},
		"the first":       {change(func(l [][]byte) [][]byte { return l[1:] }), 1},
		"two exchanged":   {change(func(l [][]byte) [][]byte { l[2], l[3] = l[3], l[2]; return l }), 3},
		"one twice":       {change(func(l [][]byte) [][]byte { return slices.Insert(l, 2, l[1]) }), 3},
		"no JSON":         {change(func(l [][]byte) [][]byte { l[4] = []byte("x\n"); return l }), 5},
		"another object":  {change(func(l [][]byte) [][]byte { l[4] = []byte("{}\n"); return l }), 5},
		"cut at the end":  {change(func(l [][]byte) [][]byte { return l[:4] }), 0},
		"the end changed": {change(func(l [][]byte) [][]byte { l[4] = bytes.Replace(l[4], []byte("张"), []byte("李"), 1); return l }), 0},
	} {
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, hash, err := policy.ReadRegister(dir)
		if c.line == 0 {
			if err != nil || hash == last {
				t.Errorf("%s: %v, hash %s", name, err, hash)
			}
			if err := policy.Holds(dir, last); code(err) != "REGISTER_CUT" {
				t.Errorf("%s: with the kept hash: %v", name, err)
			}
			if err := policy.Holds(dir, got[2].Prev); err != nil {
				t.Errorf("%s: a line that is there: %v", name, err)
			}
			continue
		}
		if err := policy.Holds(dir, last); code(err) != "REGISTER_BROKEN" {
			t.Errorf("%s: with the kept hash: %v", name, err)
		}
		if code(err) != "REGISTER_BROKEN" || !strings.Contains(err.Error(), "record "+string(rune('0'+c.line))) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := policy.Enter(dir, &policy.Entry{Register: &policy.Register{}}); code(err) != "REGISTER_BROKEN" {
			t.Errorf("%s: it is written to: %v", name, err)
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	for hash, want := range map[string]string{last: "", strings.ToUpper(last): "", got[1].Prev: "", strings.Repeat("0", 64): "REGISTER_CUT", "": "REGISTER_KEPT", last[1:]: "REGISTER_KEPT", last + "00": "REGISTER_KEPT"} {
		if err := policy.Holds(dir, hash); err == nil && want != "" || err != nil && code(err) != want {
			t.Errorf("%q: %v, want %q", hash, err, want)
		}
	}
	if err := policy.Holds(t.TempDir(), last); code(err) != "REGISTER_CUT" {
		t.Errorf("without a register: %v", err)
	}
	// An unfinished line is cut off, and the next one says so.
	if err := os.WriteFile(path, append(bytes.Clone(whole), `{"event":"pub`...), 0o600); err != nil {
		t.Fatal(err)
	}
	enter(t, dir, 1)
	if got, _, err := policy.ReadRegister(dir); err != nil || len(got) != 6 || got[5].Torn != 13 || got[5].Prev != last {
		t.Errorf("after a crash: %d entries, %v", len(got), err)
	}
	if _, err := policy.Enter(filepath.Join(dir, "nowhere"), &policy.Entry{}); code(err) != "REGISTER_UNWRITABLE" {
		t.Error(err)
	}
}

// Publications at the same time are entered one after another.
func TestRegisterTogether(t *testing.T) {
	dir := t.TempDir()
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 5 {
				if _, err := policy.Enter(dir, &policy.Entry{Event: policy.Published, Register: &policy.Register{}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	if got, _, err := policy.ReadRegister(dir); err != nil || len(got) != 40 {
		t.Errorf("%d entries, %v", len(got), err)
	}
}

// Who approves is asked for where the policy names anyone.
func TestApprove(t *testing.T) {
	open := parse(t, "")
	strict := parse(t, strings.ReplaceAll(string(policy.DefaultText()), "approved_by: []", "approved_by: [张三, 李四]"))
	for _, c := range []struct {
		p        *policy.Policy
		who, why string
	}{{open, "", ""}, {open, "anyone", ""}, {strict, "张三", ""}, {strict, "李四", ""}, {strict, "", "POLICY_APPROVER"}, {strict, "王五", "POLICY_APPROVER"}} {
		if err := c.p.Approve(edition.Public, c.who); err == nil && c.why != "" || err != nil && code(err) != c.why {
			t.Errorf("%q: %v, want %q", c.who, err, c.why)
		}
	}
}
