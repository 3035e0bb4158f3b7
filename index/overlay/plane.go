package overlay

import (
	"math"

	"gengtu/index/geo"
)

// CGCS2000's ellipsoid (GB/T 22021-2008).
const (
	semiMajor      = 6378137.0
	flattening     = 1 / 298.257222101
	eccentricity2  = flattening * (2 - flattening)
	radiansPerUnit = math.Pi / 180 / geo.Unit
)

const (
	// bandHalf is half the height of a band of latitude in units of 1e-10
	// degree: half a degree, over which the series of taylorTerms terms is exact
	// to 1e-13 m.
	bandHalf = geo.Unit / 2
	// taylorTerms is the number of terms kept of the series of a band: the first
	// one left out is (half a degree)^9/9! of the Earth's radius, 5e-18 m.
	taylorTerms = 8
	// poleUnits and turnUnits bound the coordinates that a plane looks at.
	poleUnits = 90 * geo.Unit
	turnUnits = 360 * geo.Unit
)

// plane maps positions to the equal-area plane: x runs with longitude, y with
// the equal-area latitude q, and the plane area of a polygon with straight
// edges is its ellipsoidal area by the survey's formula (State Council survey
// office 2008-32, formula 2, as an exact integral). Both are metres, true to
// scale at the origin. A plane is not changed after newPlane.
type plane struct {
	lon0, lat0 int64
	kx         float64
	low        int64 // index of bands[0], counted from the origin's band
	bands      []band
	first      [1]band // storage of bands when one is enough
}

// band is y over one degree of latitude as a power series round mid.
type band struct {
	mid  int64
	base float64
	c    [taylorTerms]float64
}

// set makes p the plane whose origin is the middle of box and that covers box; an
// empty box counts as a point. Positions outside of it are mapped with the nearest band's series.
func (p *plane) set(box geo.Box) {
	if box.Empty() {
		box = geo.Box{}
	}
	minLat, maxLat := clampTo(box.Min.Lat, poleUnits), clampTo(box.Max.Lat, poleUnits)
	minLon, maxLon := clampTo(box.Min.Lon, turnUnits), clampTo(box.Max.Lon, turnUnits)
	p.lon0, p.lat0 = minLon+(maxLon-minLon)/2, minLat+(maxLat-minLat)/2
	sin, cos := math.Sincos(float64(p.lat0) * radiansPerUnit)
	// At the poles a degree of longitude has no width: any scale will do.
	radius := semiMajor / math.Sqrt(1-eccentricity2*sin*sin) * max(cos, 1e-3)
	p.kx = radius * radiansPerUnit
	p.low = bandOf(minLat - p.lat0)
	high := bandOf(maxLat - p.lat0)
	if p.low == 0 && high == 0 {
		p.first[0] = newBand(p.lat0, radius)
		p.bands = p.first[:]
		return
	}
	p.bands = make([]band, 0, high-p.low+1)
	for i := p.low; i <= high; i++ {
		p.bands = append(p.bands, newBand(p.lat0+i*2*bandHalf, radius))
	}
	// Neighbouring bands meet at their common border; the origin's starts at 0.
	const half = bandHalf * radiansPerUnit
	for i := -p.low + 1; i < int64(len(p.bands)); i++ {
		below := &p.bands[i-1]
		p.bands[i].base = below.base + below.series(half) - p.bands[i].series(-half)
	}
	for i := -p.low - 1; i >= 0; i-- {
		above := &p.bands[i+1]
		p.bands[i].base = above.base + above.series(-half) - p.bands[i].series(half)
	}
}

// bandOf returns the number of the band that a difference of latitude to the
// origin lies in.
func bandOf(d int64) int64 {
	d += bandHalf
	i := d / (2 * bandHalf)
	if d < 0 && i*2*bandHalf != d {
		i--
	}
	return i
}

func clampTo(v int64, limit float64) int64 {
	return min(max(v, -int64(limit)), int64(limit))
}

// at maps v; x and y are metres from the plane's origin.
func (p *plane) at(v geo.Position) (x, y float64) {
	lat := clampTo(v.Lat, poleUnits)
	b := &p.bands[0]
	if len(p.bands) > 1 {
		i := min(max(bandOf(lat-p.lat0)-p.low, 0), int64(len(p.bands)-1))
		b = &p.bands[i]
	}
	return float64(clampTo(v.Lon, turnUnits)-p.lon0) * p.kx, b.base + b.series(float64(lat-b.mid)*radiansPerUnit)
}

func (b *band) series(d float64) float64 {
	c := &b.c
	return d * (c[0] + d*(c[1]+d*(c[2]+d*(c[3]+d*(c[4]+d*(c[5]+d*(c[6]+d*c[7])))))))
}

// newBand expands y round latitude mid: the integral of M·N·cos(B) over B, M and N
// the radii of curvature, divided by radius.
func newBand(mid int64, radius float64) band {
	b := band{mid: mid}
	s, c := math.Sincos(float64(mid) * radiansPerUnit)
	var sin, cos, w [taylorTerms]float64
	f := 1.0
	for i := range taylorTerms {
		if i > 0 {
			f /= float64(i)
		}
		sin[i], cos[i] = s*f, c*f
		s, c = c, -s
	}
	w = product(&sin, &sin)
	for i := range w {
		w[i] *= -eccentricity2
	}
	w[0]++
	w = reciprocal(&w)
	w = product(&w, &w)
	w = product(&w, &cos)
	scale := semiMajor * semiMajor * (1 - eccentricity2) / radius
	for i := range w {
		b.c[i] = w[i] * scale / float64(i+1)
	}
	return b
}

// product returns the first terms of the product of two power series.
func product(a, b *[taylorTerms]float64) (r [taylorTerms]float64) {
	for i := range a {
		for j := 0; i+j < len(r); j++ {
			r[i+j] += a[i] * b[j]
		}
	}
	return r
}

// reciprocal returns the first terms of 1/a; a[0] is not 0.
func reciprocal(a *[taylorTerms]float64) (r [taylorTerms]float64) {
	r[0] = 1 / a[0]
	for i := 1; i < len(r); i++ {
		t := 0.0
		for j := 1; j <= i; j++ {
			t += a[j] * r[i-j]
		}
		r[i] = -t * r[0]
	}
	return r
}

// area returns the area of m in m², shells counted positive and holes negative
// by the direction they run in.
func (p *plane) area(m geo.MultiPolygon) float64 {
	t := 0.0
	for _, poly := range m {
		for _, r := range poly {
			t += p.ringArea(r)
		}
	}
	return t
}

// ringArea returns the area of r in m², positive when r runs counter-clockwise.
func (p *plane) ringArea(r geo.Ring) float64 {
	if len(r) < 3 {
		return 0
	}
	ox, oy := p.at(r[0])
	t, px, py := 0.0, 0.0, 0.0
	for _, v := range r[1:] {
		x, y := p.at(v)
		x, y = x-ox, y-oy
		t += px*y - x*py
		px, py = x, y
	}
	return t / 2
}

// length returns the length of m's rings in m.
func (p *plane) length(m geo.MultiPolygon) float64 {
	t := 0.0
	for _, poly := range m {
		for _, r := range poly {
			for i := 1; i < len(r); i++ {
				ax, ay := p.at(r[i-1])
				bx, by := p.at(r[i])
				t += math.Hypot(bx-ax, by-ay)
			}
		}
	}
	return t
}
