package overlay

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
)

func turn(t float64) (cos, sin float64) {
	sin, cos = math.Sincos(2 * math.Pi * t)
	return cos, sin
}

// close tells whether two areas agree to 1e-11 of scale, or 1e-9 m².
func agree(got, want, scale float64) bool {
	return math.Abs(got-want) <= 1e-9+1e-11*scale
}

// Both methods must give the 320-bit area on every kind of hostile pair.
func TestPairsAgainstOracle(t *testing.T) {
	g := newGenerator(1)
	worst := 0.0
	for i := range 1600 {
		a, b := g.pair(i)
		p := planeOf(a)
		want := oracleShared(p, a, b)
		res := mustMeasure(t, a, []Item{{Geometry: b}})
		kernel := SharedArea(a, b)
		scale := p.area(a)
		worst = max(worst, math.Abs(res.Items[0]-want), math.Abs(kernel-want))
		if !agree(res.Items[0], want, scale) || !agree(kernel, want, scale) {
			t.Fatalf("pair %d: Measure %.12f, SharedArea %.12f, want %.12f", i, res.Items[0], kernel, want)
		}
		if !agree(res.AOI, scale, scale) {
			t.Fatalf("pair %d: AOI %.12f, want %.12f", i, res.AOI, scale)
		}
	}
	t.Logf("worst difference %.2g m²", worst)
}

// Borders that are the same in both, or touch, share exactly nothing.
func TestTouchingBordersShareNothing(t *testing.T) {
	g := newGenerator(2)
	for i := range 200 {
		a, b := g.halves(12)
		if got := mustMeasure(t, a, []Item{{Geometry: b}}).Items[0]; math.Abs(got) > 1e-12 {
			t.Fatalf("halves %d share %g m²", i, got)
		}
		if got := SharedArea(a, b); math.Abs(got) > 1e-10 {
			t.Fatalf("halves %d share %g m² by the kernel", i, got)
		}
	}
}

// Rings that cross themselves and overlap each other, three layers, by even-odd.
func TestCombinationsAgainstOracle(t *testing.T) {
	g := newGenerator(3)
	for i := range 60 {
		aoi := g.scribble(3+g.IntN(8), 80)
		var items []Item
		for range 1 + g.IntN(5) {
			m := g.scribble(3+g.IntN(6), 100)
			if g.IntN(2) == 0 {
				m = append(m, g.star(0, 0, 30, 8)...)
			}
			items = append(items, Item{Layer: g.IntN(3), Group: int32(g.IntN(2)), Weight: g.Float64(), Geometry: m})
		}
		shared, masks := oracleMeasure(planeOf(aoi), aoi, items)
		res := mustMeasure(t, aoi, items)
		for j, want := range shared {
			if !agree(res.Items[j], want, 1e4) {
				t.Fatalf("case %d item %d: %.12f, want %.12f", i, j, res.Items[j], want)
			}
		}
		for _, c := range res.Combinations {
			if !agree(c.Area, masks[c.Mask], 1e4) {
				t.Fatalf("case %d mask %b: %.12f, want %.12f", i, c.Mask, c.Area, masks[c.Mask])
			}
			delete(masks, c.Mask)
		}
		for m, a := range masks {
			if a > 1e-9 {
				t.Fatalf("case %d: mask %b with %g m² is missing", i, m, a)
			}
		}
		checkSums(t, items, res)
	}
}

