package txt

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
)

// Rings become parts and holes by where they lie, in whatever order they come.
func TestNested(t *testing.T) {
	square := func(x, y, side float64) []geo.XY {
		return []geo.XY{{X: x, Y: y}, {X: x + side, Y: y}, {X: x + side, Y: y + side}, {X: x, Y: y + side}, {X: x, Y: y}}
	}
	outer, hole, island, hollow, beside := square(0, 0, 100), square(10, 10, 50), square(20, 20, 30), square(25, 25, 5), square(200, 0, 10)
	for name, c := range map[string]struct {
		rings [][]geo.XY
		want  [][][]geo.XY
	}{
		"one":                     {[][]geo.XY{outer}, [][][]geo.XY{{outer}}},
		"a hole":                  {[][]geo.XY{outer, hole}, [][][]geo.XY{{outer, hole}}},
		"the hole first":          {[][]geo.XY{hole, outer}, [][][]geo.XY{{outer, hole}}},
		"two parts":               {[][]geo.XY{outer, beside}, [][][]geo.XY{{outer}, {beside}}},
		"an island in a hole":     {[][]geo.XY{outer, hole, island}, [][][]geo.XY{{outer, hole}, {island}}},
		"a hole in that":          {[][]geo.XY{hollow, island, hole, outer, beside}, [][][]geo.XY{{island, hollow}, {outer, hole}, {beside}}},
		"two rings that cross":    {[][]geo.XY{square(0, 0, 10), square(5, 5, 10)}, [][][]geo.XY{{square(0, 0, 10), square(5, 5, 10)}}},
		"two holes in two shells": {[][]geo.XY{outer, hole, beside, square(202, 2, 3)}, [][][]geo.XY{{outer, hole}, {beside, square(202, 2, 3)}}},
	} {
		if d := cmp.Diff(c.want, nested(c.rings)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// Whatever numbers a file holds, also such as have no finite area, its rings are all
// among the polygons.
func TestNestedBeyondAnyPlane(t *testing.T) {
	for _, side := range []float64{1e150, 1e155, 1e200, 8e307} {
		outer := []geo.XY{{}, {X: side}, {X: side, Y: side}, {Y: side}}
		inner := []geo.XY{{X: side / 4, Y: side / 4}, {X: side / 2, Y: side / 4}, {X: side / 2, Y: side / 2}}
		if got := nested([][]geo.XY{outer, inner}); len(got) != 1 || len(got[0]) != 2 {
			t.Errorf("%g: %v", side, got)
		}
	}
}
