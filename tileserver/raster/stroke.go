package raster

import (
	"image"
	"math"

	"gengtu/tileserver/mvt"
)

// chain is a piece of outline in pixels. A closed one goes back from its last
// point to its first.
type chain struct {
	pts    []point
	closed bool
	box    box
}

// mitreLimit is the sharpest turn, as the cosine of the angle between two edges,
// that gets a pointed corner: at 120° the point is one line width away.
const mitreLimit = -0.5

// minStep is the length in pixels below which an edge of an outline is joined
// with the next: its direction is that of rounding.
const minStep = 0.1

// outlines appends the outlines of the features of l. A border that two
// features share corner by corner is drawn once: drawn twice, its half-covered
// pixels would be darker than those of a border of one feature. width is in
// pixels, own what of the plane the tile's outlines are drawn in, see [beside].
func outlines(lines []chain, l *mvt.Layer, to Affine, own edges, width float64) []chain {
	n := 0
	for _, f := range l.Features {
		for _, poly := range f.Polygons {
			for _, ring := range poly {
				n += len(ring)
			}
		}
	}
	// An outline beyond the tile is seen inside by half of its width.
	t := tracer{lines: lines, to: to, seen: make(map[uint64]struct{}, n), within: own.reaching((width/2 + 1) / to.scale())}
	for _, f := range l.Features {
		for _, poly := range f.Polygons {
			for _, ring := range poly {
				t.trace(ring)
			}
		}
	}
	return t.lines
}

// tracer collects chains, in tile units until they are finished.
type tracer struct {
	lines  []chain
	to     Affine
	seen   map[uint64]struct{}
	within box     // of the outlines that are drawn, in tile units
	pts    []point // of the chain in hand
	head   []point // the first chain of the ring, when it may go on from its last
}

// trace adds the edges of ring that are to be seen and not drawn yet.
func (t *tracer) trace(ring mvt.Ring) {
	if len(ring) < 3 {
		return
	}
	t.pts, t.head = t.pts[:0], nil
	first := point{float64(ring[0].X), float64(ring[0].Y)}
	for i, p := range ring {
		q := ring[(i+1)%len(ring)]
		if p == q || alongCut(p, q) || !t.first(p, q) {
			continue
		}
		a, b, ok := clip(point{float64(p.X), float64(p.Y)}, point{float64(q.X), float64(q.Y)}, t.within)
		if !ok {
			continue
		}
		if n := len(t.pts); n == 0 || t.pts[n-1] != a {
			t.next(first)
			t.pts = append(t.pts, a)
		}
		t.pts = append(t.pts, b)
	}
	if n := len(t.pts); t.head != nil && n > 0 && t.pts[n-1] == t.head[0] {
		t.pts, t.head = append(t.pts, t.head[1:]...), nil
	}
	t.finish(t.head)
	t.finish(t.pts)
}

// next puts the chain in hand away: it is kept aside if it begins where the ring
// does, for the ring's last chain may lead to it.
func (t *tracer) next(first point) {
	if t.head == nil && len(t.pts) > 0 && t.pts[0] == first {
		t.head = append(t.head, t.pts...)
	} else {
		t.finish(t.pts)
	}
	t.pts = t.pts[:0]
}

// finish places a chain on the canvas and keeps it.
func (t *tracer) finish(pts []point) {
	if len(pts) < 2 {
		return
	}
	c := chain{closed: pts[0] == pts[len(pts)-1], box: emptyBox(), pts: make([]point, 0, len(pts))}
	if c.closed {
		pts = pts[:len(pts)-1]
	}
	for i, p := range pts {
		q := t.to.at(p.x, p.y)
		c.box = c.box.with(q)
		if n := len(c.pts); n > 0 && i < len(pts)-1 && math.Hypot(q.x-c.pts[n-1].x, q.y-c.pts[n-1].y) < minStep {
			continue
		}
		c.pts = append(c.pts, q)
	}
	t.lines = append(t.lines, c)
}

// alongCut tells whether an edge lies on the border of the tile's square or
// along it outside: there a shape was cut, and has no border of its own.
func alongCut(p, q mvt.Point) bool {
	return p.X == q.X && (p.X <= 0 || p.X >= mvt.Extent) || p.Y == q.Y && (p.Y <= 0 || p.Y >= mvt.Extent)
}

// first tells whether the edge p–q, in either direction, is asked for the first
// time. Edges too far out to be packed are always taken for new.
func (t *tracer) first(p, q mvt.Point) bool {
	if p.X > q.X || p.X == q.X && p.Y > q.Y {
		p, q = q, p
	}
	for _, v := range [4]int32{p.X, p.Y, q.X, q.Y} {
		if v != int32(int16(v)) {
			return true
		}
	}
	key := uint64(uint16(p.X))<<48 | uint64(uint16(p.Y))<<32 | uint64(uint16(q.X))<<16 | uint64(uint16(q.Y))
	if _, ok := t.seen[key]; ok {
		return false
	}
	t.seen[key] = struct{}{}
	return true
}

