package pyramid_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/benchmarks/suite"
	"gengtu/index/geo"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// Any number of workers gives the same tiles, and Make each of them; tiles that
// Build left out are empty to Make.
func TestMakeEqualsBuild(t *testing.T) {
	s := newMemory("cropland", landscape(3000, 108.4, 34.3, 2))
	for _, g := range tile.Grids() {
		opt := pyramid.Options{MinZoom: 3, MaxZoom: 15, ClassKey: "DLBM", Workers: 1}
		one, _ := build(t, g, s, opt)
		opt.Workers = 7
		many, _ := build(t, g, s, opt)
		if len(one) == 0 || !cmp.Equal(one, many) {
			t.Fatalf("%s: %d tiles of one worker and %d of seven differ", g, len(one), len(many))
		}
		opt.MinZoom, opt.MaxZoom = 9, 10
		some, _ := build(t, g, s, opt)
		for tl, data := range some {
			if !slices.Equal(one[tl], data) {
				t.Errorf("%s differs when other zooms are built", tl)
			}
		}
		for z := uint8(3); z <= 15; z++ {
			x0, y0, x1, y1 := g.Range(s.Extent(), z)
			for x := x0 - 1; x <= x1+1; x++ {
				for y := y0 - 1; y <= y1+1; y++ {
					tl := tile.Tile{Grid: g, Z: z, X: x, Y: y}
					data, err := pyramid.Make(t.Context(), s, tl, pyramid.Options{ClassKey: "DLBM"})
					if err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(data, one[tl]) {
						t.Fatalf("%s: Make has %d bytes, Build %d", tl, len(data), len(one[tl]))
					}
				}
			}
		}
	}
}

// shuffled has the features in another order, as another index may.
func TestBuildKnowsNoOrder(t *testing.T) {
	features := landscape(1000, 108.4, 34.3, 2)
	want, _ := build(t, tile.C, newMemory("a", features), pyramid.Options{MinZoom: 8, MaxZoom: 14})
	r := rand.New(rand.NewPCG(1, 1))
	r.Shuffle(len(features), func(i, j int) { features[i], features[j] = features[j], features[i] })
	got, _ := build(t, tile.C, newMemory("a", features), pyramid.Options{MinZoom: 8, MaxZoom: 14})
	if !cmp.Equal(want, got) {
		t.Error("another order of features gives other tiles")
	}
}

// Parcels that cover a frame without gap or overlap do so in every tile.
func TestParcelsShareBorders(t *testing.T) {
	// A fan of triangles around a centre, each divided once more by a corner in
	// the middle of its outer edge that its outer neighbour does not have, inside
	// a frame: a coverage without gaps, slopes of all kinds.
	r := rand.New(rand.NewPCG(5, 5))
	for round := range 20 {
		lon, lat := 108.4+r.Float64(), 34.3+r.Float64()
		at := func(x, y float64) geo.Position {
			return geo.PositionOf(geo.LonLat{Lon: lon + 0.012*x, Lat: lat + 0.012*y})
		}
		const n = 23
		var rim []geo.Position
		for i := range n {
			s, c := math.Sincos(2 * math.Pi * (float64(i) + r.Float64()*0.6) / n)
			rim = append(rim, at(0.5+0.4*c, 0.5+0.4*s))
		}
		middle := at(0.5+r.Float64()*0.1, 0.5)
		var features []pyramid.Feature
		hole := geo.Ring{}
		for i, a := range rim {
			b := rim[(i+1)%n]
			m := geo.Position{Lon: (a.Lon + b.Lon) / 2, Lat: (a.Lat + b.Lat) / 2}
			features = append(features,
				pyramid.Feature{ID: uint64(2*i + 1), Geometry: geo.MultiPolygon{{{middle, a, m, middle}}}},
				pyramid.Feature{ID: uint64(2*i + 2), Geometry: geo.MultiPolygon{{{middle, m, b, middle}}}})
			hole = append(hole, a)
		}
		slices.Reverse(hole)
		hole = append(hole, hole[0])
		frame := geo.Box{Min: at(0, 0), Max: at(1, 1)}
		features = append(features, pyramid.Feature{ID: 1000, Geometry: geo.MultiPolygon{{frame.Polygon()[0], hole}}})
		g := tile.Grids()[round%2]
		s := newMemory("a", features)
		tiles, _ := build(t, g, s, pyramid.Options{MinZoom: 13, MaxZoom: 15})
		for tl, data := range tiles {
			if err := mvt.Validate(data); err != nil {
				t.Fatalf("%s: %v", tl, err)
			}
			checkCoverage(t, g, tl, data, frame)
		}
		checkSeams(t, tiles)
	}
}

