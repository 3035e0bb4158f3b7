package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each command is for one role or for anybody: who has another role is refused and told
// of, and what is done is told of, too. The table is what the handbook promises, apart
// from the program's own.
func TestEachCommandAsksForItsRole(t *testing.T) {
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	access := filepath.Join(dir, "access.json")
	wrong := []string{"--no-such-flag"} // what is allowed ends here
	for _, c := range []struct {
		verb, role string
		args       []string
	}{
		{"ingest", "system", wrong},
		{"publish", "system", wrong},
		{"update", "system", wrong},
		{"rollback", "system", wrong},
		{"export", "system", wrong},
		{"overlay", "system", wrong},
		{"diff", "system", wrong},
		{"pack", "system", wrong},
		{"unpack", "system", wrong},
		{"release", "system", wrong},
		{"exchange", "system", wrong},
		{"key", "system", wrong},
		{"verify", "system", []string{"no-such-edition", "--dump"}},
		{"serve", "system", []string{"--access", access, "--edition", filepath.Join(dir, "none"), "--audit", access + ".audit"}},
		{"token", "security", []string{"add", "--access", access, "--tier", "secure", "--name", "wang"}},
		{"token", "security", []string{"list", "--access", access}},
		{"token", "security", []string{"revoke", "wang", "--access", access}},
		{"audit", "audit", []string{"verify"}},
		{"audit", "audit", []string{"show"}},
		{"audit", "audit", []string{"prune"}},
		{"access", "", []string{"check", access}},
		{"check", "", wrong},
		{"verify", "", []string{"no-such-edition"}},
		{"verify-answer", "", wrong},
		{"history", "", wrong},
		{"info", "", wrong},
		{"policy", "", []string{"show"}},
		{"catalogue", "", []string{"show"}},
		{"profile", "", []string{"list"}},
		{"sample", "", wrong},
		{"demo", "", wrong},
		{"version", "", nil},
	} {
		for _, role := range []string{"system", "security", "audit"} {
			t.Run(fmt.Sprintf("%s %s as %s", c.verb, strings.Join(c.args, " "), role), func(t *testing.T) {
				if err := os.WriteFile(access, []byte(`{"roles": {"`+role+`": ["`+u.Username+`"]}, "tokens": []}`), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.RemoveAll(access + ".audit"); err != nil {
					t.Fatal(err)
				}
				_, errs, code := as(t, []string{"GENGTU_ACCESS=" + access}, append([]string{c.verb}, c.args...)...)
				refused := c.role != "" && c.role != role
				if got := strings.Contains(errs, "[ROLE]"); got != refused || refused && code != 1 {
					t.Errorf("refused %v, want %v; exit code %d\n%s", got, refused, code, errs)
				}
				got := actsOf(t, access+".audit")
				var want []string
				switch {
				case refused:
					want = []string{"refused"}
				case c.role == "" || c.verb == "token" && c.args[0] == "list":
				case c.verb == "serve": // that does not come up
					want = []string{"begun", "done"}
				case code != 0:
					want = []string{"begun", "failed"}
				default:
					want = []string{"begun", "done"}
				}
				if c.verb == "audit" && c.args[0] == "prune" && !refused {
					want = nil // nothing was old enough
				}
				if !slices.Equal(got, want) {
					t.Errorf("acts %q, want %q\n%s", got, want, errs)
				}
			})
		}
	}
}

// actsOf returns the outcomes of the acts in the log of dir, none of no log.
func actsOf(t *testing.T, dir string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "acts.000001.jsonl"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range bytes.Lines(data) {
		var r struct{ Act, Outcome, Who, Role string }
		if err := json.Unmarshal(line, &r); err != nil || r.Act == "" || r.Who == "" || r.Role == "" {
			t.Errorf("%v: %s", err, line)
		}
		out = append(out, r.Outcome)
	}
	return out
}

// The log is found where it can be known, and else it is said how to name it.
func TestAuditFindsTheLog(t *testing.T) {
	dir := t.TempDir()
	access := filepath.Join(dir, "access.json")
	must(t, "token", "add", "--access", access, "--tier", "secure", "--name", "wang")
	for name, args := range map[string][]string{
		"its directory": {access + ".audit"}, "the folder that it is in": {dir}, "the access file": {"--access", access},
	} {
		for _, verb := range []string{"verify", "show"} {
			if out, errs, code := gengtu(t, append([]string{"audit", verb}, args...)...); code != 0 || !strings.Contains(out, "acts") {
				t.Errorf("audit %s, %s: exit code %d\n%s%s", verb, name, code, out, errs)
			}
		}
	}
	if _, errs, code := as(t, []string{"GENGTU_ACCESS=" + access}, "audit", "verify"); code != 0 {
		t.Errorf("by the environment: exit code %d\n%s", code, errs)
	}
	must(t, "token", "add", "--access", filepath.Join(dir, "other.json"), "--tier", "secure", "--name", "li")
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"two logs":        {[]string{dir}, []string{"AUDIT_WHERE", "access.json.audit", "other.json.audit"}},
		"no word":         {nil, []string{"AUDIT_WHERE", "--access", "GENGTU_ACCESS"}},
		"an empty folder": {[]string{t.TempDir()}, []string{"AUDIT_EMPTY", "--access"}},
		"nothing":         {[]string{filepath.Join(dir, "none")}, []string{"AUDIT_READ", "access check"}},
	} {
		for _, lang := range []string{"en", "zh"} {
			_, errs, code := as(t, []string{"GENGTU_ACCESS=", "GENGTU_LANG=" + lang}, append([]string{"audit", "verify"}, c.args...)...)
			if code == 0 {
				t.Errorf("%s: exit code 0", name)
			}
			for _, w := range c.want {
				if !strings.Contains(errs, w) {
					t.Errorf("%s, %s: no %q in\n%s", name, lang, w, errs)
				}
			}
		}
	}
}
