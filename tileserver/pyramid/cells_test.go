package pyramid_test

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// terrain is a layer and what ground it covers, counted once: truth may be the
// features themselves.
type terrain struct {
	features, truth []pyramid.Feature
}

// desert makes lone plots of 50 to 5000 m², some 2 km from each other, in three
// bands of classes.
func desert() (out []pyramid.Feature) {
	r := rand.New(rand.NewPCG(8, 8))
	for i := range 900 {
		lon, lat := 108.2+0.02*float64(i%30)+0.004*r.Float64(), 34.1+0.02*float64(i/30)+0.004*r.Float64()
		side := math.Sqrt(50 * math.Pow(100, r.Float64()))
		w, h := side/92000, side/111000
		out = append(out, plot(uint64(i+1), []string{"0101", "0102", "0103"}[i%30/10], lon, lat, w, h))
	}
	return out
}

func plot(id uint64, class string, lon, lat, w, h float64) pyramid.Feature {
	ring := oriented([][2]float64{{lon, lat}, {lon + w, lat}, {lon + w, lat + h}, {lon, lat + h}, {lon, lat}}, true)
	m := geo.MultiPolygon{{ring}}
	a := groundArea(m)
	return pyramid.Feature{ID: id, Geometry: m, Class: class, AreaM2: a, NetM2: a * 0.9}
}

// overlapping makes a landscape and a copy of it that is moved by half a metre and
// more, of one class.
func overlapping(t testing.TB) terrain {
	features := landscape(2500, 108.4, 34.3, 4)
	for i, f := range landscape(2500, 108.40001, 34.300004, 5) {
		f.ID = uint64(i + 1)
		if i%3 == 0 {
			features = append(features, f)
		}
	}
	var all []geo.MultiPolygon
	for i := range features {
		features[i].Class = ""
		all = append(all, features[i].Geometry)
	}
	return terrain{features, dissolved(t, all)}
}

func dissolved(t testing.TB, all []geo.MultiPolygon) (truth []pyramid.Feature) {
	ground, err := overlay.Dissolve(context.Background(), all)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ground {
		truth = append(truth, pyramid.Feature{Geometry: geo.MultiPolygon{p}})
	}
	return truth
}

func terrains(t testing.TB) map[string]terrain {
	t.Helper()
	fields := landscape(10000, 108.4, 34.3, 1)
	crops := cropland(delivery(t, "DLTB.shp"))
	lone := desert()
	basic := delivery(t, "YJJBNTTB.gpkg")
	var all []geo.MultiPolygon
	for i := range basic {
		basic[i].Class = ""
		all = append(all, basic[i].Geometry)
	}
	return map[string]terrain{
		"synthetic":   {fields, fields},
		"cropland":    {crops, crops},
		"desert":      {lone, lone},
		"overlapping": overlapping(t),
		"pbf":         {basic, dissolved(t, all)},
	}
}

// ground returns what truth covers of each tile of zoom z and of all above it, by
// class.
func ground(g tile.Grid, z uint8, truth []pyramid.Feature) map[tile.Tile]map[string]float64 {
	out := map[tile.Tile]map[string]float64{}
	for _, f := range truth {
		x0, y0, x1, y1 := g.Range(f.Geometry.Box(), z)
		for y := y0; y <= y1; y++ {
			for x := x0; x <= x1; x++ {
				at := tile.Tile{Grid: g, Z: z, X: x, Y: y}
				sum := 0.0
				for _, p := range f.Geometry {
					for _, r := range p {
						sum += ringInTile(at, r)
					}
				}
				for ok := true; ok; at, ok = at.Parent() {
					if out[at] == nil {
						out[at] = map[string]float64{}
					}
					out[at][f.Class] += sum
				}
			}
		}
	}
	return out
}

