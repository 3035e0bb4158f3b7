package check

import (
	"slices"

	"gengtu/index/geo"
)

// pointIn returns a position inside m, which has ground: in the middle of the widest
// stretch of the parallel through the middle of its largest polygon. Where the ground is
// finer than the grid the result may lie on its border.
func pointIn(m geo.MultiPolygon) geo.Position {
	best, most := 0, -1.0
	for i, p := range m {
		if a := geo.Area(geo.MultiPolygon{p}); a > most {
			best, most = i, a
		}
	}
	poly := m[best]
	box := geo.MultiPolygon{poly}.Box()
	lat := box.Min.Lat/2 + box.Max.Lat/2
	var xs []float64
	for _, r := range poly {
		for i := 1; i < len(r); i++ {
			a, b := r[i-1], r[i]
			if (2*a.Lat > 2*lat+1) == (2*b.Lat > 2*lat+1) {
				continue
			}
			f := (float64(lat-a.Lat) + 0.5) / float64(b.Lat-a.Lat)
			xs = append(xs, float64(a.Lon)+f*float64(b.Lon-a.Lon))
		}
	}
	slices.Sort(xs)
	at := geo.Position{Lon: box.Min.Lon/2 + box.Max.Lon/2, Lat: lat}
	wide := -1.0
	for i := 0; i+1 < len(xs); i += 2 {
		if w := xs[i+1] - xs[i]; w > wide {
			wide, at.Lon = w, int64(xs[i]+w/2)
		}
	}
	return at
}
