package overlay

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
)

// boxes is a ground of features of which nothing is known but their extents.
type boxes []Extent

func (g boxes) Owners() int { return len(g) }

func (g boxes) Extent(o int32) Extent { return g[o] }

// Search goes from the last to the first: its order must not show.
func (g boxes) Search(b geo.Box, visit func(owner int32) bool) {
	for i, x := range slices.Backward(g) {
		if x.Box.Intersects(b) && !visit(int32(i)) {
			return
		}
	}
}

func (g boxes) Rings(int32, *geo.Rings) error { return nil }

// The blocks that a change reaches are those of the ground after it that were no
// blocks before, and those that a feature meets which came or went: no more and no
// fewer, as the whole divisions before and after say.
func TestChangedBlocks(t *testing.T) {
	type key struct {
		path  uint64
		depth int
	}
	extent := geo.Box{Min: geo.Position{Lon: 108e10, Lat: 34e10}, Max: geo.Position{Lon: 108.2e10, Lat: 34.2e10}}
	frame := NewFrame(extent)
	divided, joined, kept := 0, 0, 0
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 3))
		feature := func(near geo.Position, spread int64) Extent {
			lo := geo.Position{Lon: near.Lon + rng.Int64N(spread), Lat: near.Lat + rng.Int64N(spread)}
			if rng.IntN(20) == 0 { // one of very many corners, or as wide as a line
				wide, high := 1+rng.Int64N(3e8), rng.Int64N(2)*rng.Int64N(3e8)
				return Extent{geo.Box{Min: lo, Max: geo.Position{Lon: lo.Lon + wide, Lat: lo.Lat + high}}, 1000 + rng.IntN(400_000)}
			}
			return Extent{geo.Box{Min: lo, Max: geo.Position{Lon: lo.Lon + rng.Int64N(2e7), Lat: lo.Lat + rng.Int64N(2e7)}}, 500 + rng.IntN(3000)}
		}
		var both boxes
		for range 60 {
			both = append(both, feature(extent.Min, 1.9e9))
		}
		var c Change
		at := geo.Position{Lon: extent.Min.Lon + rng.Int64N(1.5e9), Lat: extent.Min.Lat + rng.Int64N(1.5e9)}
		for range 1 + rng.IntN(12) {
			if x := feature(at, 3e8); seed%2 == 0 {
				c.Come = append(c.Come, x)
			} else {
				c.Gone = append(c.Gone, x)
			}
		}
		before, after := append(both[:len(both):len(both)], c.Gone...), append(both[:len(both):len(both)], c.Come...)
		blocks := func(g Ground) map[key]Block {
			list, err := frame.Blocks(t.Context(), g)
			if err != nil {
				t.Fatal(err)
			}
			out := map[key]Block{}
			for _, b := range list {
				out[key{b.Path, b.Depth}] = b
			}
			return out
		}
		was, is := blocks(before), blocks(after)
		for k, b := range is {
			if got, want := frame.NodeBox(k.path, k.depth), frame.geoBox(b.box); got != want {
				t.Fatalf("seed %d: the box of block %x/%d is %v, want %v", seed, k.path, k.depth, got, want)
			}
		}
		want, got := map[key]bool{}, map[key]bool{}
		for k, b := range is {
			_, old := was[k]
			meets := false
			for _, x := range append(c.Come, c.Gone...) {
				meets = meets || x.Box.Intersects(frame.geoBox(b.box))
			}
			if want[k] = true; old && !meets {
				delete(want, k)
				kept++
			}
		}
		list, _, err := frame.Changed(t.Context(), after, &c)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range list {
			got[key{b.Path, b.Depth}] = true
			if d := cmp.Diff(is[key{b.Path, b.Depth}].owners, b.owners); d != "" {
				t.Errorf("seed %d: block %x/%d holds others:\n%s", seed, b.Path, b.Depth, d)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("seed %d: blocks (-want +got):\n%s", seed, d)
		}
		switch {
		case len(is) > len(was):
			divided++
		case len(is) < len(was):
			joined++
		}
	}
	if divided < 5 || joined < 5 || kept < 100 {
		t.Errorf("%d times more blocks, %d times fewer, %d kept: it says little", divided, joined, kept)
	}
}
