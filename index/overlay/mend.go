package overlay

import (
	"context"
	"slices"

	"gengtu/index/geo"
)

// Mend returns m as polygons that keep to the rules of OGC 06-103r4: closed
// shells that run counter-clockwise, holes that run clockwise inside of them,
// lines that neither cross nor run along each other, rings that touch in places
// only, an interior that hangs together.
//
// What is inside of m follows from the even-odd rule over all of its rings, as
// in MakeValid's linework method: where a ring crosses itself or parts overlap,
// ground that is covered twice is outside. What is given twice to the last
// position, a ring run round again, a hole or a part that comes again, counts once:
// it is a copy and no border. The result covers that ground but for the
// rounding of crossings to the grid of 1e-10 degree. The findings say what was
// wrong, and are empty if nothing was: then every position comes back where it was.
// Either way the result is in canonical form: each ring begins at its smallest
// position, and rings and polygons are in the order of these; so equal input
// gives equal bytes, and mending again changes nothing. A region without ground
// gives nil and a finding [NothingLeft].
//
// Positions are CGCS2000 (EPSG:4490). m is neither changed nor kept.
//
// Errors are a [*problem.Problem]: OVERLAY_RANGE for positions off the Earth,
// OVERLAY_TOO_COMPLEX for edges that cross each other by the million,
// OVERLAY_AREA if the result does not have the area that m was measured to have.
func Mend(m geo.MultiPolygon) (geo.MultiPolygon, []Finding, error) {
	if out, ok := fair(m); ok {
		return out, nil, nil
	}
	c := &checker{}
	if err := c.load(m); err != nil {
		return nil, nil, err
	}
	verdict, err := c.check()
	if err != nil {
		return nil, nil, err
	}
	if verdict == clean {
		same := canonical(c.polygons())
		i := insideOut(same)
		if i < 0 {
			return same, c.found.sorted(), nil
		}
		c.found.add(RingInsideOut, c.ids[0], same[i][0][0])
		c.crossed = true
	}
	r, err := Measure(context.Background(), c.polygons(), nil, Options{Workers: 1})
	if err != nil {
		return nil, nil, err
	}
	o := operation{reading: evenOdd, first: c.polygons(), wanted: inOdd, area: r.AOI}
	out, err := c.mend(&o, verdict)
	if err != nil {
		return nil, nil, err
	}
	if len(out) == 0 {
		c.found.add(NothingLeft, ringID{}, c.anyPosition())
	}
	return out, c.found.sorted(), nil
}

// mend returns the ground of o, which c has looked at.
func (c *checker) mend(o *operation, v verdict) (geo.MultiPolygon, error) {
	if c.crossed {
		return o.region(context.Background())
	}
	// Where nothing crosses, nothing needs to move.
	out, err := o.build(context.Background(), (*arrangement).divideExactly)
	if err != nil {
		return nil, err
	}
	if v == touching {
		if same := c.polygons(); sameRings(out, same) {
			return canonical(same), nil
		}
		c.blameTouch()
	}
	// A position on the middle of a long edge stands beside it in the equal-area
	// plane, where the edge is straight; region mends that with points.
	if o.weigh(out) != nil {
		return o.region(context.Background())
	}
	return out, nil
}

// sameRings tells whether a and b, the latter not canonical, are the same but for
// positions in the middle of straight lines.
func sameRings(a, b geo.MultiPolygon) bool {
	a, b = canonical(straightened(a)), canonical(straightened(b))
	return slices.EqualFunc(a, b, func(p, q geo.Polygon) bool {
		return slices.EqualFunc(p, q, func(r, s geo.Ring) bool { return slices.Equal(r, s) })
	})
}

// straightened returns a copy of m without the positions that lie exactly on the
// line between their neighbours.
func straightened(m geo.MultiPolygon) geo.MultiPolygon {
	out := make(geo.MultiPolygon, 0, len(m))
	for _, p := range m {
		q := make(geo.Polygon, 0, len(p))
		for _, r := range p {
			n := len(r) - 1
			s := make(geo.Ring, 0, len(r))
			for i := range n {
				prev, next := r[(i+n-1)%n], r[i+1]
				if cross(prev, r[i], next) != 0 || !between(prev, next, r[i]) {
					s = append(s, r[i])
				}
			}
			if len(s) == 0 {
				s = append(s, r[:n]...)
			}
			q = append(q, append(s, s[0]))
		}
		out = append(out, q)
	}
	return out
}
