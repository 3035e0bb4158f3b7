package overlay

import (
	"math"
	"sync"

	"gengtu/index/geo"
)

// The ordinate of a latitude is its equal-area ordinate q, counted from the
// equator in steps of 1/ordinateSteps of a unit of latitude there, and rounded.
// It depends on the latitude alone: whatever is built, of whatever polygons, an
// edge has the same ordinates, so that two edges cross in the same place.
//
// Steps of the ordinate grow short with the cosine of the latitude: one unit of
// latitude has some 256·cos φ of them, 150 at 54° and 2.2 at 89.5°. An ordinate
// is right to half a step for rounding and, its series carrying 1e-8 m of noise,
// a quarter of one for the arithmetic: at 54°, 0.005 unit. Beyond the last
// latitude, where that would let two latitudes coincide, it grows by
// polarSteps a unit, so that it grows everywhere.
const (
	ordinateSteps = 256
	lastLatitude  = 895 * geo.Unit / 10
	polarSteps    = 2

	bandUnits = int64(geo.Unit) // 1°
	bands     = 180
)

// band is a degree of latitude in which ordinates follow from the plane round
// its middle.
type band struct {
	plane  geo.EqualAreaPlane
	base   float64 // ordinate of the middle, in steps
	factor float64 // steps for one metre of the plane
	slope  float64 // steps for one unit of latitude, in the middle
}

// ordinates returns the bands from south to north.
var ordinates = sync.OnceValue(func() *[bands]band {
	// A unit of latitude at the equator is that many metres of q.
	const delta = 1e6
	perUnit := geo.EqualArea(geo.Position{Lat: delta}).Y / delta
	steps := ordinateSteps / perUnit
	var out [bands]band
	for i := range out {
		b := &out[i]
		low := int64(i)*bandUnits - poleUnits
		middle := geo.Position{Lat: low + bandUnits/2}
		bottom, top := geo.Position{Lat: low}, geo.Position{Lat: low + bandUnits}
		b.plane = geo.NewEqualAreaPlane(middle)
		b.factor = steps * (geo.EqualArea(top).Y - geo.EqualArea(bottom).Y) / (b.plane.To(top).Y - b.plane.To(bottom).Y)
		b.base = steps * geo.EqualArea(middle).Y
		b.slope = b.plane.To(geo.Position{Lat: middle.Lat + delta}).Y / delta * b.factor
	}
	return &out
})

func bandOf(lat int64) int {
	return int(min(max((lat+poleUnits)/bandUnits, 0), bands-1))
}

// ordinate returns the ordinate of lat.
func ordinate(lat int64) int64 {
	switch {
	case lat > lastLatitude:
		return ordinate(lastLatitude) + (lat-lastLatitude)*polarSteps
	case lat < -lastLatitude:
		return -ordinate(-lat)
	}
	b := &ordinates()[bandOf(lat)]
	return int64(math.Round(b.base + b.factor*b.plane.To(geo.Position{Lat: lat}).Y))
}

// slopeAt returns the steps in one unit of latitude near lat, to 1 % up to 60°.
func slopeAt(lat int64) float64 {
	return max(polarSteps, ordinates()[bandOf(lat)].slope)
}

// latitudeOf returns the latitude whose ordinate is nearest to y, to 0.01 unit
// and half a unit of rounding. near is a latitude in whose band, or nearly, it lies.
func latitudeOf(y float64, near int64) int64 {
	if last := float64(ordinate(lastLatitude)); y > last {
		return lastLatitude + int64(math.Round((y-last)/polarSteps))
	} else if y < -last {
		return -latitudeOf(-y, -near)
	}
	i := bandOf(near)
	for range 2 {
		b := &ordinates()[i]
		near = b.plane.From(geo.XY{Y: (y - b.base) / b.factor}).Lat
		if j := bandOf(near); j != i {
			i = j
			continue
		}
		break
	}
	return near
}
