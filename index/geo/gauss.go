package geo

import "math"

// The ellipsoid of CGCS2000 (GB 22021-2008): semi-major axis in metres and
// flattening.
const (
	semiMajor  = 6_378_137.0
	flattening = 1 / 298.257222101
	semiMinor  = semiMajor * (1 - flattening)
)

// thirdFlattening is n = (a-b)/(a+b), in whose powers the series stand.
const thirdFlattening = flattening / (2 - flattening)

const (
	n1 = thirdFlattening
	n2 = n1 * n1
	n3 = n2 * n1
	n4 = n3 * n1
	n5 = n4 * n1
	n6 = n5 * n1
)

// rectifyingRadius is the radius of the circle as long as the meridian,
// Karney 2011, equation 14.
const rectifyingRadius = semiMajor / (1 + n1) * (1 + n2/4 + n4/64 + n6/256)

const (
	degree = math.Pi / 180
	// unitRadians is one unit of a [Position] in radians.
	unitRadians = degree / Unit
)

// series are the coefficients of sin 2x, sin 4x … sin 12x.
type series [6]float64

// The coefficients of the transverse Mercator projection to the sixth order in
// n: C. F. F. Karney, Transverse Mercator with an accuracy of a few nanometers,
// J. Geodesy 85 (2011), equations 35 and 36; after L. Krueger 1912. The terms
// left out are below 1e-9 m in every zone.
var (
	toPlane = series{
		n1/2 - 2*n2/3 + 5*n3/16 + 41*n4/180 - 127*n5/288 + 7891*n6/37800,
		13*n2/48 - 3*n3/5 + 557*n4/1440 + 281*n5/630 - 1983433*n6/1935360,
		61*n3/240 - 103*n4/140 + 15061*n5/26880 + 167603*n6/181440,
		49561*n4/161280 - 179*n5/168 + 6601661*n6/7257600,
		34729*n5/80640 - 3418889*n6/1995840,
		212378941 * n6 / 319334400,
	}
	fromPlane = series{
		n1/2 - 2*n2/3 + 37*n3/96 - n4/360 - 81*n5/512 + 96199*n6/604800,
		n2/48 + n3/15 - 437*n4/1440 + 46*n5/105 - 1118711*n6/3870720,
		17*n3/480 - 37*n4/840 - 209*n5/4480 + 5569*n6/90720,
		4397*n4/161280 - 11*n5/504 - 830251*n6/7257600,
		4583*n5/161280 - 108847*n6/3991680,
		20648693 * n6 / 638668800,
	}
)

// The conformal latitude less the geodetic one, as a series in the geodetic
// latitude, and the reverse: Krueger 1912; Karney, On auxiliary latitudes,
// Survey Review 56 (2024), table A5.
var (
	toConformal = series{
		-2*n1 + 2*n2/3 + 4*n3/3 - 82*n4/45 + 32*n5/45 + 4642*n6/4725,
		5*n2/3 - 16*n3/15 - 13*n4/9 + 904*n5/315 - 1522*n6/945,
		-26*n3/15 + 34*n4/21 + 8*n5/5 - 12686*n6/2835,
		1237*n4/630 - 12*n5/5 - 24832*n6/14175,
		-734*n5/315 + 109598*n6/31185,
		444337 * n6 / 155925,
	}
	fromConformal = series{
		2*n1 - 2*n2/3 - 2*n3 + 116*n4/45 + 26*n5/45 - 2854*n6/675,
		7*n2/3 - 8*n3/5 - 227*n4/45 + 2704*n5/315 + 2323*n6/945,
		56*n3/15 - 136*n4/35 - 1262*n5/105 + 73814*n6/2835,
		4279*n4/630 - 332*n5/35 - 399572*n6/14175,
		4174*n5/315 - 144838*n6/6237,
		601676 * n6 / 22275,
	}
)

// sum returns the sum of the series at the angle x, given sin 2x and cos 2x
// (Clenshaw's recurrence).
func (s *series) sum(sin2, cos2 float64) float64 {
	k := 2 * cos2
	y6 := s[5]
	y5 := s[4] + k*y6
	y4 := s[3] + k*y5 - y6
	y3 := s[2] + k*y4 - y5
	y2 := s[1] + k*y3 - y4
	y1 := s[0] + k*y2 - y3
	return y1 * sin2
}

// complexSum is sum at a complex angle.
func (s *series) complexSum(sin2, cos2 complex128) complex128 {
	k := 2 * cos2
	y6 := complex(s[5], 0)
	y5 := complex(s[4], 0) + k*y6
	y4 := complex(s[3], 0) + k*y5 - y6
	y3 := complex(s[2], 0) + k*y4 - y5
	y2 := complex(s[1], 0) + k*y3 - y4
	y1 := complex(s[0], 0) + k*y2 - y3
	return y1 * sin2
}

