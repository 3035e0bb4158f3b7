package overlay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gengtu/benchmarks/suite"
	"gengtu/index/geo"
)

const deliveryRoot = "../../../shared/data/delivery/2024"

// run runs one of GDAL's programs and returns what it printed.
func run(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is needed: apt-get install gdal-bin", name)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return out
}

// readLayer reads a layer's polygons by GDAL.
func readLayer(t testing.TB, file string) []geo.MultiPolygon {
	t.Helper()
	out := run(t, "ogr2ogr", "-f", "GeoJSONSeq", "-t_srs", "EPSG:4490", "-lco", "COORDINATE_PRECISION=11",
		"/vsistdout/", filepath.Join(deliveryRoot, file))
	var ms []geo.MultiPolygon
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var f struct{ Geometry json.RawMessage }
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			t.Fatal(err)
		}
		polygons, err := geo.ParseGeometry(f.Geometry, geo.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		var m geo.MultiPolygon
		for _, p := range polygons {
			var q geo.Polygon
			for _, r := range p {
				var s geo.Ring
				for _, v := range r {
					s = append(s, geo.PositionOf(geo.LonLat{Lon: v.X, Lat: v.Y}))
				}
				q = append(q, s)
			}
			m = append(m, q)
		}
		ms = append(ms, m)
	}
	if len(ms) == 0 {
		t.Fatalf("%s: no polygons", file)
	}
	return ms
}

// delivery returns the survey patches, basic farmland and high-standard farmland
// as items of layers 0 to 2, and the villages.
func delivery(t testing.TB) (items []Item, villages []geo.MultiPolygon) {
	t.Helper()
	items, villages, err := loadDelivery(t)
	if err != nil {
		t.Fatal(err)
	}
	return items, villages
}

var deliveryCache struct {
	sync.Mutex
	items    []Item
	villages []geo.MultiPolygon
}

func loadDelivery(t testing.TB) ([]Item, []geo.MultiPolygon, error) {
	c := &deliveryCache
	c.Lock()
	defer c.Unlock()
	if c.items == nil {
		if _, err := os.Stat(deliveryRoot); err != nil {
			return nil, nil, fmt.Errorf("the test delivery is needed: %w", err)
		}
		for l, file := range []string{"DLTB.shp", "YJJBNTTB.gpkg", "GBZNT.geojson"} {
			for _, m := range readLayer(t, file) {
				c.items = append(c.items, Item{Layer: l, Group: NoGroup, Weight: 0.95, Geometry: m})
			}
		}
		c.villages = readLayer(t, "XZQ.fgb")
	}
	return c.items, c.villages, nil
}

// What lies in the parts of a region adds up to what lies in the region, and the
// two methods agree on every pair.
func TestDeliveryAddsUp(t *testing.T) {
	items, villages := delivery(t)
	box := geo.EmptyBox()
	for i := range items {
		box = box.Union(items[i].Geometry.Box())
	}
	whole := mustMeasure(t, geo.MultiPolygon{box.Polygon()}, items)
	checkSums(t, items, whole)

	// Sixteen parts that cover the region, cut through its parcels.
	parts := make([]sum, len(items))
	g := newGenerator(30)
	for _, aoi := range g.partition(box, 4) {
		r := mustMeasure(t, aoi, items)
		checkSums(t, items, r)
		for i, a := range r.Items {
			parts[i].add(a)
		}
	}
	for i := range items {
		if d := parts[i].value() - whole.Items[i]; math.Abs(d) > 1e-9*max(1, whole.Items[i]) {
			t.Fatalf("item %d: parts add up to %.9f, not %.9f", i, parts[i].value(), whole.Items[i])
		}
	}

	mended := make([]geo.MultiPolygon, len(items))
	broken := 0
	for i := range items {
		m, found := mustMend(t, items[i].Geometry)
		if mended[i] = m; len(found) > 0 {
			broken++
		}
		p := planeOf(m)
		if a := p.area(m); math.Abs(a-whole.Items[i]) > 1e-3 {
			t.Fatalf("item %d: %.6f m², mended %.6f", i, whole.Items[i], a)
		}
	}
	t.Logf("%d items, %d mended, %.2f m² in layer 0", len(items), broken, whole.Layers[0].Area)
	if broken == 0 || broken > 100 {
		t.Errorf("%d items were mended, want a few", broken)
	}
	pairs := 0
	for v := range items {
		if items[v].Layer != 2 {
			continue
		}
		r := mustMeasure(t, items[v].Geometry, items)
		for i, a := range r.Items {
			shared := SharedArea(mended[v], mended[i])
			if math.Abs(shared-a) > 1e-4 {
				t.Fatalf("items %d and %d share %.9f, by the sweep %.9f", v, i, shared, a)
			}
			if shared > 0 {
				pairs++
			}
		}
	}
	t.Logf("%d pairs agree", pairs)
	for _, v := range villages {
		checkSums(t, items, mustMeasure(t, v, items))
	}
}