// checkCoverage adds up the areas of a tile's parcels.
func checkCoverage(t *testing.T, g tile.Grid, tl tile.Tile, data []byte, frame geo.Box) {
	t.Helper()
	layers, err := mvt.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	// All parcels of the tile and its margin have the area of the frame's part in
	// it: no gap and no overlap, exactly.
	unit := func(p geo.Position) (int32, int32) {
		w := g.Project(p)
		// Corners are rounded to 1/4096 of a unit before they are to units.
		scale := math.Ldexp(mvt.Extent*4096, int(tl.Z))
		at := func(v float64, n uint32) int32 {
			return int32(max(-64, min(math.Floor((math.Floor(v*scale+0.5)+2048)/4096)-float64(n)*mvt.Extent, mvt.Extent+64)))
		}
		return at(w.X, tl.X), at(w.Y, tl.Y)
	}
	x0, y1 := unit(frame.Min)
	x1, y0 := unit(frame.Max)
	want := 2 * int64(x1-x0) * int64(y1-y0)
	got := int64(0)
	for _, f := range layers[0].Features {
		for _, p := range f.Polygons {
			got += p.Area2()
		}
	}
	if got != want {
		t.Errorf("%s: parcels have twice %d units, their frame %d", tl, got, want)
	}
}

// checkSeams tells whether parcels cross the border between two tiles in the same
// places in both.
func checkSeams(t *testing.T, tiles built) {
	t.Helper()
	crossings := func(tl tile.Tile, line int32, turned bool) []string {
		layers, err := mvt.Decode(tiles[tl])
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range layers[0].Features {
			for _, p := range f.Polygons {
				for _, r := range p {
					for i, a := range r {
						b := r[(i+1)%len(r)]
						if turned {
							a, b = mvt.Point{X: a.Y, Y: a.X}, mvt.Point{X: b.Y, Y: b.X}
						}
						if (a.X < line) == (b.X < line) {
							continue
						}
						y := float64(a.Y) + float64(b.Y-a.Y)*float64(line-a.X)/float64(b.X-a.X)
						if y >= 0 && y <= mvt.Extent {
							out = append(out, fmt.Sprintf("%d %.6f", f.ID, y))
						}
					}
				}
			}
		}
		slices.Sort(out)
		return out
	}
	seams := 0
	for tl := range tiles {
		for _, c := range []struct {
			next   tile.Tile
			turned bool
		}{{tile.Tile{Grid: tl.Grid, Z: tl.Z, X: tl.X + 1, Y: tl.Y}, false}, {tile.Tile{Grid: tl.Grid, Z: tl.Z, X: tl.X, Y: tl.Y + 1}, true}} {
			if tiles[c.next] == nil {
				continue
			}
			seams++
			if here, there := crossings(tl, mvt.Extent, c.turned), crossings(c.next, 0, c.turned); !slices.Equal(here, there) {
				t.Errorf("%s and %s: %d and %d parcels cross their border, not in the same places", tl, c.next, len(here), len(there))
			}
		}
	}
	if seams == 0 {
		t.Error("no two tiles to compare")
	}
}

