package overlay

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"gengtu/index/geo"
)

// oraclePrecision is the mantissa, in bits, of the numbers that the slow
// methods below calculate with: six times that of float64.
const oraclePrecision = 320

func bigOf(v float64) *big.Float { return bigNew().SetFloat64(v) }

func bigNew() *big.Float { return new(big.Float).SetPrec(oraclePrecision) }

// oracleEdge is an edge from left to right in 320 bits.
type oracleEdge struct {
	x0, y0, x1, y1 *big.Float
	fx0, fx1       float64
	sign           int // +1 if the ring runs right to left
	owner          int
}

func (e *oracleEdge) at(x *big.Float) *big.Float {
	v := bigNew().Sub(x, e.x0)
	v.Mul(v, bigNew().Sub(e.y1, e.y0))
	v.Quo(v, bigNew().Sub(e.x1, e.x0))
	return v.Add(v, e.y0)
}

// oracleEdges maps m by p, whose float64 results are taken as exact.
func oracleEdges(p *plane, m geo.MultiPolygon, owner int) []oracleEdge {
	var out []oracleEdge
	for _, poly := range m {
		for _, r := range poly {
			for i := 1; i < len(r); i++ {
				ax, ay := p.at(r[i-1])
				bx, by := p.at(r[i])
				sign := -1
				if ax == bx {
					continue
				}
				if ax > bx {
					ax, ay, bx, by, sign = bx, by, ax, ay, 1
				}
				out = append(out, oracleEdge{bigOf(ax), bigOf(ay), bigOf(bx), bigOf(by), ax, bx, sign, owner})
			}
		}
	}
	return out
}

// oracleShared is the winding integral of a pair without any shortcut.
func oracleShared(p *plane, a, b geo.MultiPolygon) float64 {
	ea, eb := oracleEdges(p, a, 0), oracleEdges(p, b, 1)
	total := bigNew()
	for i := range ea {
		for j := range eb {
			e, f := &ea[i], &eb[j]
			if e.fx0 >= f.fx1 || f.fx0 >= e.fx1 {
				continue
			}
			xl, xr := e.x0, e.x1
			if f.fx0 > e.fx0 {
				xl = f.x0
			}
			if f.fx1 < e.fx1 {
				xr = f.x1
			}
			fl, fr := f.at(xl), f.at(xr)
			dl, dr := bigNew().Sub(e.at(xl), fl), bigNew().Sub(e.at(xr), fr)
			v := bigNew().Add(fl, fr)
			switch sl, sr := dl.Sign(), dr.Sign(); {
			case sl >= 0 && sr >= 0:
			case sl <= 0 && sr <= 0:
				v.Add(v, dl).Add(v, dr)
			case sl < 0:
				v.Add(v, bigNew().Mul(dl, bigNew().Quo(dl, bigNew().Sub(dl, dr))))
			default:
				v.Add(v, bigNew().Mul(dr, bigNew().Quo(dr, bigNew().Sub(dr, dl))))
			}
			v.Mul(v, bigNew().Sub(xr, xl)).Quo(v, bigOf(2))
			if e.sign*f.sign < 0 {
				v.Neg(v)
			}
			total.Add(total, v)
		}
	}
	r, _ := total.Float64()
	return r
}

