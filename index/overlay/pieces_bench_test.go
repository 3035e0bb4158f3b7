package overlay

import (
	"fmt"
	"testing"

	"gengtu/index/geo"
)

// perProcessor reports the processor's time of f, called once a loop.
func perProcessor(b *testing.B, f func(i int)) {
	b.Helper()
	b.ReportAllocs()
	start := processorTime(b)
	i := 0
	for b.Loop() {
		f(i)
		i++
	}
	b.ReportMetric(float64(processorTime(b)-start)/float64(b.N)/1e3, "cpu-µs/op")
}

func BenchmarkPieces(b *testing.B) {
	g := newGenerator(45)
	sets := map[string][2][]geo.MultiPolygon{}
	var as, bs []geo.MultiPolygon
	for i := range 360 {
		p, q := g.pair(i)
		as, bs = append(as, p), append(bs, q)
	}
	sets["mix"] = [2][]geo.MultiPolygon{as, bs}
	for _, n := range []int{16, 36, 64, 256, 2000} {
		as, bs := []geo.MultiPolygon{}, []geo.MultiPolygon{}
		for range 8 {
			as = append(as, g.parcel(0, 0, 50, n))
			bs = append(bs, g.parcel(30*g.Float64(), 30*g.Float64(), 50, n))
		}
		sets[fmt.Sprintf("n=%d", n)] = [2][]geo.MultiPolygon{as, bs}
	}
	for _, name := range []string{"mix", "n=16", "n=36", "n=64", "n=256", "n=2000"} {
		s := sets[name]
		b.Run(name, func(b *testing.B) {
			perProcessor(b, func(i int) {
				i %= len(s[0])
				if _, err := Intersection(s[0][i], s[1][i]); err != nil {
					b.Fatal(err)
				}
			})
		})
		b.Run("mask/"+name, func(b *testing.B) {
			var masks []*Mask
			for _, m := range s[0] {
				mask, err := NewMask(m)
				if err != nil {
					b.Fatal(err)
				}
				masks = append(masks, mask)
			}
			perProcessor(b, func(i int) {
				i %= len(s[0])
				if _, err := masks[i].Piece(s[1][i]); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

func BenchmarkFair(b *testing.B) {
	g := newGenerator(46)
	for _, n := range []int{20, 36, 64, 256, 2000} {
		ms := []geo.MultiPolygon{}
		for range 8 {
			ms = append(ms, g.parcel(0, 0, 50, n))
		}
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			perProcessor(b, func(i int) { mustMend(b, ms[i%8]) })
		})
	}
}