func TestParcelsSeams(t *testing.T) {
	for _, g := range tile.Grids() {
		tiles, stats := build(t, g, newMemory("a", delivery(t, "DLTB.shp")), pyramid.Options{MinZoom: 13, MaxZoom: 15})
		checkSeams(t, tiles)
		t.Logf("%+v", stats)
	}
}

// Polygons that cross themselves and each other after rounding, of all shapes and
// sizes, give valid tiles at every zoom.
func TestMakeValid(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 2))
	for round := range 12 {
		var features []pyramid.Feature
		size := math.Pow(10, -6+5*r.Float64())
		for i := range 30 {
			// A star with thin rays, and sometimes a hole in it like it.
			lon, lat := 110+size*4*r.Float64(), 35+size*4*r.Float64()
			ring := func(scale float64, turn bool) geo.Ring {
				var out geo.Ring
				n := 5 + r.IntN(40)
				for k := range n {
					s, c := math.Sincos(2 * math.Pi * float64(k) / float64(n))
					d := size * scale * (0.3 + 0.7*r.Float64())
					out = append(out, geo.PositionOf(geo.LonLat{Lon: lon + d*c, Lat: lat + d*s}))
				}
				out = append(out, out[0])
				if turn {
					slices.Reverse(out)
				}
				return out
			}
			p := geo.Polygon{ring(1, false)}
			if i%3 == 0 {
				p = append(p, ring(0.25, true))
			}
			features = append(features, pyramid.Feature{ID: uint64(i + 1), Class: fmt.Sprint(i % 3), Geometry: geo.MultiPolygon{p}, AreaM2: math.NaN(), NetM2: math.NaN()})
		}
		s := newMemory("a", features)
		for z := uint8(1); z <= 18; z++ {
			g := tile.Grids()[round%2]
			tl := g.At(geo.PositionOf(geo.LonLat{Lon: 110 + size*2, Lat: 35 + size*2}), z)
			for _, zoom := range []int{pyramid.ParcelsAlways, 0} {
				data, err := pyramid.Make(t.Context(), s, tl, pyramid.Options{ClassKey: "class", ParcelZoom: zoom})
				if err != nil {
					t.Fatal(err)
				}
				if err := mvt.Validate(data); err != nil {
					t.Fatalf("round %d, %s: %v", round, tl, err)
				}
			}
		}
	}
}

// Borders of parcels that lie over each other meet in common corners only: no
// edge crosses another's inside but in a corner.
func TestParcelsMeetInCorners(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 3))
	var features []pyramid.Feature
	for i := range 40 {
		lon, lat := 110+0.02*r.Float64(), 35+0.02*r.Float64()
		var ring geo.Ring
		for k := range 9 {
			s, c := math.Sincos(2 * math.Pi * float64(k) / 9)
			d := 0.01 * (0.3 + 0.7*r.Float64())
			ring = append(ring, geo.PositionOf(geo.LonLat{Lon: lon + d*c, Lat: lat + d*s}))
		}
		features = append(features, pyramid.Feature{ID: uint64(i + 1), Geometry: geo.MultiPolygon{{append(ring, ring[0])}}})
	}
	data, err := pyramid.Make(t.Context(), newMemory("a", features), tile.C.At(geo.Position{Lon: 110.011e10, Lat: 35.011e10}, 13), pyramid.Options{})
	if err != nil {
		t.Fatal(err)
	}
	layers, err := mvt.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	var edges [][2]mvt.Point
	for _, f := range layers[0].Features {
		for _, p := range f.Polygons {
			for _, ring := range p {
				for i, a := range ring {
					edges = append(edges, [2]mvt.Point{a, ring[(i+1)%len(ring)]})
				}
			}
		}
	}
	side := func(a, b, c mvt.Point) int {
		v := int64(b.X-a.X)*int64(c.Y-a.Y) - int64(c.X-a.X)*int64(b.Y-a.Y)
		return int(min(max(v, -1), 1))
	}
	// A corner that lies straight in both borders is left out of both.
	whole := func(e, f [2]mvt.Point) bool {
		d := int64(e[1].X-e[0].X)*int64(f[1].Y-f[0].Y) - int64(f[1].X-f[0].X)*int64(e[1].Y-e[0].Y)
		n := int64(f[0].X-e[0].X)*int64(f[1].Y-f[0].Y) - int64(f[1].X-f[0].X)*int64(f[0].Y-e[0].Y)
		return n*int64(e[1].X-e[0].X)%d == 0 && n*int64(e[1].Y-e[0].Y)%d == 0
	}
	crossed := 0
	for i, e := range edges {
		for _, f := range edges[i+1:] {
			if side(e[0], e[1], f[0])*side(e[0], e[1], f[1]) < 0 && side(f[0], f[1], e[0])*side(f[0], f[1], e[1]) < 0 && !whole(e, f) {
				crossed++
			}
		}
	}
	if len(edges) < 300 || crossed > 0 {
		t.Errorf("%d of %d edges cross", crossed, len(edges))
	}
}

