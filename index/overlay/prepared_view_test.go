package overlay

import (
	"math"
	"testing"

	"gengtu/index/geo"
)

// What is seen from a box is what there is: sides are the shape's own, areas
// those of the pair, for features within boxes of any size, on its border, above
// and below it, in its holes.
func TestViewAgainstShape(t *testing.T) {
	var w Workspace
	var v View
	seen := map[Side]int{}
	few, many := 0, 0
	for seed := range uint64(60) {
		g := newGenerator(300 + seed)
		aoi := g.parcel(0, 0, 900, 6+g.IntN(200))
		if seed%3 == 0 {
			aoi[0] = append(aoi[0], reversed(g.parcel(0, 0, 300, 5+g.IntN(60))[0][0]))
		}
		p := Prepare(aoi)
		for range 60 {
			x, y := 2400*g.Float64()-1200, 2400*g.Float64()-1200
			size := math.Exp(6 * g.Float64())
			a, b := ground(x-size, y-size), ground(x+size, y+size)
			box := geo.Box{Min: a, Max: b}
			if got, want := p.Look(&v, box), p.Side(box); got != want {
				t.Fatalf("seed %d: the box %v lies %d, want %d", seed, box, got, want)
			}
			if v.few {
				few++
			} else {
				many++
			}
			for range 4 {
				m := g.parcel(x+size*(g.Float64()-0.5), y+size*(g.Float64()-0.5), size/4, 5+g.IntN(40))
				got := v.Side(m.Box())
				if want := p.Side(m.Box()); got != want {
					t.Fatalf("seed %d: the feature's box %v lies %d, want %d", seed, m.Box(), got, want)
				}
				seen[got]++
				area, want := v.Shared(&w, ringsOf(m)), SharedArea(aoi, m)
				if d := math.Abs(area - want); d > 1e-6+1e-12*want {
					t.Fatalf("seed %d: %.9f m², want %.9f", seed, area, want)
				}
			}
		}
	}
	for _, n := range []int{seen[Outside], seen[Inside], seen[Across], few, many} {
		if n < 50 {
			t.Fatalf("too few of a kind: %v, %d with few edges and %d with many", seen, few, many)
		}
	}
}
