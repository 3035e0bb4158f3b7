package geo_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gengtu/index/geo"
)

func benchPlaces(c geo.CRS) ([]geo.LonLat, []geo.XY) {
	r := rand.New(rand.NewPCG(7, 7))
	places := make([]geo.LonLat, 1024)
	planes := make([]geo.XY, len(places))
	for i := range places {
		places[i] = geo.LonLat{Lon: 107 + 2*r.Float64(), Lat: 34 + 2*r.Float64()}
		planes[i] = c.Forward(places[i])
	}
	return places, planes
}

func BenchmarkForward(b *testing.B) {
	for _, code := range []int{4524, 3857} {
		c := mustEPSG(b, code)
		places, planes := benchPlaces(c)
		b.Run(fmt.Sprintf("epsg=%d", code), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if c.Forward(places[i%1024]) != planes[i%1024] {
					b.Fatal("wrong")
				}
				i++
			}
		})
	}
}

func BenchmarkInverse(b *testing.B) {
	for _, code := range []int{4524, 3857} {
		c := mustEPSG(b, code)
		places, planes := benchPlaces(c)
		b.Run(fmt.Sprintf("epsg=%d", code), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if got := c.Inverse(planes[i%1024]); math.Abs(got.Lon-places[i%1024].Lon) > 1e-11 {
					b.Fatal("wrong")
				}
				i++
			}
		})
	}
}

func BenchmarkEqualArea(b *testing.B) {
	places, _ := benchPlaces(geo.CRS{})
	positions := make([]geo.Position, len(places))
	for i, p := range places {
		positions[i] = geo.PositionOf(p)
	}
	plane := geo.NewEqualAreaPlane(positions[0])
	b.Run("to", func(b *testing.B) {
		i := 0
		for b.Loop() {
			if !(plane.To(positions[i%1024]).Y < 1e6) {
				b.Fatal("wrong")
			}
			i++
		}
	})
	b.Run("from", func(b *testing.B) {
		i := 0
		for b.Loop() {
			if plane.From(plane.To(positions[i%1024])) != positions[i%1024] {
				b.Fatal("wrong")
			}
			i++
		}
	})
	b.Run("new", func(b *testing.B) {
		i := 0
		for b.Loop() {
			p := geo.NewEqualAreaPlane(positions[i%1024])
			if p.Origin() != positions[i%1024] {
				b.Fatal("wrong")
			}
			i++
		}
	})
	// The formula itself for every vertex, which the plane's series replaces.
	b.Run("formula", func(b *testing.B) {
		i := 0
		for b.Loop() {
			if !(geo.EqualArea(positions[i%1024]).Y < 1e7) {
				b.Fatal("wrong")
			}
			i++
		}
	})
}

func BenchmarkArea(b *testing.B) {
	r := rand.New(rand.NewPCG(8, 8))
	for _, n := range []int{5, 50, 5000} {
		m := geo.MultiPolygon{{randomRing(r, geo.Position{Lon: 108e10, Lat: 35e10}, n, 100)}}
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !(geo.Area(m) > 0) {
					b.Fatal("wrong")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/vertex")
		})
	}
}

func BenchmarkRing(b *testing.B) {
	c := mustEPSG(b, 4524)
	points := eastFirst(square(3940000, 36502000, 60))
	b.ReportAllocs()
	for b.Loop() {
		if len(c.Ring(points)) != 5 {
			b.Fatal("wrong")
		}
	}
}

func BenchmarkParse(b *testing.B) {
	r := rand.New(rand.NewPCG(8, 8))
	m := geo.MultiPolygon{{randomRing(r, geo.Position{Lon: 108e10, Lat: 35e10}, 1000, 100)}}
	text := geo.AppendGeoJSON(nil, m)
	b.Run("geojson", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := geo.ParseGeometry(text, geo.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("append geojson", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		dst := make([]byte, 0, len(text))
		for b.Loop() {
			if got := geo.AppendGeoJSON(dst, m); len(got) != len(text) {
				b.Fatal("wrong")
			}
		}
	})
}
