package overlay

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
	"gengtu/index/overlay/pairtest"
)

// localOps are the operations, as they are built of all edges, drawn together by [near]
// and not, and what they are locally.
var localOps = []struct {
	name    string
	reading reading
	wanted  region
	all     func(a, b geo.MultiPolygon) (geo.MultiPolygon, error)
	full    func(a, b geo.MultiPolygon) operation
}{
	{"intersection", windings, inBoth, intersectionOfAll, func(a, b geo.MultiPolygon) operation {
		return operation{first: a, second: b, wanted: inBoth}
	}},
	{"union", together, inEither, unionOfAll, func(a, b geo.MultiPolygon) operation {
		return operation{first: slices.Concat(a, b), wanted: inEither}
	}},
	{"difference", windings, inFirstOnly, differenceOfAll, func(a, b geo.MultiPolygon) operation {
		return operation{first: a, second: b, wanted: inFirstOnly}
	}},
}

// localCount counts operations.
type localCount struct {
	pairs, local int
	drawn        int // in which drawing together what is far makes a difference
}

// agree compares the local look at a pair, without the guard, with what all edges give, to the last bit.
func (c *localCount) agree(t *testing.T, name string, a, b geo.MultiPolygon) {
	t.Helper()
	var l locally
	c.pairs += len(localOps)
	a, okA := l.load(operandA, a)
	b, okB := l.load(operandB, b)
	if !okA || !okB {
		return
	}
	for _, op := range localOps {
		got, ok := l.build(&operation{reading: op.reading, wanted: op.wanted}, &l.loaded[0], &l.loaded[1])
		if !ok {
			continue
		}
		c.local++
		if want, err := op.all(a, b); err == nil && sameGeometry(got, want) {
			continue
		}
		c.drawn++
		o := op.full(a, b)
		want, err := o.build(t.Context(), func(s *arrangement) error { return s.divide(refineWhereNeeded) })
		if err != nil || !sameGeometry(got, want) {
			t.Fatalf("%s, %s: not the same: %v %s", name, op.name, err, cmp.Diff(want, got))
		}
	}
}

// agreeMask compares a mask's local look with what all edges give.
func agreeMask(t *testing.T, name string, a, b geo.MultiPolygon) {
	t.Helper()
	m, err := NewMask(a)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := m.pieceLocally(b)
	if !ok {
		return
	}
	if want, err := m.pieceOfAll(b); err == nil && !sameGeometry(got, want) {
		o := operation{first: a, second: b, wanted: inBoth}
		want, err = o.build(t.Context(), func(s *arrangement) error { return s.divide(refineWhereNeeded) })
		if err != nil || !sameGeometry(got, want) {
			t.Fatalf("%s, mask: not the same: %v %s", name, err, cmp.Diff(want, got))
		}
	}
}

func sameGeometry(a, b geo.MultiPolygon) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if len(a[i]) != len(b[i]) {
			return false
		}
		for j := range a[i] {
			if len(a[i][j]) != len(b[i][j]) {
				return false
			}
			for k := range a[i][j] {
				if a[i][j][k] != b[i][j][k] {
					return false
				}
			}
		}
	}
	return true
}

// Pieces of a local look are those of all edges, to the last bit, in all families.
func TestLocalAgainstAll(t *testing.T) {
	const each = 800
	var all localCount
	for _, f := range pairtest.Families() {
		var c localCount
		pairs := each
		if f == pairtest.Counties || f == pairtest.Circles || f == pairtest.Spirals {
			pairs /= 8 // of many vertices
		}
		for seed := range uint64(pairs) {
			a, b := pairtest.Pair(f, seed)
			c.agree(t, fmt.Sprint(f, " ", seed), a, b)
			if seed%8 == 0 {
				agreeMask(t, fmt.Sprint(f, " ", seed), a, b)
			}
		}
		all = localCount{all.pairs + c.pairs, all.local + c.local, all.drawn + c.drawn}
		t.Logf("%s: %+v", f, c)
	}
	t.Logf("%+v", all)
	if all.local*100 < all.pairs*91 || all.drawn*1000 > all.local {
		t.Errorf("%+v", all)
	}
}

// A look along the tree finds the same polygons fair as one in strips does, good and bad ones.
func TestFairAgainstStrips(t *testing.T) {
	good, bad := 0, 0
	compare := func(name string, m geo.MultiPolygon) {
		t.Helper()
		got, ok := fair(m)
		want, wanted := fairInStrips(m)
		if ok != wanted || ok && !sameGeometry(got, want) {
			t.Fatalf("%s is fair: %v, want %v: %v", name, ok, wanted, m)
		}
		if ok {
			good++
		} else {
			bad++
		}
	}
	g := newGenerator(71)
	for i := range 20_000 {
		m := g.scribble(4+g.IntN(9), []float64{2e-4, 1e-3, 0.1, 10, 1e3, 1e5}[i%6])
		if i%2 == 0 {
			m = single(closed(m[0][0][0], m[0][0][1], m[0][0][2]))
		}
		compare(fmt.Sprint("scribble ", i), m)
	}
	for _, f := range pairtest.Families() {
		for seed := range uint64(60) {
			a, b := pairtest.Pair(f, seed)
			compare(f.String(), a)
			compare(f.String(), b)
			compare(f.String()+", both", slices.Concat(a, b))
			compare(f.String()+", one in the other", single(a[0][0], reversed(b[0][0])))
			if v := b[0][0]; len(v) > 8 {
				k := g.IntN(len(v) - 6)
				v[k+1], v[k+4] = v[k+4], v[k+1]
				compare(f.String()+", two exchanged", b)
			}
		}
	}
	t.Logf("%d are fair, %d are not", good, bad)
	if good < 3000 || bad < 3000 {
		t.Errorf("%d are fair, %d are not", good, bad)
	}
}

