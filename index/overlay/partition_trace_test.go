package overlay

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gengtu/index/geo"
)

// plainCell is a cell found as plainly as can be: every line is looked at in every
// slab, every set of owners is written out, and nothing is known from the slab before.
type plainCell struct {
	n      *node
	covers []int32
	lines  []line
	tol    float64
	out    Cell
	faces  map[string]uint32
	last   map[int]int // by line: its latest piece
	pieces []piece
}

func plainCellOf(n *node, covers []int32, tol float64) *Cell {
	p := &plainCell{n: n, covers: covers, tol: tol, faces: map[string]uint32{}, last: map[int]int{}}
	p.out = Cell{X0: n.x0, Y0: n.y0, X1: n.x1, Y1: n.y1}
	xs := []float64{n.x0, n.x1}
	for _, e := range n.edges {
		l := line{e.x0, e.y0, e.x1, e.y1, 0, e.owner}
		if e.x0 > e.x1 {
			l = line{e.x1, e.y1, e.x0, e.y0, 0, e.owner}
		}
		l.slope = (l.yr - l.yl) / (l.xr - l.xl)
		p.lines = append(p.lines, l)
		xs = append(xs, e.x0, e.x1)
	}
	for _, t := range n.toggles {
		xs = append(xs, t.x)
	}
	slices.Sort(xs)
	xs = slices.Compact(xs)
	for k := range len(xs) - 1 {
		p.slab(xs[k], xs[k+1], deepestSlab)
	}
	numbers := map[geo.XY]uint32{}
	number := func(v geo.XY) uint32 {
		if _, ok := numbers[v]; !ok {
			numbers[v] = uint32(len(p.out.Vertices))
			p.out.Vertices = append(p.out.Vertices, v)
		}
		return numbers[v]
	}
	for _, s := range p.pieces {
		from := number(s.from)
		p.out.Segments = append(p.out.Segments, Segment{from, number(s.to), s.below, s.above})
	}
	return &p.out
}

// face returns the number of the face that the owners cover which stand in list an
// odd number of times.
func (p *plainCell) face(list []int32) uint32 {
	var owners []int32
	for _, o := range list {
		if k := slices.Index(owners, o); k >= 0 {
			owners = slices.Delete(owners, k, k+1)
		} else {
			owners = append(owners, o)
		}
	}
	owners = append(owners, p.covers...)
	slices.Sort(owners)
	key := fmt.Sprint(owners)
	if _, ok := p.faces[key]; !ok {
		p.faces[key] = uint32(len(p.out.Faces))
		p.out.Faces = append(p.out.Faces, Face{Owners: owners})
	}
	return p.faces[key]
}

func (p *plainCell) slab(xa, xb float64, depth int) {
	type crossed struct {
		line int
		a, b float64
	}
	var on []crossed
	for i, l := range p.lines {
		if l.xl < xb && l.xr > xa {
			on = append(on, crossed{i, l.at(xa), l.at(xb)})
		}
	}
	slices.SortFunc(on, func(u, v crossed) int { return cmp.Or(cmp.Compare(u.a+u.b, v.a+v.b), u.line-v.line) })
	best, at := 1.0, 0.0
	for i := 1; i < len(on); i++ {
		u, v := on[i-1], on[i]
		da, db := u.a-v.a, u.b-v.b
		if t := da / (da - db); (da > p.tol || db > p.tol) && math.Abs(t-0.5) < best {
			if x := xa + float64(t*(xb-xa)); xa < x && x < xb {
				best, at = math.Abs(t-0.5), x
			}
		}
	}
	if best < 1 && depth > 0 {
		p.slab(xa, at, depth-1)
		p.slab(at, xb, depth-1)
		return
	}
	inside := slices.Clone(p.n.base)
	for _, t := range p.n.toggles {
		if t.x <= xa {
			inside = append(inside, t.owner)
		}
	}
	face := p.face(inside)
	if k := len(p.out.Bottom); k == 0 || p.out.Bottom[k-1].Face != face {
		p.out.Bottom = append(p.out.Bottom, BottomFace{xa, face})
	}
	level := 2 * p.n.y0
	for i, v := range on {
		inside = append(inside, p.lines[v.line].owner)
		if i+1 < len(on) && on[i+1].a == v.a && on[i+1].b == v.b {
			continue
		}
		above := p.face(inside)
		if above == face {
			continue
		}
		if y := v.a + v.b; y > level {
			p.out.Faces[face].Area += float64((y - level) * ((xb - xa) / 2))
			level = y
		}
		from, to := geo.XY{X: xa, Y: v.a}, geo.XY{X: xb, Y: v.b}
		if k, ok := p.last[v.line]; ok && p.pieces[k].below == face && p.pieces[k].above == above && p.pieces[k].to.X == xa {
			p.pieces[k].to = to
		} else {
			p.last[v.line] = len(p.pieces)
			p.pieces = append(p.pieces, piece{from, to, face, above})
		}
		face = above
	}
	if y := 2 * p.n.y1; y > level {
		p.out.Faces[face].Area += float64((y - level) * ((xb - xa) / 2))
	}
}

