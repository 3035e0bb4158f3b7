package main_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// The box of the delivery, degrees, and metres in a degree at its middle.
const (
	deliveryLon, deliveryLat = 108.6438, 34.3361
	deliveryLonM             = 91950.0
	deliveryLatM             = 110920.0
	deliveryHalfM            = 4050.0
)

// maxEdgeM is the longest edge of a random shape: over 50 m a geodesic, an edge
// straight in longitude and latitude and one straight in the equal-area plane
// part by less than 0.04 mm, so that tools that mean any of them can be compared.
const maxEdgeM = 50

// point is a place in metres east and north of the delivery's middle.
type point struct{ x, y float64 }

// shape is a random area of interest: polygons of closed rings.
type shape struct {
	kind     string
	polygons [][][]point
}

// randomShapes returns n shapes of all kinds and sizes over the delivery and
// its rim, the same for the same seed.
func randomShapes(n int, seed uint64) []shape {
	r := rand.New(rand.NewPCG(seed, 1))
	kinds := []struct {
		name string
		make func(r *rand.Rand, c point, size float64) [][][]point
	}{
		{"triangle", func(r *rand.Rand, c point, s float64) [][][]point { return poly(wheel(r, c, s, 3, 0.4)) }},
		{"star", func(r *rand.Rand, c point, s float64) [][][]point { return poly(spikes(r, c, s)) }},
		{"blob", func(r *rand.Rand, c point, s float64) [][][]point { return poly(wheel(r, c, s, 9+r.IntN(20), 0.95)) }},
		{"box", func(_ *rand.Rand, c point, s float64) [][][]point { return poly(box(c, s, s*0.7)) }},
		{"needle", func(_ *rand.Rand, c point, s float64) [][][]point {
			return poly([]point{{c.x, c.y}, {c.x + s, c.y + s/3}, {c.x + s*0.999, c.y + s/3 + 2}})
		}},
		{"with holes", withHoles},
		{"parts apart", func(r *rand.Rand, c point, s float64) [][][]point {
			return [][][]point{{wheel(r, c, s/3, 6, 0.7)}, {wheel(r, point{c.x + s, c.y}, s/3, 5, 0.7)}, {box(point{c.x, c.y - s}, s/4, s/4)}}
		}},
		{"parts that overlap", func(r *rand.Rand, c point, s float64) [][][]point {
			return [][][]point{{wheel(r, c, s/2, 8, 0.9)}, {wheel(r, point{c.x + s/3, c.y + s/5}, s/2, 7, 0.9)}}
		}},
		{"bow-tie", func(_ *rand.Rand, c point, s float64) [][][]point {
			return poly([]point{{c.x - s/2, c.y - s/3}, {c.x + s/2, c.y + s/2}, {c.x + s/2, c.y - s/2}, {c.x - s/2, c.y + s/4}})
		}},
		{"pentagram", func(_ *rand.Rand, c point, s float64) [][][]point {
			var ring []point
			for i := range 5 {
				sin, cos := math.Sincos(0.3 + float64(i)*4*math.Pi/5)
				ring = append(ring, point{c.x + s/2*cos, c.y + s/2*sin})
			}
			return poly(ring)
		}},
		{"scribble", func(r *rand.Rand, c point, s float64) [][][]point {
			var ring []point
			for range 7 {
				ring = append(ring, point{c.x + s*(r.Float64()-0.5), c.y + s*(r.Float64()-0.5)})
			}
			return poly(ring)
		}},
		{"hole across the shell", func(r *rand.Rand, c point, s float64) [][][]point {
			return [][][]point{{wheel(r, c, s/2, 9, 0.9), wheel(r, point{c.x + s/2, c.y}, s/5, 6, 0.9)}}
		}},
	}
	out := make([]shape, n)
	for i := range out {
		k := kinds[i%len(kinds)]
		size := 100 * math.Pow(50, r.Float64()) // 100 m to 5 km
		if i%10 == 9 {
			size = 0.5 * math.Pow(100, r.Float64()) // 0.5 m to 50 m
		}
		c := point{(r.Float64()*2 - 1) * deliveryHalfM, (r.Float64()*2 - 1) * deliveryHalfM}
		out[i] = shape{k.name, divided(k.make(r, c, size))}
	}
	return out
}

