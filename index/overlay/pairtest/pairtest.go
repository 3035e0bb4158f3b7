// Package pairtest makes the pairs of polygons that overlays are tested and
// measured with: named families of shapes on which overlay methods fail, each
// pair given by its family and a seed, the same on every machine.
//
// All polygons of [Pair] are valid by OGC 06-103r4 and directed as features are
// stored, shells counter-clockwise and holes clockwise, closed, no position
// repeated. Those of [Bad] are not, by design. They lie all over China, in
// CGCS2000 (EPSG:4490) on the grid of 1e-10 degree.
//
// The package is for tests and benchmarks; nothing else imports it.
package pairtest

import (
	"math"
	"math/rand/v2"

	"gengtu/index/geo"
)

// Family names a kind of pair.
type Family int

// The families. One unit is the grid's 1e-10 degree, about 0.01 mm.
const (
	Crossing  Family = iota // two stars that cross each other
	Cells                   // cells of one net or of two, with wavy borders digitised once
	Near                    // one shape twice, vertices moved by up to 1 unit to 1 m
	Shifted                 // one shape twice, moved as a whole by 0 units to 1 m
	Pivot                   // one shape twice, single vertices moved: edges that part below 1 nm
	Slivers                 // strips of 1 unit to 1 m width across each other
	Stars                   // needles with a common centre or a common tip
	Combs                   // combs whose teeth interlock, touch or miss by units
	Nested                  // shells in holes in shells, up to five deep
	Fillers                 // a hole and what fills it, exactly or nearly
	Junctions               // borders with vertices put on another's edges and rounded
	Circles                 // dense circles, equal, concentric or beside each other
	HugeTiny                // tens of kilometres against metres, at vertex, edge, inside or out
	ZoneEdge                // both sides of a three-degree zone's border, 100 m to 300 km
	Counties                // county outlines of 20 to 80 km, independent or nearly equal
	Spirals                 // spirals that interlock with a common border, or overlap
	Bottoms                 // skylines on one base line, or on two a few units apart
	Corners                 // parts that touch in a place only, or nearly do
	familyCount
)

var names = [familyCount]string{
	"crossing", "cells", "near", "shifted", "pivot", "slivers", "stars", "combs", "nested", "fillers",
	"junctions", "circles", "huge-tiny", "zone-edge", "counties", "spirals", "bottoms", "corners",
}

// String returns the name of f, lower case with hyphens.
func (f Family) String() string {
	if f < 0 || f >= familyCount {
		return "unknown"
	}
	return names[f]
}

// Families returns all families, in their order.
func Families() []Family {
	fs := make([]Family, familyCount)
	for i := range fs {
		fs[i] = Family(i)
	}
	return fs
}

// Pair returns the pair of family f that seed stands for; an unknown family
// gives nil.
func Pair(f Family, seed uint64) (a, b geo.MultiPolygon) {
	g := newGenerator(uint64(f), seed)
	switch f {
	case Crossing:
		return g.crossing()
	case Cells:
		return g.cells()
	case Near:
		return g.near()
	case Shifted:
		return g.shifted()
	case Pivot:
		return g.pivot()
	case Slivers:
		return g.slivers()
	case Stars:
		return g.stars()
	case Combs:
		return g.combs()
	case Nested:
		return g.nested()
	case Fillers:
		return g.fillers()
	case Junctions:
		return g.junctions()
	case Circles:
		return g.circles()
	case HugeTiny:
		return g.hugeTiny()
	case ZoneEdge:
		return g.zoneEdge()
	case Counties:
		return g.counties()
	case Spirals:
		return g.spirals()
	case Bottoms:
		return g.bottoms()
	case Corners:
		return g.corners()
	default:
		return nil, nil
	}
}

// generator draws shapes round one place, in metres east and north of it.
type generator struct {
	*rand.Rand
	home       geo.Position
	perX, perY float64 // units in a metre
}

