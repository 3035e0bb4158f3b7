package pairtest

import (
	"math"
	"slices"

	"gengtu/index/geo"
)

// parts returns the positions that divide the edge from p to q into n parts,
// rounded to the grid, without q.
func parts(p, q geo.Position, n int) geo.Ring {
	r := geo.Ring{p}
	for i := 1; i < n; i++ {
		f := float64(i) / float64(n)
		r = append(r, geo.Position{
			Lon: p.Lon + int64(math.Round(f*float64(q.Lon-p.Lon))),
			Lat: p.Lat + int64(math.Round(f*float64(q.Lat-p.Lat))),
		})
	}
	return r
}

// junctions returns a star, and beside or inside of it a shape along a part of
// its border that has more vertices there: they stand up to half a unit off.
func (g *generator) junctions() (a, b geo.MultiPolygon) {
	n := 6 + g.IntN(24)
	radius := float64(n) * g.anySize(2, 200)
	r := g.star(0, 0, radius, 0.5, n)
	a = single(r)
	k := 2 + g.IntN(n/2)
	var chain geo.Ring
	for i := range k {
		chain = append(chain, parts(r[i], r[i+1], 1+g.IntN(9))...)
	}
	chain = append(chain, r[k])
	if g.IntN(2) == 0 { // inside: on to the centre
		return a, single(g.turned(closed(append(chain, g.at(0, 0))...)))
	}
	// Outside: back along an arc beyond the border.
	slices.Reverse(chain)
	first, last := float64(0), (float64(k)+0.8)/float64(n)
	const arc = 24
	for i := range arc + 1 {
		chain = append(chain, g.polar(0, 0, 1.5*radius, first+(last-first)*float64(i)/arc))
	}
	return a, single(g.turned(closed(chain...)))
}

// circle returns n vertices on a circle, the first at a fraction t of a step.
func (g *generator) circle(x, y, radius float64, n int, t float64) geo.Ring {
	r := make(geo.Ring, 0, n+1)
	for i := range n {
		r = append(r, g.polar(x, y, radius, (float64(i)+t)/float64(n)))
	}
	return append(r, r[0])
}

func (g *generator) circles() (a, b geo.MultiPolygon) {
	n := 64 << g.IntN(3)
	radius := g.anySize(5, 5000)
	a = single(g.circle(0, 0, radius, n, 0))
	switch g.IntN(5) {
	case 0: // the same circle, other vertices
		return a, single(g.circle(0, 0, radius, n, g.Float64()))
	case 1: // nearly the same radius
		return a, single(g.circle(0, 0, radius+float64(g.units())/g.perY, n, 0))
	case 2: // touching
		return a, single(g.circle(2*radius+float64(g.units())/g.perX, 0, radius, n, 0))
	case 3: // a ring with a ring
		a[0] = append(a[0], reversed(g.circle(0, 0, radius*g.between(0.5, 0.99), n, 0)))
		return a, single(g.circle(radius*g.between(-1, 1), 0, radius*g.between(0.3, 1), n, g.Float64()))
	default:
		return a, single(g.circle(radius*g.between(-2, 2), radius*g.between(-2, 2), radius, 64, g.Float64()))
	}
}

func (g *generator) hugeTiny() (a, b geo.MultiPolygon) {
	radius := g.anySize(5000, 60_000)
	r := g.star(0, 0, radius, 0.6, 20+g.IntN(100))
	a = single(r)
	if g.IntN(3) == 0 {
		a[0] = append(a[0], reversed(g.star(0, 0, 0.4*radius, 0.6, 20)))
	}
	size := g.anySize(0.5, 100)
	tiny := g.star(0, 0, size, 0.5, 4+g.IntN(20))
	i := g.IntN(len(r) - 1)
	to := r[i]
	switch g.IntN(4) {
	case 0: // on a vertex
	case 1: // on an edge
		f := g.Float64()
		to.Lon += int64(f * float64(r[i+1].Lon-r[i].Lon))
		to.Lat += int64(f * float64(r[i+1].Lat-r[i].Lat))
	case 2: // inside
		to = g.polar(0, 0, radius*0.5, g.Float64())
	default: // inside the box, anywhere
		to = g.at(radius*g.between(-1, 1), radius*g.between(-1, 1))
	}
	dx, dy := to.Lon-g.home.Lon, to.Lat-g.home.Lat
	b = single(moved(tiny, func() (lon, lat int64) { return dx, dy }))
	if g.IntN(2) == 0 {
		return b, a
	}
	return a, b
}

// side returns a shape west of the meridian of home, or east of it, along it
// from y = -size/2 to size/2; its vertices on the meridian are moved by up to off units.
func (g *generator) side(size float64, sign float64, n int, off int64) geo.Ring {
	var r geo.Ring
	for i := range n + 1 {
		v := g.at(0, size*(float64(i)/float64(n)-0.5))
		if off > 0 {
			v.Lon += g.Int64N(2*off+1) - off
		}
		r = append(r, v)
	}
	m := 2 + g.IntN(10)
	for i := range m {
		f := (float64(i) + 0.5) / float64(m)
		r = append(r, g.at(sign*size*g.between(0.3, 1), size*(0.5-f)))
	}
	if sign > 0 {
		slices.Reverse(r)
	}
	return closed(r...)
}

