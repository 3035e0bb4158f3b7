package pairtest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/overlay/pairtest"
)

// Every polygon of every pair is valid by the exact check on the grid, and directed.
func TestPairsAreValid(t *testing.T) {
	for _, f := range pairtest.Families() {
		vertices := 0
		for seed := range uint64(200) {
			a, b := pairtest.Pair(f, seed)
			for _, m := range []geo.MultiPolygon{a, b} {
				vertices += m.Vertices()
				_, found, err := overlay.Mend(m)
				if err != nil || len(found) > 0 || len(m) == 0 {
					t.Fatalf("%s seed %d: %v, %v\n%v", f, seed, found, err, m)
				}
				for _, p := range m {
					for i, r := range p {
						if (geo.RingArea(r) > 0) != (i == 0) {
							t.Fatalf("%s seed %d: ring %d runs the wrong way", f, seed, i)
						}
					}
				}
			}
		}
		t.Logf("%-10s %d vertices a polygon", f, vertices/400)
	}
}

// A seed stands for one pair, and another for another.
func TestPairsRepeat(t *testing.T) {
	for _, f := range pairtest.Families() {
		a, b := pairtest.Pair(f, 5)
		c, d := pairtest.Pair(f, 5)
		if x := cmp.Diff([]geo.MultiPolygon{a, b}, []geo.MultiPolygon{c, d}); x != "" {
			t.Errorf("%s: %s", f, x)
		}
		if e, _ := pairtest.Pair(f, 6); cmp.Equal(a, e) {
			t.Errorf("%s: seeds 5 and 6 give the same", f)
		}
	}
	if a, b := pairtest.Pair(-1, 0); a != nil || b != nil {
		t.Error("an unknown family gives something")
	}
}

// Most polygons of each bad kind break a rule, or run the wrong way.
func TestBadIsBad(t *testing.T) {
	for _, k := range pairtest.BadKinds() {
		broken := 0
		const n = 100
		for seed := range uint64(n) {
			m := pairtest.Bad(k, seed)
			_, found, err := overlay.Mend(m)
			if err != nil {
				t.Fatalf("%s seed %d: %v", k, seed, err)
			}
			if len(found) > 0 || geo.Area(m) < 0 {
				broken++
			}
		}
		if broken < n*9/10 {
			t.Errorf("%s: only %d of %d are bad", k, broken, n)
		}
		t.Logf("%-12s %d of %d", k, broken, n)
	}
}
