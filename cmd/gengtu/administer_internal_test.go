package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A word of the line that looks like a call for help, as the value of a flag, does not
// take a command past the roles; help itself is anybody's.
func TestHelpIsNoWayAroundRoles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "access.json")
	if err := os.WriteFile(file, []byte(`{"roles": {"system": ["nobody-here"]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(accessEnv, file)
	t.Setenv(tokenEnv, "")
	for _, c := range []struct {
		line string
		code int
		says string
	}{
		{"pack --edition none --document -h", 1, "[ROLE]"}, {"export --edition none --out --help", 1, "[ROLE]"}, {"pack -- -h", 1, "[ROLE]"},
		{"pack --help", 0, ""}, {"export -h", 0, ""}, {"export -help", 0, ""},
	} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), strings.Fields(c.line), &out, &errs); code != c.code || !strings.Contains(errs.String(), c.says) {
			t.Errorf("%s: %d %s", c.line, code, errs.String())
		}
	}
}

// Each command has a duty: who adds a verb decides which role it is for.
func TestEachCommandHasADuty(t *testing.T) {
	all := map[string]bool{}
	for _, c := range commands() {
		all[c.name] = true
		if duties[c.name] == 0 {
			t.Errorf("%s has no duty: say in duties whom it is for", c.name)
		}
	}
	for name := range duties {
		if !all[name] {
			t.Errorf("%s has a duty and is no command", name)
		}
	}
	for _, dump := range []string{"--dump", "-dump", "--dump=true"} {
		if dutyOf("verify", []string{"EDITION", dump}) != bySystem {
			t.Errorf("verify %s is anybody's", dump)
		}
	}
}
