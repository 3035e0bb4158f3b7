package policy_test

import (
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest/policy"
)

// What should not be published unknowingly is told, each for itself, and not where it has
// been thought of.
func TestCautions(t *testing.T) {
	const sound = `
name: x
tiers:
  public:
    grid_m: 25
    precision_m: 10
    max_zoom: 14
    approval: GS（2026）1号
    analyses: [overlay, summary]
    approved_by: [局长]
    layers: {region: {fields: [XZQDM]}}
`
	for name, row := range map[string]struct{ old, fresh, want string }{
		"sound":      {"", "", ""},
		"approval":   {"approval: GS（2026）1号", "approval: ''", "approval number"},
		"grid":       {"grid_m: 25\n    precision_m: 10", "as_surveyed: true", "as fine as they were surveyed"},
		"precision":  {"    precision_m: 10\n", "", "no precision"},
		"pieces":     {"max_zoom: 14", "max_zoom: 14\n    pieces: true", "single features"},
		"totals":     {"max_zoom: 14", "max_zoom: 14\n    totals_only: true", "tiles of layer region carry the fields"},
		"no one":     {"approved_by: [局长]", "approved_by: []", "nobody is named"},
		"questions":  {"analyses: [overlay, summary]", "analyses: any", "any question"},
		"government": {"public:", "government:", ""},
	} {
		p, err := policy.Parse(name, []byte(strings.Replace(sound, row.old, row.fresh, 1)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		tier := edition.Public
		if name == "government" {
			tier = edition.Government
		}
		got := p.Cautions(tier, problem.English)
		if row.want == "" && len(got) > 0 || row.want != "" && (len(got) != 1 || !strings.Contains(got[0], row.want)) {
			t.Errorf("%s: %q, want one of %q", name, got, row.want)
		}
	}
}
