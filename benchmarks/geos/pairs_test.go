package geos_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/peterstace/simplefeatures/geom"

	"gengtu/benchmarks/geos"
	"gengtu/index/geo"
)

// pair is a pair of polygons as every side wants it: on the grid, on GEOS's
// side, and as simplefeatures has it, the last two in the equal-area plane.
type pair struct {
	a, b   geo.MultiPolygon
	plane  geo.EqualAreaPlane
	ga, gb *geos.Shape
	sa, sb geom.Geometry
	larger float64 // the larger of both areas, m²
}

func newPair(c *geos.Context, a, b geo.MultiPolygon) *pair {
	box := a.Box().Union(b.Box())
	p := &pair{a: a, b: b, plane: geo.NewEqualAreaPlane(geo.Position{
		Lon: box.Min.Lon + (box.Max.Lon-box.Min.Lon)/2, Lat: box.Min.Lat + (box.Max.Lat-box.Min.Lat)/2,
	})}
	pa, pb := inPlane(&p.plane, a), inPlane(&p.plane, b)
	p.ga, p.gb = c.New(pa), c.New(pb)
	p.sa, p.sb = featured(pa), featured(pb)
	p.larger = max(geo.Area(a), geo.Area(b))
	return p
}

func (p *pair) free() {
	p.ga.Free()
	p.gb.Free()
}

// inPlane maps the rings of m.
func inPlane(plane *geo.EqualAreaPlane, m geo.MultiPolygon) [][][]geos.XY {
	out := make([][][]geos.XY, len(m))
	for i, p := range m {
		for _, r := range p {
			ring := make([]geos.XY, len(r))
			for k, v := range r {
				xy := plane.To(v)
				ring[k] = geos.XY{X: xy.X, Y: xy.Y}
			}
			out[i] = append(out[i], ring)
		}
	}
	return out
}

// featured returns polygons as simplefeatures has them.
func featured(m [][][]geos.XY) geom.Geometry {
	var polys []geom.Polygon
	for _, p := range m {
		var rings []geom.LineString
		for _, r := range p {
			flat := make([]float64, 0, 2*len(r))
			for _, v := range r {
				flat = append(flat, v.X, v.Y)
			}
			rings = append(rings, geom.NewLineString(geom.NewSequence(flat, geom.DimXY)))
		}
		polys = append(polys, geom.NewPolygon(rings))
	}
	if len(polys) == 1 {
		return polys[0].AsGeometry()
	}
	return geom.NewMultiPolygon(polys).AsGeometry()
}

// kinds are the pairs that are measured.
//
//   - crossing: two parcels that cross each other anyhow;
//   - beside: a parcel and the same digitised again up to 3 m beside it, as basic
//     farmland lies to cropland;
//   - same: a parcel and one that has its whole border.
var kinds = []string{"crossing", "beside", "same"}

// vertices are the sizes of the polygons, each.
var vertices = []int{16, 36, 64, 256, 1024, 4096}

// madePairs returns pairs of a kind and size, the same each time.
func madePairs(c *geos.Context, kind string, n, count int) []*pair {
	rng := rand.New(rand.NewPCG(7, uint64(n)))
	out := make([]*pair, count)
	for i := range out {
		at := geo.Position{Lon: 1086e8 + int64(rng.IntN(1e8)), Lat: 344e8 + int64(rng.IntN(1e8))}
		a := parcel(rng, at, 45, n)
		var b geo.MultiPolygon
		switch kind {
		case "crossing":
			t := rng.Float64() * 2 * math.Pi
			b = parcel(rng, geo.Position{Lon: at.Lon + int64(3e6*math.Cos(t)), Lat: at.Lat + int64(3e6*math.Sin(t))}, 45, n)
		case "beside":
			t, d := rng.Float64()*2*math.Pi, 3*rng.Float64()
			b = moved(a, int64(d*1e5*math.Cos(t)), int64(d*9e4*math.Sin(t)))
		case "same":
			b = moved(a, 0, 0)
		}
		out[i] = newPair(c, a, b)
	}
	return out
}

// parcel returns an uneven ring of n corners around c, of some radius in metres,
// with a border as wavy as a digitised one, counter-clockwise.
func parcel(rng *rand.Rand, c geo.Position, radius float64, n int) geo.MultiPolygon {
	lobes, turn := 2+rng.IntN(4), rng.Float64()*2*math.Pi
	wave := min(0.15, 1.2/float64(n)) // no edge crosses its neighbours
	var r geo.Ring
	for i := range n {
		t := 2 * math.Pi * (float64(i) + 0.5*rng.Float64()) / float64(n)
		d := radius * (1 + 0.25*math.Sin(float64(lobes)*t+turn) + wave*(rng.Float64()-0.5))
		r = append(r, geo.Position{Lon: c.Lon + int64(d*1.09e5*math.Cos(t)), Lat: c.Lat + int64(d*9e4*math.Sin(t))})
	}
	return geo.MultiPolygon{{append(r, r[0])}}
}

