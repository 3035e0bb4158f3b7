package mvt_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/paulmach/orb"
	orbmvt "github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/geojson"

	"gengtu/benchmarks/suite"
	"gengtu/tileserver/mvt"
)

// square returns a clockwise (on the screen) square ring.
func square(x, y, side int32) mvt.Ring {
	return mvt.Ring{{X: x, Y: y}, {X: x + side, Y: y}, {X: x + side, Y: y + side}, {X: x, Y: y + side}}
}

func reversed(r mvt.Ring) mvt.Ring {
	out := make(mvt.Ring, 0, len(r))
	for i := len(r) - 1; i >= 0; i-- {
		out = append(out, r[i])
	}
	return out
}

// sample holds every kind of value, a hole, two polygons, and shared values.
func sample() mvt.Layer {
	return mvt.Layer{Name: "cropland", Features: []mvt.Feature{
		{
			ID: mvt.MaxID,
			Tags: []mvt.Tag{{Key: "DLBM", Value: "0101"}, {Key: "TBMJ", Value: 12.25}, {Key: "count", Value: int64(1 << 40)},
				{Key: "minus", Value: int64(-3)}, {Key: "pbf", Value: true}, {Key: "name", Value: "水田"}},
			Polygons: []mvt.Polygon{{square(0, 0, 100), reversed(square(10, 10, 20))}, {square(-64, 200, 50)}},
		},
		{Tags: []mvt.Tag{{Key: "DLBM", Value: "0101"}, {Key: "pbf", Value: false}}, Polygons: []mvt.Polygon{{square(300, 300, 7)}}},
		{ID: 7, Polygons: []mvt.Polygon{{square(4000, 4000, 160)}}},
	}}
}

func encode(t testing.TB, layers ...mvt.Layer) []byte {
	t.Helper()
	var data []byte
	for i := range layers {
		var err error
		if data, err = mvt.Append(data, &layers[i]); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

// contradictions are the fixtures whose label another fixture of the same
// content denies: 016 is 003 byte for byte (a feature without a type), and 057,
// like 051, announces 2^29-1 points and holds one. Both are refused.
var contradictions = map[string]string{"016": "003", "057": "051"}

// All conformance fixtures: valid ones pass, invalid ones are refused.
func TestValidateFixtures(t *testing.T) {
	list, err := os.Open("testdata/fixtures/list.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	n := 0
	for sc := bufio.NewScanner(list); sc.Scan(); n++ {
		words := strings.SplitN(sc.Text(), " ", 3)
		t.Run(words[0], func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata/fixtures", words[0]+".mvt"))
			if err != nil {
				t.Fatal(err)
			}
			err = mvt.Validate(data)
			if contradictions[words[0]] != "" {
				words[1] = "invalid"
			}
			if (err == nil) != (words[1] == "valid") {
				t.Errorf("got %v, want %s: %s", err, words[1], words[2])
			}
			if err != nil && !errors.Is(err, mvt.ErrInvalid) {
				t.Errorf("%v is not ErrInvalid", err)
			}
		})
	}
	suite.Count(t, "mvt-fixtures", float64(n), "tiles")
	if n != 74 {
		t.Errorf("got %d fixtures, want 74", n)
	}
}

func TestAppendDecode(t *testing.T) {
	a, b := sample(), mvt.Layer{Name: "pbf", Features: []mvt.Feature{{ID: 3, Polygons: []mvt.Polygon{{square(1, 1, 2)}}}}}
	empty := mvt.Layer{Name: "hsf"}
	data := encode(t, a, empty, b)
	if err := mvt.Validate(data); err != nil {
		t.Fatal(err)
	}
	got, err := mvt.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]mvt.Layer{a, b}, got); d != "" {
		t.Error(d)
	}
}

// Orb writes the same bytes for what it can say as we can: strings, floats, bools.
func TestAppendEqualsOrb(t *testing.T) {
	l := mvt.Layer{Name: "dltb", Features: []mvt.Feature{
		{ID: 9, Tags: []mvt.Tag{{Key: "a", Value: "x"}, {Key: "b", Value: 1.5}, {Key: "c", Value: true}},
			Polygons: []mvt.Polygon{{square(0, 0, 100), reversed(square(10, 10, 20))}, {square(200, 200, 50)}}},
		{ID: 10, Tags: []mvt.Tag{{Key: "b", Value: 1.5}, {Key: "d", Value: "x"}}, Polygons: []mvt.Polygon{{square(0, 0, 100)}}},
	}}
	want, err := orbmvt.Marshal(orbLayers(&l))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, encode(t, l)); d != "" {
		t.Error(d)
	}
}