// checkSums checks what must hold between the figures of one result.
func checkSums(t *testing.T, items []Item, res *Result) {
	t.Helper()
	total, scale := 0.0, 1+res.AOI
	layers := make([]LayerArea, len(res.Layers))
	weighted := make([]float64, len(res.Layers))
	for _, c := range res.Combinations {
		total += c.Area
		for l := range layers {
			if c.Mask>>l&1 != 0 {
				layers[l].Area += c.Area
			} else if c.Weighted[l] != 0 || c.Unweighted[l] != 0 {
				t.Fatalf("mask %b has a figure for layer %d", c.Mask, l)
			}
			weighted[l] += c.Weighted[l]
		}
	}
	if !agree(total, res.AOI, scale) {
		t.Fatalf("combinations add up to %.12f, AOI is %.12f", total, res.AOI)
	}
	for i, a := range res.Items {
		layers[items[i].Layer].Gross += a
		if !math.IsNaN(items[i].Weight) {
			layers[items[i].Layer].Weighted += a * items[i].Weight
		}
	}
	for l, want := range layers {
		got := res.Layers[l]
		if !agree(got.Area, want.Area, scale) || !agree(got.Gross, want.Gross, scale) ||
			!agree(got.Weighted, want.Weighted, scale) || !agree(weighted[l], want.Weighted, scale) {
			t.Fatalf("layer %d: %+v, want %+v, weighted by combination %g", l, got, want, weighted[l])
		}
		if got.Area > got.Gross+1e-9+1e-13*scale {
			t.Fatalf("layer %d: ground once %g is more than gross %g", l, got.Area, got.Gross)
		}
	}
}

// countedCells is what TestMeasureAgainstCountedCells counts.
type countedCells struct {
	items       []float64
	masks       map[uint16]float64
	nets, lacks map[[2]int]float64 // by mask and layer
	groups      map[[2]int]float64 // by layer and group
}

// countCells adds up the cells of 10 m that lie in the rectangles of aoi and items.
func countCells(aoi [4]int, items []Item, cells [][4]int) countedCells {
	want := countedCells{
		make([]float64, len(items)), map[uint16]float64{},
		map[[2]int]float64{}, map[[2]int]float64{}, map[[2]int]float64{},
	}
	p := planeOf(gridRectangle(aoi))
	for y := aoi[1]; y < aoi[3]; y++ {
		for x := aoi[0]; x < aoi[2]; x++ {
			area := p.area(gridRectangle([4]int{x, y, x + 1, y + 1}))
			mask := uint16(0)
			net, lack, groups := [3]float64{}, [3]float64{}, map[[2]int]bool{}
			for i, c := range cells {
				if x < c[0] || x >= c[2] || y < c[1] || y >= c[3] {
					continue
				}
				it := items[i]
				want.items[i] += area
				mask |= 1 << it.Layer
				if math.IsNaN(it.Weight) {
					lack[it.Layer] = area
				} else {
					net[it.Layer] += area * it.Weight
				}
				if it.Group >= 0 {
					groups[[2]int{it.Layer, int(it.Group)}] = true
				}
			}
			want.masks[mask] += area
			for l := range net {
				want.nets[[2]int{int(mask), l}] += net[l]
				want.lacks[[2]int{int(mask), l}] += lack[l]
			}
			for k := range groups {
				want.groups[k] += area
			}
		}
	}
	return want
}

// Rectangles on a grid, whose areas can be counted cell by cell.
func TestMeasureAgainstCountedCells(t *testing.T) {
	const side = 24
	g := newGenerator(4)
	for round := range 30 {
		aoiCells := [4]int{2, 3, 20, 22}
		var items []Item
		var cells [][4]int
		for range 40 {
			x, y := g.IntN(side-1), g.IntN(side-1)
			c := [4]int{x, y, x + 1 + g.IntN(side-x-1), y + 1 + g.IntN(side-y-1)}
			cells = append(cells, c)
			w := g.Float64()
			if g.IntN(4) == 0 {
				w = math.NaN()
			}
			items = append(items, Item{g.IntN(3), int32(g.IntN(4)) - 1, w, gridRectangle(c)})
		}
		res := mustMeasure(t, gridRectangle(aoiCells), items)
		want := countCells(aoiCells, items, cells)
		for i := range items {
			if !agree(res.Items[i], want.items[i], 1e5) {
				t.Fatalf("round %d item %d: %.9f, want %.9f", round, i, res.Items[i], want.items[i])
			}
		}
		if len(res.Combinations) != len(want.masks) {
			t.Fatalf("round %d: %d combinations, want %d", round, len(res.Combinations), len(want.masks))
		}
		for _, c := range res.Combinations {
			if !agree(c.Area, want.masks[c.Mask], 1e5) {
				t.Fatalf("round %d mask %b: %.9f, want %.9f", round, c.Mask, c.Area, want.masks[c.Mask])
			}
			for l := range res.Layers {
				k := [2]int{int(c.Mask), l}
				if !agree(c.Weighted[l], want.nets[k], 1e5) || !agree(c.Unweighted[l], want.lacks[k], 1e5) {
					t.Fatalf("round %d mask %b layer %d: %.9f and %.9f, want %.9f and %.9f",
						round, c.Mask, l, c.Weighted[l], c.Unweighted[l], want.nets[k], want.lacks[k])
				}
			}
		}
		for _, v := range res.Groups {
			if w := want.groups[[2]int{v.Layer, int(v.Group)}]; !agree(v.Area, w, 1e5) {
				t.Fatalf("round %d group %d/%d: %.9f, want %.9f", round, v.Layer, v.Group, v.Area, w)
			}
		}
	}
}

