package contiguity_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gengtu/index"
	"gengtu/index/contiguity"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/indextest"
	"gengtu/index/overlay"
	"gengtu/index/pieces"
)

// The tests draw shapes in a Gauss-Krüger zone near its meridian, where the plane is true
// to scale to 1e-7, so that what is measured in it is an answer found in another way.
var (
	zone   = must(geo.EPSG(4545))
	origin = zone.Forward(geo.LonLat{Lon: 108, Lat: 34.3})
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

type ring []geo.XY

// ground brings rings, shells and holes alike, from metres around the origin to the
// ground. Edges are divided every 20 m: a straight line of the plane bends by 5e-6 m then.
func ground(t testing.TB, rings ...ring) geo.MultiPolygon {
	t.Helper()
	var m geo.MultiPolygon
	for _, r := range rings {
		var out geo.Ring
		for i, p := range r {
			q := r[(i+1)%len(r)]
			n := math.Ceil(math.Hypot(q.X-p.X, q.Y-p.Y) / 20)
			for k := range int(n) {
				f := float64(k) / n
				out = append(out, geo.PositionOf(zone.Inverse(geo.XY{X: origin.X + p.X + f*(q.X-p.X), Y: origin.Y + p.Y + f*(q.Y-p.Y)})))
			}
		}
		out = append(out, out[0])
		m = append(m, geo.Polygon{out})
	}
	m, _, err := overlay.Mend(m)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func square(x, y, side float64) ring {
	return ring{{X: x, Y: y}, {X: x + side, Y: y}, {X: x + side, Y: y + side}, {X: x, Y: y + side}}
}

// layers writes sets of shapes as layers a, b, … and opens them.
func layers(t testing.TB, sets ...[]geo.MultiPolygon) []*index.Layer {
	t.Helper()
	var all []indextest.Layer
	for k, set := range sets {
		l := indextest.Layer{Meta: edition.Layer{Name: string(rune('a' + k)), Vintage: "2024"}}
		for i, m := range set {
			l.Features = append(l.Features, index.Feature{ID: uint64(i + 1), Geometry: m, AreaM2: geo.Area(m), Patch: index.NoArea, Net: index.NoArea})
		}
		all = append(all, l)
	}
	ix := indextest.New(t, &edition.Manifest{}, all...)
	var out []*index.Layer
	for k := range sets {
		out = append(out, ix.Layer(string(rune('a'+k)), ""))
	}
	return out
}

func cover(l *index.Layer) []pieces.Cover { return []pieces.Cover{{Layer: l}} }

// partition returns the sets of ids that are components, as text.
func partition(g *contiguity.Ground, c *contiguity.Components, gap int) string {
	sets := map[int32][]string{}
	for m := range int32(g.Members()) {
		o := g.Owner(m)
		name := fmt.Sprintf("x%d", o.Feature)
		if l := g.Layer(int(o.Cover)); l != nil {
			name = fmt.Sprintf("%s%d", l.Meta.Name, l.Head(int(o.Feature)).ID)
		}
		sets[c.Of(gap, m)] = append(sets[c.Of(gap, m)], name)
	}
	return said(sets)
}

func said[K comparable](sets map[K][]string) string {
	var out []string
	for _, s := range sets {
		slices.Sort(s)
		out = append(out, fmt.Sprint(s))
	}
	slices.Sort(out)
	return fmt.Sprint(out)
}

// plane is the test's own measure: rings in metres around the origin.
type plane []ring

func planeOf(m geo.MultiPolygon) plane {
	var p plane
	for _, poly := range m {
		for _, r := range poly {
			var out ring
			for _, v := range r[:len(r)-1] {
				q := zone.Forward(v.LonLat())
				out = append(out, geo.XY{X: q.X - origin.X, Y: q.Y - origin.Y})
			}
			p = append(p, out)
		}
	}
	return p
}

func (p plane) holds(v geo.XY) bool {
	in := false
	for _, r := range p {
		in = in != geo.InRing(r, v)
	}
	return in
}

func toSegment(p, a, b geo.XY) float64 {
	l := math.Hypot(b.X-a.X, b.Y-a.Y)
	if l == 0 {
		return math.Hypot(p.X-a.X, p.Y-a.Y)
	}
	along := ((p.X-a.X)*(b.X-a.X) + (p.Y-a.Y)*(b.Y-a.Y)) / l
	switch {
	case along < 0:
		return math.Hypot(p.X-a.X, p.Y-a.Y)
	case along > l:
		return math.Hypot(p.X-b.X, p.Y-b.Y)
	}
	return math.Abs((b.X-a.X)*(p.Y-a.Y)-(b.Y-a.Y)*(p.X-a.X)) / l
}

func bounds(p plane) [2]geo.XY {
	b := [2]geo.XY{p[0][0], p[0][0]}
	for _, r := range p {
		for _, v := range r {
			b[0].X, b[0].Y = min(b[0].X, v.X), min(b[0].Y, v.Y)
			b[1].X, b[1].Y = max(b[1].X, v.X), max(b[1].Y, v.Y)
		}
	}
	return b
}

func side(a, b, p geo.XY) bool { return (b.X-a.X)*(p.Y-a.Y) > (b.Y-a.Y)*(p.X-a.X) }

// far is the distance of two shapes by all pairs of their edges.
func far(p, q plane) float64 {
	best := math.Inf(1)
	if pb, qb := bounds(p), bounds(q); pb[0].X > qb[1].X+120 || qb[0].X > pb[1].X+120 || pb[0].Y > qb[1].Y+120 || qb[0].Y > pb[1].Y+120 {
		return best
	}
	for _, r := range p {
		for i, a := range r {
			b := r[(i+1)%len(r)]
			if q.holds(a) {
				return 0
			}
			for _, s := range q {
				for k, c := range s {
					d := s[(k+1)%len(s)]
					if p.holds(c) || side(a, b, c) != side(a, b, d) && side(c, d, a) != side(c, d, b) {
						return 0
					}
					best = min(best, toSegment(a, c, d), toSegment(b, c, d), toSegment(c, a, b), toSegment(d, a, b))
				}
			}
		}
	}
	return best
}

// landscape draws shapes of all kinds: stars, thin strips, frames with holes, lattice
// squares that share borders and corners, squares inside of others.
func landscape(r *rand.Rand, n int) [][]ring {
	var out [][]ring
	span := 60 * math.Sqrt(float64(n))
	for len(out) < n {
		x, y := span*r.Float64(), span*r.Float64()
		switch r.IntN(6) {
		case 0, 1:
			s := make(ring, 3+r.IntN(30))
			for k := range s {
				sin, cos := math.Sincos(2 * math.Pi * float64(k) / float64(len(s)))
				far := 3 + 30*r.Float64()
				s[k] = geo.XY{X: x + far*cos, Y: y + far*sin}
			}
			out = append(out, []ring{s})
		case 2:
			l, turn := 100*r.Float64()+5, math.Pi*r.Float64()
			sin, cos := math.Sincos(turn)
			out = append(out, []ring{{{X: x, Y: y}, {X: x + l*cos, Y: y + l*sin}, {X: x + l*cos - sin, Y: y + l*sin + cos}, {X: x - sin, Y: y + cos}}})
		case 3:
			outer := 20 + 150*r.Float64()
			margin := outer * (0.05 + 0.3*r.Float64())
			out = append(out, []ring{square(x, y, outer), square(x+margin, y+margin, outer-2*margin)})
			out = append(out, []ring{square(x+outer/2-2, y+outer/2-2, 4)})
		default:
			out = append(out, []ring{square(25*math.Floor(x/25), 25*math.Floor(y/25), 25)})
		}
	}
	return out[:n]
}

// Components are those of a search through all pairs, and all pairs of edges, at every
// gap; however features are divided among layers and extra shapes, and by any number of
// workers.
func TestComponentsAgainstAllPairs(t *testing.T) {
	gaps := []float64{0, 2, 10, 20, 50}
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 7))
		n := 20 + r.IntN(120)
		sets := make([][]geo.MultiPolygon, 3)
		var names []string
		var planes []plane
		for _, rings := range landscape(r, n) {
			m := ground(t, rings...)
			if len(m) == 0 {
				continue
			}
			k := r.IntN(3)
			sets[k] = append(sets[k], m)
			if k < 2 {
				names = append(names, fmt.Sprintf("%c%d", 'a'+k, len(sets[k])))
			} else {
				names = append(names, fmt.Sprintf("x%d", len(sets[k])-1))
			}
			planes = append(planes, planeOf(m))
		}
		ls := layers(t, sets[0], sets[1])
		g := contiguity.New([]pieces.Cover{{Layer: ls[0]}, {Layer: ls[1]}}, sets[2], nil)
		for _, workers := range []int{1, 3} {
			c, err := g.Components(t.Context(), gaps, contiguity.Options{Workers: workers})
			if err != nil {
				t.Fatal(err)
			}
			for k, gap := range gaps {
				if got, want := partition(g, c, k), allPairs(t, planes, names, gap); got != want {
					t.Errorf("seed %d, gap %v, %d workers:\n got %s\nwant %s", seed, gap, workers, got, want)
				}
			}
		}
	}
}

