package pyramidtest_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gengtu/benchmarks/suite"
	"gengtu/index/geo"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/pyramid/pyramidtest"
	"gengtu/tileserver/tile"
)

const (
	zoom   = 14
	layer  = "fields"
	margin = 8
	side   = 256 // of a field, in units
	across = 20  // fields
)

// corner is the north-west tile of the ground that the tests draw.
var corner = tile.W.At(geo.PositionOf(geo.LonLat{Lon: 108.5, Lat: 34.5}), zoom)

// field is a square of the layer: units from the corner tile's origin.
type field struct {
	id             uint64
	class          string
	x0, y0, x1, y1 int32
}

// fields cover a square of several tiles without gap or overlap, but for a lake.
func fields() []field {
	var out []field
	for j := range int32(across) {
		for i := range int32(across) {
			if i == 9 && j == 9 {
				continue
			}
			class := "0101"
			if (i+j)%3 == 0 {
				class = "0102"
			}
			x, y := 1500+i*side, 1700+j*side
			out = append(out, field{uint64(1 + i + across*j), class, x, y, x + side, y + side})
		}
	}
	return out
}

// input is what the fields are on the ground.
func input(fs []field) []pyramidtest.Feature {
	var out []pyramidtest.Feature
	o, u := corner.Origin(), tile.Span(zoom)/mvt.Extent
	at := func(x, y int32) geo.Position {
		return geo.PositionOf(tile.W.Unproject(tile.World{X: o.X + float64(x)*u, Y: o.Y + float64(y)*u}))
	}
	for _, f := range fs {
		g := geo.MultiPolygon{geo.Box{Min: at(f.x0, f.y1), Max: at(f.x1, f.y0)}.Polygon()}
		out = append(out, pyramidtest.Feature{ID: f.id, Class: f.class, Geometry: g, AreaM2: 1000, NetM2: 900})
	}
	return out
}

// shape is a feature of a tile before it is written.
type shape struct {
	feature mvt.Feature
	at      tile.Tile
}

// draw shows the fields in tiles, one shape for each; edit may change the shapes.
func draw(t *testing.T, fs []field, edit func(shapes []shape) []shape) []pyramidtest.Tile {
	t.Helper()
	var shapes []shape
	for dy := range uint32(2) {
		for dx := range uint32(2) {
			tl := tile.Tile{Grid: tile.W, Z: zoom, X: corner.X + dx, Y: corner.Y + dy}
			cut := func(v int32, d uint32) int32 { return max(-margin, min(v-int32(d)*mvt.Extent, mvt.Extent+margin)) }
			for _, f := range fs {
				x0, y0, x1, y1 := cut(f.x0, dx), cut(f.y0, dy), cut(f.x1, dx), cut(f.y1, dy)
				if x0 == x1 || y0 == y1 {
					continue
				}
				tags := []mvt.Tag{{Key: "DLBM", Value: f.class}}
				if f.id == 0 {
					tags = append(tags, mvt.Tag{Key: "count", Value: int64(1)}, mvt.Tag{Key: "area_m2", Value: 10.0}, mvt.Tag{Key: "net_m2", Value: 9.0})
				}
				shapes = append(shapes, shape{mvt.Feature{ID: f.id, Tags: tags,
					Polygons: []mvt.Polygon{{{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}}}}}, tl})
			}
		}
	}
	if edit != nil {
		shapes = edit(shapes)
	}
	layers := map[tile.Tile]*mvt.Layer{}
	for _, s := range shapes {
		if layers[s.at] == nil {
			layers[s.at] = &mvt.Layer{Name: layer}
		}
		layers[s.at].Features = append(layers[s.at].Features, s.feature)
	}
	var out []pyramidtest.Tile
	for tl, l := range layers {
		data, err := mvt.Append(nil, l)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, pyramidtest.Tile{At: tl, Data: data, Packed: len(data)})
	}
	return out
}

