package benchmarks

import (
	"math"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/tileserver/tile"
)

// small returns a county of 1,000 patches, made by how when it is not there.
func small(t *testing.T, name string, how func(dir string) *dataset) *dataset {
	t.Helper()
	if d := datasets[name]; d != nil {
		return d
	}
	d := how(sampled(t, 1000))
	d.ingest(t)
	datasets[name] = d
	return d
}

func smallSample(t *testing.T) *dataset {
	t.Helper()
	return small(t, "small", func(dir string) *dataset { return county("small", dir) })
}

// A landscape that lies over two zones is the one that it was made of: the same
// features, areas of record and ground, half in each file.
func TestZones(t *testing.T) {
	one := smallSample(t)
	two := small(t, "small-zones", func(dir string) *dataset { return overTwoZones(t, "small-zones", dir) })
	for _, f := range two.main() {
		if n := records(t, f.path); n < 200 || n > 800 {
			t.Errorf("%s has %d of 1000 patches", filepath.Base(f.path), n)
		}
	}
	if lon := float64(two.centre().Lon) / geo.Unit; math.Abs(lon-borderLon) > 0.02 {
		t.Errorf("the middle lies at %v°, want near %v", lon, borderLon)
	}
	for _, name := range one.ix.Names() {
		a, b := one.ix.Layer(name, "").Meta, two.ix.Layer(name, "").Meta
		if a.Features != b.Features || !cmp.Equal(a.PatchM2, b.PatchM2) || !cmp.Equal(a.NetM2, b.NetM2) {
			t.Errorf("%s: %d features over two zones, %d in one, or other areas of record", name, b.Features, a.Features)
		}
		if math.Abs(a.AreaM2-b.AreaM2) > 1e-7*a.AreaM2 {
			t.Errorf("%s: %v m² over two zones, %v in one", name, b.AreaM2, a.AreaM2)
		}
	}
}

// Shapes meet as many parcels as they are asked to, and have the area of their
// formula: half of the integral of r² is π radius² (1 + 0.2²/2).
func TestShapes(t *testing.T) {
	d := smallSample(t)
	for _, n := range []int{20, 100} {
		a, err := areas.Ask(t.Context(), d.ix, d.question(d.parcels(t, n)))
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Layers[0].Count; got < n-3 || got > n+3 {
			t.Errorf("the shape meets %d parcels, want about %d", got, n)
		}
	}
	got, want := geo.Area(lobed(geo.Position{Lon: 108e10, Lat: 34e10}, 1000)), math.Pi*1e6*1.02
	if math.Abs(got-want) > 0.02*want { // 64 corners, and a sphere's degrees
		t.Errorf("a shape of %v m², want %v", got, want)
	}
	a, err := areas.Ask(t.Context(), d.ix, d.question(d.village(t)))
	if err != nil {
		t.Fatal(err)
	}
	if a.AOI.AreaM2 < 1e5 || a.Layers[0].Count < 10 {
		t.Errorf("the village has %v m² and %d parcels", a.AOI.AreaM2, a.Layers[0].Count)
	}
}

// A landscape beside another of another seed is taken in whole: no number twice,
// and the farmland of both.
func TestTenth(t *testing.T) {
	d := small(t, "small-tenth", func(string) *dataset { return tenth(t, "small-tenth", 1000) })
	cropland, pbf := d.ix.Layer("cropland", ""), d.ix.Layer("pbf", "")
	want := 2 * smallSample(t).ix.Layer("cropland", "").Len()
	if n := cropland.Len(); n < want*8/10 || n > want*12/10 {
		t.Errorf("%d parcels of cropland, want about %d", n, want)
	}
	if n := float64(pbf.Len()) / float64(cropland.Len()); n < 0.6 || n > 0.8 {
		t.Errorf("%v of basic farmland for each of cropland", n)
	}
	b := cropland.Extent()
	if wide := float64(b.Max.Lon-b.Min.Lon) / geo.Unit; wide < tenthApart || wide > tenthApart+0.1 {
		t.Errorf("%v° wide", wide)
	}
	seen := map[string]bool{}
	for i := range cropland.Len() {
		f, err := cropland.Feature(i)
		if err != nil {
			t.Fatal(err)
		}
		bsm, ok := f.Values[cropland.Field("BSM")].(string)
		if !ok || seen[bsm] {
			t.Fatalf("BSM %v is there twice", bsm)
		}
		seen[bsm] = true
	}
}

// Random shapes are the same each time, as large as they should be, and answered
// in full, also through a socket.
func TestRandomShapes(t *testing.T) {
	d := smallSample(t)
	for _, s := range sizes {
		first := d.random(s.km2, s.asked)
		if !cmp.Equal(first, d.random(s.km2, randomAOIs)[:s.asked]) {
			t.Errorf("%s: other shapes the second time", s.name)
		}
		for i, shape := range first {
			if got := geo.Area(shape) / 1e6; math.Abs(got-s.km2) > 0.02*s.km2 {
				t.Errorf("%s: shape %d has %v km²", s.name, i, got)
			}
		}
		answers(t, d, first, d.asked)
	}
	if n := len(d.mixed()); n != 1000 {
		t.Errorf("%d shapes, want 1000", n)
	}
	c := serveSocket(t, d)
	c.do(t, d.post(d.random(1, 1)[0]), 200)
}

