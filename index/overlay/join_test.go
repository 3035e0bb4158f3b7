package overlay

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"gengtu/index/geo"
)

// layer is a Source in memory.
type layer []geo.MultiPolygon

func (l layer) Len() int          { return len(l) }
func (l layer) Box(i int) geo.Box { return l[i].Box() }
func (l layer) Rings(i int, r *geo.Rings) error {
	r.Append(l[i])
	return nil
}

// fabric returns n × n parcels of about size metres that share their borders,
// each border with detail vertices between its ends.
func (g generator) fabric(n int, size float64, detail int) layer {
	corner := make([][2]float64, (n+1)*(n+1))
	for i := range corner {
		corner[i] = [2]float64{
			size * (float64(i%(n+1)) + 0.5*g.Float64()), size * (float64(i/(n+1)) + 0.5*g.Float64()),
		}
	}
	side := func(i, j int) geo.Ring {
		p, q := corner[i], corner[j]
		r := geo.Ring{ground(p[0], p[1])}
		for k := 1; k <= detail; k++ {
			t := float64(k) / float64(detail+1)
			wave := 0.05 * size * math.Sin(float64(i*7+k*3))
			r = append(r, ground(
				p[0]+t*(q[0]-p[0])+wave*(q[1]-p[1])/size, p[1]+t*(q[1]-p[1])-wave*(q[0]-p[0])/size))
		}
		return r
	}
	// Borders run east and north; a ring takes two of them backwards.
	east, north := make([]geo.Ring, len(corner)), make([]geo.Ring, len(corner))
	for i := range corner {
		if i%(n+1) < n {
			east[i] = append(side(i, i+1), ground(corner[i+1][0], corner[i+1][1]))
		}
		if i/(n+1) < n {
			north[i] = append(side(i, i+n+1), ground(corner[i+n+1][0], corner[i+n+1][1]))
		}
	}
	var out layer
	for y := range n {
		for x := range n {
			i := y*(n+1) + x
			var r geo.Ring
			r = append(r, east[i]...)
			r = append(r, north[i+1][1:]...)
			r = append(r, reversed(east[i+n+1])[1:]...)
			r = append(r, reversed(north[i])[1:]...)
			out = append(out, single(r))
		}
	}
	return out
}