func poly(ring []point) [][][]point { return [][][]point{{ring}} }

// wheel is a ring round c with vertices at random angles, in order, at a radius
// between least and 1 times half the size.
func wheel(r *rand.Rand, c point, size float64, n int, least float64) []point {
	ring := make([]point, n)
	for i := range ring {
		sin, cos := math.Sincos(2 * math.Pi * (float64(i) + 0.8*r.Float64()) / float64(n))
		d := size / 2 * (least + (1-least)*r.Float64())
		ring[i] = point{c.x + d*cos, c.y + d*sin}
	}
	return ring
}

func spikes(r *rand.Rand, c point, size float64) []point {
	n := 2 * (4 + r.IntN(8))
	ring := wheel(r, c, size, n, 0.9)
	for i := 0; i < n; i += 2 {
		ring[i] = point{c.x + (ring[i].x-c.x)*0.35, c.y + (ring[i].y-c.y)*0.35}
	}
	return ring
}

func box(c point, w, h float64) []point {
	return []point{{c.x - w/2, c.y - h/2}, {c.x + w/2, c.y - h/2}, {c.x + w/2, c.y + h/2}, {c.x - w/2, c.y + h/2}}
}

func withHoles(r *rand.Rand, c point, s float64) [][][]point {
	rings := [][]point{wheel(r, c, s, 12, 0.9)}
	for i := range 3 {
		sin, cos := math.Sincos(float64(i) * 2 * math.Pi / 3)
		rings = append(rings, wheel(r, point{c.x + s*0.22*cos, c.y + s*0.22*sin}, s*0.25, 4+i, 0.8))
	}
	return [][][]point{rings}
}

// divided closes the rings and divides their edges to at most maxEdgeM.
func divided(polygons [][][]point) [][][]point {
	for _, p := range polygons {
		for k, ring := range p {
			var out []point
			for i, a := range ring {
				b := ring[(i+1)%len(ring)]
				n := math.Ceil(math.Hypot(b.x-a.x, b.y-a.y) / maxEdgeM)
				for j := 0.0; j < n; j++ {
					out = append(out, point{a.x + (b.x-a.x)*j/n, a.y + (b.y-a.y)*j/n})
				}
			}
			p[k] = append(out, out[0])
		}
	}
	return polygons
}

// write spells the shape's coordinates in degrees to 1e-10: what opens and
// closes a list, and what stands between the two numbers of a position.
func (s shape) write(open, closing, pair string) string {
	var b strings.Builder
	list := func(n int, item func(i int)) {
		b.WriteString(open)
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			item(i)
		}
		b.WriteString(closing)
	}
	list(len(s.polygons), func(i int) {
		list(len(s.polygons[i]), func(k int) {
			ring := s.polygons[i][k]
			list(len(ring), func(j int) {
				fmt.Fprintf(&b, pair, deliveryLon+ring[j].x/deliveryLonM, deliveryLat+ring[j].y/deliveryLatM)
			})
		})
	})
	return b.String()
}

func (s shape) wkt() string { return "MULTIPOLYGON" + s.write("(", ")", "%.10f %.10f") }

func (s shape) geoJSON() string {
	return `{"type":"MultiPolygon","coordinates":` + s.write("[", "]", "[%.10f,%.10f]") + `}`
}

// collection is a GeoJSON FeatureCollection of shapes with their number as id
// and their kind as a property.
func collection(shapes []shape) []byte {
	var b strings.Builder
	b.WriteString(`{"type":"FeatureCollection","features":[`)
	for i, s := range shapes {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, `{"type":"Feature","id":%d,"properties":{"kind":%q},"geometry":%s}`, i+1, s.kind, s.geoJSON())
	}
	b.WriteString("]}\n")
	return []byte(b.String())
}
