package main_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gengtu/index/edition"
)

// What cannot be is refused, and the edition stays as it is; so it does when the work is
// broken off at any moment.
func TestCodesRefused(t *testing.T) {
	before, _, _ := theLand()
	dir := filepath.Join(t.TempDir(), "s")
	must(t, "ingest", "--out", dir, "--zooms", "8-10", "--layer", "dltb@2023="+squaresFile(t, "BSM", before, map[string]any{"KJM": "A1"}))
	plain := current(t, dir)
	refused := func(want string, args ...string) {
		t.Helper()
		now := current(t, dir)
		_, errs, code := gengtu(t, append([]string{"codes"}, args...)...)
		if code == 0 || !strings.Contains(errs, "["+want+"]") {
			t.Errorf("codes %v: exit code %d, %s; want %s", args, code, errs, want)
		}
		if current(t, dir) != now || len(drafts(t, dir)) > 0 {
			t.Errorf("codes %v left %s, %v; it was %s", args, current(t, dir), drafts(t, dir), now)
		}
	}
	rules := must(t, "version") // only to have a text that is no rules file
	file := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("CODES_FOREIGN", "--edition", dir)
	refused("CODES_NONE", "--edition", dir, "--lineage", composed(t, "61040200100100", 1))
	refused("CODES_VINTAGE", "--edition", dir, "--replace", "--vintage", "1999")
	refused("ANALYZE_RULES", "--edition", dir, "--rules", file)
	refused("CODES_LAYER", "--edition", dir, "--layer", "pbf")
	refused("FORMAT_UNKNOWN", "--edition", dir, "--out", "x.shp")
	refused("EDITION_MISSING", "--edition", filepath.Join(dir, "none"))
	refused("CODE_FORM", "--check", "123")
	refused("CODE_CHECK", "--check", "61040200100100000001"+other(composed(t, "61040200100100", 1)[20]))
	must(t, "codes", "--edition", dir, "--replace")
	if current(t, dir) == plain {
		t.Error("--replace changed nothing")
	}
	refused("CODES_UNKNOWN", "--edition", dir, "--check", composed(t, "61040200100100", 99))
	if err := os.WriteFile(filepath.Join(dir, edition.Issued), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("CODES_ISSUED", "--edition", dir)
}

// other is a check character that is not c.
func other(c byte) string {
	if c == '0' {
		return "1"
	}
	return "0"
}

// Ctrl-C at any moment leaves the edition without codes, whole and in force, and no draft.
func TestInterruptedCodes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	must(t, "ingest", "--out", dir, "--zooms", "6-14", "--layer", "dltb@2023="+delivery(t, "delivery", "2023", "DLTB.shp"))
	old, caught := current(t, dir), 0
	for _, ms := range []int{0, 10, 50, 150, 300, 600} {
		cmd := exec.Command(binary(), "codes", "--edition", dir)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(20 * time.Second); len(drafts(t, dir)) == 0 && time.Now().Before(deadline); {
			<-time.After(2 * time.Millisecond)
		}
		<-time.After(time.Duration(ms) * time.Millisecond)
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		if err := cmd.Wait(); err == nil {
			break
		}
		caught++
		if now := current(t, dir); now != old || len(drafts(t, dir)) > 0 || !strings.Contains(errs.String(), "[INTERRUPTED]") {
			t.Errorf("Ctrl-C after %d ms: %s, was %s; drafts %v; %s", ms, now, old, drafts(t, dir), errs.String())
		}
	}
	if caught == 0 {
		t.Skip("the work is done before any Ctrl-C comes")
	}
	must(t, "verify", dir)
	must(t, "codes", "--edition", dir)
	inBSMOrder(t, dir, "2023")
}