// parcels returns features of some layers on a leaning lattice: neighbours share
// borders, layers repeat them, some as parts of longer ones, and a few lie across.
func parcels(rng *rand.Rand) groundOf {
	var out groundOf
	const side = 3000
	corner := func(i, j int) geo.Position {
		return geo.Position{Lon: 1084e9 + int64(i*side+j*317), Lat: 341e9 + int64(j*side-i*211)}
	}
	size := 2 + rng.IntN(4)
	for i := range size {
		for j := range size {
			wide := 1 + rng.IntN(2)
			ring := geo.Ring{corner(i, j), corner(i+wide, j), corner(i+wide, j+1), corner(i, j+1)}
			if wide == 2 && rng.IntN(2) == 0 {
				ring = slices.Insert(ring, 1, corner(i+1, j)) // nearly on the line
			}
			for range 1 + rng.IntN(3) {
				out = append(out, geo.MultiPolygon{{ring}})
			}
		}
	}
	for range rng.IntN(3) {
		var ring geo.Ring
		for range 3 + rng.IntN(5) {
			ring = append(ring, geo.Position{Lon: 1084e9 + rng.Int64N(5*side), Lat: 341e9 + rng.Int64N(5*side)})
		}
		out = append(out, geo.MultiPolygon{{ring}})
	}
	return out
}

// What a cell is found to hold is, bit by bit, what the plain sweep finds: lines that
// are made one, faces that are known from the slab before and places in buckets
// change nothing.
func TestCellsAreThoseOfThePlainSweep(t *testing.T) {
	united, parted, faces := 0, 0, 0
	for seed := range uint64(80) {
		rng := rand.New(rand.NewPCG(seed, 31))
		all := parcels(rng)
		box := geo.EmptyBox()
		for _, m := range all {
			box = box.Union(m.Box())
		}
		f := NewFrame(box)
		n := &node{}
		x0, y0 := f.plane.at(geo.Position{Lon: box.Min.Lon - 500 + rng.Int64N(4000), Lat: box.Min.Lat - 500 + rng.Int64N(3000)})
		x1, y1 := f.plane.at(geo.Position{Lon: box.Max.Lon + 500 - rng.Int64N(3000), Lat: box.Max.Lat + 500 - rng.Int64N(3000)})
		n.reset(x0, y0, x1, y1)
		b := &builder{plane: &f.plane, node: n}
		for o, m := range all {
			b.add(m, int32(o))
		}
		s := newSplitter(len(all))
		s.settle(n, true)
		walls := &tracing{ctx: context.Background(), tol: 0x1p-48 * max(f.x1-f.x0, f.y1-f.y0)}
		if seed%2 == 0 {
			walls.tol = math.Inf(-1) // crossings, however near, divide slabs
		}
		for range 2 { // with the memory of the first time, too
			got, err := walls.cellOf(n, n.covers)
			if err != nil {
				t.Fatal(err)
			}
			for i := range got.Faces {
				slices.Sort(got.Faces[i].Owners)
			}
			if diff := gocmp.Diff(plainCellOf(n, n.covers, walls.tol), got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("seed %d, tolerance %g: the plain sweep finds otherwise:\n%s", seed, walls.tol, diff)
			}
		}
		for _, at := range walls.trails {
			if at.with >= 0 {
				united++
			}
		}
		if walls.single {
			parted++
		}
		faces += len(walls.out.Faces)
	}
	if united == 0 || parted == 0 || faces == 0 {
		t.Errorf("%d lines were made one, in %d cells they were parted again, %d faces: something was not tried", united, parted, faces)
	}
}

// Places come in order, however they lie in their span.
func TestPlacesInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var p places
	for range 200 {
		x0 := rng.NormFloat64() * 1e5
		x1 := x0 + math.Exp(rng.NormFloat64()*8)
		p.reset(x0, x1)
		narrow := rng.IntN(2) == 0 // many in one bucket
		for i := range rng.IntN(200) {
			x := x0 + (x1-x0)*rng.Float64()
			if narrow {
				x = x0 + (x1-x0)*math.Round(rng.Float64()*8)/1024
			}
			p.add(min(x, x1), int32(i))
		}
		want := slices.Clone(p.added)
		slices.SortFunc(want, func(a, b abscissa) int { return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(a.of, b.of)) })
		if p.sort(); !slices.Equal(p.sorted, want) {
			t.Fatalf("of %v got %v", p.added, p.sorted)
		}
	}
}

// Keys keep the numbers of their first coming, as in a map, whatever their hashes.
func TestNumbering(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	var n numbering[uint64]
	for range 50 {
		n.reset()
		want := map[uint64]uint32{}
		keys := uint64(1 + rng.IntN(2000))
		for range 3000 {
			k := rng.Uint64N(keys)
			if _, ok := want[k]; !ok {
				want[k] = uint32(len(want))
			}
			if got := n.number(k%7<<60|k%3<<32, k); got != want[k] {
				t.Fatalf("key %d has number %d, want %d", k, got, want[k])
			}
		}
		if len(n.keys) != len(want) {
			t.Fatalf("%d keys, want %d", len(n.keys), len(want))
		}
	}
	if hashOf(geo.XY{X: 0, Y: math.Copysign(0, -1)}) != hashOf(geo.XY{X: math.Copysign(0, -1), Y: 0}) {
		t.Error("equal positions have two hashes")
	}
}