// gridRectangle is in cells of 10 m on the integer grid of positions.
func gridRectangle(c [4]int) geo.MultiPolygon {
	const cell = 1_000_000
	box := geo.Box{
		Min: geo.Position{Lon: homeLon + int64(c[0])*cell, Lat: homeLat + int64(c[1])*cell},
		Max: geo.Position{Lon: homeLon + int64(c[2])*cell, Lat: homeLat + int64(c[3])*cell},
	}
	return geo.MultiPolygon{box.Polygon()}
}

// tessellation returns the cells of an irregular net over size × size metres.
func (g generator) tessellation(n int, size float64) []geo.MultiPolygon {
	at := make([][]geo.Position, n+1)
	step := size / float64(n)
	for y := range at {
		at[y] = make([]geo.Position, n+1)
		for x := range at[y] {
			at[y][x] = ground(step*(float64(x)+0.6*(g.Float64()-0.5)), step*(float64(y)+0.6*(g.Float64()-0.5)))
		}
	}
	// One wavy line per border, digitised once and used by both neighbours.
	line := func(a, b geo.Position, m int) geo.Ring {
		r := geo.Ring{a}
		for i := 1; i < m; i++ {
			f := float64(i) / float64(m)
			w := int64((g.Float64() - 0.5) * step / 16 * metreLat)
			r = append(r, geo.Position{
				Lon: a.Lon + int64(f*float64(b.Lon-a.Lon)) + w,
				Lat: a.Lat + int64(f*float64(b.Lat-a.Lat)) - w,
			})
		}
		return append(r, b)
	}
	const m = 6
	across, up := map[[2]int]geo.Ring{}, map[[2]int]geo.Ring{}
	for y := range n + 1 {
		for x := range n + 1 {
			if x < n {
				across[[2]int{x, y}] = line(at[y][x], at[y][x+1], m)
			}
			if y < n {
				up[[2]int{x, y}] = line(at[y][x], at[y+1][x], m)
			}
		}
	}
	var cells []geo.MultiPolygon
	for y := range n {
		for x := range n {
			r := append(geo.Ring{}, across[[2]int{x, y}][:m]...)
			r = append(r, up[[2]int{x + 1, y}][:m]...)
			r = append(r, reversed(across[[2]int{x, y + 1}])[:m]...)
			r = append(r, reversed(up[[2]int{x, y}])...)
			cells = append(cells, single(r))
		}
	}
	return cells
}

func landscape(seed uint64, n int, size float64) []Item {
	g := newGenerator(seed)
	var items []Item
	for l, k := range []int{n, n * 9 / 10, max(1, n/10)} {
		for i, m := range g.tessellation(k, size) {
			items = append(items, Item{l, int32(i % 5), 0.9, m})
		}
	}
	return items
}