// ringInTile is the ground area of r inside at, positive for a shell: what lies
// between each edge, after cutting it at the sides, and the tile's west side.
func ringInTile(at tile.Tile, r geo.Ring) float64 {
	o, span := at.Origin(), tile.Span(at.Z)
	clamp := func(v, low float64) float64 { return max(low, min(v, low+span)) }
	sum := 0.0
	for i := 1; i < len(r); i++ {
		a, b := at.Grid.Project(r[i-1]), at.Grid.Project(r[i])
		cuts := []float64{0}
		for _, k := range []float64{(o.X - a.X) / (b.X - a.X), (o.X + span - a.X) / (b.X - a.X), (o.Y - a.Y) / (b.Y - a.Y), (o.Y + span - a.Y) / (b.Y - a.Y)} {
			if k > 0 && k < 1 {
				cuts = append(cuts, k)
			}
		}
		cuts = append(cuts, 1)
		slices.Sort(cuts)
		for j := 1; j < len(cuts); j++ {
			x := func(k float64) float64 { return clamp(a.X+k*(b.X-a.X), o.X) }
			y := func(k float64) float64 {
				return equalArea(at.Grid.Unproject(tile.World{X: o.X, Y: clamp(a.Y+k*(b.Y-a.Y), o.Y)}).Lat)
			}
			if x(cuts[j]) == o.X && x(cuts[j-1]) == o.X {
				continue
			}
			sum += ((x(cuts[j-1])+x(cuts[j]))/2 - o.X) * 2 * math.Pi * (y(cuts[j]) - y(cuts[j-1]))
		}
	}
	return sum
}

// At every zoom below the parcels' the drawn area is that of the ground counted
// once: of the layer, of each class, and of each tile with enough of it. Every
// tile is valid, and no figure is lost.
func TestCellsArea(t *testing.T) {
	for name, land := range terrains(t) {
		for _, g := range tile.Grids() {
			t.Run(name+"/"+g.String(), func(t *testing.T) {
				s := newMemory("a", land.features)
				tiles, _ := build(t, g, s, pyramid.Options{MinZoom: int(g.MinZoom()), MaxZoom: 12, ClassKey: "DLBM"})
				checkCells(t, s, tiles, ground(g, 12, land.truth))
			})
		}
	}
}

// sums is what a zoom, or a tile, shows and should show.
type sums struct {
	drawn, truth map[string]float64
	count        int64
	area, net    float64
}

func checkCells(t *testing.T, s *memory, tiles built, truth map[tile.Tile]map[string]float64) {
	t.Helper()
	zooms := map[uint8]*sums{}
	zoom := func(z uint8) *sums {
		if zooms[z] == nil {
			zooms[z] = &sums{drawn: map[string]float64{}, truth: map[string]float64{}}
		}
		return zooms[z]
	}
	for at, classes := range truth {
		for k, a := range classes {
			zoom(at.Z).truth[k] += a
		}
		whole := unitArea(at.Grid, at.Z, at.Box()) * mvt.Extent * mvt.Extent
		if want := total(classes); want >= 0.05*whole {
			if got := total(measure(t, at, tiles[at]).area); math.Abs(got-want) > 0.01*want {
				t.Errorf("%s: drawn %.0f m², true %.0f", at, got, want)
			}
		}
	}
	for at, data := range tiles {
		if err := mvt.Validate(data); err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		z, d := zoom(at.Z), measure(t, at, data)
		for k, a := range d.area {
			z.drawn[k] += a
		}
		z.count += d.count
		z.area += d.figure
		z.net += d.net
	}
	area, net := 0.0, 0.0
	for _, f := range s.features {
		area += math.Round(f.AreaM2*100) / 100
		if !math.IsNaN(f.NetM2) {
			net += math.Round(f.NetM2*100) / 100
		}
	}
	for z, got := range zooms {
		unit := 0.0
		for at := range tiles {
			if at.Z == z {
				unit = max(unit, unitArea(at.Grid, z, s.Extent()))
			}
		}
		drawn, want := total(got.drawn), total(got.truth)
		t.Logf("z%d: ratio %.6f of %.1f units", z, drawn/want, want/unit)
		if off := math.Abs(drawn - want); drawn == 0 || off > 0.002*want && off > unit {
			t.Errorf("z%d: drawn %.0f m², true %.0f, one unit is %.0f", z, drawn, want, unit)
		}
		for k, want := range got.truth {
			if off := math.Abs(got.drawn[k] - want); off > 0.01*want && off > unit {
				t.Errorf("z%d: class %s: drawn %.0f m², true %.0f, one unit is %.0f", z, k, got.drawn[k], want, unit)
			}
		}
		if got.count != int64(len(s.features)) || math.Abs(got.area-area) > 0.001 || math.Abs(got.net-net) > 0.001 {
			t.Errorf("z%d: count %d, area_m2 %.3f, net_m2 %.3f, want %d, %.3f, %.3f", z, got.count, got.area, got.net, len(s.features), area, net)
		}
	}
}