// A parcel that is thinner than a unit keeps its area where it stands alone, and
// gives it to its neighbours where it does not.
func TestMakeSlivers(t *testing.T) {
	g, z := tile.C, uint8(13)
	unit := tile.Span(z) / mvt.Extent * 360 // degrees
	tl := g.At(geo.PositionOf(geo.LonLat{Lon: 110.01, Lat: 35.01}), z)
	o := g.Unproject(tl.Origin())
	box := func(x0, y0, x1, y1 float64) geo.MultiPolygon {
		at := func(x, y float64) geo.Position {
			return geo.PositionOf(geo.LonLat{Lon: o.Lon + x*unit, Lat: o.Lat - y*unit})
		}
		return geo.MultiPolygon{geo.Box{Min: at(x0, y1), Max: at(x1, y0)}.Polygon()}
	}
	for _, c := range []struct {
		name     string
		features []geo.MultiPolygon
		want     int64 // square units
	}{
		{"a strip of a third of a unit", []geo.MultiPolygon{box(100, 100.1, 400, 100.4)}, 90},
		{"a spot of three quarters", []geo.MultiPolygon{box(100.1, 100.1, 100.4, 102.6)}, 1},
		{"a spot of a fifth", []geo.MultiPolygon{box(100.1, 100.1, 100.4, 100.7)}, 0},
		{"a strip between neighbours", []geo.MultiPolygon{box(100, 100.1, 400, 100.4), box(100, 50, 400, 100.1), box(100, 100.4, 400, 150)}, 300 * 100},
		{"a strip inside another", []geo.MultiPolygon{box(100, 100.1, 400, 100.4), box(0, 0, 500, 200)}, 500 * 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			var features []pyramid.Feature
			for i, g := range c.features {
				features = append(features, pyramid.Feature{ID: uint64(i + 1), Geometry: g})
			}
			data, err := pyramid.Make(t.Context(), newMemory("a", features), tl, pyramid.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := mvt.Validate(data); err != nil {
				t.Fatal(err)
			}
			layers, err := mvt.Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			got := int64(0)
			for _, l := range layers {
				for _, f := range l.Features {
					for _, p := range f.Polygons {
						got += p.Area2() / 2
					}
				}
			}
			if got != c.want {
				t.Errorf("got %d square units, want %d", got, c.want)
			}
		})
	}
}

// Ground that several features cover is drawn once.
func TestBuildOverlaps(t *testing.T) {
	features := landscape(2000, 108.4, 34.3, 4)
	once := 0.0
	for _, f := range features {
		once += groundArea(f.Geometry)
	}
	twice := slices.Concat(features, features)
	tiles, _ := build(t, tile.W, newMemory("a", twice), pyramid.Options{MinZoom: 8, MaxZoom: 12, ClassKey: "DLBM"})
	sums := map[uint8]float64{}
	for tl, data := range tiles {
		for _, a := range measure(t, tl, data).area {
			sums[tl.Z] += a
		}
	}
	for z, a := range sums {
		if a > 1.0005*once || a < 0.999*once {
			t.Errorf("z%d: drawn %.3f of the ground", z, a/once)
		}
	}
}

