package overlay

import (
	"math"
	"testing"

	"gengtu/index/geo"
	"gengtu/index/overlay/pairtest"
)

// pairByPair is the integral without chains: every edge with every edge, twice
// the mean by cases instead of by formula.
func pairByPair(p *plane, a, b geo.MultiPolygon) float64 {
	var total sum
	ea, eb := oracleEdges(p, a, 0), oracleEdges(p, b, 1)
	at := func(e *oracleEdge, x float64) float64 {
		y0, _ := e.y0.Float64()
		y1, _ := e.y1.Float64()
		return y0 + (y1-y0)*((x-e.fx0)/(e.fx1-e.fx0))
	}
	for i := range ea {
		for j := range eb {
			e, f := &ea[i], &eb[j]
			x0, x1 := max(e.fx0, f.fx0), min(e.fx1, f.fx1)
			if x0 >= x1 {
				continue
			}
			e0, e1, f0, f1 := at(e, x0), at(e, x1), at(f, x0), at(f, x1)
			mean := (min(e0, f0) + min(e1, f1)) / 2
			if d0, d1 := e0-f0, e1-f1; d0 < 0 && d1 > 0 || d0 > 0 && d1 < 0 {
				cut := d0 / (d0 - d1)
				y := e0 + cut*(e1-e0)
				mean = (cut*(min(e0, f0)+y) + (1-cut)*(min(e1, f1)+y)) / 2
			}
			total.add(float64(e.sign*f.sign) * (x1 - x0) * mean)
		}
	}
	return total.value()
}

// Trees of all depths, single chains against deep trees, several rings, borders in
// common: the kernel gives what all pairs of edges give.
func TestKernelAgainstAllPairs(t *testing.T) {
	g := newGenerator(61)
	var k Kernel
	worst := 0.0
	for i := range 400 {
		n, m := 3+g.IntN(20), 3+g.IntN(20)
		if i%4 == 0 {
			n, m = 3+g.IntN(400), 3+g.IntN(60)
		}
		a := g.parcel(0, 0, 50, n)
		b := g.parcel(70*g.Float64()-35, 70*g.Float64()-35, 5+60*g.Float64(), m)
		switch i % 8 {
		case 1:
			a, b = g.halves(n)
		case 2:
			b = g.noisy(a, 1e-3)
		case 3:
			for range 1 + g.IntN(12) {
				a = append(a, g.star(300*g.Float64(), 300*g.Float64(), 10, 3+g.IntN(30))...)
			}
			b = g.parcel(150, 150, 120, m)
		}
		p := planeOf(a)
		oa, ob := outlinesOf(&p.EqualAreaPlane, []geo.MultiPolygon{a}), outlinesOf(&p.EqualAreaPlane, []geo.MultiPolygon{b})
		want := pairByPair(p, a, b)
		got, turned := k.Shared(&oa[0], &ob[0]), k.Shared(&ob[0], &oa[0])
		one := SharedArea(a, b)
		worst = max(worst, math.Abs(got-want), math.Abs(turned-want), math.Abs(one-want))
		if worst > 1e-8 {
			t.Fatalf("case %d, %d and %d vertices: %.12f, turned %.12f, SharedArea %.12f, want %.12f", i, n, m, got, turned, one, want)
		}
		if area := oa[0].Area(); !agree(area, p.area(a), area) {
			t.Fatalf("case %d: Area %.12f, want %.12f", i, area, p.area(a))
		}
	}
	t.Logf("worst difference %.2g m²", worst)
}