// partition cuts box into n × n parts with wavy borders that fit each other.
func (g generator) partition(box geo.Box, n int) []geo.MultiPolygon {
	at := func(x, y int) geo.Position {
		p := geo.Position{
			Lon: box.Min.Lon + (box.Max.Lon-box.Min.Lon)*int64(x)/int64(n),
			Lat: box.Min.Lat + (box.Max.Lat-box.Min.Lat)*int64(y)/int64(n),
		}
		if x > 0 && x < n && y > 0 && y < n {
			p.Lon += int64(x*7919+y*104729) % 9973 * 1000
			p.Lat += int64(x*6101+y*7013) % 9973 * 1000
		}
		return p
	}
	var out []geo.MultiPolygon
	for y := range n {
		for x := range n {
			out = append(out, single(closed(at(x, y), at(x+1, y), at(x+1, y+1), at(x, y+1))))
		}
	}
	return out
}

// GEOS finds nothing wrong with what is mended or cut.
func TestResultsAreValidForGEOS(t *testing.T) {
	g := newGenerator(31)
	var results []geo.MultiPolygon
	for i := range 800 {
		m := g.scribble(4+g.IntN(20), []float64{1e-4, 1e-2, 1, 100, 1000}[i%5])
		out, _ := mustMend(t, m)
		results = append(results, out)
	}
	for i := range 400 {
		a, b := g.pair(i)
		for _, op := range []func(a, b geo.MultiPolygon) (geo.MultiPolygon, error){Intersection, Union, Difference} {
			out, err := op(a, b)
			if err != nil {
				t.Fatal(err)
			}
			results = append(results, out)
		}
	}
	file := filepath.Join(t.TempDir(), "results.geojsonl")
	var text bytes.Buffer
	written := 0
	for _, m := range results {
		if len(m) == 0 {
			continue
		}
		// Whole numbers from home: exact in GEOS's doubles.
		var coordinates [][][][2]int64
		for _, p := range m {
			var q [][][2]int64
			for _, r := range p {
				var s [][2]int64
				for _, v := range r {
					s = append(s, [2]int64{v.Lon - homeLon, v.Lat - homeLat})
				}
				q = append(q, s)
			}
			coordinates = append(coordinates, q)
		}
		data, err := json.Marshal(coordinates)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, `{"type":"Feature","properties":{},"geometry":{"type":"MultiPolygon","coordinates":%s}}`+"\n", data)
		written++
	}
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out := string(run(t, "ogrinfo", "-q", file, "-dialect", "sqlite", "-sql",
		"SELECT count(*) AS n, sum(ST_IsValid(geometry)) AS valid FROM results"))
	var n, valid int
	for line := range strings.Lines(out) {
		if _, v, ok := strings.Cut(line, "n (Integer) = "); ok {
			scan(t, v, &n)
		}
		if _, v, ok := strings.Cut(line, "valid (Integer) = "); ok {
			scan(t, v, &valid)
		}
	}
	if n != written || valid != written {
		t.Errorf("%d of %d results are valid; %d were written\n%s", valid, n, written, out)
	}
	suite.Count(t, "valid", float64(valid), "pieces")
}

func BenchmarkDelivery(b *testing.B) {
	items, villages := delivery(b)
	box := geo.EmptyBox()
	for i := range items {
		box = box.Union(items[i].Geometry.Box())
	}
	for name, aoi := range map[string]geo.MultiPolygon{
		"whole": {box.Polygon()}, "village": villages[0],
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			start := processorTime(b)
			for b.Loop() {
				mustMeasure(b, aoi, items)
			}
			b.ReportMetric(float64(processorTime(b)-start)/float64(b.N)/1e6, "cpu-ms/op")
		})
	}
	b.Run("pieces", func(b *testing.B) {
		mask, err := NewMask(villages[0])
		if err != nil {
			b.Fatal(err)
		}
		i := 0
		for b.Loop() {
			if _, err := mask.Piece(items[i%10000].Geometry); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
	b.Run("mend", func(b *testing.B) {
		i := 0
		for b.Loop() {
			mustMend(b, items[i%len(items)].Geometry)
			i++
		}
	})
	b.Run("dissolve=2000", func(b *testing.B) {
		var ms []geo.MultiPolygon
		for i := range 2000 {
			ms = append(ms, items[i].Geometry)
		}
		for b.Loop() {
			if _, err := Dissolve(b.Context(), ms); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// scan reads the number that text holds.
func scan(t *testing.T, text string, n *int) {
	t.Helper()
	if _, err := fmt.Sscan(text, n); err != nil {
		t.Fatalf("%q is no number: %v", text, err)
	}
}
