package viewer_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/tileserver/viewer/viewertest"
)

// cases holds shapefiles that others have written.
var cases = filepath.Join("..", "..", "..", "shared", "data", "shapefile_cases")

// collected is a collection of GeoJSON.
type collected struct {
	Features []struct {
		Properties map[string]any
		Geometry   *struct {
			Type        string
			Coordinates json.RawMessage
		}
	}
}

// polygons returns each feature's polygons in an order, with rings that begin at their
// least corner and run one way, so that two readers can be compared.
func (c *collected) polygons(t *testing.T) [][][][][2]float64 {
	t.Helper()
	out := make([][][][][2]float64, len(c.Features))
	for i, f := range c.Features {
		if f.Geometry == nil {
			continue
		}
		var many [][][][]float64
		into := any(&many)
		if f.Geometry.Type == "Polygon" {
			many = make([][][][]float64, 1)
			into = &many[0]
		}
		if err := json.Unmarshal(f.Geometry.Coordinates, into); err != nil {
			t.Fatal(err)
		}
		for _, polygon := range many {
			rings := make([][][2]float64, len(polygon))
			for k, ring := range polygon {
				rings[k] = canonical(ring)
			}
			slices.SortFunc(rings[1:], compareRings)
			out[i] = append(out[i], rings)
		}
		slices.SortFunc(out[i], func(a, b [][][2]float64) int { return compareRings(a[0], b[0]) })
	}
	return out
}

func compareRings(a, b [][2]float64) int {
	return slices.CompareFunc(a, b, comparePoints)
}

func comparePoints(a, b [2]float64) int {
	return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
}

// canonical returns a ring without its end, from its least corner on, counterclockwise.
func canonical(ring [][]float64) [][2]float64 {
	open := make([][2]float64, 0, len(ring))
	for _, p := range ring[:len(ring)-1] {
		open = append(open, [2]float64{p[0], p[1]})
	}
	area := 0.0
	for i, p := range open {
		q := open[(i+1)%len(open)]
		area += p[0]*q[1] - q[0]*p[1]
	}
	if area < 0 {
		slices.Reverse(open)
	}
	least := 0
	for i, p := range open {
		if comparePoints(p, open[least]) < 0 {
			least = i
		}
	}
	return append(open[least:len(open):len(open)], open[:least]...)
}

// readByGDAL is what ogr2ogr reads of a file, as GeoJSON. A shapefile is read from a copy:
// where it has no index of records, ogr2ogr writes one beside it.
func readByGDAL(t *testing.T, source string, data []byte) ([]byte, error) {
	t.Helper()
	restore := "NO"
	if strings.HasSuffix(source, ".shp") {
		restore = "YES"
		source = filepath.Join(t.TempDir(), filepath.Base(source))
		if err := os.WriteFile(source, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return exec.Command("ogr2ogr", "--config", "SHAPE_RESTORE_SHX", restore, "-f", "GeoJSON", "-lco", "RFC7946=NO", "-lco", "COORDINATE_PRECISION=15", "/vsistdout/", source).Output()
}

// What the page reads of a shapefile and sends is what ogr2ogr reads of it: each feature's
// rings, in the same polygons, and what the features are called.
func TestAskShapefiles(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	b := viewertest.OpenMap(t, in, c.URL+"/", viewertest.Desktop)
	for _, name := range []string{"polygon.shp", "polygon_hole.shp", "polygonz.shp", "polygonm.shp", "multi_polygon.shp", "110m-admin-0-countries.zip"} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(cases, name))
			if err != nil {
				t.Fatal(err)
			}
			source := filepath.Join(cases, name)
			if strings.HasSuffix(name, ".zip") {
				source = "/vsizip/" + source
			}
			text, err := readByGDAL(t, source, data)
			if err != nil {
				t.Fatalf("ogr2ogr (apt-get install -y gdal-bin): %v", err)
			}
			var want collected
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			before := len(c.overlays)
			b.Drop(t, viewertest.File{Name: name, Data: data})
			b.Until(t, "document.querySelector('[data-testid=overlay-result], [data-testid=file-problem]') !== null")
			if len(c.overlays) != before+1 {
				t.Fatalf("nothing was asked; the page shows %q", viewertest.Eval[string](t, b, "document.querySelector('.side').innerText"))
			}
			var got struct{ Geometry collected }
			if err := json.Unmarshal(c.lastOverlay(), &got); err != nil {
				t.Fatal(err)
			}
			compareCollections(t, &got.Geometry, &want)
			b.Click(t, "side-close")
		})
	}
	b.Quiet(t, c.URL)
}

