package geo

import "math"

// EqualAreaPlane is a plane in metres in which plane area is the area on the
// ellipsoid by the survey's formula, and a straight line is one that is straight
// in longitude and equal-area latitude q: the cylindrical equal-area projection,
// stretched so that it is true to scale at its origin. Distances near the origin
// are true to about 1 % for each degree of latitude away from it.
//
// An EqualAreaPlane is a value that may be copied and used concurrently; the
// zero value is not valid.
type EqualAreaPlane struct {
	origin Position
	phi    float64 // latitude of the origin, radians
	// eastPerUnit is metres of X for one unit of longitude.
	eastPerUnit float64
	// scale is square metres for one radian of longitude, for one metre of Y.
	scale float64
	// north are the Taylor coefficients of Y in units of latitude from the origin,
	// from the first power on.
	north [taylorTerms]float64
}

const (
	// taylorTerms: the terms left out are below 2e-10 m within 3 degrees and 4e-9 m
	// within taylorReach, 7e-15 of the distance.
	taylorTerms = 9
	// taylorReach is the distance in latitude from the origin, 5 degrees in units,
	// within which the Taylor series serves; beyond it the formula itself does.
	taylorReach = 5 * Unit
	// nearReach is the distance within which the first nearTerms are enough: the others
	// are below 2e-17 of the distance within 0.1 degree.
	nearReach = Unit / 10
	nearTerms = 5
	// maxScaleLat keeps the planes of origins near a pole from degenerating.
	maxScaleLat = 89 * degree
)

// NewEqualAreaPlane returns the plane around origin, which becomes [0 0].
func NewEqualAreaPlane(origin Position) EqualAreaPlane {
	e := EqualAreaPlane{origin: origin, phi: float64(origin.Lat) * unitRadians}
	sin, cos := math.Sincos(e.phi)
	cosScale := cos
	if math.Abs(e.phi) > maxScaleLat {
		cosScale = math.Cos(maxScaleLat)
	}
	// The radius of the parallel makes X true to scale along it.
	e.scale = semiMajor * cosScale / math.Sqrt(1-ecc2*sin*sin)
	e.eastPerUnit = e.scale * unitRadians

	// Derivative j of sin kB is k^j times sin, cos, −sin, −cos in turn.
	var sines, cosines [len(zonal)]float64
	sin2, cos2 := 2*sin*cos, 1-2*sin*sin
	s, c := sin, cos
	for i, z := range zonal {
		sines[i], cosines[i] = z*s, z*c
		s, c = s*cos2+c*sin2, c*cos2-s*sin2
	}
	factor := semiMinor * semiMinor / e.scale
	for j := range e.north {
		factor *= unitRadians / float64(j+1)
		sum := 0.0
		for i := range zonal {
			k := float64(2*i + 1)
			sines[i] *= k
			cosines[i] *= k
			switch j % 4 {
			case 0:
				sum += cosines[i]
			case 1:
				sum -= sines[i]
			case 2:
				sum -= cosines[i]
			default:
				sum += sines[i]
			}
		}
		e.north[j] = factor * sum
	}
	return e
}

// Origin returns the position that lies at [0 0].
func (e *EqualAreaPlane) Origin() Position { return e.origin }

// To returns p in the plane, metres east and north of the origin. It is exact
// to 2e-10 m within 3 degrees of latitude, 4e-9 m within 5 and 1e-7 m elsewhere,
// taking the survey's series for the truth.
func (e *EqualAreaPlane) To(p Position) XY {
	x := float64(p.Lon-e.origin.Lon) * e.eastPerUnit
	t := float64(p.Lat - e.origin.Lat)
	n := &e.north
	if math.Abs(t) <= nearReach {
		return XY{X: x, Y: t * (n[0] + t*(n[1]+t*(n[2]+t*(n[3]+t*n[nearTerms-1]))))}
	}
	if math.Abs(t) > taylorReach {
		return XY{X: x, Y: zonalBetween(e.phi, e.phi+t*unitRadians) / e.scale}
	}
	y := n[0] + t*(n[1]+t*(n[2]+t*(n[3]+t*(n[4]+t*(n[5]+t*(n[6]+t*(n[7]+t*n[8])))))))
	return XY{X: x, Y: t * y}
}

// maxNewton bounds the steps of From; from a start within 5 degrees three or
// four reach the last bit.
const maxNewton = 30

// From returns the position nearest to p, which is in metres from the origin. It
// undoes [EqualAreaPlane.To] exactly up to latitude 89 degrees. Beyond the poles
// it returns the pole's latitude. p has to be finite.
func (e *EqualAreaPlane) From(p XY) Position {
	lon := e.origin.Lon + int64(math.Round(p.X/e.eastPerUnit))
	n := &e.north
	t := p.Y / n[0]
	if math.Abs(t) > taylorReach {
		return Position{Lon: lon, Lat: e.farLat(p.Y)}
	}
	for range maxNewton {
		y := n[0] + t*(n[1]+t*(n[2]+t*(n[3]+t*(n[4]+t*(n[5]+t*(n[6]+t*(n[7]+t*n[8])))))))
		// The derivative needs no more than the size of the step's error.
		slope := n[0] + t*(2*n[1]+t*(3*n[2]+t*(4*n[3]+t*5*n[4])))
		step := (t*y - p.Y) / slope
		t -= step
		// The error after a step is its square in radians, and 1e-6 of it by the
		// slope: less than 0.01 unit.
		if math.Abs(step) < 1e3 {
			break
		}
	}
	if math.Abs(t) > taylorReach {
		return Position{Lon: lon, Lat: e.farLat(p.Y)}
	}
	return Position{Lon: lon, Lat: e.origin.Lat + int64(math.Round(t))}
}

// farLat returns the latitude of y, metres, by bisection on the whole meridian,
// where the area grows with the latitude throughout.
func (e *EqualAreaPlane) farLat(y float64) int64 {
	low, high := int64(-90*Unit), int64(90*Unit)
	for low < high {
		middle := low + (high-low)/2
		at := zonalBetween(e.phi, (float64(middle)+0.5)*unitRadians) / e.scale
		if at < y {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// EqualArea returns p in the equal-area plane of the whole ellipsoid: X is the
// length in metres along the equator from the meridian of Greenwich, Y such that
// plane area is the area by the survey's formula. Small figures lose digits in
// it; [EqualAreaPlane] keeps them.
func EqualArea(p Position) XY {
	return XY{
		X: semiMajor * float64(p.Lon) * unitRadians,
		Y: zonalBetween(0, float64(p.Lat)*unitRadians) / semiMajor,
	}
}
