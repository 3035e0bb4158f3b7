package geo

import (
	"math"
	"strconv"
)

// Areas in other units: multiply square metres. One mu is 2000/3 square metres,
// one hectare 15 mu.
const (
	MuPerM2 = 0.0015
)

// The survey's series for the area between the equator and a parallel
// (国土调查办发〔2008〕32号; TD/T 1055-2019, appendix): for one radian of longitude
// b²(A sin B − B' sin 3B + C sin 5B − D sin 7B + E sin 9B). The terms left out
// are below 6e-11 of the area.
const (
	ecc2 = flattening * (2 - flattening)
	ecc4 = ecc2 * ecc2
	ecc6 = ecc4 * ecc2
	ecc8 = ecc4 * ecc4
)

// zonal are the coefficients of the series for sin B, sin 3B … sin 9B, signs
// included, on an ellipsoid with b = 1.
var zonal = [5]float64{
	1 + 3.0/6*ecc2 + 30.0/80*ecc4 + 35.0/112*ecc6 + 630.0/2304*ecc8,
	-(1.0/6*ecc2 + 15.0/80*ecc4 + 21.0/112*ecc6 + 420.0/2304*ecc8),
	3.0/80*ecc4 + 7.0/112*ecc6 + 180.0/2304*ecc8,
	-(1.0/112*ecc6 + 45.0/2304*ecc8),
	5.0 / 2304 * ecc8,
}

// zonalBetween returns the area, in square metres for one radian of longitude,
// between the parallels phi1 and phi2, radians; negative when phi2 is the lower.
// It loses no digits when they are close: sin kB2 − sin kB1 is taken as
// 2 sin(k(B2−B1)/2) cos(k(B1+B2)/2), as the survey's formula has it.
func zonalBetween(phi1, phi2 float64) float64 {
	half, middle := (phi2-phi1)/2, (phi1+phi2)/2
	sum := 0.0
	for i := len(zonal) - 1; i >= 0; i-- {
		k := float64(2*i + 1)
		sum += zonal[i] * math.Sin(k*half) * math.Cos(k*middle)
	}
	return 2 * semiMinor * semiMinor * sum
}

// CellArea returns the area in square metres of the cell between the meridians
// and parallels of its south-western and north-eastern corners, as of a map
// sheet; negative when exactly one of the two pairs is in reverse order.
func CellArea(southWest, northEast LonLat) float64 {
	return zonalBetween(southWest.Lat*degree, northEast.Lat*degree) * (northEast.Lon - southWest.Lon) * degree
}

// RingArea returns the area in square metres that r encloses on the ellipsoid of
// CGCS2000: positive when r runs counter-clockwise, negative when clockwise.
// Edges are straight in longitude and equal-area latitude, as in the survey's
// formula; nothing is rounded. It is exact to 1e-10 of the area, or 1e-8 m² for
// each kilometre of border when that is more. An open ring is taken as closed.
// A ring that crosses itself counts each part as often as it is wound around;
// one that crosses the antimeridian means nothing.
func RingArea(r Ring) float64 {
	if len(r) < 3 {
		return 0
	}
	plane := NewEqualAreaPlane(r[0])
	twice := 0.0
	var last XY // r[0] is the plane's origin
	for _, v := range r[1:] {
		p := plane.To(v)
		twice += last.X*p.Y - p.X*last.Y
		last = p
	}
	return twice / 2
}

// Area returns the area of m in square metres on the ellipsoid of CGCS2000: the
// sum of [RingArea] over all rings, so that holes, which run clockwise, count
// against their shells. Polygons that overlap count more than once.
func Area(m MultiPolygon) float64 {
	sum := 0.0
	for _, p := range m {
		for _, r := range p {
			sum += RingArea(r)
		}
	}
	return sum
}

// Hundredths is an area in units of 0.01 m², the unit of record: sums of it are
// exact. It holds up to 9.2e16 m², 180 times the Earth.
type Hundredths int64

// HundredthsOf rounds an area in square metres half up, as the survey does.
// NaN gives 0; what is too large gives the largest value of its sign.
func HundredthsOf(m2 float64) Hundredths {
	f := math.Floor(m2*100 + 0.5)
	switch {
	case math.IsNaN(f):
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return Hundredths(f)
}

// M2 returns the area in square metres.
func (h Hundredths) M2() float64 { return float64(h) / 100 }

// Mu returns the area in mu.
func (h Hundredths) Mu() float64 { return float64(h) * 15 / 1_000_000 }

// Ha returns the area in hectares.
func (h Hundredths) Ha() float64 { return float64(h) / 1_000_000 }

// String returns the area in square metres with two decimals: 39999.99.
func (h Hundredths) String() string {
	u := uint64(h)
	var b []byte
	if h < 0 {
		u, b = -u, append(b, '-')
	}
	b = strconv.AppendUint(b, u/100, 10)
	return string(append(b, '.', byte('0'+u%100/10), byte('0'+u%10)))
}