func total(m map[string]float64) (sum float64) {
	for _, v := range m {
		sum += v
	}
	return sum
}

// window is a part of a tile in units: which feature has each quarter of each unit, to
// the north, south, west and east of its middle.
type window struct {
	x0, y0, w, h int
	owner        []string
	twice        int
}

// quarters are points in the four quarters of a unit: no edge along an axis or a
// diagonal runs through them.
var quarters = [4][2]float64{{0.5, 1. / 6}, {0.5, 5. / 6}, {1. / 6, 0.5}, {5. / 6, 0.5}}

// paint fills the quarters of units that data's polygons cover, whose edges run along
// the axes and diagonals, by the even-odd rule.
func paint(t testing.TB, data []byte, x0, y0, w, h int) *window {
	t.Helper()
	win := &window{x0, y0, w, h, make([]string, 4*w*h), 0}
	layers, err := mvt.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		for _, f := range l.Features {
			name := "-"
			for _, tag := range f.Tags {
				if tag.Key == "DLBM" {
					name = tag.Value.(string)
				}
			}
			win.fill(t, f.Polygons, name)
		}
	}
	return win
}

func (win *window) fill(t testing.TB, polygons []mvt.Polygon, name string) {
	inside := make([]bool, 4*win.w*win.h)
	for _, p := range polygons {
		for _, r := range p {
			for i, a := range r {
				b := r[(i+1)%len(r)]
				if dx, dy := a.X-b.X, a.Y-b.Y; dx != 0 && dy != 0 && dx != dy && dx != -dy {
					t.Fatalf("an edge from %v to %v", a, b)
				}
				win.turnOver(inside, a, b)
			}
		}
	}
	for i, in := range inside {
		if in && win.owner[i] != "" {
			win.twice++
		}
		if in {
			win.owner[i] = name
		}
	}
}

// turnOver turns over what lies beyond an edge, along the shorter side of the window.
func (win *window) turnOver(inside []bool, a, b mvt.Point) {
	au, av, bu, bv := int(a.X)-win.x0, int(a.Y)-win.y0, int(b.X)-win.x0, int(b.Y)-win.y0
	w, h, along, across := win.w, win.h, 1, win.w
	if w > h {
		au, av, bu, bv, w, h, along, across = av, au, bv, bu, h, w, win.w, 1
	}
	for v := max(min(av, bv), 0); v < min(max(av, bv), h); v++ {
		for k, q := range quarters {
			su, sv := q[0], float64(v)+q[1]
			if win.w > win.h {
				su, sv = q[1], float64(v)+q[0]
			}
			edge := float64(au) + (sv-float64(av))*float64(bu-au)/float64(bv-av)
			for u := max(int(math.Floor(edge))-1, 0); u < w; u++ {
				if float64(u)+su > edge {
					at := 4*(v*across+u*along) + k
					inside[at] = !inside[at]
				}
			}
		}
	}
}

