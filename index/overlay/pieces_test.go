package overlay

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
)

// moved moves each position of ms by up to size units in each axis, in all of them alike.
func (g generator) moved(ms []geo.MultiPolygon, size int64) []geo.MultiPolygon {
	to := map[geo.Position]geo.Position{}
	var out []geo.MultiPolygon
	for _, m := range ms {
		m = clone(m)
		for _, p := range m {
			for _, r := range p {
				for i, v := range r {
					if _, ok := to[v]; !ok {
						to[v] = geo.Position{Lon: v.Lon + g.Int64N(2*size+1) - size, Lat: v.Lat + g.Int64N(2*size+1) - size}
					}
					r[i] = to[v]
				}
			}
		}
		out = append(out, m)
	}
	return out
}

// valid tells whether all of ms keep to the rules.
func valid(ms []geo.MultiPolygon) bool {
	for _, m := range ms {
		if _, ok := fair(m); !ok {
			return false
		}
	}
	return true
}

// fabrics returns two nets to cut with each other, of the kind-th kind.
func (g generator) fabrics(kind int) (name string, as, bs []geo.MultiPolygon) {
	sizes := []float64{0.02, 1, 100, 3000, 100_000}
	size := sizes[kind%len(sizes)]
	bs = g.tessellation(6, size)
	switch kind / len(sizes) % 4 {
	case 0:
		name, as = "independent", g.tessellation(5, size)
	case 1:
		name, as = "moved by 3 units", g.moved(bs, 3)
	case 2:
		name, as = "moved by 200 units", g.moved(bs, 200)
	default:
		name, as = "the same", bs
	}
	return fmt.Sprintf("%s, %g m", name, size), as, bs
}

const fabricKinds = 20

// loose is what is left of a net of pieces when the edges of neighbours have
// cancelled each other.
type loose struct {
	edges, all int
	length     float64 // m
	off        float64 // how far, in units, their positions stand off the other's line at most
}

// cancel counts the edges of pieces, and of outline in reverse, that nothing cancels.
func cancel(pieces []geo.MultiPolygon, outline geo.MultiPolygon) loose {
	n := outline.Vertices()
	for _, m := range pieces {
		n += m.Vertices()
	}
	var c canceller
	each := func(m geo.MultiPolygon, visit func(p, q geo.Position)) {
		for _, p := range m {
			for _, r := range p {
				for i := 1; i < len(r); i++ {
					visit(r[i-1], r[i])
				}
			}
		}
	}
	for _, m := range pieces {
		each(m, c.add)
	}
	each(outline, func(p, q geo.Position) { c.add(q, p) })
	s := &arrangement{}
	c.rest(s, operandA)
	out := loose{edges: len(s.segments), all: n}
	p := planeOf(outline)
	// A position that only one neighbour has stands beside the other's edge.
	for _, e := range s.segments {
		out.length += math.Hypot(float64(e.q.Lon-e.p.Lon), float64(e.q.Lat-e.p.Lat)) * metresPerUnit
		for _, v := range []geo.Position{e.p, e.q} {
			best := math.Inf(1)
			for _, f := range s.segments {
				if d, within := distance(p, f.p, f.q, v); within {
					best = min(best, d)
				}
			}
			if !math.IsInf(best, 1) {
				out.off = max(out.off, best)
			}
		}
	}
	return out
}

// distance returns how far v is, in units, from the line through a and b in the
// equal-area plane, and whether it lies beside the part between them.
func distance(p *plane, a, b, v geo.Position) (float64, bool) {
	ax, ay := p.at(a)
	bx, by := p.at(b)
	vx, vy := p.at(v)
	x, y, u, w := bx-ax, by-ay, vx-ax, vy-ay
	t := u*x + w*y
	return math.Abs(u*y-w*x) / math.Hypot(x, y) / metresPerUnit, t > 0 && t < x*x+y*y
}

// Pieces of a net cut by another net, with what is left over of both, cover what
// both nets cover, once; and when the edges of neighbours have cancelled each other nothing
// is left but the outline: but for a position, here and there, that only one neighbour has.
func TestPiecesShareBorders(t *testing.T) {
	g := newGenerator(40)
	all, edges := 0, 0
	for kind := range 5 * fabricKinds {
		name, as, bs := g.fabrics(kind)
		if !valid(as) || !valid(bs) {
			continue // moved by too much for its size
		}
		pieces, both := cutFabrics(t, as, bs)
		var items []Item
		for _, m := range pieces {
			items = append(items, Item{Group: NoGroup, Weight: math.NaN(), Geometry: m})
		}
		r := mustMeasure(t, geo.MultiPolygon{both.Box().Polygon()}, items)
		overlap := r.Layers[0].Gross - r.Layers[0].Area
		gap := planeOf(both).area(both) - r.Layers[0].Area
		l := cancel(pieces, both)
		all, edges = all+l.all, edges+l.edges
		if l.off > 2 || l.edges*50 > l.all {
			t.Errorf("%s: %d of %d edges are loose, %.2f units off", name, l.edges, l.all, l.off)
		}
		if bound := 1e-12*r.Layers[0].Area + 2.4e-5*l.length; math.Abs(overlap) > bound || math.Abs(gap) > bound {
			t.Errorf("%s: %g m² overlap, %g m² are missing, with %d edges loose", name, overlap, gap, l.edges)
		}
	}
	t.Logf("%d of %d edges are loose", edges, all)
	if all < 200_000 || edges*1000 > all {
		t.Errorf("%d of %d edges are loose", edges, all)
	}
}

