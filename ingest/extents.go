package ingest

import (
	"math"
	"slices"

	"gengtu/index/geo"
	"gengtu/ingest/profiles"
)

// extents says roughly where each province is.
type extents struct {
	Margin, Apart float64
	China         area
	Provinces     []province
}

// province is where the places of a two-digit code are.
type province struct {
	Code, Zh, En string
	Extent       area
}

// area is a rectangle in degrees: west, south, east, north.
type area [4]float64

// extentsOf returns the extents that come with profiles.
func extentsOf(set *profiles.Set) *extents {
	e := set.Extents()
	out := &extents{Margin: e.Margin, Apart: e.Apart, China: area(e.China)}
	for _, p := range e.Provinces {
		out.Provinces = append(out.Provinces, province{p.Code, p.Zh, p.En, area(p.Extent)})
	}
	return out
}

// knownExtents returns the extents that a run goes by.
func (opt *Options) knownExtents() (*extents, error) {
	set, err := opt.known()
	if err != nil {
		return nil, err
	}
	return extentsOf(set), nil
}

// province returns the province of a code of place, nil when it is of none.
func (e *extents) province(code string) *province {
	if len(code) < 2 {
		return nil
	}
	i := slices.IndexFunc(e.Provinces, func(p province) bool { return p.Code == code[:2] })
	if i < 0 {
		return nil
	}
	return &e.Provinces[i]
}

// holds tells whether p lies in a or not farther than margin degrees from it.
func (a area) holds(p geo.LonLat, margin float64) bool {
	return p.Lon >= a[0]-margin && p.Lon <= a[2]+margin && p.Lat >= a[1]-margin && p.Lat <= a[3]+margin
}

// contains tells whether b lies in a or not farther than margin degrees from it.
func (a area) contains(b area, margin float64) bool {
	return a.holds(geo.LonLat{Lon: b[0], Lat: b[1]}, margin) && a.holds(geo.LonLat{Lon: b[2], Lat: b[3]}, margin)
}

// middle returns the middle of a.
func (a area) middle() geo.LonLat { return geo.LonLat{Lon: (a[0] + a[2]) / 2, Lat: (a[1] + a[3]) / 2} }

// gap returns how many degrees lie between a and b, in the direction in which it is
// more; 0 where they meet.
func (a area) gap(b area) float64 {
	return max(0, b[0]-a[2], a[0]-b[2], b[1]-a[3], a[1]-b[3])
}

// join returns the smallest rectangle around a and b.
func (a area) join(b area) area {
	return area{min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])}
}

// noArea is what a rectangle that is joined from others begins with.
func noArea() area { return area{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)} }

// areaOf returns a box in degrees.
func areaOf(b geo.Box) area {
	return area{float64(b.Min.Lon) / geo.Unit, float64(b.Min.Lat) / geo.Unit, float64(b.Max.Lon) / geo.Unit, float64(b.Max.Lat) / geo.Unit}
}
