package analyze_test

import (
	"errors"
	"strings"
	"testing"

	"gengtu/index/analyze"
	"gengtu/index/problem"
)

// Rules out of range are refused, and the message names the rule.
func TestPBFRules(t *testing.T) {
	for _, c := range []struct{ section, from, to string }{
		{"hsf-outside-pbf:", "gap_m: {value: 20", "gap_m: {value: -1"},
		{"pbf-to-retire:", "fragile_share: {value: 0.5", "fragile_share: {value: 50"},
		{"pbf-to-retire:", "owner_digits: {value: 12", "owner_digits: {value: 0"},
		{"pbf-not-hsf:", "target_year: {value: 2035", "target_year: {value: 2035.5"},
		{"pbf-not-hsf:", "trend_years: {value: 5", "trend_years: {value: 1"},
	} {
		text := string(analyze.RulesText())
		at := strings.Index(text, "\n"+c.section)
		bad := text[:at] + strings.Replace(text[at:], c.from, c.to, 1)
		if bad == text {
			t.Fatalf("the rules have no %s", c.from)
		}
		_, err := analyze.ParseRules("rules.yaml", []byte(bad))
		var p *problem.Problem
		if name, _, _ := strings.Cut(c.to, ":"); !errors.As(err, &p) || p.Code != "ANALYZE_RULES" || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", c.to, err)
		}
	}
}
