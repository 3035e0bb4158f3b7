package pyramid_test

import (
	"math"
	"testing"

	"gengtu/benchmarks/suite"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/pyramid/pyramidtest"
	"gengtu/tileserver/tile"
)

// inputOf is what the checker knows of features.
func inputOf(features []pyramid.Feature) []pyramidtest.Feature {
	out := make([]pyramidtest.Feature, len(features))
	cents := func(v float64) int64 {
		if math.IsNaN(v) {
			return 0
		}
		return int64(math.Round(v * 100))
	}
	for i, f := range features {
		out[i] = pyramidtest.Feature{ID: f.ID, Class: f.Class, Geometry: f.Geometry, AreaM2: cents(f.AreaM2), NetM2: cents(f.NetM2)}
	}
	return out
}

// checked builds zooms up to deepest of a layer and has a stranger judge them.
func checked(t *testing.T, g tile.Grid, s *memory, ground *pyramidtest.Ground, deepest uint8) []*pyramidtest.Zoom {
	t.Helper()
	opt := pyramid.Options{MinZoom: int(g.MinZoom()), MaxZoom: int(deepest), ClassKey: "DLBM"}
	built, _ := build(t, g, s, opt)
	zooms := map[uint8][]pyramidtest.Tile{}
	for tl, data := range built {
		zooms[tl.Z] = append(zooms[tl.Z], pyramidtest.Tile{At: tl, Data: data, Packed: len(cache.Compress(data).Deflated) + 20})
	}
	c := pyramidtest.NewChecker(ground, g, s.Name(), "DLBM", deepest)
	var out []*pyramidtest.Zoom
	for z := g.MinZoom(); z <= deepest; z++ {
		found, err := c.Zoom(t.Context(), z, zooms[z])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, found)
	}
	return out
}

// Every zoom of every layer of the delivery shows the ground as it is: its area
// and each class's, no overlap, no gap, margins as the neighbours have them.
func TestCheckDelivery(t *testing.T) {
	for _, l := range []struct{ name, file string }{{"cropland", "DLTB.shp"}, {"pbf", "YJJBNTTB.gpkg"}, {"hsf", "GBZNT.geojson"}} {
		features := delivery(t, l.file)
		if l.name == "cropland" {
			features = cropland(features)
		}
		ground, err := pyramidtest.NewGround(t.Context(), inputOf(features))
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range tile.Grids() {
			t.Run(l.name+"/"+g.String(), func(t *testing.T) {
				t.Log(pyramidtest.Header)
				for _, z := range checked(t, g, newMemory(l.name, features), ground, 16) {
					t.Log(z)
					suite.Count(t, "true-map", 1, "zooms")
					if math.Abs(z.DrawnM2-z.TrueM2) > pyramidtest.Asked().Units*z.UnitM2 {
						suite.Count(t, "true-map-layer", math.Abs(z.Ratio()-1), "off")
					}
					suite.Count(t, "true-map-tile", math.Abs(z.WorstRatio-1), "off")
					suite.Count(t, "seams", max(z.Overlap, z.Gap, z.Torn), "units2")
					for _, f := range z.Faults(pyramidtest.Asked(), ground) {
						t.Error(f)
					}
				}
			})
		}
	}
}