// Planes far from the pair, loaded and prepared outlines, all families: no more
// than the bound of the ends apart from SharedArea in a plane of its own.
func TestKernelInDistantPlanes(t *testing.T) {
	var k Kernel
	var w Workspace
	worst := 0.0
	for _, f := range pairtest.Families() {
		for seed := range uint64(60) {
			a, b := pairtest.Pair(f, seed)
			want := SharedArea(a, b)
			box := a.Box()
			// A join's block is some 10 km wide; ten times that is far.
			at := geo.Position{Lon: box.Min.Lon + 1e10, Lat: min(max(box.Min.Lat+1e10, -89e10), 89e10)}
			plane := geo.NewEqualAreaPlane(at)
			oa, ob := outlinesOf(&plane, []geo.MultiPolygon{a}), outlinesOf(&plane, []geo.MultiPolygon{b})
			got, areaA, areaB := k.Shared(&oa[0], &ob[0]), oa[0].Area(), ob[0].Area()
			prepared, turned := Prepare(a).Shared(&w, ringsOf(b)), Prepare(b).Shared(&w, ringsOf(a))
			tolerance := max(1e-6, 1e-12*max(areaA, areaB))
			for _, got := range []float64{got, prepared, turned} {
				worst = max(worst, math.Abs(got-want)/tolerance)
				if math.Abs(got-want) > tolerance {
					t.Fatalf("%v seed %d: %.12f, want %.12f", f, seed, got, want)
				}
			}
			if got > min(areaA, areaB)+tolerance {
				t.Fatalf("%v seed %d: %g m² shared, of %g and %g", f, seed, got, areaA, areaB)
			}
		}
	}
	t.Logf("worst difference %.2g of the tolerance", worst)
}

// What both reach down to is counted once: the lowest edges of both lie on one line.
func TestKernelCommonBase(t *testing.T) {
	a, b := single(rectangle(0, 0, 10, 10)), single(rectangle(5, 0, 20, 4))
	if got, want := SharedArea(a, b), SharedArea(single(rectangle(5, 0, 10, 4)), a); math.Abs(got-want) > 1e-11 || want < 19 {
		t.Fatalf("%g m², want %g", got, want)
	}
}

func TestKernelDegenerate(t *testing.T) {
	square := single(rectangle(0, 0, 10, 10))
	for name, m := range map[string]geo.MultiPolygon{
		"nothing":            nil,
		"an empty polygon":   {nil},
		"an empty ring":      {{nil}},
		"one position":       {{{ground(5, 5)}}},
		"a point":            single(closed(ground(5, 5), ground(5, 5), ground(5, 5))),
		"a level line":       single(closed(ground(1, 5), ground(9, 5))),
		"an upright line":    single(closed(ground(5, 1), ground(5, 9), ground(5, 3))),
		"a line back again":  single(closed(ground(1, 2), ground(7, 8), ground(9, 3), ground(7, 8))),
		"beside it":          single(rectangle(10, 0, 20, 10)),
		"far off the Earth":  single(closed(geo.Position{Lon: math.MaxInt64, Lat: math.MinInt64}, geo.Position{}, geo.Position{Lon: math.MinInt64, Lat: 3})),
		"above it, on it":    single(rectangle(0, 10, 10, 20)),
		"sharing one corner": single(rectangle(10, 10, 20, 20)),
	} {
		var w Workspace
		for _, got := range []float64{
			SharedArea(square, m), SharedArea(m, square), Prepare(square).Shared(&w, ringsOf(m)), Prepare(m).Shared(&w, ringsOf(square)),
		} {
			if name != "far off the Earth" && !(math.Abs(got) <= 1e-12) || math.IsNaN(got) {
				t.Errorf("%s shares %g m²", name, got)
			}
		}
	}
}

// A ring whose first position is not repeated is closed.
func TestOutlineClosesRings(t *testing.T) {
	m := newGenerator(62).parcel(0, 0, 30, 20)
	open := geo.MultiPolygon{{m[0][0][:20]}}
	p := planeOf(m)
	os := outlinesOf(&p.EqualAreaPlane, []geo.MultiPolygon{m, open})
	if os[0].Area() != os[1].Area() {
		t.Fatalf("closed %g m², open %g", os[0].Area(), os[1].Area())
	}
}

func TestKernelAllocates(t *testing.T) {
	g := newGenerator(63)
	a, b := g.parcel(0, 0, 50, 300), g.parcel(20, 10, 40, 40)
	rings, p := ringsOf(b), Prepare(a)
	var k Kernel
	var w Workspace
	var o Outline
	os := outlinesOf(&p.plane, []geo.MultiPolygon{a, b})
	for name, f := range map[string]func(){
		"Kernel.Shared":   func() { k.Shared(&os[0], &os[1]) },
		"Outline.Load":    func() { o.Load(&p.plane, rings) },
		"Prepared.Shared": func() { p.Shared(&w, rings) },
		"Prepared.Side":   func() { p.Side(b.Box()) },
	} {
		f()
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %g times", name, n)
		}
	}
}
