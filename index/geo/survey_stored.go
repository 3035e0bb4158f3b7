package geo

import (
	"fmt"
	"math"
)

// SurveyZone returns the 3 degree Gauss-Krueger zone, its number before the
// easting, that the survey computes m in: the one whose central meridian is
// nearest to the middle of m's box, the eastern one halfway (GB 22021-2008;
// zone = floor(L/3 + 1/2)). It returns a [*CRSError] of kind
// [ErrCRSUnsupported] when m is empty or lies outside zones 25 to 45,
// longitudes 73.5 to 136.5.
func SurveyZone(m MultiPolygon) (CRS, error) {
	b := m.Box()
	if b.Empty() {
		return CRS{}, &CRSError{Kind: ErrCRSUnsupported, Found: "no position"}
	}
	middle := b.Min.Lon/2 + b.Max.Lon/2
	zone := int(math.Floor(float64(middle)/(meridiansPerZone3*Unit) + 0.5))
	if zone < firstZone3 || zone >= firstZone3+zones3 {
		return CRS{}, &CRSError{
			Kind:  ErrCRSUnsupported,
			Found: fmt.Sprintf("longitude %.7f: no 3 degree zone of 25 to 45", float64(middle)/Unit),
		}
	}
	return gaussOf(codeGauss3 + zone - firstZone3), nil
}

// SurveyArea returns the area of m as the survey's software books it in the
// Gauss-Krueger zone given ([AreaSurvey]; [SurveyZone] finds the zone).
//
// m is projected, and the positions that [CRS.Ring] put on long edges are taken
// out again. Where a delivery's coordinates stood on the survey's grid of 0.1 mm,
// as the standard has it, they come back to the last bit and so does the area.
// From coordinates with more digits, a place that lay within 0.01 mm of a half may
// be rounded the other way.
//
// Each polygon of m is a shell and its holes, wound either way. m is not
// changed. Errors: a [*CRSError] when zone is no Gauss-Krueger zone, a
// [*GeometryError] with the place and a [*CoordinateError] when a position does
// not pass [CRS.Check] there.
func SurveyArea(zone CRS, m MultiPolygon) (Hundredths, error) {
	sum, err := surveyAreaStored(zone, m)
	return HundredthsOf(sum), err
}

// surveyAreaStored is SurveyArea before the last rounding, in square metres.
func surveyAreaStored(zone CRS, m MultiPolygon) (float64, error) {
	if !zone.GaussKrueger() {
		return 0, &CRSError{Kind: ErrCRSUnsupported, Found: fmt.Sprintf("%v: SurveyArea", zone)}
	}
	polygons := make([][][]XY, 0, len(m))
	for i, p := range m {
		rings := make([][]XY, 0, len(p))
		for j, r := range p {
			points, at, err := zone.planeRing(r)
			if err != nil {
				return 0, &GeometryError{Kind: err, Place: Place{i + 1, j + 1, at}}
			}
			rings = append(rings, undivided(points))
		}
		polygons = append(polygons, rings)
	}
	return surveyArea(zone, polygons)
}

// planeRing returns r in the plane of c, open; or what is wrong with which
// position, counted from 1.
func (c CRS) planeRing(r Ring) (points []XY, at int, err error) {
	if n := len(r); n > 1 && r[0] == r[n-1] {
		r = r[:n-1]
	}
	points = make([]XY, 0, len(r))
	for k, v := range r {
		p := c.Forward(v.LonLat())
		if err := c.Check(p); err != nil {
			return nil, k + 1, err
		}
		points = append(points, p)
	}
	return points, 0, nil
}

// divisionNoise is how far, in metres, a stored position that divides an edge may
// lie from where the edge's stored ends would be divided: half a unit either way
// is 0.0079 mm, once for the position and once for the ends, whose weights add
// up to 1.
const divisionNoise = 2e-5

// undivided takes from points, an open ring in a plane, those that lie where the
// survey's rule divides the edge between their neighbours that stay, and
// returns the others as [delivered].
//
// A place of the delivery that is taken out with them does little harm: the
// rule puts one there again, less than 0.02 mm away, and rounds it to 0.1 mm.
func undivided(points []XY) []XY {
	n := len(points)
	start := corner(points)
	if start < 0 {
		return points
	}
	at := func(i int) XY { return points[(start+i)%n] }
	kept := make([]XY, 0, n)
	for i := 0; i < n; {
		end := i + 1 // the edges up to here continue the one at i
		for end < n && bend(at(end-1), at(end), at(end+1)) <= 2*divisionNoise {
			end++
		}
		kept = appendCorners(kept, at, i, end)
		i = end
	}
	return kept
}

// appendCorners appends, as delivered, the ends of the edges that the steps from point
// i to point end, which continue each other, are parts of; the last end is
// left to the next edge. If they are not parts of one edge, they are of several
// that end on the survey's grid; if not of these either, all points stay.
func appendCorners(kept []XY, at func(int) XY, i, end int) []XY {
	if divided(at, i, end) {
		return append(kept, delivered(at(i)))
	}
	first := len(kept)
	last := i
	for k := i; k < end; k++ {
		if _, ok := onGrid(at(k + 1)); !ok && k+1 < end {
			continue
		}
		kept = append(kept, delivered(at(last)))
		if !divided(at, last, k+1) {
			kept = kept[:first]
			for k := i; k < end; k++ {
				kept = append(kept, delivered(at(k)))
			}
			return kept
		}
		last = k + 1
	}
	return kept
}

// rounded returns p on the survey's grid.
func rounded(p XY) XY { return XY{X: roundHalfUp(p.X, 1e4), Y: roundHalfUp(p.Y, 1e4)} }

// onGrid returns the place of the survey's grid that p was stored from, and false
// when it stands too far from any.
func onGrid(p XY) (XY, bool) {
	q := rounded(p)
	return q, math.Hypot(p.X-q.X, p.Y-q.Y) <= divisionNoise/2
}

// delivered returns the place that p was stored from: one of the survey's grid, or
// p itself.
func delivered(p XY) XY {
	if q, ok := onGrid(p); ok {
		return q
	}
	return p
}

// bend returns how far, in metres, the steps from a to b and from b to c differ.
func bend(a, b, c XY) float64 { return math.Hypot(c.X-2*b.X+a.X, c.Y-2*b.Y+a.Y) }

// corner returns a point that divides nothing, or -1 when there is none.
func corner(points []XY) int {
	n := len(points)
	for i, p := range points {
		if bend(points[(i+n-1)%n], p, points[(i+1)%n]) > 2*divisionNoise {
			return i
		}
	}
	return -1
}

// divided tells whether the rule divides the edge from point i to point end where
// the points between them are.
func divided(at func(int) XY, i, end int) bool {
	a, b := at(i), at(end)
	parts := end - i
	if edgeParts(delivered(a), delivered(b)) != parts {
		return false
	}
	for k := 1; k < parts; k++ {
		p, f := at(i+k), float64(k)/float64(parts)
		if math.Hypot(a.X+(b.X-a.X)*f-p.X, a.Y+(b.Y-a.Y)*f-p.Y) > divisionNoise {
			return false
		}
	}
	return true
}