func TestBuildStops(t *testing.T) {
	s := newMemory("a", landscape(2000, 108.4, 34.3, 3))
	full := errors.New("full")
	if _, err := pyramid.Build(t.Context(), tile.W, s, pyramid.Options{MinZoom: 5, MaxZoom: 14}, func(tile.Tile, []byte) error { return full }); !errors.Is(err, full) {
		t.Errorf("an error of put: got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	_, err := pyramid.Build(ctx, tile.W, s, pyramid.Options{MinZoom: 5, MaxZoom: 16}, func(tile.Tile, []byte) error {
		if n++; n == 5 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || n > 20 {
		t.Errorf("cancelled after 5 tiles: got %v after %d", err, n)
	}
	if _, err := pyramid.Build(t.Context(), tile.C, s, pyramid.Options{MinZoom: 0, MaxZoom: 3}, nil); err == nil {
		t.Error("zoom 0 of c was taken")
	}
	tiles, _ := build(t, tile.W, newMemory("a", nil), pyramid.Options{MinZoom: 0, MaxZoom: 14})
	if len(tiles) != 0 {
		t.Errorf("an empty layer gives %d tiles", len(tiles))
	}
}

// GEOS, through GDAL, finds every multipolygon of every tile valid.
func TestBuildValidByGEOS(t *testing.T) {
	if _, err := exec.LookPath("ogrinfo"); err != nil {
		t.Fatal("ogrinfo is missing: apt-get install gdal-bin")
	}
	tiles, _ := build(t, tile.W, newMemory("cropland", landscape(4000, 108.4, 34.3, 6)), pyramid.Options{MinZoom: 6, MaxZoom: 14, ClassKey: "DLBM"})
	looked := 0
	for tl, data := range tiles {
		if tl.X%2 == 1 && tl.Z > 12 {
			continue
		}
		looked++
		path := filepath.Join(t.TempDir(), "0.mvt")
		write(t, path, data)
		out, err := exec.Command("ogrinfo", "-q", "-dialect", "SQLite", "-sql",
			"SELECT COUNT(*) AS bad FROM cropland WHERE ST_IsValid(geometry) <> 1", path).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "bad (Integer) = 0") {
			t.Errorf("%s: %v, %s", tl, err, out)
		}
	}
	suite.Count(t, "tiles-geos", float64(looked), "tiles")
}

// BenchmarkBuild builds zooms 5 to 14 of w.
func BenchmarkBuild(b *testing.B) {
	s := newMemory("cropland", landscape(110_000, 108.4, 34.3, 1))
	for _, zooms := range [][2]int{{5, 14}, {5, 12}, {13, 14}} {
		b.Run(fmt.Sprintf("n=%d/zooms=%d-%d", s.Len(), zooms[0], zooms[1]), func(b *testing.B) {
			for b.Loop() {
				_, err := pyramid.Build(b.Context(), tile.W, s, pyramid.Options{MinZoom: zooms[0], MaxZoom: zooms[1], ClassKey: "DLBM"}, func(tile.Tile, []byte) error { return nil })
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMake(b *testing.B) {
	s := newMemory("cropland", landscape(110_000, 108.4, 34.3, 1))
	middle := geo.Position{Lon: (s.extent.Min.Lon + s.extent.Max.Lon) / 2, Lat: (s.extent.Min.Lat + s.extent.Max.Lat) / 2}
	for _, z := range []uint8{11, 12, 13, 14, 16, 18} {
		b.Run(fmt.Sprintf("z=%d", z), func(b *testing.B) {
			tl := tile.W.At(middle, z)
			for b.Loop() {
				if _, err := pyramid.Make(b.Context(), s, tl, pyramid.Options{ClassKey: "DLBM"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
