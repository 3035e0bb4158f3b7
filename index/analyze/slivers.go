package analyze

import (
	"math"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/index/setting"
)

// SliverRules say which pieces are left out of lists, never of totals (domain 6.0 rule 2).
type SliverRules struct {
	AreaM2      Threshold `yaml:"area_m2"`
	Compactness Threshold `yaml:"compactness"`
	WidthM      Threshold `yaml:"width_m"`
}

// checkSlivers holds the numbers of the section against what they can be.
func checkSlivers(r *Rules, f *setting.File) *problem.Problem {
	s := &r.Slivers
	return bounded(f, "slivers",
		bound{"area_m2", s.AreaM2, 0, 1e6, false}, bound{"compactness", s.Compactness, 0, 1, false}, bound{"width_m", s.WidthM, 0, 1000, false})
}

// least is the area below which a piece is a sliver.
func (s *SliverRules) least() Area { return Area(geo.HundredthsOf(s.AreaM2.Value)) }

// narrow tells whether a piece is a sliver by its form (domain 6.0 rule 2): far from
// round, and narrow in the mean. Area is in m², the perimeter in m.
func (s *SliverRules) narrow(areaM2, perimeterM float64) bool {
	return perimeterM > 0 && roundness(areaM2, perimeterM) < s.Compactness.Value && meanWidth(areaM2, perimeterM) < s.WidthM.Value
}

// roundness is 1 for a circle and less for every other form: 4πA/P².
func roundness(areaM2, perimeterM float64) float64 {
	return 4 * math.Pi * areaM2 / (perimeterM * perimeterM)
}

// meanWidth is the width in m of a long form: 2A/P.
func meanWidth(areaM2, perimeterM float64) float64 { return 2 * areaM2 / perimeterM }

// perimeter returns the length of all rings in m on the ellipsoid.
func perimeter(m geo.MultiPolygon) float64 {
	var r geo.Rings
	r.Append(m)
	return borderLength(&r, nil)
}

// borderLength returns the length of the edges of rings in m on the ellipsoid: of those
// whose boxes meet a box, or with nil of all.
func borderLength(r *geo.Rings, near *geo.Box) float64 {
	var s geo.LocalScale
	sum, first := 0.0, 0
	for _, end := range r.Ends {
		ring := r.Positions[first:end]
		for i := 1; i < len(ring); i++ {
			a, b := ring[i-1], ring[i]
			if near != nil && (max(a.Lon, b.Lon) < near.Min.Lon || min(a.Lon, b.Lon) > near.Max.Lon || max(a.Lat, b.Lat) < near.Min.Lat || min(a.Lat, b.Lat) > near.Max.Lat) {
				continue
			}
			east, north := s.At((a.Lat + b.Lat) / 2)
			sum += math.Hypot(float64(b.Lon-a.Lon)*east, float64(b.Lat-a.Lat)*north)
		}
		first = int(end)
	}
	return sum
}