// gaussForward projects latitude phi and longitude lambda from the central
// meridian, both in radians, to the plane in metres, without false easting and
// with scale 1. lambda lies within 90 degrees.
func gaussForward(phi, lambda float64) XY {
	sinPhi, cosPhi := math.Sincos(phi)
	delta := toConformal.sum(2*sinPhi*cosPhi, 1-2*sinPhi*sinPhi)
	sinDelta, cosDelta := smallSincos(delta)
	sinChi := sinPhi*cosDelta + cosPhi*sinDelta
	cosChi := cosPhi*cosDelta - sinPhi*sinDelta

	// The sphere's transverse Mercator: xi = atan2(sin chi, cos chi cos lambda),
	// eta = atanh v. Their double angles follow without further functions.
	sinLambda, cosLambda := math.Sincos(lambda)
	u, v := cosChi*cosLambda, cosChi*sinLambda
	xi, eta := math.Atan2(sinChi, u), math.Atanh(v)
	h2 := sinChi*sinChi + u*u
	sin2xi, cos2xi := 2*sinChi*u/h2, (u*u-sinChi*sinChi)/h2
	sinh2eta, cosh2eta := 2*v/h2, (1+v*v)/h2

	d := toPlane.complexSum(
		complex(sin2xi*cosh2eta, cos2xi*sinh2eta),
		complex(cos2xi*cosh2eta, -sin2xi*sinh2eta))
	return XY{X: rectifyingRadius * (eta + imag(d)), Y: rectifyingRadius * (xi + real(d))}
}

// gaussInverse undoes [gaussForward]; p is in metres from the central meridian
// and the equator. It returns latitude and longitude from the central meridian
// in radians.
func gaussInverse(p XY) (phi, lambda float64) {
	xi, eta := p.Y/rectifyingRadius, p.X/rectifyingRadius
	sin2xi, cos2xi := math.Sincos(2 * xi)
	sinh2eta := math.Sinh(2 * eta)
	cosh2eta := math.Sqrt(1 + sinh2eta*sinh2eta)
	d := fromPlane.complexSum(
		complex(sin2xi*cosh2eta, cos2xi*sinh2eta),
		complex(cos2xi*cosh2eta, -sin2xi*sinh2eta))
	xi -= real(d)
	eta -= imag(d)

	sinXi, cosXi := math.Sincos(xi)
	sinhEta := math.Sinh(eta)
	u2 := sinhEta*sinhEta + cosXi*cosXi
	u := math.Sqrt(u2)
	lambda = math.Atan2(sinhEta, cosXi)
	chi := math.Atan2(sinXi, u)
	// sin chi = sinXi/cosh eta and cos chi = u/cosh eta.
	cosh2 := 1 + sinhEta*sinhEta
	phi = chi + fromConformal.sum(2*sinXi*u/cosh2, (u2-sinXi*sinXi)/cosh2)
	return phi, lambda
}

// smallSincos returns sine and cosine of an angle below 0.0034, which is the
// most that the conformal latitude differs from the geodetic one; the terms left
// out are below 1e-19.
func smallSincos(x float64) (sin, cos float64) {
	x2 := x * x
	return x * (1 - x2/6*(1-x2/20)), 1 - x2/2*(1-x2/12*(1-x2/30))
}

// mercatorForward is Web Mercator as PROJ has it for EPSG:3857: the geodetic
// latitude taken as that of a sphere of radius a. Radians in, metres out.
func mercatorForward(phi, lambda float64) XY {
	return XY{X: semiMajor * lambda, Y: semiMajor * math.Asinh(math.Tan(phi))}
}

func mercatorInverse(p XY) (phi, lambda float64) {
	return math.Atan(math.Sinh(p.Y / semiMajor)), p.X / semiMajor
}

// Forward returns p, in degrees of CGCS2000, in the system c: easting and
// northing in metres, or longitude and latitude in degrees. Gauss-Krueger zones
// are exact to 1e-6 mm within 10 degrees of their meridian and hold to 80
// degrees; latitudes lie in [-90, 90]. At the poles Web Mercator's northing is
// meaningless. NaN gives NaN.
func (c CRS) Forward(p LonLat) XY {
	switch c.kind {
	case kindGeographic:
		return XY{X: p.Lon, Y: p.Lat}
	case kindMercator:
		return mercatorForward(p.Lat*degree, p.Lon*degree)
	default:
		q := gaussForward(p.Lat*degree, (p.Lon-c.meridian)*degree)
		q.X += c.easting
		return q
	}
}

// Inverse returns p, in the system c, in degrees of CGCS2000. It undoes
// [CRS.Forward] to 1e-11 degree. What p may be is told by [CRS.Check]; beyond
// that the result means nothing. NaN gives NaN.
func (c CRS) Inverse(p XY) LonLat {
	switch c.kind {
	case kindGeographic:
		return LonLat{Lon: p.X, Lat: p.Y}
	case kindMercator:
		phi, lambda := mercatorInverse(p)
		return LonLat{Lon: lambda / degree, Lat: phi / degree}
	default:
		phi, lambda := gaussInverse(XY{X: p.X - c.easting, Y: p.Y})
		return LonLat{Lon: c.meridian + lambda/degree, Lat: phi / degree}
	}
}