// A tile's margin shows exactly what the tile beside it draws there, and a tile
// shows no unit twice.
func TestCellsMargins(t *testing.T) {
	const margin = 64
	for _, g := range tile.Grids() {
		strips := landscape(10000, 108.4, 34.3, 1)
		for i := range strips {
			// Tiles have other classes than their neighbours.
			strips[i].Class = string(rune('a' + strips[i].Geometry[0][0][0].Lon/(geo.Unit/50)%26))
		}
		for name, features := range map[string][]pyramid.Feature{"strips": strips, "desert": desert()} {
			tiles, _ := build(t, g, newMemory("a", features), pyramid.Options{MinZoom: 5, MaxZoom: 12, ClassKey: "DLBM"})
			pairs, covered := 0, 0
			for at, data := range tiles {
				for _, turn := range []bool{false, true} {
					next := tile.Tile{Grid: g, Z: at.Z, X: at.X + 1, Y: at.Y}
					ax, ay, bx, by, w, h := mvt.Extent-margin, 0, -margin, 0, 2*margin, mvt.Extent
					if turn {
						next = tile.Tile{Grid: g, Z: at.Z, X: at.X, Y: at.Y + 1}
						ax, ay, bx, by, w, h = 0, mvt.Extent-margin, 0, -margin, mvt.Extent, 2*margin
					}
					other, ok := tiles[next]
					if !ok {
						continue
					}
					a, b := paint(t, data, ax, ay, w, h), paint(t, other, bx, by, w, h)
					pairs++
					for i, k := range a.owner {
						if k != b.owner[i] {
							t.Fatalf("%s %s and %s: quarter %d of the border is %q and %q", name, at, next, i, k, b.owner[i])
						}
						if k != "" {
							covered++
						}
					}
					if a.twice+b.twice > 0 {
						t.Errorf("%s and %s: %d quarters drawn twice", at, next, a.twice+b.twice)
					}
				}
			}
			if pairs < 4 || covered < 1000 {
				t.Errorf("%s: %d pairs of tiles with %d units beside their borders", name, pairs, covered)
			}
		}
	}
}

// A lone plot is drawn where it lies and as large as it is: up to a unit for the
// rounding of its block and one for that of the tracts that it lies in.
func TestCellsLonePlots(t *testing.T) {
	features := desert()
	const reach = 40 // units
	for _, g := range tile.Grids() {
		for _, z := range []uint8{10, 11, 12} {
			tiles, _ := build(t, g, newMemory("a", features), pyramid.Options{MinZoom: int(z), MaxZoom: int(z)})
			for _, f := range features {
				p := g.Project(f.Geometry[0][0][0])
				unit := tile.Span(z) / mvt.Extent
				at := tile.Tile{Grid: g, Z: z, X: uint32(p.X / tile.Span(z)), Y: uint32(p.Y / tile.Span(z))}
				o := at.Origin()
				x, y := int((p.X-o.X)/unit), int((p.Y-o.Y)/unit)
				if x < reach || y < reach || x > mvt.Extent-3*reach || y > mvt.Extent-reach {
					continue // beside a border
				}
				win := paint(t, tiles[at], x-reach, y-reach, 3*reach, 2*reach)
				got := 0
				for _, k := range win.owner {
					if k != "" {
						got++
					}
				}
				if want := groundArea(f.Geometry) / unitArea(g, z, f.Geometry.Box()); math.Abs(float64(got)/4-want) > 2 {
					t.Errorf("%s: a plot of %.1f units is drawn with %.2f", at, want, float64(got)/4)
				}
			}
		}
	}
}

// Tiles are the same bytes whether features are known to be alone or not.
func TestCellsKnowNoAlone(t *testing.T) {
	features := landscape(3000, 108.4, 34.3, 6)
	opt := pyramid.Options{MinZoom: 5, MaxZoom: 12, ClassKey: "DLBM"}
	want, _ := build(t, tile.W, newMemory("a", features), opt)
	for i := range features {
		features[i].Alone = i%2 == 0
	}
	got, _ := build(t, tile.W, newMemory("a", features), opt)
	for at, data := range want {
		if !bytes.Equal(data, got[at]) {
			t.Errorf("%s differs", at)
		}
	}
}
