package geo

import (
	"fmt"
	"math"
)

// The survey's constants for the inverse Gauss projection on CGCS2000
// (TD/T 1055-2019, appendix on the area of patches), with which areas of record
// were computed; K0 to K4 turn a northing into the footpoint latitude.
const (
	surveyE2 = 0.00673949677548 // second eccentricity squared
	surveyC  = 6399593.62586    // polar radius of curvature, metres
	surveyK0 = 1.57048761144159e-7
	surveyK1 = 5.05250178820567e-3
	surveyK2 = 2.98472900956587e-5
	surveyK3 = 2.41626669230084e-7
	surveyK4 = 2.22241238938534e-9
)

// secondsPerRadian is ρ”.
const secondsPerRadian = 180 * 3600 / math.Pi

// AreaSurvey returns the area of polygons, in the system c, as the survey's
// software books it (国土调查办发〔2008〕32号; TD/T 1055-2019): edges over 70 m
// divided in the plane, plane coordinates rounded to 0.1 mm, the survey's inverse
// projection, latitude and longitude rounded to 1e-6 second, and the sum rounded
// half up to 0.01 m². Each polygon is a shell and its holes, wound either way;
// what is left of a polygon is never below 0. In a geographic system nothing is
// divided. A record before levelling has this area; for anything else take
// [Area], which rounds nothing.
//
// Web Mercator is refused with a [*CRSError], for there is no such rule.
// Coordinates have to pass [CRS.Check].
func AreaSurvey(c CRS, polygons [][][]XY) (Hundredths, error) {
	sum, err := surveyArea(c, polygons)
	return HundredthsOf(sum), err
}

// surveyArea is AreaSurvey before the last rounding, in square metres.
func surveyArea(c CRS, polygons [][][]XY) (float64, error) {
	if c.kind == kindMercator {
		return 0, &CRSError{Kind: ErrCRSUnsupported, Found: fmt.Sprintf("%v: AreaSurvey", c)}
	}
	sum := 0.0
	for _, rings := range polygons {
		area := 0.0
		for i, points := range rings {
			ring := math.Abs(surveyRing(c, points))
			if i == 0 {
				area = ring
			} else {
				area -= ring
			}
		}
		sum += max(area, 0)
	}
	return sum, nil
}

// surveyRing returns the signed area of a ring, open or closed.
func surveyRing(c CRS, points []XY) float64 {
	if len(points) < 3 {
		return 0
	}
	sum := 0.0
	// Longitudes count from the first point: any meridian gives the same sum, a
	// near one keeps its digits.
	first := c.surveyLonLat(points[0])
	last := first
	trapezoid := func(p LonLat) {
		sum += zonalBetween(last.Lat, p.Lat) * ((last.Lon - first.Lon) + (p.Lon - first.Lon)) / 2
		last = p
	}
	for i := range points {
		a, b := points[i], points[(i+1)%len(points)]
		if !c.Geographic() {
			divide(a, b, edgeParts(a, b), func(p XY) { trapezoid(c.surveyLonLat(p)) })
		}
		trapezoid(c.surveyLonLat(b))
	}
	return sum
}

// surveyLonLat returns p in radians, rounded as the survey does.
func (c CRS) surveyLonLat(p XY) LonLat {
	if c.Geographic() {
		return LonLat{
			Lon: roundHalfUp(p.X*3600, 1e6) / secondsPerRadian,
			Lat: roundHalfUp(p.Y*3600, 1e6) / secondsPerRadian,
		}
	}
	lat, lon := surveyInverse(XY{X: roundHalfUp(p.X, 1e4) - c.easting, Y: roundHalfUp(p.Y, 1e4)})
	return LonLat{
		Lon: roundHalfUp(c.meridian*3600+lon*secondsPerRadian, 1e6) / secondsPerRadian,
		Lat: roundHalfUp(lat*secondsPerRadian, 1e6) / secondsPerRadian,
	}
}

// roundHalfUp rounds x to a multiple of 1/per.
func roundHalfUp(x, per float64) float64 { return math.Floor(x*per+0.5) / per }

// surveyInverse is the survey's inverse Gauss projection: metres from the
// central meridian and the equator to latitude and longitude from the meridian
// in radians.
func surveyInverse(p XY) (lat, lon float64) {
	e := surveyK0 * p.Y
	sin, cos := math.Sincos(e)
	s2 := sin * sin
	foot := e + cos*sin*(surveyK1-s2*(surveyK2-s2*(surveyK3-s2*surveyK4)))

	sinF, cosF := math.Sincos(foot)
	t := sinF / cosF
	t2 := t * t
	eta2 := surveyE2 * cosF * cosF
	v2 := 1 + eta2
	n := p.X * math.Sqrt(v2) / surveyC
	n2 := n * n
	lat = foot - v2*t*n2*(0.5-
		(5+3*t2+eta2-9*eta2*t2)*n2/24+
		(61+90*t2+45*t2*t2)*n2*n2/720)
	lon = n / cosF * (1 -
		(1+2*t2+eta2)*n2/6 +
		(5+28*t2+24*t2*t2+6*eta2+8*eta2*t2)*n2*n2/120)
	return lat, lon
}
