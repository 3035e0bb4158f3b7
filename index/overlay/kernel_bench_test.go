package overlay

import (
	"fmt"
	"math"
	"testing"

	"gengtu/index/geo"
)

// parcel returns a simple ring of n vertices round x, y, as parcels run: a few
// bays and a jitter that is small against the distance of the vertices.
func (g generator) parcel(x, y, radius float64, n int) geo.MultiPolygon {
	var amplitude, phase [5]float64
	for i := range amplitude {
		amplitude[i], phase[i] = 0.12*g.Float64(), 2*math.Pi*g.Float64()
	}
	var r geo.Ring
	for i := range n {
		t := (float64(i) + 0.5*g.Float64()) / float64(n)
		d := radius * (1 + g.Float64()/float64(n))
		for k := range amplitude {
			d += radius * amplitude[k] * math.Sin(2*math.Pi*t*float64(k+2)+phase[k])
		}
		c, s := turn(t)
		r = append(r, ground(x+d*c, y+d*s))
	}
	return single(append(r, r[0]))
}

// benchPairs returns pairs of n vertices each: crossing ones, and every second
// with a common border.
func benchPairs(g generator, n, count int) (as, bs []geo.MultiPolygon) {
	for i := range count {
		var a, b geo.MultiPolygon
		if i%2 == 0 {
			a, b = g.parcel(0, 0, 50, n), g.parcel(60*g.Float64(), 60*g.Float64(), 50, n)
		} else {
			a, b = g.halves(n - 2)
		}
		as, bs = append(as, a), append(bs, b)
	}
	return as, bs
}

var benchSizes = []int{16, 36, 64, 256, 1024, 4096}

// BenchmarkKernel measures loaded pairs; BenchmarkKernelLoad the loading of one
// outline; BenchmarkSharedArea all of it at once.
func BenchmarkKernel(b *testing.B) {
	for _, n := range benchSizes {
		as, bs := benchPairs(newGenerator(31), n, 64)
		plane := newPlane(as[0].Box()).EqualAreaPlane
		oa, ob := outlinesOf(&plane, as), outlinesOf(&plane, bs)
		b.Run(fmt.Sprintf("vertices=%d", n), func(b *testing.B) {
			var k Kernel
			b.ReportAllocs()
			i, total := 0, 0.0
			start := processorTime(b)
			for b.Loop() {
				total += k.Shared(&oa[i%64], &ob[i%64])
				i++
			}
			b.ReportMetric(float64(processorTime(b)-start)/float64(b.N), "cpu-ns/op")
			if total == 0 {
				b.Fatal("nothing shared")
			}
		})
	}
}

func BenchmarkKernelStars(b *testing.B) {
	for _, n := range benchSizes[:4] {
		g := newGenerator(32)
		var as, bs []geo.MultiPolygon
		for range 64 {
			as, bs = append(as, g.star(0, 0, 50, n)), append(bs, g.star(20*g.Float64(), 20*g.Float64(), 40, n))
		}
		plane := newPlane(as[0].Box()).EqualAreaPlane
		oa, ob := outlinesOf(&plane, as), outlinesOf(&plane, bs)
		b.Run(fmt.Sprintf("vertices=%d", n), func(b *testing.B) {
			var k Kernel
			i := 0
			start := processorTime(b)
			for b.Loop() {
				k.Shared(&oa[i%64], &ob[i%64])
				i++
			}
			b.ReportMetric(float64(processorTime(b)-start)/float64(b.N), "cpu-ns/op")
		})
	}
}

// BenchmarkKernelParcels measures the pairs that a join of two layers of small
// parcels has to look at.
func BenchmarkKernelParcels(b *testing.B) {
	g := newGenerator(33)
	as, bs := g.fabric(40, 60, 3), g.fabric(33, 73.6, 3)
	plane := newPlane(as[820].Box()).EqualAreaPlane
	oa, ob := outlinesOf(&plane, as), outlinesOf(&plane, bs)
	var pairs [][2]*Outline
	for i := range as {
		for j := range bs {
			if as[i].Box().Intersects(bs[j].Box()) {
				pairs = append(pairs, [2]*Outline{&oa[i], &ob[j]})
			}
		}
	}
	var k Kernel
	i := 0
	start := processorTime(b)
	for b.Loop() {
		p := pairs[i%len(pairs)]
		k.Shared(p[0], p[1])
		i++
	}
	b.ReportMetric(float64(processorTime(b)-start)/float64(b.N), "cpu-ns/op")
}

// BenchmarkKernelEdges measures the pairs of edges of two leaves that all cross
// each other: the least that a pair of edges costs.
func BenchmarkKernelEdges(b *testing.B) {
	var level, steep geo.Ring
	for i := range chainEdges / 2 {
		y := float64(i)
		level = append(level, ground(0, y), ground(50, y+0.5))
		steep = append(steep, ground(y, -10), ground(y+40, 20))
	}
	plane := newPlane(geo.MultiPolygon{{level}}.Box()).EqualAreaPlane
	o := outlinesOf(&plane, []geo.MultiPolygon{single(level), single(steep)})
	k := Kernel{a: &o[0], b: &o[1]}
	start := processorTime(b)
	for b.Loop() {
		k.cross(&o[0].nodes[0], &o[1].nodes[0])
	}
	b.ReportMetric(float64(processorTime(b)-start)/float64(b.N)/chainEdges/chainEdges, "cpu-ns/op")
}

func BenchmarkKernelLoad(b *testing.B) {
	for _, n := range benchSizes {
		as, _ := benchPairs(newGenerator(31), n, 64)
		plane := newPlane(as[0].Box()).EqualAreaPlane
		var rings []*geo.Rings
		for _, a := range as {
			rings = append(rings, ringsOf(a))
		}
		b.Run(fmt.Sprintf("vertices=%d", n), func(b *testing.B) {
			var o Outline
			b.ReportAllocs()
			i := 0
			start := processorTime(b)
			for b.Loop() {
				o.Load(&plane, rings[i%64])
				i++
			}
			b.ReportMetric(float64(processorTime(b)-start)/float64(b.N), "cpu-ns/op")
		})
	}
}

func BenchmarkSharedAreaBySize(b *testing.B) {
	for _, n := range benchSizes {
		as, bs := benchPairs(newGenerator(31), n, 64)
		b.Run(fmt.Sprintf("vertices=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			start := processorTime(b)
			for b.Loop() {
				SharedArea(as[i%64], bs[i%64])
				i++
			}
			b.ReportMetric(float64(processorTime(b)-start)/float64(b.N), "cpu-ns/op")
		})
	}
}

func outlinesOf(plane *geo.EqualAreaPlane, ms []geo.MultiPolygon) []Outline {
	out := make([]Outline, len(ms))
	for i, m := range ms {
		out[i].Load(plane, ringsOf(m))
	}
	return out
}