func (g *generator) zoneEdge() (a, b geo.MultiPolygon) {
	g.settle(float64(25+g.IntN(20))*3+1.5, g.between(18.5, 53))
	size := g.anySize(100, 300_000)
	off := int64(0)
	if g.IntN(3) > 0 {
		off = int64(g.anySize(1, 1e5))
	}
	a = single(g.side(size, -1, 1+g.IntN(20), 0))
	b = single(g.side(size*g.between(0.8, 1.2), 1, 1+g.IntN(20), off))
	if g.IntN(4) == 0 { // and one that lies across the border
		b = single(g.star(0, 0, 0.4*size, 0.5, 8+g.IntN(30)))
	}
	return a, b
}

func (g *generator) counties() (a, b geo.MultiPolygon) {
	n := 60 + g.IntN(200)
	radius := g.anySize(20_000, 80_000)
	r := g.star(0, 0, radius, 0.7, n)
	a = single(r)
	switch g.IntN(3) {
	case 0:
		return a, single(g.turned(moved(r, g.noise(int64(g.anySize(1, 1e5))))))
	case 1:
		return a, single(g.star(radius*g.between(-1, 1), radius*g.between(-1, 1), radius, 0.7, 60+g.IntN(200)))
	default: // a corner of four townships
		return a, single(closed(g.at(0, 0), r[0], r[1], r[2], r[3]))
	}
}

// arm returns a spiral of so many turns from a phase, turn fractions, steps
// edges a turn, between distances in and in+width of the spiral line.
func (g *generator) arm(pitch, phase, width float64, turns, steps int) geo.Ring {
	var inner, outer geo.Ring
	for i := range turns*steps + 1 {
		t := float64(i) / float64(steps)
		inner = append(inner, g.polar(0, 0, pitch*(t+1), t+phase))
		outer = append(outer, g.polar(0, 0, pitch*(t+1)+width, t+phase))
	}
	return closed(append(outer, reversed(inner)...)...)
}

// spirals returns two arms half a turn apart, whose widths let them touch all
// along, miss by units or overlap.
func (g *generator) spirals() (a, b geo.MultiPolygon) {
	pitch := g.anySize(2, 200)
	turns, steps := 1+g.IntN(4), 2*(6+g.IntN(8))
	width := pitch / 2
	switch g.IntN(3) {
	case 0:
	case 1:
		width += float64(g.units()) / g.perY
	default:
		width *= g.between(0.5, 1.8)
	}
	return single(g.arm(pitch, 0, pitch/2, turns, steps)), single(g.arm(pitch, 0.5, width, turns, steps))
}

// skyline returns columns of a whole number of steps on a base line.
func (g *generator) skyline(step float64, columns, x0 int, base int64) geo.Ring {
	low, high := g.at(float64(x0)*step, 0), g.at(float64(x0+columns)*step, 0)
	low.Lat, high.Lat = base, base
	r := geo.Ring{low, high}
	last := -1
	for i := columns - 1; i >= 0; i-- {
		h := 1 + g.IntN(5)
		if h == last {
			continue
		}
		right, left := float64(x0+i+1)*step, float64(x0+i)*step
		if last >= 0 { // a step in the roof
			v := r[len(r)-1]
			r = append(r[:len(r)-1], geo.Position{Lon: g.at(right, 0).Lon, Lat: v.Lat})
		}
		y := float64(h) * step
		r = append(r, g.at(right, y), g.at(left, y))
		last = h
	}
	r[len(r)-1].Lon = low.Lon
	return closed(r...)
}

func (g *generator) bottoms() (a, b geo.MultiPolygon) {
	step := g.anySize(2, 200)
	base := g.home.Lat
	a = single(g.skyline(step, 1+g.IntN(12), 0, base))
	if g.IntN(2) == 0 {
		base += g.units()
	}
	b = single(g.skyline(step, 1+g.IntN(12), g.IntN(8)-3, base))
	if g.IntN(2) == 0 {
		return a, single(g.turned(b[0][0]))
	}
	return single(g.turned(a[0][0])), b
}

// corners returns two shapes that share a vertex or nearly do, and two more
// parts that touch the first at other places.
func (g *generator) corners() (a, b geo.MultiPolygon) {
	size := g.anySize(5, 500)
	a = geo.MultiPolygon{
		{g.rectangle(0, 0, size, size)},
		{closed(g.at(size, size), g.at(2*size, 1.2*size), g.at(1.5*size, 2*size))},
	}
	tip := g.at(size, size)
	tip.Lon += g.units()
	tip.Lat += g.units()
	b = single(closed(tip, g.at(1.2*size, 0.1*size), g.at(2*size, 0.9*size)))
	if g.IntN(2) == 0 {
		b = append(b, geo.Polygon{closed(g.at(size, size), g.at(0.8*size, 2*size), g.at(0.1*size, 1.4*size))})
		b[0][0] = closed(g.at(size, size), b[0][0][1], b[0][0][2])
	}
	return a, b
}