// edges tells at which sides of a tile another one of the same picture begins.
type edges struct{ west, north, east, south bool }

// beside finds the tiles that touch. What lies beyond a tile's side is in the one behind
// it, too: drawn by both, an outline there would be darker, and the side be seen.
func beside(tiles []Placed) []edges {
	type corner [2]int64 // in 1/64 pixels
	at := func(a Affine, x, y float64) corner {
		p := a.at(x, y)
		return corner{int64(math.Round(p.x * 64)), int64(math.Round(p.y * 64))}
	}
	there := make(map[corner]bool, len(tiles))
	for _, t := range tiles {
		there[at(t.To, 0, 0)] = true
	}
	out := make([]edges, len(tiles))
	for i, t := range tiles {
		out[i] = edges{there[at(t.To, -mvt.Extent, 0)], there[at(t.To, 0, -mvt.Extent)], there[at(t.To, mvt.Extent, 0)], there[at(t.To, 0, mvt.Extent)]}
	}
	return out
}

// reaching is the tile's square with so much more, in tile units, where no other begins.
func (e edges) reaching(more float64) box {
	beyond := func(other bool) float64 {
		if other {
			return 0
		}
		return more
	}
	return box{-beyond(e.west), -beyond(e.north), mvt.Extent + beyond(e.east), mvt.Extent + beyond(e.south)}
}

// clip returns the part of a–b in a rectangle (Liang and Barsky 1984), and whether there
// is one. Ends inside stay as they are.
func clip(a, b point, in box) (from, to point, ok bool) {
	if min(a.x, b.x) >= in.minX && min(a.y, b.y) >= in.minY && max(a.x, b.x) <= in.maxX && max(a.y, b.y) <= in.maxY {
		return a, b, true
	}
	t0, t1 := 0.0, 1.0
	dx, dy := b.x-a.x, b.y-a.y
	for _, side := range [4][2]float64{{-dx, a.x - in.minX}, {dx, in.maxX - a.x}, {-dy, a.y - in.minY}, {dy, in.maxY - a.y}} {
		p, q := side[0], side[1]
		switch {
		case p == 0 && q < 0:
			return a, b, false
		case p < 0:
			t0 = max(t0, q/p)
		case p > 0:
			t1 = min(t1, q/p)
		}
	}
	if t0 >= t1 {
		return a, b, false
	}
	from, to = a, b
	if t0 > 0 {
		from = point{a.x + dx*t0, a.y + dy*t0}
	}
	if t1 < 1 {
		to = point{a.x + dx*t1, a.y + dy*t1}
	}
	return from, to, true
}

// stroke paints the outlines of j within r.
func (b *block) stroke(c *Canvas, r image.Rectangle, j job) {
	var at image.Rectangle
	// A pointed corner reaches out by one width.
	grown := func(b box) box { return box{b.minX - j.width, b.minY - j.width, b.maxX + j.width, b.maxY + j.width} }
	for _, l := range j.lines {
		at = at.Union(grown(l.box).pixels(r))
	}
	if at.Empty() {
		return
	}
	b.path.reset(at)
	dash := make([]float64, len(j.layer.Line.Dash))
	period := 0.0
	for i, d := range j.layer.Line.Dash {
		dash[i] = d * j.width
		period += dash[i]
	}
	for _, l := range j.lines {
		if grown(l.box).pixels(at).Empty() {
			continue
		}
		// Dashes finer than a pixel are a solid line to the eye.
		if period < 1 {
			b.path.stroke(l, j.width/2)
			continue
		}
		for _, piece := range l.dashes(dash) {
			b.path.stroke(piece, j.width/2)
		}
	}
	b.path.draw(&b.mask)
	opacity := alphaOf(j.layer.Line.Opacity.At(c.look.Zoom))
	for y := at.Min.Y; y < at.Max.Y; y++ {
		mask := b.mask.Pix[(y-at.Min.Y)*b.mask.Stride:][:at.Dx()]
		pix := c.img.Pix[c.img.PixOffset(at.Min.X, y):]
		for x, m := range mask {
			if m > 0 {
				over(pix[4*x:4*x+4:4*x+4], j.layer.Line.Color, div255(uint32(m)*opacity))
			}
		}
	}
}

// dashes cuts c into the dashes of pattern, lengths in pixels of lines and gaps
// in turn, beginning with a line at the chain's first point.
func (c chain) dashes(pattern []float64) []chain {
	var out []chain
	part, left := 0, pattern[0]
	cur := []point{c.pts[0]}
	n := len(c.pts)
	if c.closed {
		n++
	}
	for i := 1; i < n; i++ {
		a, b := c.pts[i-1], c.pts[i%len(c.pts)]
		length := math.Hypot(b.x-a.x, b.y-a.y)
		done := 0.0
		for length-done > left {
			done += left
			p := point{a.x + (b.x-a.x)*done/length, a.y + (b.y-a.y)*done/length}
			if part%2 == 0 {
				out = append(out, chain{pts: append(cur, p)})
			}
			cur = []point{p}
			part = (part + 1) % len(pattern)
			left = pattern[part]
		}
		left -= length - done
		cur = append(cur, b)
	}
	if part%2 == 0 && len(cur) > 1 {
		out = append(out, chain{pts: cur})
	}
	return out
}

