package pairtest

import (
	"math"

	"gengtu/index/geo"
)

// crossing returns two stars, now and then with a hole.
func (g *generator) crossing() (a, b geo.MultiPolygon) {
	r := g.anySize(5, 2000)
	a = single(g.star(0, 0, r, 0.5, 6+g.IntN(40)))
	b = single(g.star(r*g.between(-1, 1), r*g.between(-1, 1), r*g.anySize(0.2, 2), 0.5, 6+g.IntN(40)))
	if g.IntN(3) == 0 {
		a[0] = append(a[0], reversed(g.star(0, 0, 0.35*r, 0.5, 5+g.IntN(10))))
	}
	return a, b
}

// net is a net of corners, each moved by up to 0.15 of a step, with wavy borders.
type net struct {
	g          *generator
	step, x, y float64
	across, up map[[2]int]geo.Ring
	corners    map[[2]int]geo.Position
}

func (g *generator) newNet(step, x, y float64) *net {
	return &net{g, step, x, y, map[[2]int]geo.Ring{}, map[[2]int]geo.Ring{}, map[[2]int]geo.Position{}}
}

func (n *net) corner(i, j int) geo.Position {
	k := [2]int{i, j}
	if _, ok := n.corners[k]; !ok {
		n.corners[k] = n.g.at(n.x+n.step*(float64(i)+n.g.between(-0.15, 0.15)), n.y+n.step*(float64(j)+n.g.between(-0.15, 0.15)))
	}
	return n.corners[k]
}

// line returns the border from a to b, drawn once.
func (n *net) line(drawn map[[2]int]geo.Ring, k [2]int, a, b geo.Position) geo.Ring {
	if drawn[k] == nil {
		const parts = 6
		r := geo.Ring{a}
		for i := 1; i < parts; i++ {
			f := float64(i) / parts
			r = append(r, geo.Position{
				Lon: a.Lon + int64(f*float64(b.Lon-a.Lon)+n.g.between(-1, 1)*n.step/40*n.g.perX),
				Lat: a.Lat + int64(f*float64(b.Lat-a.Lat)+n.g.between(-1, 1)*n.step/40*n.g.perY),
			})
		}
		drawn[k] = append(r, b)
	}
	return drawn[k]
}

// block returns the cells from i, j up to i+w, j+h as one ring.
func (n *net) block(i, j, w, h int) geo.Ring {
	var r geo.Ring
	add := func(line geo.Ring) { r = append(r, line[:len(line)-1]...) }
	for x := i; x < i+w; x++ {
		add(n.line(n.across, [2]int{x, j}, n.corner(x, j), n.corner(x+1, j)))
	}
	for y := j; y < j+h; y++ {
		add(n.line(n.up, [2]int{i + w, y}, n.corner(i+w, y), n.corner(i+w, y+1)))
	}
	for x := i + w - 1; x >= i; x-- {
		add(reversed(n.line(n.across, [2]int{x, j + h}, n.corner(x, j+h), n.corner(x+1, j+h))))
	}
	for y := j + h - 1; y >= j; y-- {
		add(reversed(n.line(n.up, [2]int{i, y}, n.corner(i, y), n.corner(i, y+1))))
	}
	return append(r, r[0])
}

// cells returns blocks of one net, one of them part of the other at times, or of two nets.
func (g *generator) cells() (a, b geo.MultiPolygon) {
	step := g.anySize(5, 500)
	n := g.newNet(step, 0, 0)
	a = single(g.turned(n.block(0, 0, 1+g.IntN(3), 1+g.IntN(2))))
	other := n
	if g.IntN(4) == 0 {
		other = g.newNet(step*g.between(0.5, 1.5), g.between(-step, step), g.between(-step, step))
	}
	return a, single(g.turned(other.block(g.IntN(4)-1, g.IntN(3)-1, 1+g.IntN(2), 1+g.IntN(2))))
}

// sturdy returns a star that stays simple when its vertices move by a metre.
func (g *generator) sturdy() geo.Ring {
	n := 6 + g.IntN(40)
	// The nearest vertices are 0.2 of a step apart at half the radius: 12 m or more.
	return g.star(0, 0, float64(n)*g.anySize(20, 200), 0.5, n)
}

