package overlay

import (
	"context"
	"errors"
	"math"

	"gengtu/index/geo"
)

// Intersection returns the ground that a and b share, in the canonical form of
// [Mend]; nil if they share none.
//
// a and b are mended first if they need it. Positions are CGCS2000 (EPSG:4490);
// crossings are rounded to the grid of 1e-10 degree and all other positions stay where
// they are. A crossing of two edges is rounded in the same way in every result,
// so that results share their borders: see [Mask.Piece] for what that means to
// the last bit. The result is valid by OGC 06-103r4, on the grid and in float64
// degrees. Its area is compared with [SharedArea], and its areas of record are to
// be taken from there or from [Measure], never from the rounded geometry.
//
// Errors are those of [Mend].
func Intersection(a, b geo.MultiPolygon) (geo.MultiPolygon, error) {
	if out, ok := sharedLocally(a, b); ok {
		return out, nil
	}
	return intersectionOfAll(a, b)
}

// intersectionOfAll is [Intersection] with all edges in one arrangement.
func intersectionOfAll(a, b geo.MultiPolygon) (geo.MultiPolygon, error) {
	a, b, err := bothMended(a, b)
	if err != nil {
		return nil, err
	}
	return shared(a, a.Box(), b)
}

// Union returns the ground of a and b together; otherwise as [Intersection].
func Union(a, b geo.MultiPolygon) (geo.MultiPolygon, error) {
	if out, ok := unitedLocally(a, b); ok {
		return out, nil
	}
	return unionOfAll(a, b)
}

// unionOfAll is [Union] with all edges in one arrangement.
func unionOfAll(a, b geo.MultiPolygon) (geo.MultiPolygon, error) {
	a, b, err := bothMended(a, b)
	if err != nil {
		return nil, err
	}
	return plainly(a, b, func(a, b geo.MultiPolygon) (geo.MultiPolygon, error) {
		p := newPlane(a.Box().Union(b.Box()))
		all := append(append(make(geo.MultiPolygon, 0, len(a)+len(b)), a...), b...)
		o := operation{first: all, wanted: inEither, area: p.area(a) + p.area(b) - SharedArea(a, b)}
		return o.region(context.Background())
	})
}

// Difference returns the ground of a that is not b's; otherwise as [Intersection].
func Difference(a, b geo.MultiPolygon) (geo.MultiPolygon, error) {
	if out, ok := differenceLocally(a, b); ok {
		return out, nil
	}
	return differenceOfAll(a, b)
}

// differenceOfAll is [Difference] with all edges in one arrangement.
func differenceOfAll(a, b geo.MultiPolygon) (geo.MultiPolygon, error) {
	a, b, err := bothMended(a, b)
	if err != nil {
		return nil, err
	}
	box := a.Box()
	if !widened(box).Intersects(b.Box()) {
		return a, nil
	}
	p := newPlane(box)
	return plainly(a, near(b, box), func(a, b geo.MultiPolygon) (geo.MultiPolygon, error) {
		o := operation{first: a, second: b, wanted: inFirstOnly, area: p.area(a) - SharedArea(a, b)}
		return o.region(context.Background())
	})
}

// mended returns m mended, without the findings.
func mended(m geo.MultiPolygon) (geo.MultiPolygon, error) {
	if out, ok := fair(m); ok {
		return out, nil
	}
	m, _, err := Mend(m)
	return m, err
}

// bothMended returns a and b as [mended] does.
func bothMended(a, b geo.MultiPolygon) (geo.MultiPolygon, geo.MultiPolygon, error) {
	a, err := mended(a)
	if err != nil {
		return nil, nil, err
	}
	b, err = mended(b)
	return a, b, err
}

// shared returns what mended polygons a, which has the box boxA, and b share.
func shared(a geo.MultiPolygon, boxA geo.Box, b geo.MultiPolygon) (geo.MultiPolygon, error) {
	boxB := b.Box()
	if !boxB.Intersects(boxA) {
		return nil, nil
	}
	a, b = near(a, boxB), near(b, boxA)
	if len(a) == 0 || len(b) == 0 {
		return nil, nil
	}
	return plainly(a, b, func(a, b geo.MultiPolygon) (geo.MultiPolygon, error) {
		o := operation{first: a, second: b, wanted: inBoth, area: SharedArea(a, b)}
		return o.region(context.Background())
	})
}

// plainly returns op(a, b). Where that has not the area that it must have, a or b
// may be so thin that, valid on the grid, it crosses itself where edges are
// straight; then what it winds round there takes its place.
func plainly(a, b geo.MultiPolygon, op func(a, b geo.MultiPolygon) (geo.MultiPolygon, error)) (geo.MultiPolygon, error) {
	out, err := op(a, b)
	if !errors.Is(err, errArea) {
		return out, err
	}
	a, errA := plain(a)
	b, errB := plain(b)
	if errA != nil || errB != nil {
		return nil, err
	}
	return op(a, b)
}

// plain returns the ground that m winds round once in the equal-area plane, m itself if
// that is all there is. With winding numbers -1, 0 and 1 its area is half of ∫w + ∫w².
func plain(m geo.MultiPolygon) (geo.MultiPolygon, error) {
	if len(m) == 0 {
		return m, nil
	}
	p := newPlane(m.Box())
	once, squared := p.area(m), SharedArea(m, m)
	if math.Abs(squared-once) <= guardArea/2 {
		return m, nil
	}
	o := operation{first: m, wanted: inEither, area: (once + squared) / 2}
	return o.region(context.Background())
}

// widened returns box with a rim of a few units, in which a position may still be
// near something in the box.
func widened(box geo.Box) geo.Box {
	const rim = 4
	box.Min.Lon, box.Min.Lat = box.Min.Lon-rim, box.Min.Lat-rim
	box.Max.Lon, box.Max.Lat = box.Max.Lon+rim, box.Max.Lat+rim
	return box
}

// near returns m with everything that is far outside of box drawn together: where
// a ring runs through several positions beyond the same side of box, it goes
// straight from the first to the last of them. Winding numbers within box, and
// the edges that reach into it or pass within a few units of it, stay as they
// are; outside, the result may cross itself.
func near(m geo.MultiPolygon, box geo.Box) geo.MultiPolygon {
	box = widened(box)
	if m.Vertices() <= 8 || box.Contains(m.Box()) {
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
	var last, former int // on which sides the last two of out lie
	for _, v := range r {
		side := beyond(v, box)
		if side&last&former != 0 && len(out) >= 2 {
			out[len(out)-1] = v
			last = side
			continue
		}
		out = append(out, v)
		last, former = side, last
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
