package overlay

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
	"gengtu/index/overlay/pairtest"
)

// localOps are the operations, as they are looked at locally, as they are built of all
// edges, and as that is without the area guard and the drawing together of [near].
var localOps = []struct {
	name   string
	local  func(a, b geo.MultiPolygon) (geo.MultiPolygon, bool)
	all    func(a, b geo.MultiPolygon) (geo.MultiPolygon, error)
	second func(a, b geo.MultiPolygon) operation
}{
	{"intersection", sharedLocally, intersectionOfAll, func(a, b geo.MultiPolygon) operation {
		return operation{first: a, second: b, wanted: inBoth}
	}},
	{"union", unitedLocally, unionOfAll, func(a, b geo.MultiPolygon) operation {
		return operation{first: slices.Concat(a, b), wanted: inEither}
	}},
	{"difference", differenceLocally, differenceOfAll, func(a, b geo.MultiPolygon) operation {
		return operation{first: a, second: b, wanted: inFirstOnly}
	}},
}

// localCount counts operations.
type localCount struct {
	pairs, local int
	drawn        int // in which drawing together what is far makes a difference
}

// agree compares the local look at a pair with what all edges give, to the last bit.
func (c *localCount) agree(t *testing.T, name string, a, b geo.MultiPolygon) {
	t.Helper()
	for _, op := range localOps {
		c.pairs++
		got, ok := op.local(a, b)
		if !ok {
			continue
		}
		c.local++
		if want, err := op.all(a, b); err == nil && sameGeometry(got, want) {
			continue
		}
		c.drawn++
		o := op.second(a, b)
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
	const each = 1200
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
	if all.local < 20_000 || all.drawn*1000 > all.local {
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
