package overlay

import (
	"math"
	"slices"
	"testing"

	"gengtu/index/geo"
)

// What comes again just as it is counts once and is told; a copy that differs in
// one position is another border.
func TestMendDoubled(t *testing.T) {
	square, hole := rectangle(0, 0, 100, 100), reversed(rectangle(20, 20, 40, 40))
	twice := append(slices.Clone(square[:4]), square...)
	thrice := append(slices.Clone(square[:4]), twice...)
	turned := geo.Ring{square[2], square[3], square[0], square[1], square[2]}
	moved := slices.Clone(square)
	moved[2].Lon += 1000
	full := geo.Area(single(square))
	holed := geo.Area(single(square, hole))
	for name, c := range map[string]struct {
		shape geo.MultiPolygon
		want  float64
		rule  Rule
	}{
		"a ring run round twice":              {single(twice), full, RingDoubled},
		"three times":                         {single(thrice), full, RingDoubled},
		"a part twice":                        {geo.MultiPolygon{{square}, {square}}, full, RingDoubled},
		"a part again, begun elsewhere":       {geo.MultiPolygon{{square}, {turned}}, full, RingDoubled},
		"a part again, the other way round":   {geo.MultiPolygon{{square}, {reversed(square)}}, full, RingDoubled},
		"a part with its hole twice":          {geo.MultiPolygon{{square, hole}, {square, hole}}, holed, RingDoubled},
		"a hole twice":                        {single(square, hole, reversed(hole)), holed, RingDoubled},
		"a hole run round twice":              {single(square, append(slices.Clone(hole[:4]), hole...)), holed, RingDoubled},
		"a hole as large as its shell":        {single(square, reversed(square)), 0, NothingLeft},
		"a part again without its hole":       {geo.MultiPolygon{{square, hole}, {square}}, full - holed, PartsOverlap},
		"a part again, one position moved":    {geo.MultiPolygon{{square}, {moved}}, math.Abs(geo.Area(single(moved)) - full), PartsOverlap},
		"two parts beside each other are two": {geo.MultiPolygon{{square}, {rectangle(200, 0, 300, 100)}}, 2 * full, ""},
	} {
		out, found, err := Mend(c.shape)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := geo.Area(out); math.Abs(got-c.want) > 1e-4*max(1, c.want*1e-6) {
			t.Errorf("%s: %v m², want %v", name, got, c.want)
		}
		if !slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == c.rule }) && c.rule != "" || c.rule == "" && len(found) > 0 {
			t.Errorf("%s: findings %v, want %q", name, found, c.rule)
		}
	}
}