// cutFabrics returns the pieces of as and bs cut by each other, what is left over of both, and
// their union.
func cutFabrics(t *testing.T, as, bs []geo.MultiPolygon) (pieces []geo.MultiPolygon, both geo.MultiPolygon) {
	t.Helper()
	must := func(m geo.MultiPolygon, err error) geo.MultiPolygon {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for i := range as {
		mask, err := NewMask(as[i])
		if err != nil {
			t.Fatal(err)
		}
		for j := range bs {
			if m := must(mask.Piece(bs[j])); m != nil {
				pieces = append(pieces, m)
			}
		}
	}
	a, b := must(Dissolve(t.Context(), as)), must(Dissolve(t.Context(), bs))
	for _, m := range as {
		pieces = append(pieces, must(Difference(m, b)))
	}
	for _, m := range bs {
		pieces = append(pieces, must(Difference(m, a)))
	}
	return pieces, must(Union(a, b))
}

// A polygon thinner than its edges bend, which runs one way on the grid and the other in
// the equal-area plane, has its ground there.
func TestPiecesInsideOut(t *testing.T) {
	thin := single(closed(
		geo.Position{Lon: 1079730499584, Lat: 359730499584},
		geo.Position{Lon: 1080000012336, Lat: 359999983408},
		geo.Position{Lon: 1080202113024, Lat: 360202113024},
	))
	want := mustMeasure(t, thin, nil).AOI
	box := geo.MultiPolygon{thin.Box().Polygon()}
	for name, op := range map[string]func() (geo.MultiPolygon, error){
		"intersection": func() (geo.MultiPolygon, error) { return Intersection(box, thin) },
		"the other":    func() (geo.MultiPolygon, error) { return Intersection(thin, box) },
		"difference":   func() (geo.MultiPolygon, error) { return Difference(thin, single(rectangle(1e6, 0, 1e6+1, 1))) },
		"union":        func() (geo.MultiPolygon, error) { return Union(thin, nil) },
		"dissolve":     func() (geo.MultiPolygon, error) { return Dissolve(t.Context(), []geo.MultiPolygon{thin}) },
	} {
		m, err := op()
		if err != nil {
			t.Fatal(err)
		}
		if got := planeOf(thin).area(m); math.Abs(math.Abs(got)-want) > 1.2e-5*planeOf(thin).length(thin) {
			t.Errorf("%s has %.4f m², want %.4f", name, got, want)
		}
	}
}

// What lies wholly inside comes back as it is, what lies outside is nothing, in whatever
// corner of a mask with holes it lies.
func TestPiecesWhollyInsideOrOutside(t *testing.T) {
	g := newGenerator(42)
	for range 40 {
		aoi := g.star(0, 0, 1000, 60)
		hole := g.star(0, 0, 300, 20)
		aoi[0] = append(aoi[0], reversed(hole[0][0]))
		mask, err := NewMask(aoi)
		if err != nil {
			t.Fatal(err)
		}
		settled := 0
		for range 60 {
			m, _ := mustMend(t, g.star(2400*g.Float64()-1200, 2400*g.Float64()-1200, 20, 12))
			piece, err := mask.Piece(m)
			if err != nil {
				t.Fatal(err)
			}
			switch area, all := SharedArea(aoi, m), planeOf(m).area(m); {
			case area == 0:
				settled++
				if piece != nil {
					t.Fatalf("outside, but %v", piece)
				}
			case math.Abs(area-all) < 1e-9:
				settled++
				if d := cmp.Diff(m, piece); d != "" {
					t.Fatalf("inside, but changed: %s", d)
				}
				piece[0][0][0] = geo.Position{} // it is the caller's
			}
		}
		if settled < 30 {
			t.Errorf("only %d lie inside or outside", settled)
		}
	}
}

// The patches of a delivery, cut by its basic and high-standard farmland, are valid and have
// the areas measured; with what is left over they have the area of the patch.
func TestDeliveryPieces(t *testing.T) {
	items, _ := delivery(t)
	var layers [3][]geo.MultiPolygon
	for i := range items {
		m, _ := mustMend(t, items[i].Geometry)
		layers[items[i].Layer] = append(layers[items[i].Layer], m)
	}
	patches := layers[0][:2000]
	boxes := make([]geo.Box, len(patches))
	for i, m := range patches {
		boxes[i] = m.Box()
	}
	cut, whole := 0, 0
	for _, v := range append(layers[1], layers[2]...) {
		mask, err := NewMask(v)
		if err != nil {
			t.Fatal(err)
		}
		box := v.Box()
		for i, m := range patches {
			if !box.Intersects(boxes[i]) {
				continue
			}
			piece, err := mask.Piece(m)
			if err != nil {
				t.Fatal(err)
			}
			if cmp.Equal(piece, m) {
				whole++
				continue
			}
			rest, err := Difference(m, v)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range []geo.MultiPolygon{piece, rest} {
				if again, found := mustMend(t, r); len(r) > 0 && (len(found) > 0 || !cmp.Equal(r, again)) {
					t.Fatalf("a piece breaks %v", found)
				}
			}
			if piece == nil {
				continue
			}
			cut++
			p := planeOf(m)
			if got, want := p.area(piece), SharedArea(v, m); math.Abs(got-want) > 1e-6+roundingWidth*p.length(m) {
				t.Fatalf("a piece has %.6f m², want %.6f", got, want)
			}
			if got, want := p.area(piece)+p.area(rest), p.area(m); math.Abs(got-want) > 1e-6+roundingWidth*p.length(m) {
				t.Fatalf("a piece and the rest have %.6f m², want %.6f", got, want)
			}
		}
	}
	t.Logf("%d pieces are cut, %d are whole patches", cut, whole)
	if cut < 200 || whole < 200 {
		t.Errorf("%d pieces are cut, %d are whole patches", cut, whole)
	}
}
