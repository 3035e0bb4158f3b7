package overlay

import (
	"context"
	"errors"
	"math"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// FillRule is how the number of times that rings wind round a place tells
// whether it is inside.
type FillRule int

const (
	// EvenOdd is how features are stored and AOIs are read: inside is what an odd
	// number of rings winds round, whichever way; as MakeValid's linework method.
	EvenOdd FillRule = iota
	// NonZero keeps ground that is covered twice: inside a ring is what it winds
	// round at all, inside a polygon what is inside its shell and in none of
	// its holes, inside a multipolygon what is inside a part; a hole that shares no
	// ground with its shell is a part. Which way a ring runs does not matter. It
	// is MakeValid's structure method.
	NonZero
)

// MendBy returns m as [Mend] does, read by rule. For valid polygons, and wherever
// nothing is wound round more than once, both rules give the same ground.
//
// Positions are CGCS2000 (EPSG:4490). The findings are those of Mend, which are
// the same for both rules. Each ring, each polygon and the whole are rounded to
// the grid in turn. Errors are those of Mend.
func MendBy(rule FillRule, m geo.MultiPolygon) (geo.MultiPolygon, []Finding, error) {
	out, found, err := Mend(m)
	if err != nil || rule == EvenOdd || len(found) == 0 {
		return out, found, err
	}
	var parts []geo.MultiPolygon
	for _, p := range m {
		if parts, err = appendFilled(parts, p); err != nil {
			return nil, nil, err
		}
	}
	out, err = filledUnion(parts)
	return out, found, err
}

// appendFilled appends the parts that p makes by [NonZero].
func appendFilled(parts []geo.MultiPolygon, p geo.Polygon) ([]geo.MultiPolygon, error) {
	if len(p) == 0 {
		return parts, nil
	}
	shell, err := filledRing(p[0])
	if err != nil {
		return nil, err
	}
	var holes []geo.MultiPolygon
	for _, r := range p[1:] {
		hole, err := filledRing(r)
		switch {
		case err != nil:
			return nil, err
		case SharedArea(shell, hole) > 0:
			holes = append(holes, hole)
		default:
			parts = append(parts, hole)
		}
	}
	if len(holes) > 0 {
		all, err := filledUnion(holes)
		if err != nil {
			return nil, err
		}
		if shell, err = Difference(shell, all); err != nil {
			return nil, err
		}
	}
	return append(parts, shell), nil
}

// filledUnion returns the union of polygons each of which is valid.
func filledUnion(ms []geo.MultiPolygon) (geo.MultiPolygon, error) {
	if len(ms) == 1 {
		return ms[0], nil
	}
	return Dissolve(context.Background(), ms)
}

// filledRing returns the ground that r winds round.
func filledRing(r geo.Ring) (geo.MultiPolygon, error) {
	if len(r) > 0 && r[0] != r[len(r)-1] {
		r = append(r[:len(r):len(r)], r[0])
	}
	var err error
	for _, bend := range bends {
		f := filling{ring: geo.MultiPolygon{{r}}, bend: bend}
		var out geo.MultiPolygon
		if out, err = f.region(f.wound); err != nil {
			return nil, err
		}
		if err = f.weigh(); err == nil {
			return out, nil
		}
	}
	return nil, err
}

// filling is a ring to be filled.
type filling struct {
	ring      geo.MultiPolygon
	bend      refinement
	low, high int32 // the least and the greatest winding number
}

func (f *filling) region(wanted region) (geo.MultiPolygon, error) {
	o := operation{reading: windings, first: f.ring, wanted: wanted}
	return o.build(context.Background(), func(s *arrangement) error { return s.divide(f.bend) })
}

// wound tells whether ground is wound round, and takes note of how often.
func (f *filling) wound(a, _ int32) bool {
	f.low, f.high = min(f.low, a), max(f.high, a)
	return a != 0
}

// weigh holds the winding numbers that the ring's ground was told apart by
// against two areas that know nothing of them: ∫w, the ring's own, which is the
// sum over the bits of w above and below 0, and that of the odd ones, from [Measure].
func (f *filling) weigh() error {
	p := newPlane(f.ring.Box())
	tolerance := guardArea + guardWidth*p.length(f.ring)
	left, odd := p.area(f.ring), 0.0
	weigh := func(most, sign int32) error {
		for bit := int32(1); bit <= most && bit > 0; bit <<= 1 {
			out, err := f.region(func(a, _ int32) bool { return a*sign > 0 && a*sign&bit != 0 })
			if err != nil {
				return err
			}
			area := p.area(out)
			left -= float64(sign*bit) * area
			if bit == 1 {
				odd += area
			}
		}
		return nil
	}
	if err := errors.Join(weigh(f.high, 1), weigh(-f.low, -1)); err != nil {
		return err
	}
	r, err := Measure(context.Background(), f.ring, nil, Options{Workers: 1})
	if err != nil {
		return err
	}
	off := max(math.Abs(left), math.Abs(odd-r.AOI))
	if off <= tolerance {
		return nil
	}
	at := f.ring.Box().Min.LonLat()
	return problem.New("OVERLAY_AREA",
		"按非零规则填充的环面积不符，差 %.4f 平方米（范围西南角 %.7f, %.7f）",
		"a ring filled by the non-zero rule does not have its area, by %.4f m² (south-west corner %.7f, %.7f)",
		off, at.Lon, at.Lat).
		Advise("请检查该处几何，并报告此问题", "check the geometry there, and report this")
}
