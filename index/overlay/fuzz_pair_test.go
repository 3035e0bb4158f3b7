package overlay

import (
	"math"
	"testing"

	"gengtu/index/geo"
)

// fuzzPair makes two valid polygons from bytes: the first of those that they
// hold against all others. What cannot be mended is for FuzzMend to find.
func fuzzPair(data []byte) (a, b geo.MultiPolygon, ok bool) {
	all := polygonsOf(data, 48)
	a, _, errA := Mend(all[:1])
	b, _, errB := Mend(all[1:])
	return a, b, errA == nil && errB == nil && len(a)+len(b) > 0
}

// bendOf is what the bend of edges between the grid, on which polygons are valid,
// and the plane may add to areas, m².
func bendOf(ms ...geo.MultiPolygon) float64 {
	t := 0.0
	for _, m := range ms {
		for _, d := range Screen(m) {
			t += 2 * d.Area
		}
	}
	return t
}

// Whatever the pair, every way to its areas gives the 106-bit truth.
func FuzzAreas(f *testing.F) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		a, b, ok := fuzzPair(data)
		if !ok {
			return
		}
		want := truthOf(a, b)
		wants := [4]double{want.shared, want.union(), want.difference(), want.symmetric()}
		frame := geo.Area(geo.MultiPolygon{a.Box().Union(b.Box()).Polygon()})
		end := max(frameEnd*frame, 1e-9) + bendOf(a, b)
		for _, e := range exactEngines {
			got, err := e.areas(a, b)
			if err != nil {
				t.Fatalf("%s: %v", e.name, err)
			}
			for k := range got {
				if d := math.Abs(wants[k].value() - got[k]); !(d <= end) {
					t.Fatalf("%s by %s is %.12g m², want %.12g\n%v\n%v", pairAreaNames[k], e.name, got[k], wants[k].value(), a, b)
				}
			}
		}
	})
}

// Whatever the pair, its pieces are valid, have their areas but for rounding, and
// no overlay fails.
func FuzzPieces(f *testing.F) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		a, b, ok := fuzzPair(data)
		if !ok {
			return
		}
		want := truthOf(a, b)
		for _, c := range []struct {
			name string
			op   func(a, b geo.MultiPolygon) (geo.MultiPolygon, error)
			want double
		}{
			{"intersection", Intersection, want.shared},
			{"union", Union, want.union()},
			{"difference", Difference, want.difference()},
		} {
			out, err := c.op(a, b)
			if err != nil {
				t.Fatalf("%s: %v\n%v\n%v", c.name, err, a, b)
			}
			if _, found := mustMend(t, out); len(out) > 0 && len(found) > 0 {
				t.Fatalf("the %s breaks %v\n%v\n%v", c.name, found, a, b)
			}
			p := planeOf(append(a[:len(a):len(a)], b...))
			rounding := 1e-6 + roundingWidth*(p.length(a)+p.length(b)) + bendOf(a, b)
			if got := geo.Area(out); math.Abs(got-c.want.value()) > rounding {
				t.Fatalf("the %s has %.9g m², want %.9g\n%v\n%v", c.name, got, c.want.value(), a, b)
			}
		}
	})
}

// What passes the screen has one area in all readings, and the directed polygon
// may go into the kernel as it is.
func FuzzScreen(f *testing.F) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		m := polygonsOf(data, 48)
		for i, p := range m {
			for j, r := range p {
				if len(r) > 0 {
					m[i][j] = append(r, r[0])
				}
			}
		}
		if Screen(m) != nil {
			return
		}
		directed := Direct(m)
		even := mustMeasure(t, m, nil).AOI
		box := geo.Area(geo.MultiPolygon{m.Box().Polygon()})
		if m.Box().Empty() {
			box = 0
		}
		end := 2*screenArea + 2*screenPart*box
		if wound := geo.Area(directed); math.Abs(wound-even) > end {
			t.Fatalf("winds round %.12g m², has %.12g by even-odd\n%v", wound, even, m)
		}
		other := single(rectangle(-3, -2, 40, 30))
		want := mustMeasure(t, other, []Item{{Geometry: m}}).Items[0]
		if got := SharedArea(directed, other); math.Abs(got-want) > end+1e-9 {
			t.Fatalf("shares %.12g m², want %.12g\n%v", got, want, m)
		}
	})
}
