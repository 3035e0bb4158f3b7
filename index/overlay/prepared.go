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
	kernel  Kernel
	outline Outline
}

// Prepare returns aoi prepared. aoi must be valid and directed, shells
// counter-clockwise and holes clockwise, as [Mend] returns it. It is neither
// changed nor kept.
func Prepare(aoi geo.MultiPolygon) *Prepared {
	p := &Prepared{box: aoi.Box(), plane: newPlane(aoi.Box()).EqualAreaPlane}
	var r geo.Rings
	r.Append(aoi)
	p.outline.Load(&p.plane, &r)
	return p
}

// Area returns the shape's own area in m².
func (p *Prepared) Area() float64 { return p.outline.area }

// Box returns the box around the shape.
func (p *Prepared) Box() geo.Box { return p.box }

// Side tells where box lies: Inside or Outside only when that is certain for the
// closed box, otherwise Across.
func (p *Prepared) Side(box geo.Box) Side {
	if box.Empty() || p.box.Empty() || !box.Intersects(p.box) {
		return Outside
	}
	low, high := p.plane.To(clamped(box.Min)).Y, p.plane.To(clamped(box.Max)).Y
	winding := 0.0
	for i := range p.outline.edges {
		e := &p.outline.edges[i]
		if e.x0 > box.Max.Lon {
			break
		}
		if e.x1 < box.Min.Lon || e.y0 < low && e.y1 < low {
			continue
		}
		if e.y0 <= high || e.y1 <= high {
			return Across
		}
		if e.x0 <= box.Min.Lon && e.x1 > box.Min.Lon {
			winding += e.sign
		}
	}
	if winding == 1 {
		return Inside
	}
	return Outside
}

// Shared returns the area, in m², that the polygon of rings r shares with the
// shape. r is directed as features are stored; it is neither changed nor kept. w
// is working memory that no other goroutine uses meanwhile.
func (p *Prepared) Shared(w *Workspace, r *geo.Rings) float64 {
	w.outline.Load(&p.plane, r)
	return w.kernel.Shared(&p.outline, &w.outline)
}
