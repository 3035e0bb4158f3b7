package overlay

import (
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

// bends are the limits, in units of latitude, that a region is tried with in turn, see
// [arrangement.divide]. Edges of up to 70 m bend by 7 units and need no points.
// Where edges of many kilometres cross at narrow angles, the bend decides what
// lies on which side, and they get points: first to 1 mm, then to the grid.
var bends = [...]float64{math.Inf(1), 100, 0.5}

// region returns the ground of o, canonical, if its area is as it must be.
func (o *operation) region() (geo.MultiPolygon, error) {
	var err error
	for _, bend := range bends {
		var out geo.MultiPolygon
		out, err = o.build(func(s *arrangement) error { return s.divide(bend) })
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
	box := o.first.Box().Union(o.second.Box())
	p := newPlane(box)
	tolerance := guardArea + guardWidth*(p.length(o.first)+p.length(o.second))
	got := p.area(out)
	if math.Abs(got-o.area) <= tolerance {
		return nil
	}
	at := box.Min.LonLat()
	return problem.New("OVERLAY_AREA",
		"叠加结果面积为 %.4f 平方米，应为 %.4f（范围西南角 %.7f, %.7f）",
		"the result of an overlay has %.4f m², not the %.4f measured (south-west corner %.7f, %.7f)",
		got, o.area, at.Lon, at.Lat).
		Advise("请检查该处几何，并报告此问题", "check the geometry there, and report this")
}

// build returns the ground of o, its segments divided by divide.
func (o *operation) build(divide func(*arrangement) error) (geo.MultiPolygon, error) {
	s := &arrangement{reading: o.reading}
	s.add(o.first, operandA)
	s.add(o.second, operandB)
	if err := divide(s); err != nil {
		return nil, err
	}
	bounds, err := s.border(o.wanted)
	if err != nil {
		return nil, err
	}
	return trace(bounds), nil
}

// The tolerance of the comparison, in m²: a square of 3 cm, and for each metre
// of the operands' borders one unit of the grid, by which a vertex may have moved.
const (
	guardArea  = 1e-3
	guardWidth = 1.2e-5
)
