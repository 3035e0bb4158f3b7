package pyramid_test

import (
	"context"
	"math"
	"testing"

	"gengtu/index/geo"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// built is what Build handed out.
type built map[tile.Tile][]byte

func build(t testing.TB, g tile.Grid, s pyramid.Source, opt pyramid.Options) (built, pyramid.Stats) {
	t.Helper()
	out := built{}
	stats, err := pyramid.Build(context.Background(), g, s, opt, func(tl tile.Tile, data []byte) error {
		if _, twice := out[tl]; twice {
			t.Errorf("%s was made twice", tl)
		}
		out[tl] = data
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, stats
}

// drawn is the ground area of what one tile shows of each class inside its
// borders, and the sums of its figures.
type drawn struct {
	area   map[string]float64
	figure float64
	net    float64
	count  int64
}

func measure(t testing.TB, tl tile.Tile, data []byte) drawn {
	t.Helper()
	layers, err := mvt.Decode(data)
	if err != nil {
		t.Fatalf("%s: %v", tl, err)
	}
	d := drawn{area: map[string]float64{}}
	for _, l := range layers {
		for _, f := range l.Features {
			name := ""
			for _, tag := range f.Tags {
				switch tag.Key {
				case "DLBM":
					name = tag.Value.(string)
				case "count":
					d.count += tag.Value.(int64)
				case "area_m2":
					d.figure += tag.Value.(float64)
				case "net_m2":
					d.net += tag.Value.(float64)
				}
			}
			for _, p := range f.Polygons {
				for _, r := range p {
					d.area[name] += tileArea(tl, r)
				}
			}
		}
	}
	return d
}

// tileArea is the ground area of r inside the borders of tl, by the trapezoids
// under its edges: each is cut at the borders, and what is beyond counts nothing
// or all of a row.
func tileArea(tl tile.Tile, r mvt.Ring) float64 {
	o, unit := tl.Origin(), tile.Span(tl.Z)/mvt.Extent
	lat := func(y float64) float64 {
		return tl.Grid.Unproject(tile.World{X: o.X, Y: o.Y + y*unit}).Lat
	}
	clamp := func(v float64) float64 { return max(0, min(v, mvt.Extent)) }
	sum := 0.0
	piece := func(x0, y0, x1, y1 float64) {
		// Seen from the west border, the edge bounds the ground west of it.
		mid := (clamp(x0) + clamp(x1)) / 2
		sum += mid * unit * 2 * math.Pi * (equalArea(lat(clamp(y0))) - equalArea(lat(clamp(y1))))
	}
	for i, a := range r {
		b := r[(i+1)%len(r)]
		cuts := []float64{0, 1}
		for _, v := range []float64{0, mvt.Extent} {
			for _, c := range [][2]float64{{float64(a.X), float64(b.X)}, {float64(a.Y), float64(b.Y)}} {
				if k := (v - c[0]) / (c[1] - c[0]); k > 0 && k < 1 {
					cuts = append(cuts, k)
				}
			}
		}
		for j := range cuts {
			for k := j + 1; k < len(cuts); k++ {
				if cuts[k] < cuts[j] {
					cuts[j], cuts[k] = cuts[k], cuts[j]
				}
			}
		}
		for j := 1; j < len(cuts); j++ {
			at := func(k float64) (float64, float64) {
				return float64(a.X) + k*float64(b.X-a.X), float64(a.Y) + k*float64(b.Y-a.Y)
			}
			x0, y0 := at(cuts[j-1])
			x1, y1 := at(cuts[j])
			piece(x0, y0, x1, y1)
		}
	}
	return sum
}

// layers are what the tests of whole pyramids run on.
func layers(t testing.TB) map[string][]pyramid.Feature {
	return map[string][]pyramid.Feature{
		"synthetic": landscape(10000, 108.4, 34.3, 1),
		"cropland":  cropland(delivery(t, "DLTB.shp")),
	}
}

func cropland(in []pyramid.Feature) (out []pyramid.Feature) {
	for _, f := range in {
		if len(f.Class) == 4 && f.Class[:2] == "01" {
			out = append(out, f)
		}
	}
	return out
}

// The drawn area is the true one at every zoom, of the layer and of each class;
// every tile is valid; the figures of merged shapes add up to the input's.
func TestBuildArea(t *testing.T) {
	for name, features := range layers(t) {
		s := newMemory("cropland", features)
		want := map[string]float64{}
		total, figures := 0.0, 0.0
		for _, f := range features {
			a := groundArea(f.Geometry)
			want[f.Class] += a
			total += a
			figures += math.Round(f.AreaM2*100) / 100
		}
		for _, g := range tile.Grids() {
			t.Run(name+"/"+g.String(), func(t *testing.T) {
				tiles, stats := build(t, g, s, pyramid.Options{MinZoom: int(g.MinZoom()), MaxZoom: 14, ClassKey: "DLBM"})
				zooms := map[uint8]*drawn{}
				for tl, data := range tiles {
					if err := mvt.Validate(data); err != nil {
						t.Fatalf("%s: %v", tl, err)
					}
					d := measure(t, tl, data)
					z := zooms[tl.Z]
					if z == nil {
						z = &drawn{area: map[string]float64{}}
						zooms[tl.Z] = z
					}
					for k, a := range d.area {
						z.area[k] += a
					}
					z.count += d.count
					z.figure += d.figure
				}
				for z := g.MinZoom(); z <= 14; z++ {
					got := zooms[z]
					if got == nil {
						t.Fatalf("zoom %d has no tile", z)
					}
					// One square unit at this zoom and latitude: the rounding of a block,
					// of which there may be several where the layer is a few units.
					unit := unitArea(g, z, s.Extent())
					sum := 0.0
					for _, a := range got.area {
						sum += a
					}
					t.Logf("z%d: %d tiles, ratio %.6f, units %.1f", z, stats.Tiles[z], sum/total, total/unit)
					if off := math.Abs(sum - total); off > 0.005*total && off > 2*unit {
						t.Errorf("z%d: drawn %.0f m², true %.0f, one unit is %.0f", z, sum, total, unit)
					}
					for k, a := range want {
						if off := math.Abs(got.area[k] - a); off > 0.01*a && off > 2*unit {
							t.Errorf("z%d: class %s drawn %.0f m², true %.0f, one unit is %.0f", z, k, got.area[k], a, unit)
						}
					}
					if z >= 3 && z < pyramid.DefaultParcelZoom && (got.count != int64(len(features)) || math.Abs(got.figure-figures) > 0.01*float64(stats.Tiles[z])) {
						t.Errorf("z%d: count %d, area_m2 %.2f, want %d, %.2f", z, got.count, got.figure, len(features), figures)
					}
				}
			})
		}
	}
}

func unitArea(g tile.Grid, z uint8, b geo.Box) float64 {
	p := g.Project(geo.Position{Lon: (b.Min.Lon + b.Max.Lon) / 2, Lat: (b.Min.Lat + b.Max.Lat) / 2})
	u := tile.Span(z) / mvt.Extent
	north, south := g.Unproject(p).Lat, g.Unproject(tile.World{X: p.X, Y: p.Y + u}).Lat
	return u * 2 * math.Pi * (equalArea(north) - equalArea(south))
}