// orbLayers puts l into orb's types.
func orbLayers(l *mvt.Layer) orbmvt.Layers {
	out := &orbmvt.Layer{Name: l.Name, Version: 2, Extent: mvt.Extent}
	for _, f := range l.Features {
		g := geojson.NewFeature(nil)
		var mp orb.MultiPolygon
		for _, p := range f.Polygons {
			var q orb.Polygon
			for _, r := range p {
				var s orb.Ring
				for _, v := range r {
					s = append(s, orb.Point{float64(v.X), float64(v.Y)})
				}
				q = append(q, append(s, s[0]))
			}
			mp = append(mp, q)
		}
		g.Geometry = mp
		if f.ID != 0 {
			g.ID = f.ID
		}
		for _, tag := range f.Tags {
			g.Properties[tag.Key] = tag.Value
		}
		out.Features = append(out.Features, g)
	}
	return orbmvt.Layers{out}
}

func TestAppendRefuses(t *testing.T) {
	good := []mvt.Polygon{{square(0, 0, 4)}}
	for _, c := range []struct {
		name string
		f    mvt.Feature
	}{
		{"an id above 2^53-1", mvt.Feature{ID: mvt.MaxID + 1, Polygons: good}},
		{"no polygon", mvt.Feature{}},
		{"a ring of two points", mvt.Feature{Polygons: []mvt.Polygon{{square(0, 0, 4)[:2]}}}},
		{"a number that is not one", mvt.Feature{Tags: []mvt.Tag{{Key: "a", Value: math.NaN()}}, Polygons: good}},
		{"an endless number", mvt.Feature{Tags: []mvt.Tag{{Key: "a", Value: math.Inf(1)}}, Polygons: good}},
		{"a value of another type", mvt.Feature{Tags: []mvt.Tag{{Key: "a", Value: []int{1}}}, Polygons: good}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dst := []byte("kept")
			got, err := mvt.Append(dst, &mvt.Layer{Name: "a", Features: []mvt.Feature{c.f}})
			if !errors.Is(err, mvt.ErrFeature) || string(got) != "kept" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestValidatePolygon(t *testing.T) {
	ring := func(xy ...int32) (r mvt.Ring) {
		for i := 0; i < len(xy); i += 2 {
			r = append(r, mvt.Point{X: xy[i], Y: xy[i+1]})
		}
		return r
	}
	for _, c := range []struct {
		name  string
		p     mvt.Polygon
		valid bool
	}{
		{"a square", mvt.Polygon{square(0, 0, 9)}, true},
		{"a hole", mvt.Polygon{square(0, 0, 9), reversed(square(3, 3, 2))}, true},
		{"a hole that touches its shell at a corner", mvt.Polygon{square(0, 0, 9), ring(0, 0, 2, 3, 3, 2)}, true},
		{"a hole that touches its shell in an edge's middle", mvt.Polygon{square(0, 0, 9), ring(4, 0, 3, 3, 5, 3)}, true},
		{"two holes that touch at a corner", mvt.Polygon{square(0, 0, 9), reversed(square(1, 1, 2)), reversed(square(3, 3, 2))}, true},

		{"a hole along its shell", mvt.Polygon{square(0, 0, 9), reversed(square(0, 3, 2))}, false},
		{"two holes along each other", mvt.Polygon{square(0, 0, 9), reversed(square(1, 1, 2)), reversed(square(3, 1, 2))}, false},
		{"a hole in a hole", mvt.Polygon{square(0, 0, 20), reversed(square(1, 1, 10)), reversed(square(3, 3, 2))}, false},
		{"a hole outside", mvt.Polygon{square(0, 0, 9), reversed(square(20, 20, 2))}, false},
		{"a hole outside that touches", mvt.Polygon{square(0, 0, 9), reversed(square(9, 9, 2))}, false},
		{"a hole that leaves through corners", mvt.Polygon{square(0, 0, 8), ring(4, 4, 8, 8, 12, 4)}, false},
		{"a hole around its shell", mvt.Polygon{square(3, 3, 2), reversed(square(0, 0, 9))}, false},
		{"a bow tie", mvt.Polygon{ring(0, 0, 9, 9, 9, 0, 0, 12)}, false},
		{"a ring that touches itself in a corner", mvt.Polygon{ring(0, 0, 4, 0, 4, 4, 8, 4, 8, 8, 4, 8, 4, 4, 0, 4)}, false},
		{"a ring that touches its own edge", mvt.Polygon{ring(0, 0, 9, 0, 9, 9, 5, 0, 0, 9)}, false},
		{"a spike", mvt.Polygon{ring(0, 0, 9, 0, 9, 9, 9, 20, 9, 9, 0, 9)}, false},
		{"a repeated point", mvt.Polygon{ring(0, 0, 9, 0, 9, 0, 9, 9)}, false},
		{"a shell that runs the wrong way", mvt.Polygon{reversed(square(0, 0, 9))}, false},
		{"no area", mvt.Polygon{ring(0, 0, 9, 0, 4, 0)}, false},
		{"a place too far away", mvt.Polygon{square(1<<25, 0, 9)}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := mvt.Validate(encode(t, mvt.Layer{Name: "a", Features: []mvt.Feature{{Polygons: []mvt.Polygon{c.p}}}}))
			if (err == nil) != c.valid {
				t.Errorf("got %v, want valid = %v", err, c.valid)
			}
		})
	}
}

// GDAL, which shares no code with ours or orb's, reads ids, values and areas.
func TestAppendReadByGDAL(t *testing.T) {
	if _, err := exec.LookPath("ogr2ogr"); err != nil {
		t.Fatal("ogr2ogr is missing: apt-get install gdal-bin")
	}
	path := filepath.Join(t.TempDir(), "0.mvt")
	if err := os.WriteFile(path, encode(t, sample()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ogr2ogr", "-f", "GeoJSON", "/vsistdout/", path, "cropland").Output()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Features []struct {
			Properties map[string]any
			Geometry   struct{ Coordinates any }
		}
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Features) != 3 {
		t.Fatalf("got %d features, want 3", len(got.Features))
	}
	want := map[string]any{"mvt_id": float64(mvt.MaxID), "DLBM": "0101", "TBMJ": 12.25, "count": float64(1 << 40), "minus": -3.0, "pbf": true, "name": "水田"}
	if d := cmp.Diff(want, got.Features[0].Properties); d != "" {
		t.Error(d)
	}
}

// Whatever the bytes are, Decode answers; what it reads and Append takes comes
// back the same, and orb reads as many features.
func FuzzDecode(f *testing.F) {
	f.Add(encode(f, sample()))
	paths, err := filepath.Glob("testdata/fixtures/*.mvt")
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		layers, err := mvt.Decode(data)
		valid := mvt.Validate(data)
		if err != nil {
			if !errors.Is(err, mvt.ErrInvalid) && !errors.Is(err, mvt.ErrNotPolygon) {
				t.Fatalf("%v is no known problem", err)
			}
			if errors.Is(err, mvt.ErrInvalid) && valid == nil {
				t.Fatalf("Decode refuses what Validate takes: %v", err)
			}
			return
		}
		var again []byte
		for i := range layers {
			if again, err = mvt.Append(again, &layers[i]); err != nil {
				return
			}
		}
		back, err := mvt.Decode(again)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		kept := layers[:0]
		for _, l := range layers {
			if len(l.Features) > 0 {
				kept = append(kept, l)
			}
		}
		if d := cmp.Diff(append([]mvt.Layer{}, kept...), back); d != "" {
			t.Fatal(d)
		}
	})
}