func compareCollections(t *testing.T, got, want *collected) {
	t.Helper()
	read, oracle := got.polygons(t), want.polygons(t)
	if len(read) != len(oracle) || len(oracle) == 0 {
		t.Fatalf("%d features, ogr2ogr has %d", len(read), len(oracle))
	}
	for i := range oracle {
		if len(read[i]) != len(oracle[i]) {
			t.Errorf("feature %d: %d polygons, ogr2ogr has %d", i, len(read[i]), len(oracle[i]))
			continue
		}
		for p := range oracle[i] {
			if !slices.EqualFunc(read[i][p], oracle[i][p], func(a, b [][2]float64) bool {
				return slices.EqualFunc(a, b, func(a, b [2]float64) bool { return math.Abs(a[0]-b[0]) < 1e-9 && math.Abs(a[1]-b[1]) < 1e-9 })
			}) {
				t.Errorf("feature %d, polygon %d: other rings than ogr2ogr's", i, p)
			}
		}
		for _, field := range []string{"NAME", "name"} {
			if called, ok := want.Features[i].Properties[field]; ok && fmt.Sprint(called) != fmt.Sprint(got.Features[i].Properties["name"]) {
				t.Errorf("feature %d is called %v, ogr2ogr has %v", i, got.Features[i].Properties["name"], called)
			}
		}
	}
}

// Shapefiles without polygons or in a system that cannot be used are refused in words, and
// nothing of them is sent; so is a file that the server refuses, in the server's words.
func TestAskRefusedFiles(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	b := viewertest.OpenMap(t, in, c.URL+"/", viewertest.English)
	file := func(name string) viewertest.File {
		data, err := os.ReadFile(filepath.Join(cases, name))
		if err != nil {
			t.Fatal(err)
		}
		return viewertest.File{Name: name, Data: data}
	}
	for name, drop := range map[string]struct {
		files []viewertest.File
		want  string
	}{
		"points":         {[]viewertest.File{file("point.shp")}, "no polygons (type 1)"},
		"lines":          {[]viewertest.File{file("line.shp")}, "no polygons (type 3)"},
		"patches":        {[]viewertest.File{file("multipatch.shp")}, "no polygons (type 31)"},
		"another system": {[]viewertest.File{file("poly.shp"), file("poly.dbf"), file("poly.prj")}, "cannot be used"},
		"markup":         {[]viewertest.File{{Name: "<img src=x onerror=alert(1)>.docx", Data: []byte("x")}}, "<img src=x"},
	} {
		b.Drop(t, drop.files...)
		b.Until(t, fmt.Sprintf("document.querySelector('[data-testid=file-problem]')?.textContent.includes(%q)", drop.want))
		if len(c.overlays) != 0 {
			t.Fatalf("%s: something was sent: %.200s", name, c.lastOverlay())
		}
	}
	c.mu.Lock()
	c.fault = &fault{Title: "Bad request", Status: 400, Detail: "the coordinates do not fit", Code: "crs_mismatch"}
	c.mu.Unlock()
	b.Drop(t, viewertest.File{Name: "a.geojson", Data: []byte(`{"type":"Polygon","coordinates":[[[466000,3799000],[467000,3799000],[467000,3799500],[466000,3799000]]]}`)})
	if got := b.Text(t, "problem"); !strings.Contains(got, "the coordinates do not fit") || !strings.Contains(got, "crs_mismatch") {
		t.Errorf("the server's words are not shown: %q", got)
	}
	if !bytes.Contains(c.lastOverlay(), []byte(`"outline":true`)) {
		t.Errorf("plane coordinates are sent without asking for the shape: %.300s", c.lastOverlay())
	}
}
