package source

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
)

// square returns a closed square around x, y; clockwise when side is negative.
func square(x, y, side float64) []geo.XY {
	h := math.Abs(side) / 2
	r := []geo.XY{{X: x - h, Y: y - h}, {X: x + h, Y: y - h}, {X: x + h, Y: y + h}, {X: x - h, Y: y + h}, {X: x - h, Y: y - h}}
	if side < 0 {
		slices.Reverse(r)
	}
	return r
}

func TestGroupRings(t *testing.T) {
	line := []geo.XY{{X: 0, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 0}}
	for _, c := range []struct {
		name  string
		rings [][]geo.XY
		want  [][]int
	}{
		{"a shell", [][]geo.XY{square(0, 0, -4)}, [][]int{{0}}},
		{"a shell the wrong way round", [][]geo.XY{square(0, 0, 4)}, [][]int{{0}}},
		{"a hole", [][]geo.XY{square(0, 0, -4), square(0, 0, 2)}, [][]int{{0, 1}}},
		{"a hole before its shell", [][]geo.XY{square(0, 0, 2), square(0, 0, -4)}, [][]int{{1, 0}}},
		{"a hole wound as its shell", [][]geo.XY{square(0, 0, -4), square(0, 0, -2)}, [][]int{{0, 1}}},
		{"both turned round", [][]geo.XY{square(0, 0, 4), square(0, 0, -2)}, [][]int{{0, 1}}},
		{"two parts", [][]geo.XY{square(0, 0, -4), square(9, 0, -4)}, [][]int{{0}, {1}}},
		{"two parts, one turned round", [][]geo.XY{square(0, 0, -4), square(9, 0, 4)}, [][]int{{0}, {1}}},
		{"two parts, both turned round", [][]geo.XY{square(0, 0, 4), square(9, 0, 4)}, [][]int{{0}, {1}}},
		{"an island in a hole", [][]geo.XY{square(0, 0, -8), square(0, 0, 6), square(0, 0, -4), square(0, 0, 2)}, [][]int{{0, 1}, {2, 3}}},
		{"an island in a hole, all turned round", [][]geo.XY{square(0, 0, 8), square(0, 0, -6), square(0, 0, 4), square(0, 0, -2)}, [][]int{{0, 1}, {2, 3}}},
		{"a hole that touches a corner", [][]geo.XY{square(0, 0, -4), square(-1, -1, 2)}, [][]int{{0, 1}}},
		{"a hole that sticks out", [][]geo.XY{square(0, 0, -4), square(2, 0, 2)}, [][]int{{0, 1}}},
		{"a hole as large as its shell", [][]geo.XY{square(0, 0, -4), square(0, 0, 4)}, [][]int{{0, 1}}},
		{"a part twice", [][]geo.XY{square(0, 0, -4), square(0, 0, -4)}, [][]int{{0}, {1}}},
		{"parts that share an edge", [][]geo.XY{square(0, 0, -4), square(4, 0, -4)}, [][]int{{0}, {1}}},
		{"a ring without area", [][]geo.XY{square(0, 0, -4), line}, [][]int{{0}, {1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, p := groupRings(c.rings)
			if p != nil {
				t.Fatal(p)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Nested squares thrown about at random, wound at random, must come out with
// each square in the smallest one around it, by turns shell and hole.
func TestGroupRingsByDepth(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var rings [][]geo.XY
		var depths []int
		for cell := range 1 + rnd.IntN(6) {
			side := 64.0
			for depth := range 1 + rnd.IntN(5) {
				rings = append(rings, square(float64(cell*100)+3.7e7, 4e6, side*float64(1-2*rnd.IntN(2))))
				depths = append(depths, depth)
				side *= 0.3 + 0.6*rnd.Float64()
			}
		}
		order := rnd.Perm(len(rings))
		mixed, mixedDepths := make([][]geo.XY, len(rings)), make([]int, len(rings))
		for i, k := range order {
			mixed[i], mixedDepths[i] = rings[k], depths[k]
		}
		groups, p := groupRings(mixed)
		if p != nil {
			t.Fatal(p)
		}
		seen := make([]bool, len(rings))
		for _, g := range groups {
			for i, r := range g {
				if seen[r] {
					t.Fatal("a ring occurs twice")
				}
				seen[r] = true
				if (i == 0) != (mixedDepths[r]%2 == 0) || (i > 0 && mixedDepths[r] != mixedDepths[g[0]]+1) {
					t.Fatalf("ring of depth %d in place %d of a group of shell depth %d", mixedDepths[r], i, mixedDepths[g[0]])
				}
			}
		}
		if slices.Contains(seen, false) {
			t.Fatal("a ring is lost")
		}
	}
}

// The edge index must find the side that looking at every edge finds.
func TestEdgeIndexAgainstScan(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		var ring []geo.XY
		for range 3 + rnd.IntN(300) {
			ring = append(ring, geo.XY{X: rnd.Float64(), Y: rnd.Float64() * rnd.Float64()})
		}
		box, _ := measure(ring)
		index := newEdgeIndex(ring, box)
		if len(index.edges) > 3*len(ring) {
			t.Errorf("%d entries for %d edges", len(index.edges), len(ring))
		}
		for range 100 {
			p := geo.XY{X: rnd.Float64(), Y: rnd.Float64()}
			if p.Y < box.min[1] || p.Y > box.max[1] {
				continue
			}
			inside := false
			for i, a := range ring {
				b := ring[(i+1)%len(ring)]
				if (a.Y > p.Y) != (b.Y > p.Y) && p.X < a.X+(p.Y-a.Y)/(b.Y-a.Y)*(b.X-a.X) {
					inside = !inside
				}
			}
			if side, _ := index.side(p); side > 0 != inside {
				t.Fatalf("%v: %d, want inside %v", p, side, inside)
			}
		}
		if side, _ := index.side(ring[0]); side != 0 {
			t.Error("a vertex is not on the border")
		}
	}
}

// A county dissolved to one shell with many holes must not cost each hole a walk
// around the shell.
func TestGroupManyHoles(t *testing.T) {
	const n = 200_000
	shell := make([]geo.XY, n+1)
	for i := range n {
		sin, cos := math.Sincos(-2 * math.Pi * float64(i) / n)
		shell[i] = geo.XY{X: 1000 * cos, Y: 1000 * sin}
	}
	shell[n] = shell[0]
	rings := [][]geo.XY{shell}
	for x := -200.0; x <= 200; x += 4 {
		for y := -200.0; y <= 200; y += 4 {
			rings = append(rings, square(x*3, y*3, 1))
		}
	}
	g, p := groupRings(rings)
	if p != nil || len(g) != 1 || len(g[0]) != len(rings) {
		t.Fatal(len(g), p)
	}
}
