package geo

import "math"

// LocalScale tells how long a short line is on the ellipsoid of CGCS2000: the metres of
// one unit of longitude and of one of latitude where the line's middle lies. With
// those of its middle, the length √(east² Δlon² + north² Δlat²) of a line of d metres is
// that of the geodesic between its ends to within 4e-9 d + d³/(24 R²) (1 + tan² φ), R =
// 6.36e6 m: up to 60 degrees of latitude 4e-7 m for 100 m and 1e-5 m for a kilometre.
// Near a pole the bound grows without end.
//
// What it returns follows from the latitude alone. The zero value is ready for use; it
// keeps what it last worked out and is not for concurrent use.
type LocalScale struct {
	known                              bool
	band                               int64
	east, eastSlope, north, northSlope float64
}

// scaleBand is 0.01 degree of latitude. Within half of it both radii are straight lines
// of the latitude to 4e-9 of themselves: 4e-6 m in a kilometre.
const scaleBand = Unit / 100

// At returns the metres of one unit (1e-10 degree) of longitude and of latitude at a
// latitude in units, in [-90e10, 90e10].
func (s *LocalScale) At(lat int64) (east, north float64) {
	band := lat / scaleBand
	if lat < 0 {
		band--
	}
	if !s.known || band != s.band {
		s.reset(band)
	}
	t := float64(lat - (s.band*scaleBand + scaleBand/2))
	return s.east + t*s.eastSlope, s.north + t*s.northSlope
}

// reset works out the middle of a band: the radius of the parallel N cos φ and that of the
// meridian M, and what they change by along it: d(N cos φ)/dφ = −M sin φ, and dM/dφ =
// 3 M e² sin φ cos φ / (1 − e² sin² φ).
func (s *LocalScale) reset(band int64) {
	phi := float64(band*scaleBand+scaleBand/2) * unitRadians
	sin, cos := math.Sincos(phi)
	w := 1 - ecc2*sin*sin
	prime := semiMajor / math.Sqrt(w)
	meridian := prime * (1 - ecc2) / w
	s.known, s.band = true, band
	s.east, s.north = prime*cos*unitRadians, meridian*unitRadians
	s.eastSlope = -meridian * sin * unitRadians * unitRadians
	s.northSlope = 3 * meridian * ecc2 * sin * cos / w * unitRadians * unitRadians
}
