package exchange

import (
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/ingest/policy"
)

// Each thing that a policy limits is limited for packages, too, and what is as strict
// or stricter passes.
func TestWithin(t *testing.T) {
	p := &policy.Policy{Tiers: map[edition.Tier]policy.TierRules{edition.Public: {
		GridM: 25, PrecisionM: 5, MinZoom: 5, MaxZoom: 14, TotalsOnly: true, RoundM2: 100, MinAOIM2: 1000, MaxAOIM2: 1e6,
		Layers: map[string]policy.Layer{"pbf": {Zooms: []int{8, 12}}, "hsf": {}},
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
		m := Manifest{Tier: edition.Public, Layers: []Layer{{Layer: edition.Layer{Name: "hsf"}}, {Layer: edition.Layer{Name: "pbf", Zooms: &[2]int{8, 12}}}}, State: State{MaxZoom: 14, Policy: edition.Policy{
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

// A layer is served at no other zooms than the rule of its own lets, whatever the tier has.
func TestWithinZoomsOfLayers(t *testing.T) {
	p := &policy.Policy{Tiers: map[edition.Tier]policy.TierRules{edition.Public: {MinZoom: 5, MaxZoom: 14, Layers: map[string]policy.Layer{"pbf": {Zooms: []int{8, 12}}, "hsf": {}}}}}
	zooms := func(lo, hi int) *[2]int { return &[2]int{lo, hi} }
	for _, c := range []struct {
		layer string
		zooms *[2]int
		max   int // of the edition
		more  bool
	}{
		{"pbf", zooms(8, 12), 14, false}, {"pbf", zooms(9, 11), 14, false}, {"pbf", zooms(8, 14), 12, false}, {"pbf", zooms(13, 14), 12, false},
		{"pbf", zooms(7, 12), 14, true}, {"pbf", zooms(8, 13), 14, true}, {"pbf", nil, 14, true}, {"pbf", nil, 4, false},
		{"hsf", nil, 14, false}, {"hsf", zooms(0, 18), 14, false},
	} {
		m := Manifest{Tier: edition.Public, Layers: []Layer{{Layer: edition.Layer{Name: c.layer, Vintage: "2024", Zooms: c.zooms}}}, State: State{MaxZoom: c.max, Policy: p.Limits(edition.Public)}}
		err := m.within("p", p)
		if more := code(err) == "PACKAGE_POLICY" && strings.Contains(err.Error(), "more zooms of layer "+c.layer+"@2024"); more != c.more || !more && err != nil {
			t.Errorf("%s at %v of an edition to %d: %v", c.layer, c.zooms, c.max, err)
		}
		m.Tier = edition.Secure
		if err := m.within("p", p); err != nil {
			t.Errorf("secure: %v", err)
		}
	}
}

// Codes of place are as fine as the policy here tells them, in features and in their
// fields; in secure as they are.
func TestPlacesWithin(t *testing.T) {
	l := &Layer{Layer: edition.Layer{Name: "dltb", Fields: []edition.Field{{Name: "ZLDWDM", Kind: edition.Text, Known: true}, {Name: "KJM", Kind: edition.Text, Known: true}, {Name: "DLMC", Kind: edition.Text, Known: true}}}}
	for _, c := range []struct {
		digits      int
		place       string
		unit, space any
		finer       string
	}{
		{9, "610402001", "610402001", nil, ""}, {9, "610402001", " 610402001 ", nil, ""}, {9, "6104", nil, nil, ""}, {9, "", nil, nil, ""},
		{9, "610402001002", "610402001", nil, "610402001002"},
		{9, "610402001", "6104020010020000000", nil, "6104020010020000000"},
		{12, "610402001002", "610402001002", "61040200100203123456", "61040200100203123456"},
		{14, "61040200100203", nil, "61040200100203123456", ""},
		{19, "61040200100203", "6104020010020300000", "61040200100203123456", ""},
		{0, "", nil, nil, ""}, {0, "61", nil, nil, "61"},
	} {
		r := &Reception{path: "p", Manifest: &Manifest{Tier: edition.Public}, o: ReceiveOptions{Policy: &policy.Policy{Tiers: map[edition.Tier]policy.TierRules{edition.Public: {PlaceDigits: c.digits}}}}}
		f := index.Feature{ID: 1, Place: c.place, Values: []any{c.unit, c.space, "610402001002003"}}
		j, err := r.judgeOf(l)
		if err != nil {
			t.Fatal(err)
		}
		err = j.values(&f)
		if refused := code(err) == "PACKAGE_POLICY" && strings.Contains(err.Error(), `"`+c.finer+`"`); refused != (c.finer != "") || !refused && err != nil {
			t.Errorf("%d digits, %q %v %v: %v", c.digits, c.place, c.unit, c.space, err)
		}
		r.Manifest.Tier = edition.Secure
		if j, err = r.judgeOf(l); err != nil || j.values(&f) != nil {
			t.Errorf("secure: %v %v", err, j.values(&f))
		}
	}
}
