package pyramid

import (
	"slices"

	"gengtu/tileserver/mvt"
)

// outline is a ring around ground of one owner: a shell when area2, twice its
// area, is positive, or a hole.
type outline struct {
	owner    int32
	from, to int32 // in outlines.points
	area2    int64
}

// outlines collects rings and makes polygons of them. What it gives out is
// overwritten by the next tile.
type outlines struct {
	points []mvt.Point
	list   []outline

	order    []int32 // list by owner
	counts   []int32
	shells   []int32 // of one owner
	homes    []int32 // for each outline of one owner, its shell's number
	rings    []mvt.Ring
	polygons []mvt.Polygon
	features []mvt.Feature
}

func (o *outlines) reset() { o.points, o.list = o.points[:0], o.list[:0] }

// trace finds the simple rings around the ground of each owner. Arcs with the
// same owner on both hands vanish. A walk keeps its owner's ground beside it and
// takes the sharpest turn towards it at each node, and a loop that closes on the
// way is a ring of its own: so rings touch themselves nowhere, and what hangs
// together by a corner only becomes two polygons.
func (g *graph) trace(o *outlines) {
	ways := 2 * len(g.arcs)
	g.walked = slices.Grow(g.walked[:0], ways)[:ways]
	clear(g.walked)
	g.inLoop = zeroed(g.inLoop, len(g.nodes))
	// From here on ground is its owner's.
	for _, way := range g.fans {
		if len(g.sets.lists) == 0 {
			break // it is so already
		}
		if !g.arcs[way>>1].flips.empty() {
			g.labels[way] = g.sets.owner(g.labels[way])
		}
	}
	for i := range g.nodes {
		for _, way := range g.fans[g.starts[i]:g.stops[i]] {
			if owner := g.labels[way]; owner != none && owner != g.labels[way^1] && !g.walked[way] {
				g.walk(way, o)
			}
		}
	}
}

// walk goes along the border of the ground beside way, until it is there again.
func (g *graph) walk(way int32, o *outlines) {
	owner := g.labels[way]
	g.loop = g.loop[:0]
	for !g.walked[way] {
		g.walked[way] = true
		node := g.from(way)
		p := g.nodes[node].point()
		if k := g.inLoop[node]; uint32(k) < uint32(len(g.loop)) && g.loop[k] == p {
			o.add(owner, g.loop[k:])
			g.loop = g.loop[:k]
		}
		g.inLoop[node] = int32(len(g.loop))
		g.loop = append(g.loop, p)
		g.follow(way)
		// At the next node the ground lies before the way back, by angle.
		to := g.to(way)
		start, stop, at := g.starts[to], g.stops[to], g.places[way^1]
		for {
			if at == start {
				at = stop
			}
			at--
			if way = g.fans[at]; g.labels[way^1] != owner {
				break
			}
		}
	}
	o.add(owner, g.loop)
}

// follow appends the corners of a way between its ends to the loop.
func (g *graph) follow(way int32) {
	points := g.points(way >> 1)
	points = points[1 : len(points)-1]
	if way&1 == 0 {
		for _, n := range points {
			g.loop = append(g.loop, n.point())
		}
		return
	}
	for i := len(points) - 1; i >= 0; i-- {
		g.loop = append(g.loop, points[i].point())
	}
}

// add takes over the ring through points, without those in straight lines.
func (o *outlines) add(owner int32, points []mvt.Point) {
	from := len(o.points)
	before, p := points[len(points)-2], points[len(points)-1]
	for _, next := range points {
		if cross(mvt.Point{X: p.X - before.X, Y: p.Y - before.Y}, mvt.Point{X: next.X - p.X, Y: next.Y - p.Y}) != 0 {
			o.points = append(o.points, p)
		}
		before, p = p, next
	}
	ring := mvt.Ring(o.points[from:])
	o.list = append(o.list, outline{owner, int32(from), int32(len(o.points)), ring.Area2()})
}

