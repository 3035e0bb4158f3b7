package exchange

import (
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/ingest/policy"
)

// Each thing that a policy limits is limited for packages, too, and what is as strict
// or stricter passes.
func TestWithin(t *testing.T) {
	p := &policy.Policy{Tiers: map[edition.Tier]policy.Tier{edition.Public: {
		GridM: 25, PrecisionM: 5, MinZoom: 5, MaxZoom: 14, TotalsOnly: true, RoundM2: 100, MinAOIM2: 1000, MaxAOIM2: 1e6,
		Groups: policy.Names{Listed: true, Names: []string{"DLBM"}}, Analyses: policy.Names{Listed: true, Names: []string{"overlay"}},
	}}}
	for _, c := range []struct {
		change func(s *State)
		want   string
	}{
		{func(*State) {}, ""},
		{func(s *State) { s.Policy.GridM, s.Policy.GridLon = 50, 5_000_000 }, ""},
		{func(s *State) { s.MaxZoom, s.Policy.MinZoom, s.Policy.RoundM2, s.Policy.MaxAOIM2 = 12, 8, 1000, 1e5 }, ""},
		{func(s *State) { s.Policy.Groups, s.Policy.Analyses = []string{}, []string{} }, ""},
		{func(s *State) { s.Policy.GridM = 24 }, "finer grid"},
		{func(s *State) { s.Policy.GridLon = 2_000_000 }, "finer grid"},
		{func(s *State) { s.Policy.GridLat = 0 }, "finer grid"},
		{func(s *State) { s.Policy.PrecisionM = 6 }, ""},
		{func(s *State) { s.Policy.PrecisionM = 4 }, "better precision"},
		{func(s *State) { s.Policy.PrecisionM = 0 }, "better precision"},
		{func(s *State) { s.MaxZoom = 15 }, "zooms"},
		{func(s *State) { s.Policy.MinZoom = 4 }, "zooms"},
		{func(s *State) { s.Policy.Pieces = true }, "single features"},
		{func(s *State) { s.Policy.TotalsOnly = false }, "totals"},
		{func(s *State) { s.Policy.Groups = nil }, "group"},
		{func(s *State) { s.Policy.Groups = []string{"DLBM", "BSM"} }, "group"},
		{func(s *State) { s.Policy.Analyses = nil }, "questions"},
		{func(s *State) { s.Policy.Analyses = []string{"diff"} }, "questions"},
		{func(s *State) { s.Policy.RoundM2 = 99 }, "rounded"},
		{func(s *State) { s.Policy.MinAOIM2 = 999 }, "smaller shapes"},
		{func(s *State) { s.Policy.MaxAOIM2 = 2e6 }, "larger shapes"},
		{func(s *State) { s.Policy.MaxAOIM2 = 0 }, "larger shapes"},
	} {
		m := Manifest{Tier: edition.Public, State: State{MaxZoom: 14, Policy: edition.Policy{
			GridM: 25, GridLon: 2_800_000, GridLat: 2_300_000, PrecisionM: 5, MinZoom: 5, TotalsOnly: true, RoundM2: 100, MinAOIM2: 1000, MaxAOIM2: 1e6,
			Groups: []string{"DLBM"}, Analyses: []string{"overlay"},
		}}}
		c.change(&m.State)
		err := m.within("p", p)
		switch {
		case c.want == "" && err != nil, c.want != "" && (code(err) != "PACKAGE_POLICY" || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%q: %v", c.want, err)
		}
		m.Tier = edition.Secure
		if err := m.within("p", p); err != nil {
			t.Errorf("secure: %v", err)
		}
	}
}
