package index

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gengtu/index/geo"
)

// Wherever the tree ends, and however often it is searched beyond that, searches find
// the features that a look at all of them finds.
func TestSearchBeyondNear(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	box := func(size int64) geo.Box {
		p := geo.Position{Lon: rng.Int64N(10_000), Lat: rng.Int64N(10_000)}
		return geo.Box{Min: p, Max: geo.Position{Lon: p.Lon + rng.Int64N(size), Lat: p.Lat + rng.Int64N(size)}}
	}
	for _, near := range []geo.Box{geo.EmptyBox(), box(9000), box(2000), everywhere} {
		s := &stored{wide: wideTree{near: near}}
		for i := range int32(2000) {
			b := box(300)
			s.boxes = append(s.boxes, b)
			s.plant(i)
		}
		for n := range 3 * wideSearches {
			b := box(2500)
			var want, got, few []int32
			for i := range s.boxes {
				if s.boxes[i].Intersects(b) {
					want = append(want, int32(i))
				}
			}
			s.search(b, func(at int32) bool { got = append(got, at); return true })
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Fatalf("search %d of %v near %v finds %d features, want %d", n, b, near, len(got), len(want))
			}
			s.search(b, func(at int32) bool { few = append(few, at); return len(few) < 3 })
			if len(few) != min(3, len(want)) {
				t.Fatalf("a search that ends after 3 of %d features gives %d", len(want), len(few))
			}
		}
	}
}
