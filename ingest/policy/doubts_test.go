package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/problem"
	"gengtu/index/question"
	"gengtu/ingest/policy"
)

// What nothing known answers to is told with its line, and what is known is not.
func TestDoubts(t *testing.T) {
	const text = `name: x
tiers:
  government:
    grid_m: 0
    max_zoom: 14
    analyses: [overlay, overlai]
    layers:
      croplnad: {fields: [XZQDM]}
      cropland: {fields: known}
      hsf: {fields: known}
`
	known := "overlay summary diff lineage"
	for _, q := range question.All() {
		if q.Name != "summary" {
			known += " " + q.Name
		}
	}
	for name, row := range map[string]struct {
		text   string
		layers []string
		want   []string
	}{
		"the embedded one": {string(policy.DefaultText()), nil, nil},
		"slips": {text, nil, []string{
			`line 6: tiers.government.analyses.overlai: no question is called "overlai", so nothing is let through by it; there are ` + known,
			`line 8: tiers.government.layers.croplnad: no standard layer is called "croplnad"; if it is one of your own hold the policy against its edition (--edition)`,
			`line 2: tiers: nothing is said of public, which cannot be published by it`,
		}},
		"against an edition": {text, []string{"cropland", "croplnad"}, []string{
			`line 6: tiers.government.analyses.overlai: no question is called "overlai", so nothing is let through by it; there are ` + known,
			`line 10: tiers.government.layers.hsf: the edition has no layer "hsf"; it has cropland croplnad`,
			`line 2: tiers: nothing is said of public, which cannot be published by it`,
		}},
	} {
		found, err := policy.Doubts("p.yaml", []byte(row.text), row.layers)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range found {
			got = append(got, p.Found(problem.English))
		}
		if d := cmp.Diff(row.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// Names of analyses are questions like others, but those that no policy opens to public.
func TestDoubtsOfAnalyses(t *testing.T) {
	text := "name: x\ntiers:\n  government:\n    analyses: [flows, siting]\n  public:\n    analyses: [flows, siting]\n"
	found, err := policy.Doubts("p.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || !strings.Contains(found[0].Error(), `tiers.public.analyses.siting: public never answers "siting"`) {
		t.Errorf("%v", found)
	}
}