// newGenerator returns the generator of one seed of one kind; the place is drawn first.
func newGenerator(kind, seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, kind))}
	g.settle(g.between(74, 134), g.between(18.5, 53))
	return g
}

// settle puts home to a place in degrees.
func (g *generator) settle(lon, lat float64) {
	g.home = geo.PositionOf(geo.LonLat{Lon: lon, Lat: lat})
	const metresPerDegree = 111_000 // of latitude; some 0.5 % off, which is nothing here
	g.perY = geo.Unit / metresPerDegree
	g.perX = g.perY / math.Cos(lat*math.Pi/180)
}

func (g *generator) between(low, high float64) float64 { return low + (high-low)*g.Float64() }

// anySize returns a number from low to high, even by its logarithm.
func (g *generator) anySize(low, high float64) float64 {
	return low * math.Exp(g.Float64()*math.Log(high/low))
}

// units returns a whole number of units from 0 or 1 up to about 1 m, of either sign.
func (g *generator) units() int64 {
	n := int64(g.anySize(1, 1e5))
	switch g.IntN(8) {
	case 0:
		return 0
	case 1, 2, 3:
		return -n
	default:
		return n
	}
}

// at returns the position x metres east and y metres north of home.
func (g *generator) at(x, y float64) geo.Position {
	return geo.Position{
		Lon: g.home.Lon + int64(math.Round(x*g.perX)),
		Lat: g.home.Lat + int64(math.Round(y*g.perY)),
	}
}

// polar returns the position at distance d from x, y, at a fraction t of a turn
// counter-clockwise from east.
func (g *generator) polar(x, y, d, t float64) geo.Position {
	s, c := math.Sincos(2 * math.Pi * t)
	return g.at(x+d*c, y+d*s)
}

// closed returns the ring through ps.
func closed(ps ...geo.Position) geo.Ring {
	return append(append(make(geo.Ring, 0, len(ps)+1), ps...), ps[0])
}

func reversed(r geo.Ring) geo.Ring {
	s := make(geo.Ring, len(r))
	for i, v := range r {
		s[len(r)-1-i] = v
	}
	return s
}

func single(rings ...geo.Ring) geo.MultiPolygon { return geo.MultiPolygon{geo.Polygon(rings)} }

// rectangle is counter-clockwise, in metres.
func (g *generator) rectangle(x0, y0, x1, y1 float64) geo.Ring {
	return closed(g.at(x0, y0), g.at(x1, y0), g.at(x1, y1), g.at(x0, y1))
}

// star returns a ring of n vertices round x, y, counter-clockwise, their
// distances from low to 1 of radius, at least a fifth of an even step apart.
func (g *generator) star(x, y, radius, low float64, n int) geo.Ring {
	r := make(geo.Ring, 0, n+1)
	for i := range n {
		t := (float64(i) + 0.8*g.Float64()) / float64(n)
		r = append(r, g.polar(x, y, radius*g.between(low, 1), t))
	}
	return append(r, r[0])
}

// moved returns r with every vertex moved by what by returns for it, units.
func moved(r geo.Ring, by func() (lon, lat int64)) geo.Ring {
	s := make(geo.Ring, 0, len(r))
	for _, v := range r[:len(r)-1] {
		x, y := by()
		s = append(s, geo.Position{Lon: v.Lon + x, Lat: v.Lat + y})
	}
	return append(s, s[0])
}

// noise returns a function for moved: up to size units either way.
func (g *generator) noise(size int64) func() (lon, lat int64) {
	return func() (lon, lat int64) {
		return g.Int64N(2*size+1) - size, g.Int64N(2*size+1) - size
	}
}

// turned returns r beginning at another vertex.
func (g *generator) turned(r geo.Ring) geo.Ring {
	n := len(r) - 1
	k := g.IntN(n)
	s := make(geo.Ring, 0, n+1)
	s = append(s, r[k:n]...)
	s = append(s, r[:k]...)
	return append(s, s[0])
}