// oracleMeasure is Measure by all crossings of all edges, in 320 bits: items by
// AOI, and combinations by mask.
func oracleMeasure(p *plane, aoi geo.MultiPolygon, items []Item) (shared []float64, masks map[uint16]float64) {
	edges := oracleEdges(p, aoi, 0)
	for i := range items {
		edges = append(edges, oracleEdges(p, items[i].Geometry, i+1)...)
	}
	xs := oracleAbscissas(edges)
	sums := make([]*big.Float, len(items))
	for i := range sums {
		sums[i] = bigNew()
	}
	combos := map[uint16]*big.Float{}
	for i := 1; i < len(xs); i++ {
		w := bigNew().Sub(xs[i], xs[i-1])
		if w.Sign() <= 0 {
			continue
		}
		mid := bigNew().Quo(bigNew().Add(xs[i], xs[i-1]), bigOf(2))
		var ls []oracleLevel
		for j := range edges {
			if e := &edges[j]; e.x0.Cmp(mid) < 0 && e.x1.Cmp(mid) > 0 {
				ls = append(ls, oracleLevel{e.at(mid), e.owner})
			}
		}
		sortLevels(ls)
		in := make([]bool, len(items)+1)
		for j, l := range ls {
			if j > 0 && in[0] {
				area := bigNew().Mul(w, bigNew().Sub(l.y, ls[j-1].y))
				mask := uint16(0)
				for k := range items {
					if in[k+1] {
						mask |= 1 << items[k].Layer
						sums[k].Add(sums[k], area)
					}
				}
				if combos[mask] == nil {
					combos[mask] = bigNew()
				}
				combos[mask].Add(combos[mask], area)
			}
			in[l.owner] = !in[l.owner]
		}
	}
	for _, s := range sums {
		v, _ := s.Float64()
		shared = append(shared, v)
	}
	masks = map[uint16]float64{}
	for m, s := range combos {
		masks[m], _ = s.Float64()
	}
	return shared, masks
}

// oracleLevel is the ordinate of an edge.
type oracleLevel struct {
	y     *big.Float
	owner int
}

func sortLevels(ls []oracleLevel) {
	slices.SortFunc(ls, func(a, b oracleLevel) int { return a.y.Cmp(b.y) })
}

// oracleAbscissas returns the abscissas of all ends and crossings, sorted.
func oracleAbscissas(edges []oracleEdge) []*big.Float {
	var xs []*big.Float
	for i := range edges {
		xs = append(xs, edges[i].x0, edges[i].x1)
		for j := range i {
			e, f := &edges[i], &edges[j]
			xl, xr := e.x0, e.x1
			if f.x0.Cmp(xl) > 0 {
				xl = f.x0
			}
			if f.x1.Cmp(xr) < 0 {
				xr = f.x1
			}
			if xl.Cmp(xr) >= 0 {
				continue
			}
			dl, dr := bigNew().Sub(e.at(xl), f.at(xl)), bigNew().Sub(e.at(xr), f.at(xr))
			if dl.Sign()*dr.Sign() < 0 {
				t := bigNew().Quo(dl, bigNew().Sub(dl, dr))
				xs = append(xs, t.Add(t.Mul(t, bigNew().Sub(xr, xl)), xl))
			}
		}
	}
	slices.SortFunc(xs, (*big.Float).Cmp)
	return xs
}

// The place and scale of the generated polygons: a metre is about 90,000 units.
const (
	homeLon, homeLat = 108e10, 36e10
	metreLon         = 1e10 / 90163.0
	metreLat         = 1e10 / 110959.0
)

// ground returns the position x metres east and y metres north of home.
func ground(x, y float64) geo.Position {
	return geo.Position{Lon: homeLon + int64(x*metreLon), Lat: homeLat + int64(y*metreLat)}
}

func closed(ps ...geo.Position) geo.Ring { return append(geo.Ring(ps), ps[0]) }

// rectangle is counter-clockwise, in metres.
func rectangle(x0, y0, x1, y1 float64) geo.Ring {
	return closed(ground(x0, y0), ground(x1, y0), ground(x1, y1), ground(x0, y1))
}

func single(rings ...geo.Ring) geo.MultiPolygon { return geo.MultiPolygon{geo.Polygon(rings)} }

func reversed(r geo.Ring) geo.Ring {
	s := slices.Clone(r)
	slices.Reverse(s)
	return s
}

// generator makes polygons that overlay methods fail on.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 7))} }

// noisy moves every vertex by up to size metres.
func (g generator) noisy(m geo.MultiPolygon, size float64) geo.MultiPolygon {
	var out geo.MultiPolygon
	for _, p := range m {
		var q geo.Polygon
		for _, r := range p {
			s := make(geo.Ring, 0, len(r))
			for _, v := range r[:len(r)-1] {
				v.Lon += int64((g.Float64() - 0.5) * 2 * size * metreLon)
				v.Lat += int64((g.Float64() - 0.5) * 2 * size * metreLat)
				s = append(s, v)
			}
			q = append(q, append(s, s[0]))
		}
		out = append(out, q)
	}
	return out
}

