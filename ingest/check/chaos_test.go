package check_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/ingest/check"
)

// scatter fills the landscape with coverages that lie over each other: tilted grids of
// squares with some left out, whole copies, frames around them and squares inside of
// others, so that most borders of what overlaps have a neighbour.
func (l *landscape) scatter(rng *rand.Rand) {
	template := l.patches[0].values
	l.patches = nil
	add := func(rings ...[]geo.XY) {
		values := append([]any{}, template...)
		values[l.column("BSM")], values[l.column("TBBH")] = fmt.Sprintf("6199012000%08d", len(l.patches)), fmt.Sprint(len(l.patches))
		for i := range rings {
			for k := range rings[i] {
				rings[i][k] = onGrid(rings[i][k])
			}
		}
		l.patches = append(l.patches, &patch{rings: rings, values: values})
	}
	for range 2 + rng.IntN(3) {
		x, y := 36_559_000+60*rng.Float64(), 3_801_000+60*rng.Float64()
		if rng.IntN(3) == 0 {
			x, y = 36_559_010, 3_801_010 // the very squares of another
		}
		sin, cos := math.Sincos(float64(rng.IntN(3)) * 0.3)
		size := 10 + 5*float64(rng.IntN(3))
		corner := func(i, k float64) geo.XY { return geo.XY{X: x + size*(i*cos-k*sin), Y: y + size*(i*sin+k*cos)} }
		square := func(i, k, n float64) []geo.XY {
			return []geo.XY{corner(i, k), corner(i, k+n), corner(i+n, k+n), corner(i+n, k), corner(i, k)}
		}
		n := 2 + rng.IntN(4)
		for i := range n {
			for k := range n {
				if rng.IntN(8) > 0 {
					add(square(float64(i), float64(k), 1))
				}
			}
		}
		switch rng.IntN(4) {
		case 0: // over all of them, along the same border
			add(square(0, 0, float64(n)))
		case 1: // a frame around them
			inner := square(0, 0, float64(n))
			for i, k := 0, len(inner)-1; i < k; i, k = i+1, k-1 {
				inner[i], inner[k] = inner[k], inner[i]
			}
			add(square(-1, -1, float64(n+2)), inner)
		case 2: // deep inside one
			add(square(0.2, 0.2, 0.3))
		}
	}
}

// All pairs, measured one by one, and the holes of all features dissolved say the same as
// the check.
func TestAgainstAllPairs(t *testing.T) {
	pairs, holes := 0, 0
	for round := range 60 {
		l := newLandscape(t)
		l.scatter(rand.New(rand.NewPCG(3, uint64(round))))
		var shapes []geo.MultiPolygon
		for _, p := range l.patches {
			m, _, err := overlay.Mend(l.shape(p))
			if err != nil {
				t.Fatal(err)
			}
			shapes = append(shapes, m)
		}
		overlaps := map[string]float64{}
		for i := range shapes {
			for k := range i {
				if a := overlay.SharedArea(shapes[i], shapes[k]); a >= 0.01 {
					overlaps[pairKey(l.key(i), l.key(k))] = a
				}
			}
		}
		whole, err := overlay.Dissolve(context.Background(), shapes)
		if err != nil {
			t.Fatal(err)
		}
		gaps := map[string]float64{}
		for _, p := range whole {
			for _, r := range p[1:] {
				if a := -geo.RingArea(r); a >= 0.01 {
					gaps[fmt.Sprintf("%.2f", a)] += a
				}
			}
		}
		got := judge(t, l.write(), check.Options{})
		found := append(got["G4101"], got["G4102"]...)
		sum, islands := 0.0, 0.0
		for i := range got["G4103"] {
			sum += got["G4103"][i].AreaM2
		}
		for _, a := range gaps {
			islands += a
		}
		// Islands in gaps are parts of their own in what is dissolved.
		for i, p := range whole {
			for k, q := range whole {
				if i != k && len(p) > 1 && overlay.SharedArea(geo.MultiPolygon{q}, geo.MultiPolygon{{p[0]}}) > 0.005 {
					islands -= geo.Area(geo.MultiPolygon{q})
				}
			}
		}
		if math.Abs(sum-islands) > 0.05 {
			t.Errorf("round %d: gaps of %.4f m² found, %.4f m² dissolved", round, sum, islands)
		}
		quiet(t, fmt.Sprint("round ", round), overlaps, found)
		pairs, holes = pairs+len(overlaps), holes+len(gaps)
	}
	t.Logf("%d overlaps, %d gaps", pairs, holes)
}

// quiet is compare without a word when all is well.
func quiet(t *testing.T, name string, want map[string]float64, got []check.Fault) {
	t.Helper()
	seen := map[string]bool{}
	for i := range got {
		k := pairOf(&got[i])
		if a, ok := want[k]; !ok || math.Abs(a-got[i].AreaM2) > 0.003+2e-6*a {
			t.Errorf("%s: %s has %.4f m², measured %.4f", name, k, got[i].AreaM2, a)
		}
		seen[k] = true
	}
	for k, a := range want {
		if !seen[k] {
			t.Errorf("%s: %s (%.4f m²) is missed", name, k, a)
		}
	}
}
