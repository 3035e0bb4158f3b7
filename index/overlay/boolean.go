package overlay

import (
	"context"

	"gengtu/index/geo"
)

// Intersection returns the ground that a and b share, in the canonical form of
// [Mend]; nil if they share none.
//
// a and b are mended first if they need it. Positions are CGCS2000 (EPSG:4490);
// crossings are rounded to the grid of 1e-10 degree and all other positions stay where
// they are, but for those within half a unit of another border. The result's area
// is compared with [SharedArea], and its areas of record are to be taken from there or
// from [Measure], never from the rounded geometry.
//
// Errors are those of [Mend].
func Intersection(a, b geo.MultiPolygon) (geo.MultiPolygon, error) {
	m, err := NewMask(a)
	if err != nil {
		return nil, err
	}
	return m.Piece(b)
}

// Union returns the ground of a and b together; otherwise as [Intersection].
func Union(a, b geo.MultiPolygon) (geo.MultiPolygon, error) {
	return Dissolve(context.Background(), []geo.MultiPolygon{a, b})
}

// Difference returns the ground of a that is not b's; otherwise as [Intersection].
func Difference(a, b geo.MultiPolygon) (geo.MultiPolygon, error) {
	a, err := mended(a)
	if err != nil {
		return nil, err
	}
	b, err = mended(b)
	if err != nil {
		return nil, err
	}
	box := a.Box()
	if !box.Intersects(b.Box()) {
		return a, nil
	}
	p := newPlane(box)
	o := operation{first: a, second: near(b, box), wanted: inFirstOnly, area: p.area(a) - SharedArea(a, b)}
	return o.region()
}

// Dissolve returns the ground of all of ms together: borders between them go,
// ground that several cover counts once. Otherwise as [Intersection]; the area
// is compared with what [Measure] finds. ctx stops the measuring.
func Dissolve(ctx context.Context, ms []geo.MultiPolygon) (geo.MultiPolygon, error) {
	var all geo.MultiPolygon
	items := make([]Item, 0, len(ms))
	box := geo.EmptyBox()
	for _, m := range ms {
		m, err := mended(m)
		if err != nil {
			return nil, err
		}
		all = append(all, m...)
		items = append(items, Item{Group: NoGroup, Geometry: m})
		box = box.Union(m.Box())
	}
	if box.Empty() {
		return nil, ctx.Err()
	}
	r, err := Measure(ctx, geo.MultiPolygon{box.Polygon()}, items, Options{})
	if err != nil {
		return nil, err
	}
	o := operation{first: all, wanted: inEither, area: r.Layers[0].Area}
	return o.region()
}

// mended returns m mended, without the findings.
func mended(m geo.MultiPolygon) (geo.MultiPolygon, error) {
	m, _, err := Mend(m)
	return m, err
}

// Mask is an AOI that pieces are cut with, many times. It is not changed after
// [NewMask] and may be used by several goroutines at once.
type Mask struct {
	geometry geo.MultiPolygon
	box      geo.Box
}

// NewMask mends aoi and returns it as a mask. Errors are those of [Mend].
func NewMask(aoi geo.MultiPolygon) (*Mask, error) {
	m, err := mended(aoi)
	if err != nil {
		return nil, err
	}
	return &Mask{m, m.Box()}, nil
}

// Geometry returns the mended AOI; it must not be changed.
func (m *Mask) Geometry() geo.MultiPolygon { return m.geometry }

// Piece returns what of g lies in the mask, as [Intersection] does.
func (m *Mask) Piece(g geo.MultiPolygon) (geo.MultiPolygon, error) {
	g, err := mended(g)
	if err != nil {
		return nil, err
	}
	box := g.Box()
	if !box.Intersects(m.box) {
		return nil, nil
	}
	a, b := near(m.geometry, box), near(g, m.box)
	if len(a) == 0 || len(b) == 0 {
		return nil, nil
	}
	o := operation{first: a, second: b, wanted: inBoth, area: SharedArea(m.geometry, g)}
	return o.region()
}

// near returns m with everything that is far outside of box drawn together: where
// a ring runs through several positions beyond the same side of box, it goes
// straight from the first to the last of them. Winding numbers within box, and
// the edges that reach into it, stay as they are; outside, the result may cross itself.
func near(m geo.MultiPolygon, box geo.Box) geo.MultiPolygon {
	if m.Vertices() <= 16 || box.Contains(m.Box()) {
		return m
	}
	var out geo.MultiPolygon
	for _, p := range m {
		var q geo.Polygon
		for _, r := range p {
			if s := nearRing(r, box); len(s) > 3 {
				q = append(q, s)
			}
		}
		if len(q) > 0 {
			out = append(out, q)
		}
	}
	return out
}

func nearRing(r geo.Ring, box geo.Box) geo.Ring {
	out := make(geo.Ring, 0, len(r))
	for _, v := range r {
		n := len(out)
		if n >= 2 && beyond(v, box)&beyond(out[n-1], box)&beyond(out[n-2], box) != 0 {
			out[n-1] = v
			continue
		}
		out = append(out, v)
	}
	return out
}

// beyond returns one bit for each side of box that v lies beyond.
func beyond(v geo.Position, box geo.Box) int {
	bits := 0
	if v.Lon < box.Min.Lon {
		bits |= 1
	}
	if v.Lon > box.Max.Lon {
		bits |= 2
	}
	if v.Lat < box.Min.Lat {
		bits |= 4
	}
	if v.Lat > box.Max.Lat {
		bits |= 8
	}
	return bits
}