func moved(m geo.MultiPolygon, lon, lat int64) geo.MultiPolygon {
	out := make(geo.MultiPolygon, len(m))
	for i, p := range m {
		for _, r := range p {
			q := make(geo.Ring, len(r))
			for k, v := range r {
				q[k] = geo.Position{Lon: v.Lon + lon, Lat: v.Lat + lat}
			}
			out[i] = append(out[i], q)
		}
	}
	return out
}

// oracle returns the shared area of directed polygons from the very numbers that
// GEOS is given, in 320 bits: the winding integral over all pairs of edges,
// without a shortcut.
func oracle(a, b [][][]geos.XY) float64 {
	ea, eb := bigEdges(a), bigEdges(b)
	total := number(0)
	for i := range ea {
		for j := range eb {
			e, f := &ea[i], &eb[j]
			if e.x0.Cmp(f.x1) >= 0 || f.x0.Cmp(e.x1) >= 0 {
				continue
			}
			xl, xr := e.x0, e.x1
			if f.x0.Cmp(xl) > 0 {
				xl = f.x0
			}
			if f.x1.Cmp(xr) < 0 {
				xr = f.x1
			}
			v := lower(e.at(xl), e.at(xr), f.at(xl), f.at(xr))
			v.Mul(v, number(0).Sub(xr, xl))
			if e.left != f.left {
				v.Neg(v)
			}
			total.Add(total, v)
		}
	}
	sum, _ := total.Float64()
	return sum
}

// lower returns the mean of the lower of two lines over a range, from their
// ordinates at its ends.
func lower(el, er, fl, fr *big.Float) *big.Float {
	dl, dr := number(0).Sub(el, fl), number(0).Sub(er, fr)
	v := number(0).Add(fl, fr)
	switch {
	case dl.Sign() >= 0 && dr.Sign() >= 0:
	case dl.Sign() <= 0 && dr.Sign() <= 0:
		v.Add(v, dl).Add(v, dr)
	case dl.Sign() < 0:
		v.Add(v, number(0).Quo(number(0).Mul(dl, dl), number(0).Sub(dl, dr)))
	default:
		v.Add(v, number(0).Quo(number(0).Mul(dr, dr), number(0).Sub(dr, dl)))
	}
	return v.Quo(v, number(2))
}

// bigEdge runs from x0 to x1, which is greater; left is that its ring runs the
// other way.
type bigEdge struct {
	x0, y0, x1, y1 *big.Float
	left           bool
}

func (e *bigEdge) at(x *big.Float) *big.Float {
	v := number(0).Mul(number(0).Sub(x, e.x0), number(0).Sub(e.y1, e.y0))
	v.Quo(v, number(0).Sub(e.x1, e.x0))
	return v.Add(v, e.y0)
}

func bigEdges(m [][][]geos.XY) []bigEdge {
	var out []bigEdge
	for _, p := range m {
		for _, r := range p {
			for i := 1; i < len(r); i++ {
				u, v := r[i-1], r[i]
				switch {
				case u.X < v.X:
					out = append(out, bigEdge{number(u.X), number(u.Y), number(v.X), number(v.Y), false})
				case u.X > v.X:
					out = append(out, bigEdge{number(v.X), number(v.Y), number(u.X), number(u.Y), true})
				}
			}
		}
	}
	return out
}

func number(v float64) *big.Float { return new(big.Float).SetPrec(320).SetFloat64(v) }

// The oracle knows the area of squares that cross, and pairs are what they are
// said to be.
func TestOracle(t *testing.T) {
	square := func(x, y, s float64) [][][]geos.XY {
		return [][][]geos.XY{{{{X: x, Y: y}, {X: x + s, Y: y}, {X: x + s, Y: y + s}, {X: x, Y: y + s}, {X: x, Y: y}}}}
	}
	if got := oracle(square(0, 0, 2), square(1, 1, 2)); math.Abs(got-1) > 1e-15 {
		t.Errorf("two squares share %v, want 1", got)
	}
	c := geos.NewContext()
	defer c.Close()
	for _, kind := range kinds {
		for _, n := range vertices {
			t.Run(fmt.Sprint(kind, n), func(t *testing.T) {
				for _, p := range madePairs(c, kind, n, 4) {
					if !p.ga.Valid() || !p.gb.Valid() {
						t.Error("a polygon is not valid")
					}
					if got := p.a.Vertices(); got != n && got != n+1 {
						t.Errorf("%d vertices", got)
					}
					p.free()
				}
			})
		}
	}
}