// Where edges bend, and where a polygon's own edges lie within units of each other, a
// local look sees what all edges give.
func TestLocalWithinUnits(t *testing.T) {
	g := newGenerator(72)
	var c localCount
	small := func() int64 { return g.Int64N(13) - 6 }
	for i := range 12_000 {
		size := int64(1) << (18 + g.IntN(9)) // 3 m to 1.5 km
		at := func(x, y float64) geo.Position {
			return geo.Position{Lon: homeLon + int64(x*float64(size)), Lat: homeLat + int64(y*float64(size))}
		}
		off := func(v geo.Position, x, y int64) geo.Position {
			return geo.Position{Lon: v.Lon + x, Lat: v.Lat + y}
		}
		var a, b geo.MultiPolygon
		t1, t2 := g.Float64(), g.Float64()
		bend := int64(2e-13*float64(size)*float64(size)) + 9
		switch i % 6 {
		case 0: // a slit and a spike of some units, cut by a line
			a = single(closed(at(0, 0), at(1, 0), at(1, t1), at(0.3, t2), off(at(1, t1), small(), 1+g.Int64N(9)), at(1, 2), off(at(t1, 2), small(), small()), at(-0.2, 3), at(0, 2)))
			b = single(closed(at(0.5, -1), at(0.7, -1), off(at(0.6, t2), small(), small()), at(0.8, 3), at(0.5, 4)))
		case 1: // a position within the bend of an edge
			a = single(closed(at(0, 0), at(1, 0.2), at(1+0.2*t1, 1), at(0, 1.3)))
			v := at(1+0.2*t1*t2, 0.2+0.8*t2)
			b = single(closed(off(v, g.Int64N(4*bend)-2*bend, 0), at(2, 0.1), at(2, 1.1)))
		case 3: // a notch that ends within a unit of the edge opposite, and something elsewhere
			p, q := at(0, 0), off(at(1, 0.1+t1), small(), small())
			x := p.Lon + int64((0.2+0.6*t2)*float64(size))
			y := p.Lat + int64(float64(x-p.Lon)*float64(q.Lat-p.Lat)/float64(q.Lon-p.Lon)) + 1 + g.Int64N(2)
			a = single(closed(p, q, at(1, 3), geo.Position{Lon: x, Lat: y}, at(0, 2)))
			b = single(closed(at(-1, 1), at(0.1, 1.1), at(-1, 1.7)))
		case 4: // something inside, some units from an edge
			x, y := int64(float64(size)*t1), int64(float64(size)*(0.3+t2))
			a = single(closed(at(0, 0), at(4, 0), at(4, 4), at(0, 4)))
			b = single(closed(geo.Position{Lon: homeLon + 1 + g.Int64N(9), Lat: homeLat + y}, at(1+t1, 0.2), off(at(2, 0.3), x/2, 0), at(3, 1), at(2, 2)))
		case 5: // up and down, always east, and something that makes the way up bend
			a = single(closed(at(0, 0), off(at(0, 1), 1, 0), off(at(0, 0.6+0.3*t1), 2, 0), at(0.5, -1)))
			b = single(closed(at(0, 0.45+0.05*t2), at(-1, 0.8), at(-1, 0.2)))
		default: // up and down within units, and something beside
			v := at(0, 1)
			a = single(closed(at(0, 0), v, off(at(0, 0.2), 1+g.Int64N(2*bend), 0), at(0.5, -1)))
			w := at(0, t1)
			b = single(closed(off(w, g.Int64N(2*bend)-bend, small()), at(-1, t1+0.3), at(-1, t1-0.3)))
		}
		c.agree(t, fmt.Sprint(i), a, b)
	}
	t.Logf("%+v", c)
	if c.local*2 < c.pairs {
		t.Errorf("%+v", c)
	}
}

// The operations that are called by others take the local way, with the area
// guard, for pairs that are sound, and do not fall back on all edges: that would be
// right and slow, and seen by no other test.
func TestLocalIsTaken(t *testing.T) {
	const seeds = 40
	for _, f := range []pairtest.Family{pairtest.Crossing, pairtest.Cells, pairtest.Near, pairtest.Junctions, pairtest.Combs, pairtest.Bottoms} {
		taken := map[string]int{}
		for seed := range uint64(seeds) {
			a, b := pairtest.Pair(f, seed)
			m, err := NewMask(a)
			if err != nil {
				t.Fatal(err)
			}
			for name, op := range map[string]func() (geo.MultiPolygon, bool){
				"intersection": func() (geo.MultiPolygon, bool) { return sharedLocally(a, b) },
				"union":        func() (geo.MultiPolygon, bool) { return unitedLocally(a, b) },
				"difference":   func() (geo.MultiPolygon, bool) { return differenceLocally(a, b) },
				"piece":        func() (geo.MultiPolygon, bool) { return m.pieceLocally(b) },
			} {
				if _, ok := op(); ok {
					taken[name]++
				}
			}
		}
		for _, name := range []string{"intersection", "union", "difference", "piece"} {
			if taken[name] < seeds*19/20 {
				t.Errorf("%v: the local way is taken in %d of %d cases of %s", f, taken[name], seeds, name)
			}
		}
	}
}