// stroke adds a line of half its width to both sides of c: one quad for each
// edge, cut where two edges meet along the line through the corner, so that they
// share no pixel twice. Where an edge is too short for that, or the turn too
// sharp, the quads end square and the corner's outer side is round. Open
// ends are square, at the last point.
func (p *path) stroke(c chain, half float64) {
	n := len(c.pts)
	if n < 2 {
		return
	}
	edges := n - 1
	if c.closed && n > 2 {
		edges = n
	}
	at := func(i int) point { return c.pts[(i+n)%n] }
	var in corner
	if edges == n {
		in = join(at(-1), at(0), at(1), half)
	} else {
		in = square(at(0), at(1), half)
	}
	for i := range edges {
		var out corner
		if edges == n || i < edges-1 {
			out = join(at(i), at(i+1), at(i+2), half)
		} else {
			out = square(at(i), at(i+1), half)
		}
		p.line(in.leftOut, out.leftIn)
		p.line(out.rightIn, in.rightOut)
		// Where two quads meet along one line they need not be parted.
		if in.apart {
			p.line(in.rightOut, in.leftOut)
		}
		if out.apart {
			p.line(out.leftIn, out.rightIn)
			if edges == n || i < edges-1 {
				p.fillWedge(at(i+1), out)
			}
		}
		in = out
	}
}

// corner is where the borders of a line lie at one of its points: left and right
// of the edge that comes in and of the edge that goes out. The two are apart
// where both edges end square, and at a line's ends.
type corner struct {
	leftIn, rightIn, leftOut, rightOut point
	apart                              bool
}

// normal returns the unit vector to the left of a–b on a screen with y down.
func normal(a, b point) (n point, length float64) {
	dx, dy := b.x-a.x, b.y-a.y
	length = math.Hypot(dx, dy)
	if length == 0 {
		return point{}, 0
	}
	return point{dy / length, -dx / length}, length
}

// square is the corner at either end of the single edge a–b: the offsets apply
// to a when it goes out and to b when it comes in.
func square(a, b point, half float64) corner {
	n, _ := normal(a, b)
	return corner{
		leftOut: point{a.x + n.x*half, a.y + n.y*half}, rightOut: point{a.x - n.x*half, a.y - n.y*half},
		leftIn: point{b.x + n.x*half, b.y + n.y*half}, rightIn: point{b.x - n.x*half, b.y - n.y*half},
		apart: true,
	}
}

// join is the corner at b between the edges a–b and b–c.
func join(a, b, c point, half float64) corner {
	n1, l1 := normal(a, b)
	n2, l2 := normal(b, c)
	cos, sin := n1.x*n2.x+n1.y*n2.y, n1.x*n2.y-n1.y*n2.x
	if cos > mitreLimit && half*math.Abs(sin) <= min(l1, l2)*(1+cos) {
		m := half / (1 + cos)
		left := point{b.x + (n1.x+n2.x)*m, b.y + (n1.y+n2.y)*m}
		right := point{b.x - (n1.x+n2.x)*m, b.y - (n1.y+n2.y)*m}
		return corner{left, right, left, right, false}
	}
	return corner{
		leftIn: point{b.x + n1.x*half, b.y + n1.y*half}, rightIn: point{b.x - n1.x*half, b.y - n1.y*half},
		leftOut: point{b.x + n2.x*half, b.y + n2.y*half}, rightOut: point{b.x - n2.x*half, b.y - n2.y*half},
		apart: true,
	}
}

// maxArc is the greatest angle, in radians, of a chord of a round corner: with
// it the chord of a line of 8 pixels is 0.1 pixels from its arc.
const maxArc = 0.45

// fillWedge adds the sector between the square ends of two edges, on the outer
// side of the corner at b, in the direction of the quads.
func (p *path) fillWedge(b point, c corner) {
	l, m := c.leftIn, c.leftOut
	if turn := (l.x-b.x)*(m.y-b.y) - (l.y-b.y)*(m.x-b.x); turn < 0 {
		// A turn to the left leaves the right side open.
		l, m = c.rightOut, c.rightIn
	}
	lx, ly, mx, my := l.x-b.x, l.y-b.y, m.x-b.x, m.y-b.y
	angle := math.Atan2(lx*my-ly*mx, lx*mx+ly*my)
	p.line(b, l)
	for steps := math.Ceil(angle / maxArc); steps > 1; steps-- {
		sin, cos := math.Sincos(angle / steps)
		next := point{b.x + lx*cos - ly*sin, b.y + lx*sin + ly*cos}
		p.line(l, next)
		angle -= angle / steps
		l, lx, ly = next, next.x-b.x, next.y-b.y
	}
	p.line(l, m)
	p.line(m, b)
}
