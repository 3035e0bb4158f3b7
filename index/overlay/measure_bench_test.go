package overlay

import (
	"testing"

	"gengtu/index/geo"
)

func BenchmarkMeasure(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int
	}{{"parcels=100", 10}, {"parcels=2500", 50}, {"parcels=10000", 100}} {
		items := landscape(11, c.n, float64(c.n)*60)
		size := float64(c.n) * 60
		aoi := newGenerator(12).star(size/2, size/2, size*0.7, 60)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			start := processorTime(b)
			for b.Loop() {
				if r := mustMeasure(b, aoi, items); r.AOI == 0 {
					b.Fatal("no ground")
				}
			}
			b.ReportMetric(float64(processorTime(b)-start)/float64(b.N)/1e6, "cpu-ms/op")
		})
	}
}

func BenchmarkSharedArea(b *testing.B) {
	g := newGenerator(13)
	var as, bs []geo.MultiPolygon
	for i := range 800 {
		p, q := g.pair(i)
		as, bs = append(as, p), append(bs, q)
	}
	b.ReportAllocs()
	i := 0
	total := 0.0
	for b.Loop() {
		total += SharedArea(as[i%800], bs[i%800])
		i++
	}
	if total == 0 {
		b.Fatal("nothing shared")
	}
}