// allPairs returns the components of shapes by all pairs.
func allPairs(t testing.TB, planes []plane, names []string, gap float64) string {
	of := make([]int, len(planes))
	for i := range of {
		of[i] = i
	}
	for i := range planes {
		for k := range i {
			d := far(planes[i], planes[k])
			if a := math.Abs(d - gap); a > 2e-5 && a < 2e-4 {
				t.Fatalf("a pair at %v m: another seed", d)
			}
			if d > gap+1e-4 || of[i] == of[k] {
				continue
			}
			old := of[i]
			for j := range of {
				if of[j] == old {
					of[j] = of[k]
				}
			}
		}
	}
	sets := map[int][]string{}
	for i, name := range names {
		sets[of[i]] = append(sets[of[i]], name)
	}
	return said(sets)
}

// Near tells the distance to all neighbours, whatever lies between.
func TestNear(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	var set []geo.MultiPolygon
	var planes []plane
	for _, rings := range landscape(r, 120) {
		m := ground(t, rings...)
		set, planes = append(set, m), append(planes, planeOf(m))
	}
	g := contiguity.New(cover(layers(t, set)[0]), nil, nil)
	s := g.Seeker()
	found := 0
	for _, rings := range landscape(r, 60) {
		m := ground(t, rings...)
		near, err := s.Near(m, 50)
		if err != nil {
			t.Fatal(err)
		}
		found += len(near)
		p := planeOf(m)
		for i := range int32(g.Members()) {
			want := far(p, planes[g.Layer(0).Head(int(g.Owner(i).Feature)).ID-1])
			k := slices.IndexFunc(near, func(n contiguity.Neighbour) bool { return n.Member == i })
			switch {
			case k < 0 && want <= 50:
				t.Errorf("a neighbour at %v m is missing", want)
			case k >= 0 && math.Abs(near[k].GapM-want) > 2e-5:
				t.Errorf("a neighbour at %v m, want %v", near[k].GapM, want)
			}
		}
	}
	if found < 100 {
		t.Errorf("only %d neighbours were looked at", found)
	}
}

// What only a corner joins is joined; 0.1 mm apart touches, 0.3 mm apart does not.
func TestTouch(t *testing.T) {
	for _, c := range []struct {
		name  string
		apart ring
		want  int
	}{
		{"a border", square(10, 0, 10), 1},
		{"a part of a border", square(10, 5, 10), 1},
		{"a corner", square(10, 10, 10), 1},
		{"0.08 mm", square(10.00008, 0, 10), 1},
		{"0.3 mm", square(10.0003, 0, 10), 2},
		{"shared ground", square(5, 5, 10), 1},
		{"inside", square(4, 4, 2), 1},
		{"around", square(-5, -5, 30), 1},
	} {
		g := contiguity.New(nil, []geo.MultiPolygon{ground(t, square(0, 0, 10)), ground(t, c.apart)}, nil)
		k, err := g.Components(t.Context(), []float64{0}, contiguity.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := 1 + int(k.Of(0, 1)); got != c.want {
			t.Errorf("%s: %d components, want %d", c.name, got, c.want)
		}
	}
}
