package overlay

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
)

// The canceller counts as a map does, whatever comes and goes.
func TestCancellerCountsAsMap(t *testing.T) {
	g := newGenerator(50)
	type edge struct{ p, q geo.Position }
	var c canceller
	want := map[edge]int32{}
	for range 200_000 {
		// Few enough edges that they come again and leave gaps.
		p := geo.Position{Lon: g.Int64N(40), Lat: g.Int64N(40)}
		q := geo.Position{Lon: p.Lon + g.Int64N(3), Lat: p.Lat + g.Int64N(3)}
		if g.IntN(2) == 0 {
			p, q = q, p
		}
		c.add(p, q)
		w := int32(1)
		if before(q, p) {
			p, q, w = q, p, -1
		}
		if p != q {
			if want[edge{p, q}] += w; want[edge{p, q}] == 0 {
				delete(want, edge{p, q})
			}
		}
	}
	var s arrangement
	c.rest(&s, operandA)
	got := map[edge]int32{}
	for _, e := range s.segments {
		got[edge{e.p, e.q}] = e.a
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(edge{})); d != "" || c.used != len(want) {
		t.Fatalf("%d used, want %d\n%s", c.used, len(want), d)
	}
}

// Whole layers with overlaps, gaps, T-junctions and copies, against Measure.
func TestLayerOperations(t *testing.T) {
	g := newGenerator(51)
	for i := range 60 {
		var as, bs []geo.MultiPolygon
		switch i % 4 {
		case 0: // nets that cut each other
			as, bs = g.tessellation(6, 400), g.tessellation(5, 420)
		case 1: // stars at random, overlapping each other
			for range 20 {
				as = append(as, g.star(300*g.Float64(), 300*g.Float64(), 60, 5+g.IntN(20)))
				bs = append(bs, g.star(300*g.Float64(), 300*g.Float64(), 60, 5+g.IntN(20)))
			}
		case 2: // a net with cells twice and cells left out, and the same but for a millimetre
			as = g.tessellation(7, 700)
			bs = append(g.moved(as, 90)[:40], as[3], as[3])
		default: // scribbles
			for range 6 {
				as = append(as, g.scribble(4+g.IntN(12), 200))
				bs = append(bs, g.scribble(4+g.IntN(12), 200))
			}
		}
		all, err := Dissolve(t.Context(), as)
		if err != nil {
			t.Fatalf("case %d: %v", i, err)
		}
		rest, err := DifferenceOfLayers(t.Context(), as, bs)
		if err != nil {
			t.Fatalf("case %d: %v", i, err)
		}
		var items []Item
		for layer, ms := range [][]geo.MultiPolygon{as, bs} {
			for _, m := range ms {
				items = append(items, Item{Layer: layer, Group: NoGroup, Weight: math.NaN(), Geometry: m})
			}
		}
		box := all.Box()
		r := mustMeasure(t, geo.MultiPolygon{box.Polygon()}, items)
		want := 0.0
		for _, c := range r.Combinations {
			if c.Mask == 1 {
				want = c.Area
			}
		}
		p := planeOf(all)
		if got := p.area(all); math.Abs(got-r.Layers[0].Area) > 0.05 {
			t.Errorf("case %d: dissolved %.6f m², want %.6f", i, got, r.Layers[0].Area)
		}
		if got := p.area(rest); math.Abs(got-want) > 0.1 {
			t.Errorf("case %d: difference %.6f m², want %.6f", i, got, want)
		}
		for _, m := range []geo.MultiPolygon{all, rest} {
			if again, found := mustMend(t, m); len(m) > 0 && (len(found) > 0 || cmp.Diff(m, again) != "") {
				t.Errorf("case %d: not valid: %v", i, found)
			}
		}
	}
}

// In whatever order the features come, the ground is the same to the last bit.
func TestDissolveInAnyOrder(t *testing.T) {
	g := newGenerator(52)
	ms := g.tessellation(8, 500)
	for range 10 {
		ms = append(ms, g.star(250*g.Float64(), 250*g.Float64(), 80, 12))
	}
	want, err := Dissolve(t.Context(), ms)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		g.Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
		got, err := Dissolve(t.Context(), ms)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	}
}

// Hundreds of copies, each a unit beside the one before, dissolve in seconds.
func TestDissolveNearCopies(t *testing.T) {
	g := newGenerator(53)
	one := g.star(0, 0, 100, 100)
	var ms []geo.MultiPolygon
	for i := range int64(400) {
		m := clone(one)
		for j := range m[0][0] {
			m[0][0][j].Lon += i + 1
			m[0][0][j].Lat += i % 7
		}
		ms = append(ms, m)
	}
	start := time.Now()
	out, err := Dissolve(t.Context(), ms)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v, %d positions", time.Since(start), out.Vertices())
	if _, found := mustMend(t, out); len(found) > 0 {
		t.Errorf("not valid: %v", found)
	}
	// The ground that one covers as it is moved: its own and what its width brings.
	if p := planeOf(one); p.area(out) < p.area(one) || p.area(out) > p.area(one)+400*metresPerUnit*p.length(one) {
		t.Errorf("%.6f m² of %.6f", p.area(out), p.area(one))
	}
	rest, err := DifferenceOfLayers(t.Context(), ms, ms[:200])
	if err != nil {
		t.Fatal(err)
	}
	if p := planeOf(one); len(rest) == 0 || p.area(rest) > 200*metresPerUnit*p.length(one) {
		t.Errorf("the later half alone has %.6f m²", p.area(rest))
	}
}

// Who does not wait any longer is not kept waiting.
func TestLayerOperationsStop(t *testing.T) {
	ms := newGenerator(54).tessellation(40, 4000)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Dissolve(ctx, ms); !errors.Is(err, context.Canceled) {
		t.Errorf("Dissolve: %v", err)
	}
	if _, err := DifferenceOfLayers(ctx, ms, ms); !errors.Is(err, context.Canceled) {
		t.Errorf("DifferenceOfLayers: %v", err)
	}
	var nothing []geo.MultiPolygon
	if m, err := Dissolve(t.Context(), nothing); m != nil || err != nil {
		t.Errorf("nothing dissolves to %v, %v", m, err)
	}
	if m, err := DifferenceOfLayers(t.Context(), nothing, ms); m != nil || err != nil {
		t.Errorf("nothing less something is %v, %v", m, err)
	}
}

func BenchmarkDissolve(b *testing.B) {
	g := newGenerator(55)
	for _, n := range []int{32, 100, 548} {
		ms := g.tessellation(n, float64(n)*100)
		b.Run(fmt.Sprintf("n=%d", n*n), func(b *testing.B) {
			perProcessor(b, func(int) {
				if out, err := Dissolve(b.Context(), ms); err != nil || len(out) != 1 {
					b.Fatal(len(out), err)
				}
			})
		})
	}
}

func BenchmarkDissolveDelivery(b *testing.B) {
	items, _ := delivery(b)
	var ms []geo.MultiPolygon
	for i := range items {
		if items[i].Layer == 0 {
			ms = append(ms, items[i].Geometry)
		}
	}
	b.Run(fmt.Sprintf("n=%d", len(ms)), func(b *testing.B) {
		perProcessor(b, func(int) {
			if _, err := Dissolve(b.Context(), ms); err != nil {
				b.Fatal(err)
			}
		})
	})
}
