package check_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gengtu/index/problem"
	"gengtu/ingest/check"
)

// The embedded rules are valid, and a rule that says something wrong is refused with its
// line.
func TestRules(t *testing.T) {
	if _, err := check.LoadRules(""); err != nil {
		t.Fatal(err)
	}
	text := string(check.RulesText())
	line := func(s string) int { return 1 + strings.Count(text[:strings.Index(text, s)], "\n") }
	for name, c := range map[string]struct {
		from, to string
		line     int
	}{
		"a check that is none":          {"check: gap", "check: gaps", line(`rule: G4103`)},
		"a threshold of another":        {"{below_m2: 10}", "{below_m: 10}", line(`rule: "4601"`)},
		"a negative threshold":          {"{below_m2: 10}", "{below_m2: -1}", line(`rule: "4601"`)},
		"a number that stands twice":    {`rule: "4701"`, `rule: "4601"`, line(`rule: "4701"`)},
		"a severity that is none":       {"rule: G4103\n    check: gap\n    group: topology\n    severity: 一类", "rule: G4103\n    check: gap\n    group: topology\n    severity: 四类", line(`rule: G4103`)},
		"a group that is none":          {"rule: G4103\n    check: gap\n    group: topology", "rule: G4103\n    check: gap\n    group: ground", line(`rule: G4103`)},
		"a tolerance beyond a metre":    {"edge_m: 0.0002", "edge_m: 2", line("\ntolerances:") + 1},
		"a key that is not known":       {"own_number: true", "own: true", 0},
		"a text that is no YAML":        {"rules:", "rules: [", 0},
		"nothing":                       {text, "", 0},
		"a second document":             {text, text + "---\n" + text, 0},
		"a threshold that is a text":    {"{below_m2: 10}", "{below_m2: ten}", 0},
		"a tolerance that is no number": {"edge_m: 0.0002", "edge_m: .nan", line("\ntolerances:") + 1},
	} {
		path := filepath.Join(t.TempDir(), "rules.yaml")
		if err := os.WriteFile(path, []byte(strings.Replace(text, c.from, c.to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := check.LoadRules(path)
		p := problem.Of(err)
		if p == nil || p.Code != "CHECK_RULES" || p.File != path {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		if want := "line " + strconv.Itoa(c.line) + ":"; c.line > 0 && !strings.Contains(p.Found(problem.English), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}

func FuzzRules(f *testing.F) {
	f.Add(check.RulesText())
	f.Add([]byte("rules: [{rule: A, check: gap, group: topology, severity: 一类, layers: [dltb], thresholds: {min_m2: 1}, title: {zh: a, en: b}}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := check.ParseRules(text)
		if err != nil {
			if problem.Of(err) == nil {
				t.Errorf("%v is no problem for a person", err)
			}
			return
		}
		numbers := map[string]bool{}
		for _, rule := range r.List {
			if numbers[rule.Number] {
				t.Errorf("%s stands twice", rule.Number)
			}
			numbers[rule.Number] = true
		}
	})
}
