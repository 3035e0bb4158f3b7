package check_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gengtu/ingest/check"
)

// A rule that leaves out a threshold is refused: without it it could tell nothing, or would
// be held to a number that nobody wrote. Those that narrow or widen one may be left out.
func TestThresholdsAreNeeded(t *testing.T) {
	text := string(check.RulesText())
	key := regexp.MustCompile(`(\w+): [0-9.]+(, )?`)
	line := regexp.MustCompile(`(?m)^    thresholds: \{[^}]*\}$`)
	left, refused := map[string]bool{}, map[string]bool{}
	for _, at := range line.FindAllStringIndex(text, -1) {
		given := text[at[0]:at[1]]
		for _, k := range key.FindAllStringSubmatchIndex(given, -1) {
			name := given[k[2]:k[3]]
			without := strings.Replace(given[:k[0]]+given[k[1]:], ", }", "}", 1)
			path := filepath.Join(t.TempDir(), "rules.yaml")
			if err := os.WriteFile(path, []byte(text[:at[0]]+without+text[at[1]:]), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := check.LoadRules(path)
			optional := name == "relative" || name == "per_patch_m2" || name == "below_m2" && strings.Contains(given, "min_m2")
			if (err == nil) != optional || err != nil && !strings.Contains(err.Error(), name) {
				t.Errorf("%s without %s: %v", given, name, err)
			}
			if optional {
				left[name] = true
			} else {
				refused[name] = true
			}
		}
	}
	if len(left) != 3 || len(refused) < 8 {
		t.Errorf("left out %v, needed %v", left, refused)
	}
}