func joined(t testing.TB, a, b Source, workers int) []Pair {
	t.Helper()
	var out []Pair
	err := Join(t.Context(), a, b, workers, func(ps []Pair) error {
		out = append(out, ps...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Every pair once, with its area, whatever the sizes of features and the number
// of blocks.
func TestJoinAgainstAllPairs(t *testing.T) {
	g := newGenerator(41)
	a, b := g.fabric(45, 60, 2), g.fabric(40, 71, 3)
	// Features that reach over many blocks, in both layers, and features upon each other.
	a = append(a, g.parcel(1200, 1300, 1000, 700), g.parcel(600, 500, 200, 300))
	b = append(b, g.parcel(1500, 1100, 900, 600), single(rectangle(-50, 900, 3000, 910)), geo.MultiPolygon{})
	for range 30 {
		a = append(a, g.star(500, 500, 30, 12))
	}
	want := map[[2]int32]float64{}
	for i := range a {
		for j := range b {
			if a[i].Box().Intersects(b[j].Box()) {
				if s := SharedArea(a[i], b[j]); s > 1e-6 {
					want[[2]int32{int32(i), int32(j)}] = s
				}
			}
		}
	}
	pairs := joined(t, a, b, 1)
	seen := map[[2]int32]bool{}
	for _, p := range pairs {
		k := [2]int32{p.A, p.B}
		if seen[k] {
			t.Fatalf("pair %v twice", k)
		}
		seen[k] = true
		if d := math.Abs(p.Area - want[k]); d > 1e-6 {
			t.Fatalf("pair %v shares %.9f m², want %.9f", k, p.Area, want[k])
		}
	}
	for k, area := range want {
		if !seen[k] {
			t.Fatalf("pair %v with %g m² is missing", k, area)
		}
	}
}

// The same pairs in the same order, to the last bit, for any number of workers.
func TestJoinWorkers(t *testing.T) {
	g := newGenerator(44)
	a, b := g.fabric(40, 60, 1), g.fabric(35, 71, 1)
	a = append(a, g.parcel(1200, 1300, 1000, 700))
	pairs := joined(t, a, b, 1)
	for _, workers := range []int{0, 2, 5} {
		if !slices.Equal(pairs, joined(t, a, b, workers)) {
			t.Fatalf("%d workers give other pairs than one", workers)
		}
	}
}

type failing struct{ layer }

var errSource = errors.New("no such record")

func (f failing) Rings(i int, r *geo.Rings) error {
	if i == 1500 {
		return errSource
	}
	return f.layer.Rings(i, r)
}

func TestJoinStops(t *testing.T) {
	g := newGenerator(42)
	a, b := g.fabric(60, 60, 0), g.fabric(50, 71, 0)
	if err := Join(t.Context(), failing{a}, b, 2, func([]Pair) error { return nil }); !errors.Is(err, errSource) {
		t.Fatalf("a failing source gives %v", err)
	}
	calls := 0
	stop := errors.New("enough")
	if err := Join(t.Context(), a, b, 2, func([]Pair) error { calls++; return stop }); !errors.Is(err, stop) || calls != 1 {
		t.Fatalf("visit's error gives %v after %d calls", err, calls)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := Join(ctx, a, b, 2, func([]Pair) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled join gives %v", err)
	}
	if err := Join(t.Context(), layer(nil), b, 0, func([]Pair) error { return stop }); err != nil {
		t.Fatalf("an empty layer gives %v", err)
	}
}

// BenchmarkJoin joins two fabrics of the landscape's density.
func BenchmarkJoin(b *testing.B) {
	g := newGenerator(43)
	as, bs := g.fabric(300, 60, 3), g.fabric(245, 73, 3)
	la, lb := flatLayer(as), flatLayer(bs)
	b.ReportAllocs()
	start := processorTime(b)
	pairs, sum := 0, 0.0
	for b.Loop() {
		pairs = 0
		err := Join(b.Context(), la, lb, 1, func(ps []Pair) error {
			pairs += len(ps)
			for _, p := range ps {
				sum += p.Area
			}
			return nil
		})
		if err != nil || sum == 0 {
			b.Fatal(sum, err)
		}
	}
	b.ReportMetric(float64(processorTime(b)-start)/float64(b.N)/1e6, "cpu-ms/op")
	b.ReportMetric(float64(pairs), "pairs")
}

// flat is a Source as a store gives it.
type flat struct {
	boxes []geo.Box
	rings []geo.Rings
}

func flatLayer(l layer) *flat {
	f := &flat{}
	for _, m := range l {
		f.boxes = append(f.boxes, m.Box())
		f.rings = append(f.rings, *ringsOf(m))
	}
	return f
}

func (f *flat) Len() int          { return len(f.boxes) }
func (f *flat) Box(i int) geo.Box { return f.boxes[i] }
func (f *flat) Rings(i int, r *geo.Rings) error {
	r.Positions = append(r.Positions, f.rings[i].Positions...)
	r.Ends = append(r.Ends, f.rings[i].Ends...)
	return nil
}

// Two grids, one half a cell off: blocks are divided where features begin.
func TestJoinOnGrids(t *testing.T) {
	var a, b layer
	const cell = 1e6
	square := func(x, y int64) geo.MultiPolygon {
		p := geo.Position{Lon: homeLon + x, Lat: homeLat + y}
		return geo.MultiPolygon{geo.Box{Min: p, Max: geo.Position{Lon: p.Lon + cell, Lat: p.Lat + cell}}.Polygon()}
	}
	for y := range int64(50) {
		for x := range int64(50) {
			a = append(a, square(x*cell, y*cell))
			b = append(b, square(x*cell+cell/2, y*cell+cell/2))
		}
	}
	seen := map[[2]int32]bool{}
	for _, p := range joined(t, a, b, 2) {
		if p.Area < 1e-6 {
			continue
		}
		k := [2]int32{p.A, p.B}
		if seen[k] {
			t.Fatalf("pair %v twice", k)
		}
		seen[k] = true
	}
	// Each square of b lies on four of a, but for those along the north and the east.
	if want := 49*49*4 + 49*2*2 + 1; len(seen) != want {
		t.Fatalf("%d pairs, want %d", len(seen), want)
	}
}