// A net covers its ground once, and what is measured by parts adds up.
func TestPartsAddUp(t *testing.T) {
	items := landscape(5, 30, 3000)
	aoi := newGenerator(6).star(1500, 1500, 1200, 60)
	whole := mustMeasure(t, aoi, items)
	checkSums(t, items, whole)
	for l, a := range whole.Layers {
		if !agree(a.Area, a.Gross, whole.AOI) || !agree(a.Area, whole.AOI, whole.AOI) {
			t.Errorf("layer %d: once %.9f, gross %.9f, AOI %.9f", l, a.Area, a.Gross, whole.AOI)
		}
	}
	groups := map[[2]int]float64{}
	for i, a := range whole.Items {
		groups[[2]int{items[i].Layer, int(items[i].Group)}] += a
	}
	if len(whole.Groups) != len(groups) {
		t.Fatalf("%d groups, want %d", len(whole.Groups), len(groups))
	}
	for _, v := range whole.Groups {
		if want := groups[[2]int{v.Layer, int(v.Group)}]; !agree(v.Area, want, whole.AOI) || !agree(v.Gross, want, whole.AOI) {
			t.Errorf("group %d/%d: once %.9f, gross %.9f, want %.9f", v.Layer, v.Group, v.Area, v.Gross, want)
		}
	}
	parts := make([]sum, len(items))
	for _, cell := range newGenerator(7).tessellation(4, 3000) {
		for i, a := range mustMeasure(t, cell, items).Items {
			parts[i].add(a)
		}
	}
	all := mustMeasure(t, single(rectangle(-1000, -1000, 4000, 4000)), items)
	for i := range items {
		p := planeOf(items[i].Geometry)
		if want := p.area(items[i].Geometry); math.Abs(all.Items[i]-want) > 1e-9*want {
			t.Fatalf("item %d: %.9f, want %.9f", i, all.Items[i], want)
		}
	}
	sample := 0
	for i := range items {
		if in := SharedArea(aoi, items[i].Geometry); math.Abs(in-whole.Items[i]) > 1e-8 {
			t.Fatalf("item %d: %.12f, by pairs %.12f", i, whole.Items[i], in)
		}
		if parts[i].value() > 0 {
			sample++
		}
	}
	if sample < len(items)/2 {
		t.Fatalf("only %d items met the parts", sample)
	}
}

// The same bits whatever the number of workers.
func TestMeasureIsDeterministic(t *testing.T) {
	items := landscape(8, 40, 4000)
	aoi := newGenerator(9).star(2000, 2000, 2500, 200)
	var first *Result
	for _, workers := range []int{1, 2, 3, 7} {
		r, err := Measure(t.Context(), aoi, items, Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = r
		}
		if d := cmp.Diff(first, r); d != "" {
			t.Fatalf("%d workers: %s", workers, d)
		}
	}
}

func TestMeasureStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	items := landscape(8, 20, 2000)
	if _, err := Measure(ctx, single(rectangle(0, 0, 2000, 2000)), items, Options{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want %v", err, context.Canceled)
	}
}

