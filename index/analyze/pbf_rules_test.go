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
		{"reconcile:", "width_m: {value: 2", "width_m: {value: -1"},
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

// Slivers are left out of lists and never of totals, and how much they are is told.
func TestPBFSlivers(t *testing.T) {
	text := strings.Replace(string(analyze.RulesText()), "area_m2: {value: 10,", "area_m2: {value: 900,", 1)
	coarse, err := analyze.ParseRules("rules.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for question, x := range map[string]struct {
		list, sum, sliver string
		totals            []string
	}{
		"hsf-outside-pbf": {"hsf_not_pbf", "hsf_not_pbf_sum", "sliver_crop", []string{"hsf_crop", "pbf_crop", "crop", "eligible_crop", "slope5_crop", "area"}},
		"pbf-not-hsf":     {"pbf_not_hsf", "pbf_hsf_progress", "", []string{"pbf", "built", "undated", "ineligible", "gap"}},
	} {
		ix := restrictedCounty(3).Index(t)
		fine, rough := run(t, ix, analyze.Request{Question: question}, analyze.Options{}), run(t, ix, analyze.Request{Question: question}, analyze.Options{Rules: coarse})
		for _, column := range x.totals {
			if a, b := total(table(t, fine, x.sum), column), total(table(t, rough, x.sum), column); a != b {
				t.Errorf("%s: with slivers %s is %d, without %d", question, column, b, a)
			}
		}
		all, listed := total(table(t, fine, x.list), "crop"), total(table(t, rough, x.list), "crop")
		if listed >= all {
			t.Errorf("%s: %d of %d are listed: there was no sliver", question, listed, all)
		}
		if x.sliver != "" {
			if left := total(table(t, rough, x.sum), x.sliver); left != all-listed {
				t.Errorf("%s: slivers are %d, left out of the list are %d", question, left, all-listed)
			}
		}
		if len(rough.Notes) <= len(fine.Notes) {
			t.Errorf("%s: slivers are not told: %v", question, rough.Notes)
		}
	}
}