func (g *generator) near() (a, b geo.MultiPolygon) {
	r := g.sturdy()
	size := int64(g.anySize(1, 1e5))
	return single(r), single(g.turned(moved(r, g.noise(size))))
}

func (g *generator) shifted() (a, b geo.MultiPolygon) {
	r := g.sturdy()
	x, y := g.units(), g.units()
	return single(r), single(g.turned(moved(r, func() (lon, lat int64) { return x, y })))
}

// pivot moves one vertex in four by one or a few units: an edge of L metres then
// leaves its twin at an angle of 1e-5/L, and stays within 1 nm for 0.1 mm or more.
func (g *generator) pivot() (a, b geo.MultiPolygon) {
	r := g.sturdy()
	few := g.noise(1 + g.Int64N(3))
	return single(r), single(moved(r, func() (lon, lat int64) {
		if g.IntN(4) > 0 {
			return 0, 0
		}
		return few()
	}))
}

// strip returns a strip of n edges a side, length metres long at an angle of a
// fraction t of a turn, whose other side is moved by w units.
func (g *generator) strip(x, y, length, t float64, n int, w int64) geo.Ring {
	s, c := math.Sincos(2 * math.Pi * t)
	var low, high geo.Ring
	for i := range n + 1 {
		d := length * (float64(i)/float64(n) - 0.5)
		bump := 0.02 * length / float64(n) * g.Float64()
		v := g.at(x+d*c-bump*s, y+d*s+bump*c)
		low = append(low, v)
		// Across the strip, whichever way it runs.
		high = append(high, geo.Position{Lon: v.Lon - int64(math.Round(s*float64(w))), Lat: v.Lat + int64(math.Round(c*float64(w)))})
	}
	return closed(append(low, reversed(high)...)...)
}

// sliver returns strips of any width, at angles where a width of one unit is one.
func (g *generator) sliver(x, y, length, t float64) geo.Ring {
	return g.strip(x, y, length, t, 1+g.IntN(8), 2+int64(g.anySize(1, 1e5)))
}

func (g *generator) slivers() (a, b geo.MultiPolygon) {
	length := g.anySize(20, 2000)
	t := g.Float64()
	a = single(g.sliver(0, 0, length, t))
	switch g.IntN(3) {
	case 0: // across
		return a, single(g.sliver(0, 0, length, t+g.between(0.1, 0.4)))
	case 1: // nearly along
		return a, single(g.sliver(0, 0, length*g.between(0.5, 1), t+g.between(-1e-6, 1e-6)))
	default: // along the border of a field
		return a, single(g.strip(0, 0, length*0.9, t, 1+g.IntN(8), int64(length/4*g.perY)))
	}
}

// needles returns a star whose every other vertex lies near the centre.
func (g *generator) needles(x, y, radius float64, n int) geo.Ring {
	var r geo.Ring
	inner := radius * g.anySize(1e-3, 0.3)
	for i := range 2 * n {
		t := (float64(i) + 0.3*g.Float64()) / float64(2*n)
		d := inner
		if i%2 == 0 {
			d = radius * g.between(0.7, 1)
		}
		r = append(r, g.polar(x, y, d, t))
	}
	return append(r, r[0])
}

func (g *generator) stars() (a, b geo.MultiPolygon) {
	radius := g.anySize(20, 1000)
	a = single(g.needles(0, 0, radius, 3+g.IntN(14)))
	if g.IntN(2) == 0 {
		return a, single(g.needles(0, 0, radius*g.anySize(0.3, 1), 3+g.IntN(14)))
	}
	r := g.needles(0, 0, radius*g.between(0.3, 1), 3+g.IntN(14))
	tip := a[0][0][0]
	dx, dy := tip.Lon-r[0].Lon, tip.Lat-r[0].Lat
	return a, single(moved(r, func() (lon, lat int64) { return dx, dy }))
}

