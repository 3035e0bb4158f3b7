package overlay

import (
	"fmt"
	"math"
	"testing"

	"gengtu/benchmarks/suite"
	"gengtu/index/geo"
	"gengtu/index/overlay/pairtest"
)

// roundingWidth is the most, in m, that rounding moves a border: a unit, 1.117e-5
// m at most, in longitude and one in latitude. Half of each is a crossing's own
// rounding, half the place that an edge is led through when it passes within half a unit.
const roundingWidth = 1.4143 * 1.117e-5

// closure is how far the geometry of a pair is from the areas.
type closure struct {
	worst  float64 // m²
	width  float64 // worst, for each metre of border
	exact  int     // within absoluteEnd or relativeEnd
	pieces int
}

func (c *closure) count(off, length, larger float64) {
	c.pieces++
	c.worst, c.width = max(c.worst, off), max(c.width, off/length)
	if off <= max(absoluteEnd, relativeEnd*larger) {
		c.exact++
	}
}

// The geometry of A ∩ B and A − B, traced without the kernel, has the areas that
// the kernel gives, but for what rounding to the grid moves of its border; and
// together it has the area of A.
func TestPiecesCloseWithAreas(t *testing.T) {
	t.Logf("%-10s %7s %10s %12s %s", "family", "pieces", "worst m²", "m² a metre", "within 1e-6 m² or 1e-12")
	for _, f := range pairtest.Families() {
		var c closure
		for seed := range uint64(120) {
			a, b := pairtest.Pair(f, seed)
			c.check(t, fmt.Sprintf("%s seed %d", f, seed), a, b)
		}
		t.Logf("%-10s %7d %10.2g %12.2g %d", f, c.pieces, c.worst, c.width, c.exact)
		suite.Count(t, "closure", float64(c.pieces), "pieces")
		suite.Count(t, "closure-exact", float64(c.exact), "pieces")
		suite.Count(t, "closure-off", c.worst, "m2")
	}
}

// check holds the geometry of a ∩ b and a − b against the areas of the two.
func (c *closure) check(t *testing.T, label string, a, b geo.MultiPolygon) {
	t.Helper()
	want := truthOf(a, b)
	both, err := Intersection(a, b)
	if err != nil {
		t.Errorf("%s: A ∩ B: %v", label, err)
		return
	}
	rest, err := Difference(a, b)
	if err != nil {
		t.Errorf("%s: A − B: %v", label, err)
		return
	}
	p := planeOf(a)
	larger := max(want.a.hi, want.b.hi)
	for _, piece := range []struct {
		name string
		m    geo.MultiPolygon
		want float64
	}{
		{"A ∩ B", both, want.shared.value()},
		{"A − B", rest, want.difference().value()},
		{"both", append(both[:len(both):len(both)], rest...), want.a.value()},
	} {
		length := p.length(piece.m)
		if piece.want < roundingWidth*p.length(a) {
			length = p.length(a) // ground as thin as the grid may be gone, and its border with it
		}
		off := math.Abs(geo.Area(piece.m) - piece.want)
		c.count(off, length, larger)
		if off > max(absoluteEnd, relativeEnd*larger)+roundingWidth*length {
			t.Errorf("%s: %s has %.9g m², want %.9g: off by %.3g, rounding of %.4g m explains %.3g",
				label, piece.name, geo.Area(piece.m), piece.want, off, length, roundingWidth*length)
		}
	}
}

// Triangles whose long edges part by a few units, and cross at angles of 1e-9:
// to lead them through each other's ends takes many rounds.
func TestPiecesOfNearTwins(t *testing.T) {
	triangle := func(ax, ay, bx, by, cx, cy int64) geo.MultiPolygon {
		m := single(closed(geo.Position{Lon: ax, Lat: ay}, geo.Position{Lon: bx, Lat: by}, geo.Position{Lon: cx, Lat: cy}))
		return Direct(m)
	}
	for _, c := range []struct {
		name string
		a, b geo.MultiPolygon
	}{
		{
			"13 km",
			triangle(803237351500, 226858725047, 803168186272, 226880023548, 803215577022, 226838212074),
			triangle(803344544558, 226918837734, 803237351500, 226858725046, 803168186271, 226880023548),
		},
		{
			"100 km",
			triangle(783306663353, 357361973398, 782606651796, 356851203386, 783740544473, 357501370009),
			triangle(783306663349, 357361973397, 782606651797, 356851203386, 783740544475, 357501370005),
		},
		{
			"300 km",
			triangle(1171351327731, 530435877533, 1170604700360, 530281340215, 1167883973817, 528196149249),
			triangle(1170802669962, 530195776115, 1171351327730, 530435877533, 1170604700364, 530281340217),
		},
	} {
		var k closure
		k.check(t, c.name, c.a, c.b)
	}
}

// Ground that two features of a layer cover counts once in the layer's area and in
// full in its gross area; and the combinations of layers add up to the AOI.
func TestOverlapsCountOnce(t *testing.T) {
	for _, f := range pairtest.Families() {
		for seed := range uint64(40) {
			a, b := pairtest.Pair(f, seed)
			want := truthOf(a, b)
			aoi := geo.MultiPolygon{a.Box().Union(b.Box()).Polygon()}
			whole := truthOf(aoi, aoi).a.value()
			r := mustMeasure(t, aoi, []Item{{Layer: 0, Geometry: a}, {Layer: 0, Geometry: b}, {Layer: 3, Geometry: b}})
			total := 0.0
			for _, c := range r.Combinations {
				total += c.Area
			}
			for _, c := range []struct {
				name      string
				got, want float64
			}{
				{"AOI", r.AOI, whole},
				{"combinations", total, whole},
				{"area of the layer", r.Layers[0].Area, want.union().value()},
				{"gross area of the layer", r.Layers[0].Gross, want.a.add(want.b).value()},
				{"area of the other layer", r.Layers[3].Area, want.b.value()},
				{"first item", r.Items[0], want.a.value()},
				{"second item", r.Items[1], want.b.value()},
			} {
				if d := math.Abs(c.got - c.want); d > max(absoluteEnd, relativeEnd*max(want.a.hi, want.b.hi)) {
					t.Errorf("%s seed %d: %s is %.12g m², want %.12g", f, seed, c.name, c.got, c.want)
				}
			}
		}
	}
}
