package overlay

import "gengtu/index/geo"

// Side is where a box lies with respect to a prepared shape.
type Side int8

// What [Prepared.Side] answers.
const (
	Outside Side = iota
	Inside
	Across
)

// Prepared is a polygon made ready to be measured against many features. It is
// not changed after [Prepare] and may be used by several goroutines at once.
type Prepared struct {
	plane   geo.EqualAreaPlane
	box     geo.Box
	outline Outline
}

// Workspace is the working memory of [Prepared.Shared], one for each goroutine.
// The zero value is ready.
type Workspace struct {
	view    View
	seen    seen
	kernel  Kernel
	outline Outline
}

// Prepare returns aoi prepared. aoi must be valid and directed, shells
// counter-clockwise and holes clockwise, as [Mend] returns it. It is neither
// changed nor kept.
func Prepare(aoi geo.MultiPolygon) *Prepared {
	box := aoi.Box()
	p := &Prepared{box: box, plane: newPlane(box).EqualAreaPlane}
	o := &p.outline
	o.begin(&p.plane)
	o.edges = make([]chord, 0, aoi.Vertices())
	for _, poly := range aoi {
		for _, r := range poly {
			o.appendRing(&p.plane, r)
		}
	}
	o.grow()
	o.finish(&p.plane)
	o.leaves, o.rings = nil, nil
	return p
}

// Area returns the shape's own area in m².
func (p *Prepared) Area() float64 { return p.outline.Area() }

// Box returns the box around the shape.
func (p *Prepared) Box() geo.Box { return p.box }

// Side tells where box lies: Inside or Outside only when that is certain for the
// closed box, otherwise Across.
func (p *Prepared) Side(box geo.Box) Side {
	if box.Empty() || p.box.Empty() || !box.Intersects(p.box) {
		return Outside
	}
	b := sighting{box: box, plane: &p.plane}
	if len(p.outline.nodes) > 0 && b.meets(&p.outline, 0) {
		return Across
	}
	return b.side()
}

// sightMargin, m, is far more than an edge's ordinate can be wrong by: about
// 3e-16 of the edge's height.
const sightMargin = 1e-6

// sighting looks from a box upwards.
type sighting struct {
	box     geo.Box
	plane   *geo.EqualAreaPlane
	winding int // how often an outline lies around the box, when none of it meets it
}

// meets tells whether an edge of chain i of o may meet the box, and otherwise
// counts the chain.
func (s *sighting) meets(o *Outline, i int32) bool {
	c := &o.nodes[i]
	switch {
	case c.x1 < s.box.Min.Lon || c.x0 > s.box.Max.Lon || c.high < s.box.Min.Lat:
		return false
	case c.low > s.box.Max.Lat:
		s.pass(c.start, c.end)
		return false
	case c.next < 0:
		return s.meets(o, i+1) || s.meets(o, -c.next)
	}
	return s.meetsAny(o.edges[c.first:c.next])
}

// meetsAny tells whether one of edges may meet the box, and otherwise counts them.
func (s *sighting) meetsAny(edges []chord) bool {
	known, low, high := false, 0.0, 0.0 // most boxes lie beside all edges
	for n := range edges {
		e := &edges[n]
		x0, x1 := max(e.x0, s.box.Min.Lon), min(e.x1, s.box.Max.Lon)
		if x0 > x1 || e.high < s.box.Min.Lat {
			continue
		}
		if e.low <= s.box.Max.Lat {
			if !known {
				known = true
				low, high = s.plane.To(clamped(s.box.Min)).Y-sightMargin, s.plane.To(clamped(s.box.Max)).Y+sightMargin
			}
			y0, y1 := e.y0+e.slope*float64(x0-e.x0), e.y0+e.slope*float64(x1-e.x0)
			if e.x0 == e.x1 || max(y0, y1) >= low && min(y0, y1) <= high {
				return true
			}
			if y0 < low {
				continue
			}
		}
		s.pass(e.ends())
	}
	return false
}

// side tells where the box lies, when nothing meets it.
func (s *sighting) side() Side {
	if s.winding == 1 {
		return Inside
	}
	return Outside
}

// pass counts what runs above the box from start to end.
func (s *sighting) pass(start, end int64) {
	if start <= s.box.Min.Lon && s.box.Min.Lon < end {
		s.winding--
	} else if end <= s.box.Min.Lon && s.box.Min.Lon < start {
		s.winding++
	}
}

// Shared returns the area, in m², that the polygon of rings r shares with the
// shape. r is directed as features are stored; it is neither changed nor kept. w
// is working memory that no other goroutine uses meanwhile.
func (p *Prepared) Shared(w *Workspace, r *geo.Rings) float64 {
	f := &w.seen
	if len(p.outline.nodes) == 0 || !f.see(&p.plane, r) {
		return p.byTree(w, r)
	}
	v := &w.view
	v.look(p, geo.Box{Min: geo.Position{Lon: f.x0, Lat: f.low}, Max: geo.Position{Lon: f.x1, Lat: f.high}})
	if v.few {
		return v.shared(f)
	}
	return p.byTree(w, r)
}

// byTree is Shared by the trees of chains of both, which is for features that see
// much of the shape.
func (p *Prepared) byTree(w *Workspace, r *geo.Rings) float64 {
	w.outline.Load(&p.plane, r)
	return w.kernel.Shared(&p.outline, &w.outline)
}