// comb returns a comb of n teeth of width and gap one step, from a back at y
// between -1 and 0 to tips at y = height; the edges of teeth lean by lean.
func (g *generator) comb(step, height, lean float64, n int) geo.Ring {
	r := geo.Ring{g.at(0, -step), g.at(float64(2*n-1)*step, -step)}
	for i := n - 1; i >= 0; i-- {
		left, right := float64(2*i)*step, float64(2*i+1)*step
		r = append(r, g.at(right+lean, height), g.at(left+lean, height))
		if i > 0 {
			r = append(r, g.at(left, 0), g.at(left-step, 0))
		}
	}
	return closed(r...)
}

// combs turns the second comb upside down (by rotation, which keeps its
// direction), so that its teeth stand in the gaps of the first.
func (g *generator) combs() (a, b geo.MultiPolygon) {
	n := 2 + g.IntN(12)
	step := g.anySize(0.5, 50)
	height := step * g.between(2, 20)
	lean := step * g.between(-0.4, 0.4) * float64(g.IntN(2))
	r := g.comb(step, height, lean, n)
	far := g.at(float64(2*n)*step+lean, height)
	low := g.at(0, 0)
	dx, dy := g.units(), g.units()
	if g.IntN(3) == 0 { // half a step aside: the teeth cross
		dx += int64(step / 2 * g.perX)
	}
	s := make(geo.Ring, len(r))
	for i, v := range r {
		s[i] = geo.Position{Lon: far.Lon + low.Lon - v.Lon + dx, Lat: far.Lat + low.Lat - v.Lat + dy}
	}
	return single(r), single(s)
}

// rings returns n concentric rings, each well inside the one before it.
func (g *generator) rings(x, y, radius float64, n int) []geo.Ring {
	var rs []geo.Ring
	for range n {
		rs = append(rs, g.star(x, y, radius, 0.85, 16+g.IntN(16)))
		radius *= g.between(0.55, 0.75)
	}
	return rs
}

// target makes a multipolygon of concentric rings: shell, hole, shell and so on.
func target(rs []geo.Ring) geo.MultiPolygon {
	var m geo.MultiPolygon
	for i, r := range rs {
		if i%2 == 0 {
			m = append(m, geo.Polygon{r})
			continue
		}
		last := len(m) - 1
		m[last] = append(m[last], reversed(r))
	}
	return m
}

func (g *generator) nested() (a, b geo.MultiPolygon) {
	radius := g.anySize(10, 2000)
	rs := g.rings(0, 0, radius, 2+g.IntN(4))
	a = target(rs)
	switch g.IntN(3) {
	case 0: // the other rings of the same set
		return a, target(rs[1:])
	case 1: // the same, moved by units
		x, y := g.units(), g.units()
		var other []geo.Ring
		for _, r := range rs {
			other = append(other, moved(r, func() (lon, lat int64) { return x, y }))
		}
		return a, target(other)
	default:
		return a, target(g.rings(radius*g.between(-0.5, 0.5), radius*g.between(-0.5, 0.5), radius, 2+g.IntN(4)))
	}
}

// fillers returns a shape with several holes and what fills some of them: as
// it is, moved by units, or more than the hole.
func (g *generator) fillers() (a, b geo.MultiPolygon) {
	radius := 3 * g.anySize(40, 1000)
	a = single(g.star(0, 0, radius, 0.85, 12+g.IntN(24)))
	n := 1 + g.IntN(5)
	for i := range n {
		s, c := math.Sincos(2 * math.Pi * float64(i) / 5)
		hole := g.star(0.5*radius*c, 0.5*radius*s, 0.2*radius, 0.6, 5+g.IntN(12))
		a[0] = append(a[0], reversed(hole))
		switch g.IntN(4) {
		case 0:
			continue
		case 1:
			b = append(b, geo.Polygon{g.turned(hole)})
		case 2:
			x, y := g.units(), g.units()
			b = append(b, geo.Polygon{moved(hole, func() (lon, lat int64) { return x, y })})
		default:
			b = append(b, geo.Polygon{moved(hole, g.noise(int64(g.anySize(1, 3e4))))})
		}
	}
	if len(b) == 0 {
		b = single(g.star(0.1*radius, 0, 0.8*radius, 0.6, 20))
	}
	return a, b
}