func cross(u, v mvt.Point) int64 {
	return int64(u.X)*int64(v.Y) - int64(v.X)*int64(u.Y)
}

// drawn makes the polygons of all owners, in the order of their numbers.
func (o *outlines) drawn(features []*loaded) []mvt.Feature {
	o.sort(len(features))
	o.rings = slices.Grow(o.rings[:0], len(o.list))
	o.polygons = slices.Grow(o.polygons[:0], len(o.list))
	o.features = o.features[:0]
	for i := 0; i < len(o.order); {
		owner, from := o.list[o.order[i]].owner, i
		for i < len(o.order) && o.list[o.order[i]].owner == owner {
			i++
		}
		l := features[owner]
		o.features = append(o.features, mvt.Feature{ID: l.ID, Row: l.row, Tags: l.Tags, Polygons: o.assemble(o.order[from:i])})
	}
	return o.features
}

// sort puts the numbers of the outlines into order, by owner and, within it, as
// they were found.
func (o *outlines) sort(owners int) {
	o.counts = zeroed(o.counts, owners+1)
	for i := range o.list {
		o.counts[o.list[i].owner]++
	}
	sum := int32(0)
	for i, n := range o.counts {
		sum += n
		o.counts[i] = sum
	}
	o.order = slices.Grow(o.order[:0], len(o.list))[:len(o.list)]
	for i := len(o.list) - 1; i >= 0; i-- {
		owner := o.list[i].owner
		o.counts[owner]--
		o.order[o.counts[owner]] = int32(i)
	}
}

// assemble gives each hole to the smallest shell around it.
func (o *outlines) assemble(list []int32) []mvt.Polygon {
	o.shells, o.homes = o.shells[:0], o.homes[:0]
	for _, i := range list {
		if o.list[i].area2 > 0 {
			o.shells = append(o.shells, i)
		}
	}
	for _, i := range list {
		o.homes = append(o.homes, o.home(i))
	}
	first := len(o.polygons)
	for _, s := range o.shells {
		from := len(o.rings)
		o.rings = append(o.rings, o.ring(s))
		for k, i := range list {
			if i != s && o.homes[k] == s {
				o.rings = append(o.rings, o.ring(i))
			}
		}
		o.polygons = append(o.polygons, o.rings[from:len(o.rings):len(o.rings)])
	}
	return o.polygons[first:len(o.polygons):len(o.polygons)]
}

func (o *outlines) ring(i int32) mvt.Ring {
	l := &o.list[i]
	return o.points[l.from:l.to:l.to]
}

// home returns the shell that outline i belongs to: itself, or the smallest
// around it. A hole always has one.
func (o *outlines) home(i int32) int32 {
	if o.list[i].area2 > 0 {
		return i
	}
	if len(o.shells) == 1 {
		return o.shells[0]
	}
	best := int32(none)
	for _, s := range o.shells {
		if a := o.list[s].area2; a > -o.list[i].area2 && (best == none || a < o.list[best].area2) && surrounds(o.ring(s), o.ring(i)) {
			best = s
		}
	}
	return best
}

// surrounds tells whether the middle of an edge of hole, which lies on no edge of
// shell, lies inside shell. Coordinates are doubled.
func surrounds(shell, hole mvt.Ring) bool {
	p := mvt.Point{X: hole[0].X + hole[1].X, Y: hole[0].Y + hole[1].Y}
	inside := false
	for i, a := range shell {
		b := shell[(i+1)%len(shell)]
		a, b = mvt.Point{X: 2 * a.X, Y: 2 * a.Y}, mvt.Point{X: 2 * b.X, Y: 2 * b.Y}
		if (a.Y > p.Y) == (b.Y > p.Y) {
			continue
		}
		side := cross(mvt.Point{X: b.X - a.X, Y: b.Y - a.Y}, mvt.Point{X: p.X - a.X, Y: p.Y - a.Y})
		if (b.Y > a.Y) == (side > 0) {
			inside = !inside
		}
	}
	return inside
}
