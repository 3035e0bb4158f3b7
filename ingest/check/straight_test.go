package check_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gengtu/index/geo"
	"gengtu/ingest/check"
)

// strips puts fields of up to 3 km with a straight side, in all directions, and along that
// side smaller ones, whose corners on it stand on the survey's grid: up to 0.07 mm beside
// it. They lie as far from the zone's meridian as a zone goes, where straight lines bend
// most. The corners that shift says are moved by that much across the side.
func (l *landscape) strips(shift func(n int) float64) (keys []string) {
	template := l.patches[0].values
	l.patches = nil
	add := func(ring []geo.XY) string {
		values := append([]any{}, template...)
		key := fmt.Sprintf("6199012000%08d", len(l.patches))
		values[l.column("BSM")], values[l.column("TBBH")] = key, fmt.Sprint(len(l.patches))
		p := &patch{rings: [][]geo.XY{append(ring, ring[0])}, values: values}
		l.book(p)
		l.patches = append(l.patches, p)
		return key
	}
	for n := range 300 {
		angle := 2 * math.Pi * l.rng.Float64()
		sin, cos := math.Sincos(angle)
		x, y := float64(36_620_000+7000*(n%3)), float64(3_700_000+7000*(n/3))
		at := func(u, v float64) geo.XY { return onGrid(geo.XY{X: x + u*cos - v*sin, Y: y + u*sin + v*cos}) }
		long := l.logUniform(300, 3000)
		keys = append(keys, add([]geo.XY{at(0, 0), at(0, 200), at(long, 200), at(long, 0)}))
		cuts := []float64{0, long}
		for range 1 + l.rng.IntN(6) {
			cuts = append(cuts, long*(0.02+0.96*l.rng.Float64()))
		}
		slices.Sort(cuts)
		cuts = slices.CompactFunc(cuts, func(a, b float64) bool { return math.Abs(b-a) < 3 }) // no field is narrower
		d := shift(n)
		for i := 1; i < len(cuts); i++ {
			a, b := at(cuts[i-1], 0), at(cuts[i], 0)
			if i > 1 {
				a = at(cuts[i-1], d)
			}
			if i+1 < len(cuts) {
				b = at(cuts[i], d)
			}
			add([]geo.XY{a, b, at(cuts[i], -200), at(cuts[i-1], -200)})
		}
	}
	return keys
}

// Neighbours whose vertices differ along a straight side of kilometres neither overlap nor
// leave gaps, in whatever places the side was divided, though much rounding is told; those whose corners lie 1 mm beyond
// it do.
func TestStraightBorders(t *testing.T) {
	l := newLandscape(t)
	l.strips(func(int) float64 { return 0 })
	only(t, judge(t, l.write(), check.Options{}), "G4110")

	l = newLandscape(t)
	keys := l.strips(func(n int) float64 { return 0.001 * float64(1-2*(n%2)) })
	got := judge(t, l.write(), check.Options{})
	only(t, got, "G4101", "G4102", "G4103", "G4110")
	named := map[string]bool{}
	for _, rule := range []string{"G4101", "G4102", "G4103"} {
		for _, f := range got[rule] {
			named[f.Key], named[f.Other] = true, true
		}
	}
	for _, k := range keys {
		if !named[k] {
			t.Errorf("%s: nothing found", k)
		}
	}
}