func TestMeasureEdgeCases(t *testing.T) {
	square := single(rectangle(0, 0, 10, 10))
	area := planeOf(square).area(square)
	for _, c := range []struct {
		name  string
		aoi   geo.MultiPolygon
		item  geo.MultiPolygon
		aoiM2 float64
		want  float64
	}{
		{"nothing in nothing", nil, nil, 0, 0},
		{"nothing in a square", square, nil, area, 0},
		{"a square in nothing", nil, square, 0, 0},
		{"a square in itself", square, square, area, area},
		{"the same square twice cancels", square, append(square[:1:1], square...), area, 0},
		{"clockwise", single(reversed(square[0][0])), single(reversed(square[0][0])), area, area},
		{"not closed", square, single(square[0][0][:4]), area, area},
		{"a point", single(closed(ground(1, 1), ground(1, 1), ground(1, 1))), square, 0, 0},
		{"a line", single(closed(ground(1, 1), ground(5, 1), ground(3, 1))), square, 0, 0},
		{"an upright line", square, single(closed(ground(1, 1), ground(1, 5), ground(1, 3))), area, 0},
		{"below", square, single(rectangle(0, -20, 10, -1)), area, 0},
		{"above", square, single(rectangle(0, 11, 10, 12)), area, 0},
		{"all round", square, single(rectangle(-100, -100, 100, 100)), area, area},
		{"left part", square, single(rectangle(-100, -100, 5, 100)), area, area / 2},
		{"lower part", square, single(rectangle(-100, -100, 100, 5)), area, area / 2},
		{"a frame round it", square, single(rectangle(-9, -9, 19, 19), reversed(rectangle(-1, -1, 11, 11))), area, 0},
		{"empty rings", square, geo.MultiPolygon{nil, {nil}, {geo.Ring{}}}, area, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := mustMeasure(t, c.aoi, []Item{{Layer: 2, Geometry: c.item}})
			if math.Abs(r.AOI-c.aoiM2) > 1e-9 || math.Abs(r.Items[0]-c.want) > 1e-4 || math.Abs(r.Layers[2].Area-c.want) > 1e-4 {
				t.Errorf("AOI %v, item %v, layer %v; want %v, %v", r.AOI, r.Items[0], r.Layers[2].Area, c.aoiM2, c.want)
			}
		})
	}
	if _, err := Measure(t.Context(), square, []Item{{Layer: MaxLayers}}, Options{}); err == nil {
		t.Error("layer 16 was taken")
	}
	if _, err := Measure(t.Context(), square, []Item{{Geometry: square}}, Options{MaxVertices: 9}); err == nil {
		t.Error("10 vertices passed a limit of 9")
	}
}

// Hundreds of shapes on each other, and hundreds of edges through one point.
func TestMeasureCrowded(t *testing.T) {
	g := newGenerator(10)
	base := g.star(0, 0, 50, 36)
	aoi := single(rectangle(-60, -60, 60, 60))
	p := planeOf(aoi)
	area := p.area(base)
	var same, near, fan []Item
	for i := range 400 {
		same = append(same, Item{Layer: i % 16, Geometry: base})
		if i < 60 {
			near = append(near, Item{Layer: i % 16, Geometry: g.noisy(base, 1e-4)})
		}
		c, s := turn(float64(i) / 400)
		d, e := turn((float64(i) + 1) / 400)
		fan = append(fan, Item{Layer: i % 16, Geometry: single(closed(ground(0, 0), ground(50*c, 50*s), ground(50*d, 50*e)))})
	}
	for _, r := range []*Result{mustMeasure(t, aoi, same), mustMeasure(t, aoi, near)} {
		for i, a := range r.Items {
			if math.Abs(a-area) > 0.1 {
				t.Fatalf("item %d: %g, want %g", i, a, area)
			}
		}
	}
	r := mustMeasure(t, aoi, fan)
	for i, a := range r.Items {
		if want := p.area(fan[i].Geometry); math.Abs(a-want) > 1e-9 {
			t.Fatalf("triangle %d: %g, want %g", i, a, want)
		}
	}
	checkSums(t, fan, r)
}

// Copies of one outline that hardly differ make cells that cannot be divided
// further and slabs without end; that work stops, too.
func TestMeasureStopsInACell(t *testing.T) {
	g := newGenerator(3)
	outline := g.star(0, 0, 400, 60)
	var items []Item
	var all groundOf
	for range 250 {
		m := g.noisy(outline, 1e-3)
		items = append(items, Item{Geometry: m})
		all = append(all, m)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := Measure(ctx, outline, items, Options{Workers: 1})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
		t.Errorf("error %v after %v", err, time.Since(start))
	}
	f := NewFrame(outline.Box())
	blocks, err := f.Blocks(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start = time.Now()
	err = NewPartitioner(f, all).Cells(ctx, &blocks[0], func(uint64, int, *Cell) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
		t.Errorf("partition: error %v after %v", err, time.Since(start))
	}
}
