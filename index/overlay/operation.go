package overlay

import (
	"context"
	"errors"
	"math"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// operation is a region to be built from polygons, and the area it must have.
type operation struct {
	reading       reading
	first, second geo.MultiPolygon
	wanted        region
	area          float64 // m²
}

// bends are what a region is tried with in turn.
var bends = [...]refinement{refineWhereNeeded, refineAll}

// region returns the ground of o, canonical, if its area is as it must be.
//
// Edges bend between the equal-area plane, where they are straight, and the grid, where
// the result is read: by 7 units over 70 m and by 1.6 m over 10 km. Those that
// have something else on the ground between the two get points; should the area
// be wrong all the same, then all do.
func (o *operation) region(ctx context.Context) (geo.MultiPolygon, error) {
	var err error
	for _, r := range bends {
		var out geo.MultiPolygon
		out, err = o.build(ctx, func(s *arrangement) error { return s.divide(r) })
		if err != nil {
			return nil, err
		}
		if err = o.weigh(out); err == nil {
			return out, nil
		}
	}
	return nil, err
}

// weigh returns an error unless out has the area that it must have.
func (o *operation) weigh(out geo.MultiPolygon) error {
	if len(out) > 0 {
		// Most have it without regard to how long their border is.
		if p := newPlane(out.Box()); math.Abs(p.area(out)-o.area) <= guardArea {
			return nil
		}
	}
	// Nothing that counts lies outside of the box that both have.
	box, within := o.first.Box(), o.first.Box()
	if o.second != nil {
		second := o.second.Box()
		box, within = box.Union(second), intersectBoxes(box, second)
	}
	length := lengthWithin(o.first, box)
	if o.second != nil {
		length = lengthWithin(o.first, within) + lengthWithin(o.second, within)
	}
	return weighArea(out, o.area, length, box)
}

// errArea says that a result has not the area that it must have.
var errArea = errors.New("overlay: a result has the wrong area")

// weighArea returns an error unless out has the area wanted, in m², as nearly as
// border of that length, in m, lets it be.
func weighArea(out geo.MultiPolygon, wanted, length float64, box geo.Box) error {
	at := box
	if len(out) > 0 {
		at = out.Box()
	}
	p := newPlane(at)
	got := p.area(out)
	if math.Abs(got-wanted) <= guardArea+guardWidth*length {
		return nil
	}
	corner := at.Min.LonLat()
	return problem.New("OVERLAY_AREA",
		"叠加结果面积为 %.4f 平方米，应为 %.4f（范围西南角 %.7f, %.7f）",
		"the result of an overlay has %.4f m², not the %.4f measured (south-west corner %.7f, %.7f)",
		got, wanted, corner.Lon, corner.Lat).
		Advise("请检查该处几何，并报告此问题", "check the geometry there, and report this").Because(errArea)
}

// build returns the ground of o, its segments divided by divide.
func (o *operation) build(ctx context.Context, divide func(*arrangement) error) (geo.MultiPolygon, error) {
	s := newArrangement(ctx, o.reading)
	defer s.release()
	s.fair = o.second != nil && o.reading == windings
	s.add(o.first, operandA)
	s.add(o.second, operandB)
	return s.ground(divide, o.wanted)
}

// ground returns the wanted ground of s, after divide.
func (s *arrangement) ground(divide func(*arrangement) error, wanted region) (geo.MultiPolygon, error) {
	if err := divide(s); err != nil {
		return nil, err
	}
	bounds, err := s.border(wanted)
	if err != nil {
		return nil, err
	}
	return s.tracer.trace(bounds, s.sweep.places), nil
}

// The tolerance of the comparison, in m²: a square of 3 cm, and for each metre
// of the operands' borders one unit of the grid, by which a vertex may have moved.
const (
	guardArea  = 1e-3
	guardWidth = 1.2e-5
)

// metresPerUnit is the length in m of a unit of latitude, and at the equator of longitude.
const metresPerUnit = 111_320 / geo.Unit

// lengthWithin returns the length in m, to 1 %, of m's edges whose boxes reach into box.
func lengthWithin(m geo.MultiPolygon, box geo.Box) float64 {
	if box.Empty() {
		return 0
	}
	shrink := cosine(box.Min.Lat/2 + box.Max.Lat/2)
	t := 0.0
	for _, p := range m {
		for _, r := range p {
			for i := 1; i < len(r); i++ {
				a, b := r[i-1], r[i]
				if beyond(a, box)&beyond(b, box) == 0 {
					x, y := float64(b.Lon-a.Lon)*shrink, float64(b.Lat-a.Lat)
					t += math.Sqrt(x*x + y*y)
				}
			}
		}
	}
	return t * metresPerUnit
}

// length returns the length of the segments in m, to 1 %.
func (s *arrangement) length() float64 {
	t := 0.0
	for i := range s.segments {
		g := &s.segments[i]
		x, y := float64(g.q.Lon-g.p.Lon)*cosine(g.p.Lat), float64(g.q.Lat-g.p.Lat)
		t += math.Sqrt(x*x + y*y)
	}
	return t * metresPerUnit
}

func cosine(lat int64) float64 { return math.Cos(float64(lat) / geo.Unit * math.Pi / 180) }