// parcels is a layer such as zoom 13 has: n parcels of 30 corners with 6 fields.
func parcels(n int) mvt.Layer {
	r := rand.New(rand.NewPCG(1, 2))
	l := mvt.Layer{Name: "cropland"}
	for i := range n {
		var ring mvt.Ring
		cx, cy := r.Int32N(4096), r.Int32N(4096)
		for k := range 30 {
			s, c := math.Sincos(2 * math.Pi * float64(k) / 30)
			ring = append(ring, mvt.Point{X: cx + int32(40*c), Y: cy + int32(40*s)})
		}
		l.Features = append(l.Features, mvt.Feature{
			ID: uint64(r.Int64N(mvt.MaxID)),
			Tags: []mvt.Tag{{Key: "BSM", Value: "61040200000" + string(rune('a'+i%26))}, {Key: "DLBM", Value: "010" + string(rune('1'+i%3))},
				{Key: "DLMC", Value: "水田"}, {Key: "TBMJ", Value: float64(r.IntN(1e7)) / 100}, {Key: "PDJB", Value: "2"}, {Key: "QSXZ", Value: "30"}},
			Polygons: []mvt.Polygon{{ring}},
		})
	}
	return l
}

func BenchmarkAppend(b *testing.B) {
	l := parcels(1000)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = mvt.Append(buf[:0], &l); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(buf)))
}

// The rival starts from its own types, so that the change of types is not
// counted against it.
func BenchmarkAppendOrb(b *testing.B) {
	l := parcels(1000)
	layers := orbLayers(&l)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		buf, err := orbmvt.Marshal(layers)
		if err != nil {
			b.Fatal(err)
		}
		n = len(buf)
	}
	b.SetBytes(int64(n))
}

func BenchmarkDecode(b *testing.B) {
	data := encode(b, parcels(1000))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mvt.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeOrb(b *testing.B) {
	data := encode(b, parcels(1000))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := orbmvt.Unmarshal(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	data := encode(b, parcels(1000))
	for b.Loop() {
		if err := mvt.Validate(data); err != nil {
			b.Fatal(err)
		}
	}
}