func judged(t *testing.T, ground *pyramidtest.Ground, tiles []pyramidtest.Tile) *pyramidtest.Zoom {
	t.Helper()
	z, err := pyramidtest.NewChecker(ground, tile.W, layer, "DLBM", zoom).Zoom(t.Context(), zoom, tiles)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func truth(t *testing.T, in []pyramidtest.Feature) *pyramidtest.Ground {
	t.Helper()
	g, err := pyramidtest.NewGround(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// moved returns the shapes with one corner of one of them moved.
func moved(shapes []shape, id uint64, corner int, dx, dy int32) []shape {
	for i := range shapes {
		if s := &shapes[i]; s.feature.ID == id {
			p := &s.feature.Polygons[0][0][corner]
			p.X, p.Y = p.X+dx, p.Y+dy
			break
		}
	}
	return shapes
}

// index finds the shape of a field in the tile dx, dy from the corner.
func index(shapes []shape, id uint64, dx, dy uint32) int {
	return slices.IndexFunc(shapes, func(s shape) bool {
		return s.feature.ID == id && s.at.X == corner.X+dx && s.at.Y == corner.Y+dy
	})
}

// A drawing without fault passes with figures of exactly 0, and each planted fault
// is found, with its size where it has one.
func TestPlantedFaults(t *testing.T) {
	// inside lies in the first tile, crossing across its east border.
	const inside, crossing = 5*across + 5, 4*across + 11
	ground := truth(t, input(fields()))
	for _, c := range []struct {
		name string
		edit func([]shape) []shape
		want string // a part of a fault's text, "" for none
	}{
		{"nothing", nil, ""},
		{"a field is dropped", func(s []shape) []shape { return slices.Delete(s, index(s, inside, 0, 0), index(s, inside, 0, 0)+1) }, "gaps of 6.554e+04 units² in 1 tiles"},
		{"a field is missing", func(s []shape) []shape {
			return slices.DeleteFunc(s, func(s shape) bool { return s.feature.ID == inside })
		}, "1 are missing"},
		{"a field is there twice", func(s []shape) []shape { return append(s, s[index(s, inside, 0, 0)]) }, "overlap by 6.554e+04 units²"},
		{"its area shows it", func(s []shape) []shape { return append(s, s[index(s, inside, 0, 0)]) }, "ratio 1.0025"},
		// A corner that moves by one makes a triangle of 256 × 1 / 2 of each kind.
		{"a corner a unit outwards", func(s []shape) []shape { return moved(s, inside, 0, -1, 0) }, "overlap by 128 units² in 1 tiles"},
		{"a corner three units inwards", func(s []shape) []shape { return moved(s, inside, 0, 3, 0) }, "gaps of 384 units² in 1 tiles"},
		{"a corner on a border moves along it", func(s []shape) []shape { return moved(s, inside, 0, 0, 1) }, "gaps of 128 units²"},
		{"a field moves over the lake", func(s []shape) []shape { return moved(s, 9*across+9, 1, 40, 0) }, "units² are drawn where nothing is"},
		{"a margin ends early", func(s []shape) []shape {
			p := s[index(s, crossing, 0, 0)].feature.Polygons[0][0]
			p[1].X, p[2].X = mvt.Extent+1, mvt.Extent+1
			return s
		}, "margins differ from the neighbours by 1792 units² in 1 of"},
		{"a margin shows another field", func(s []shape) []shape {
			s[index(s, crossing, 0, 0)].feature.ID = 999
			return s
		}, "margins differ"},
		{"a class is another", func(s []shape) []shape {
			for i := range s {
				if s[i].feature.Tags[0].Value == "0102" && s[i].feature.ID%5 == 0 {
					s[i].feature.Tags = []mvt.Tag{{Key: "DLBM", Value: "0101"}}
				}
			}
			return s
		}, `class "0101" drawn`},
		{"a ring crosses itself", func(s []shape) []shape {
			p := s[index(s, inside, 0, 0)].feature.Polygons[0][0]
			p[2].X, p[3].X = p[3].X+100, p[2].X
			return s
		}, "1 tiles are not valid"},
		{"parcels lose their area", func(s []shape) []shape {
			p := s[index(s, inside, 0, 0)].feature.Polygons[0][0]
			for i := range p {
				p[i].X = p[0].X + (p[i].X-p[0].X)/8
			}
			return s
		}, "1 parcels are further from their area"},
	} {
		t.Run(c.name, func(t *testing.T) {
			z := judged(t, ground, draw(t, fields(), c.edit))
			faults := z.Faults(pyramidtest.Asked(), ground)
			if c.want == "" && (len(faults) > 0 || math.Abs(z.Ratio()-1) > 1e-8 || z.Parcels != across*across-1 || z.Margin != margin || z.Pairs != 12) {
				t.Errorf("got %v, ratio %.12f\n%s", faults, z.Ratio(), z)
			}
			if !strings.Contains(strings.Join(faults, "\n"), c.want) {
				t.Errorf("got %q, want %q", faults, c.want)
			}
			if c.want != "" {
				suite.Count(t, "planted-drawings", 1, "faults")
			}
		})
	}
}

// Figures of merged shapes have to add up to the layer's.
func TestPlantedFigures(t *testing.T) {
	ground := truth(t, input(fields()))
	// Each field in one tile only, as a shape without id.
	merged := func(s []shape) []shape {
		seen := map[uint64]bool{}
		return slices.DeleteFunc(s, func(s shape) bool {
			defer func() { seen[s.feature.ID] = true }()
			return seen[s.feature.ID]
		})
	}
	anonymous := func(figures func(i int) []mvt.Tag) func([]shape) []shape {
		return func(s []shape) []shape {
			s = merged(s)
			for i := range s {
				s[i].feature.ID = 0
				s[i].feature.Tags = append(s[i].feature.Tags[:1:1], figures(i)...)
			}
			return s
		}
	}
	for _, c := range []struct {
		name  string
		tags  func(i int) []mvt.Tag
		count int
		want  string
	}{
		{"all", func(int) []mvt.Tag {
			return []mvt.Tag{{Key: "count", Value: int64(1)}, {Key: "area_m2", Value: 10.0}, {Key: "net_m2", Value: 9.0}}
		}, 0, ""},
		{"a count too few", func(i int) []mvt.Tag {
			return []mvt.Tag{{Key: "count", Value: int64(min(i, 1))}, {Key: "area_m2", Value: 10.0}, {Key: "net_m2", Value: 9.0}}
		}, 0, "count 398 of 399"},
		{"an area too much", func(i int) []mvt.Tag {
			return []mvt.Tag{{Key: "count", Value: int64(1)}, {Key: "area_m2", Value: 10.0 + float64(3*(i/398))}, {Key: "net_m2", Value: 9.0}}
		}, 0, "area_m2 3993.00 of 3990.00"},
		{"no net area", func(int) []mvt.Tag {
			return []mvt.Tag{{Key: "count", Value: int64(1)}, {Key: "area_m2", Value: 10.0}}
		}, 0, "net_m2 0.00 of 3591.00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			z := judged(t, ground, draw(t, fields(), anonymous(c.tags)))
			var figures []string
			for _, f := range z.Faults(pyramidtest.Asked(), ground) {
				if strings.Contains(f, "count") || strings.Contains(f, "_m2") {
					figures = append(figures, f)
				}
			}
			if c.want == "" && len(figures) > 0 || !strings.Contains(strings.Join(figures, "\n"), c.want) {
				t.Errorf("got %q, want %q", figures, c.want)
			}
		})
	}
}

// Ground that features share is the lower id's: pieces and the outline have the
// area of the ground counted once, by the package's own formula.
func TestGroundOnce(t *testing.T) {
	fs := []field{{1, "a", 100, 100, 200, 200}, {2, "b", 150, 150, 250, 250}, {3, "a", 150, 100, 260, 200}}
	g := truth(t, input(fs))
	z := judged(t, g, draw(t, fs, nil))
	units := func(v float64) float64 { return math.Round(v / z.UnitM2) }
	// 10,000 + 7,500 + (11,000 − 5,000 beside 1 − 2,500 in 2 alone … in units)
	if got, want := units(z.TrueM2), 10000.0+7500+(110*100-50*100-50*50); got != want {
		t.Errorf("the ground has %v units, want %v", got, want)
	}
	if got, want := units(z.DrawnM2), 31000.0; got != want {
		t.Errorf("drawn are %v units, want %v", got, want)
	}
	if math.Abs(z.UnionM2-z.TrueM2) > 1e-6*z.TrueM2 {
		t.Errorf("the union is %v m², the ground %v", z.UnionM2, z.TrueM2)
	}
	if want := 31000.0 - units(z.TrueM2); z.Overlap != want {
		t.Errorf("overlaps are %v units, want %v", z.Overlap, want)
	}
	if _, err := pyramidtest.NewGround(t.Context(), input([]field{fs[0], fs[0]})); err == nil {
		t.Error("an id that is there twice was taken")
	}
}
