package overlay

import (
	"fmt"
	"testing"

	"gengtu/index/geo"
)

// BenchmarkPrepared measures an AOI of 2 km radius against parcels of 8 to 40
// vertices and some 50 m that its border crosses.
func BenchmarkPrepared(b *testing.B) {
	for _, n := range []int{64, 2000, 50000} {
		p, crossing := preparedBench(n)
		b.Run(fmt.Sprintf("vertices=%d", n), func(b *testing.B) {
			var w Workspace
			b.ReportAllocs()
			i, total := 0, 0.0
			start := processorTime(b)
			for b.Loop() {
				total += p.Shared(&w, crossing[i%len(crossing)])
				i++
			}
			b.ReportMetric(float64(processorTime(b)-start)/float64(b.N), "cpu-ns/op")
			if total == 0 {
				b.Fatal("nothing shared")
			}
		})
	}
}

// BenchmarkPreparedSide measures boxes of parcels anywhere in the AOI's box.
func BenchmarkPreparedSide(b *testing.B) {
	for _, n := range []int{64, 2000, 50000} {
		p, _ := preparedBench(n)
		g := newGenerator(53)
		var boxes []geo.Box
		for range 1024 {
			boxes = append(boxes, g.star(5000*g.Float64()-2500, 5000*g.Float64()-2500, 40, 8).Box())
		}
		b.Run(fmt.Sprintf("vertices=%d", n), func(b *testing.B) {
			i := 0
			var count [3]int
			start := processorTime(b)
			for b.Loop() {
				count[p.Side(boxes[i%len(boxes)])]++
				i++
			}
			b.ReportMetric(float64(processorTime(b)-start)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(count[Across])/float64(b.N), "across/op")
		})
	}
}

// BenchmarkPrepare measures the preparation itself.
func BenchmarkPrepare(b *testing.B) {
	for _, n := range []int{4, 64, 2000, 50000} {
		aoi := newGenerator(51).parcel(0, 0, 2000, n)
		b.Run(fmt.Sprintf("vertices=%d", n), func(b *testing.B) {
			start := processorTime(b)
			for b.Loop() {
				Prepare(aoi)
			}
			b.ReportMetric(float64(processorTime(b)-start)/float64(b.N), "cpu-ns/op")
		})
	}
}

// preparedBench returns an AOI of n vertices and parcels on its border.
func preparedBench(n int) (*Prepared, []*geo.Rings) {
	g := newGenerator(51)
	aoi := g.parcel(0, 0, 2000, n)
	p := Prepare(aoi)
	ring := aoi[0][0]
	var crossing []*geo.Rings
	for len(crossing) < 512 {
		at := ring[g.IntN(n)]
		x, y := float64(at.Lon-homeLon)/metreLon, float64(at.Lat-homeLat)/metreLat
		m := g.parcel(x+60*g.Float64()-30, y+60*g.Float64()-30, 50, 8+g.IntN(33))
		if p.Side(m.Box()) == Across {
			crossing = append(crossing, ringsOf(m))
		}
	}
	return p, crossing
}
