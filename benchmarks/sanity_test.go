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