// pair returns two polygons, valid and directed, of the kind-th kind.
func (g generator) pair(kind int) (a, b geo.MultiPolygon) {
	switch kind % pairKinds {
	case 0: // crossing
		return g.star(0, 0, 50, 36), g.star(20*g.Float64(), 20*g.Float64(), 40, 20)
	case 1: // shared border: the left and the right part of one shape
		return g.halves(12)
	case 2: // the same but for noise of 1e-5 to 1e-2 m
		a = g.star(0, 0, 50, 36)
		return a, g.noisy(a, []float64{1.1e-5, 1e-4, 1e-3, 1e-2}[g.IntN(4)])
	case 3: // identical
		a = g.star(0, 0, 50, 36)
		return a, a
	case 4: // slivers of 0.1 mm to 1 m
		w := []float64{1e-4, 1e-3, 1e-2, 1}[g.IntN(4)]
		y := g.Float64()
		return single(rectangle(-100, 0, 100, w)), single(closed(ground(-90, -y), ground(95, -y), ground(95, y), ground(-90, y+w)))
	case 5: // hole and its filling, jittered
		a = g.star(0, 0, 60, 24)
		hole := g.star(0, 0, 15, 12)
		a[0] = append(a[0], reversed(hole[0][0]))
		return a, g.noisy(hole, 1e-3*g.Float64())
	case 6: // touching at a corner only
		return single(rectangle(0, 0, 10, 10)), single(rectangle(10, 10, 20, 20))
	case 7: // upright, on one base, with holes
		a = single(rectangle(0, 0, 20, 20), reversed(rectangle(5, 5, 15, 15)))
		return a, single(rectangle(float64(g.IntN(20)), 0, 30, 5+float64(g.IntN(15))))
	default: // multipart with a hole against a star
		a = g.star(-40, 0, 30, 16)
		a = append(a, g.star(60, 5, 35, 18)...)
		hole := g.star(60, 5, 8, 9)
		a[1] = append(a[1], reversed(hole[0][0]))
		return a, g.star(10, 0, 70, 30)
	}
}

const pairKinds = 9

// star returns a simple ring of n vertices round x, y, counter-clockwise.
func (g generator) star(x, y, radius float64, n int) geo.MultiPolygon {
	var r geo.Ring
	for i := range n {
		t := (float64(i) + 0.8*g.Float64()) / float64(n)
		d := radius * (0.5 + 0.5*g.Float64())
		c, s := turn(t)
		r = append(r, ground(x+d*c, y+d*s))
	}
	return single(append(r, r[0]))
}

// halves returns two polygons that share a border of n vertices, digitised once.
func (g generator) halves(n int) (a, b geo.MultiPolygon) {
	var border geo.Ring
	for i := range n {
		border = append(border, ground(10*g.Float64()-5, float64(i)*8+6*g.Float64()))
	}
	top, bottom := float64(n)*8+5, -5.0
	right := append(slices.Clone(border), ground(50, top), ground(60, bottom))
	left := append(geo.Ring{ground(-50, top), ground(-60, bottom)}, border...)
	// right runs up its left side: clockwise.
	slices.Reverse(right)
	return single(append(left, left[0])), single(append(right, right[0]))
}

// scribble returns a ring of n vertices that crosses itself at random.
func (g generator) scribble(n int, size float64) geo.MultiPolygon {
	var r geo.Ring
	for range n {
		r = append(r, ground((g.Float64()-0.5)*size, (g.Float64()-0.5)*size))
	}
	return single(append(r, r[0]))
}

// planeOf returns the plane that Measure uses for aoi.
func planeOf(aoi geo.MultiPolygon) *plane {
	p := newPlane(aoi.Box())
	return &p
}

func mustMeasure(t testing.TB, aoi geo.MultiPolygon, items []Item) *Result {
	t.Helper()
	r, err := Measure(t.Context(), aoi, items, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