// Percentiles are values that were measured, and sets of layers come apart as
// the grounds of three squares do.
func TestReckoning(t *testing.T) {
	v := make([]float64, 1000)
	for i := range v {
		v[i] = float64(1000 - i)
	}
	if a, b, c := percentile(v, 0.5), percentile(v, 0.99), percentile(v, 1); a != 500 || b != 990 || c != 1000 {
		t.Errorf("percentiles %v %v %v", a, b, c)
	}
	if got := percentile([]float64{7}, 0.99); got != 7 {
		t.Errorf("of one value: %v", got)
	}
	// All 100; layers 50, 40, 30; in pairs 20, 15, 10; in all 5.
	sets := [8]float64{100, 50, 40, 20, 30, 15, 10, 5}
	want := [8]float64{20, 20, 15, 15, 10, 10, 5, 5}
	for mask, w := range want {
		if got := only(sets, mask); got != w {
			t.Errorf("only %03b: %v, want %v", mask, got, w)
		}
	}
}

// The sum over a join is the sum over pairs.
func TestJoined(t *testing.T) {
	d := smallSample(t)
	cropland, pbf := d.ix.Layer("cropland", ""), d.ix.Layer("pbf", "")
	want := sharedPairs(t, cropland, pbf)
	got, pairs := joinSum(t, cropland, pbf, 1)
	if !near(got, want) || want <= 0 || pairs > candidates(cropland, pbf) {
		t.Errorf("%v m² by %d pairs, want %v", got, pairs, want)
	}
}

// Rings that are spoiled cross themselves and no longer are what they were.
func TestSelfCrossing(t *testing.T) {
	d := smallSample(t)
	for _, m := range d.selfCrossing(t, 20) {
		if _, findings, err := overlay.Mend(m); err != nil || len(findings) == 0 {
			t.Errorf("%v: %v, %v", m, findings, err)
		}
	}
}

// What compares answers tells different ones apart.
func TestSameAreas(t *testing.T) {
	d := smallSample(t)
	ask := func(shape geo.MultiPolygon) *areas.Answer {
		a, err := areas.Ask(t.Context(), d.ix, d.question(shape))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	shape := lobed(d.centre(), 500)
	if !sameAreas(ask(shape), ask(shape)) {
		t.Error("one question has two answers")
	}
	if sameAreas(ask(shape), ask(lobed(d.centre(), 500.01))) {
		t.Error("a shape that is 1 cm larger has the same answer")
	}
	if !near(1e6, 1e6+0.5) || near(1e6, 1e6+2) || near(0, math.NaN()) {
		t.Error("near is not within 1e-6")
	}
}

// The server answers through a pipe, with tiles that are built and with tiles
// made on demand.
func TestServe(t *testing.T) {
	d := smallSample(t)
	c := serve(t, d)
	for _, zoom := range []uint8{14, 16} {
		path := "/secure/tiles/all/" + tile.W.At(d.centre(), zoom).String() + ".mvt"
		body := c.do(t, request("GET", path, nil), 200)
		if n := decoded(t, body); n < 10 {
			t.Errorf("%s has %d features", path, n)
		}
	}
	c.do(t, request("POST", "/secure/overlay", []byte("{")), 400)
}

// Medians and multiples of ours are those of the lines, whatever their order.
func TestRatios(t *testing.T) {
	cmd := exec.Command("awk", "-f", "ratios.awk")
	cmd.Stdin = strings.NewReader(`goos: linux
BenchmarkAsk/data=a/by=gengtu-2       1   3000000 ns/op   4.0 cpu-ms/op   7 B/op
BenchmarkAsk/data=a/by=other-2workers-2  1   90000000 ns/op   100 cpu-ms/op
BenchmarkAsk/data=a/by=gengtu-2       1   10000000 ns/op   2.0 cpu-ms/op   7 B/op
BenchmarkAsk/data=a/by=gengtu-2       1   2000000 ns/op   6.0 cpu-ms/op   7 B/op
BenchmarkAsk/data=a/by=other-2workers-2  1   110000000 ns/op   100 cpu-ms/op
BenchmarkRead/by=other-2              1   500000 ns/op   0.5 cpu-ms/op
PASS
`)
	got, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	_, rows, _ := strings.Cut(string(got), "|---|\n")
	want := `| Ask/data=a | gengtu | 3 | 3.00 | 2.00 … 10.0 | 4.00 | 1.00 | 1.00 |
| Ask/data=a | other-2workers | 2 | 100 | 90.0 … 110 | 100 | 33.33 | 25.00 |
| Read | other | 1 | 0.500 | 0.500 … 0.500 | 0.500 |  |  |
`
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("the table (-want +got):\n%s", diff)
	}
}
