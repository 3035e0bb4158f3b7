package main_test

import (
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/benchmarks/suite"
	"gengtu/tileserver/viewer/viewertest"
)

// A program that shows maps, one of the forms in which it reads them, and the grid.
type clientCase struct {
	program, form, grid string
	zoom                int
}

func (c clientCase) String() string {
	return fmt.Sprintf("%s %s %s%d", c.program, c.form, c.grid, c.zoom)
}

// view is what the case shows.
func (c clientCase) view() mapView { return crossViews[c.zoom].in(c.grid) }

// file is the name of its picture.
func (c clientCase) file() string { return "clients-" + strings.ReplaceAll(c.String(), " ", "-") }

// everyZoom are the forms that are looked at in each of [crossViews], the others at
// zoom 14 alone.
var everyZoom = map[string]bool{"PNG": true, "MVT": true, "style.json": true}

// clientCases are what a program can be told to show, by grid; the pages and the
// script in testdata/clients know how.
func clientCases(program string, forms map[string][]string) []clientCase {
	var cases []clientCase
	for _, grid := range []string{"w", "c"} {
		for _, form := range forms[grid] {
			for _, zoom := range []int{8, 14, 17} {
				if zoom == 14 || everyZoom[form] {
					cases = append(cases, clientCase{program, form, grid, zoom})
				}
			}
		}
	}
	return cases
}

// browserCases are those of the libraries.
func browserCases() []clientCase {
	return slices.Concat(
		clientCases("openlayers", map[string][]string{"w": {"WMTS KVP", "WMTS REST", "PNG", "MVT", "WMS"}, "c": {"WMTS KVP", "WMTS REST", "PNG", "MVT", "WMS"}}),
		clientCases("leaflet", map[string][]string{"w": {"PNG", "PNG@2x", "WMTS REST", "Tianditu", "WMS"}, "c": {"PNG", "PNG@2x", "WMTS REST", "Tianditu", "WMS"}}),
		clientCases("maplibre", map[string][]string{"w": {"PNG", "PNG@2x", "MVT", "style.json"}}),
		clientCases("cesium", map[string][]string{"w": {"WMTS KVP", "WMTS REST", "PNG"}, "c": {"WMTS KVP", "WMTS REST", "PNG"}}),
	)
}

// qgisCases are those of QGIS, whose vector tiles know Web Mercator alone. "c in w"
// is a WMTS of grid c on a map of EPSG:3857, which QGIS warps; OAPIF are the features
// of OGC API. Of each WMTS and WMS a click is tried, too.
func qgisCases() []clientCase {
	return clientCases("qgis", map[string][]string{"w": {"WMTS KVP", "WMTS file", "WMS", "PNG", "MVT", "OAPIF", "c in w"}, "c": {"WMTS KVP", "WMTS file", "WMS", "OAPIF"}})
}

// tolerance is how far, in pixels, an edge may be from where it belongs, and from
// where another program draws it. A map in another grid warps tiles, which blurs an
// edge over more than a pixel. At zoom 8 ground is drawn in cells of 8 of a tile's
// 4096 units.
func (c clientCase) tolerance() float64 {
	if c.form == "c in w" || c.zoom == 8 {
		return 1.5
	}
	return 1
}

// The programs that people look at maps with draw a shape of known corners where
// it belongs, in both grids and in every form that they read, to one pixel. Run by
// `make clients`; with SCREENSHOTS=directory the pictures are kept there.
func TestClientsLineUp(t *testing.T) {
	if os.Getenv("CLIENTS") == "" {
		t.Skip("needs npm's registry and QGIS: make clients")
	}
	pages := servePages(t)
	s := serveCross(t, pages)
	found := map[clientCase][8]float64{}
	measure := func(t *testing.T, c clientCase, img image.Image) {
		v := c.view()
		e, err := v.measure(img)
		if err != nil {
			t.Fatal(err)
		}
		found[c] = e
		want := v.edges()
		worst := 0.0
		for i := range e {
			d := e[i] - want[i]
			worst = max(worst, math.Abs(d))
			if math.Abs(d) > c.tolerance() {
				t.Errorf("%s is at %.2f, want %.2f", edgeNames[i], e[i], want[i])
			}
		}
		t.Logf("%-28s worst %.2f px: %.2f", c, worst, e)
		suite.Count(t, "clients", worst, "px")
	}
	browser := viewertest.Browser(t)
	for _, c := range browserCases() {
		t.Run(c.String(), func(t *testing.T) {
			p := viewertest.Open(t, browser, pages+"/"+c.program+".html", viewertest.View{Width: viewWidth, Height: viewHeight, Lang: "zh-CN"})
			spec, err := json.Marshal(c.view().spec(c.form, s.URL+"/secure", s.tokens["pages"]))
			if err != nil {
				t.Fatal(err)
			}
			viewertest.Eval[bool](t, p, fmt.Sprintf("new Promise((done) => { (function wait() { window.show ? done(show(%s)) : setTimeout(wait, 20); })(); })", spec))
			measure(t, c, p.Picture(t, c.file()))
		})
	}
	t.Run("qgis", func(t *testing.T) { testQGIS(t, s, measure) })
	for _, zoom := range []int{14, 17} { // at 8 they take tiles of different levels
		for _, grid := range []string{"w", "c"} {
			compareClients(t, grid, zoom, found)
		}
	}
}

// compareClients holds the programs that show a view against each other.
func compareClients(t *testing.T, grid string, zoom int, found map[clientCase][8]float64) {
	t.Helper()
	for i, name := range edgeNames {
		low, high := math.Inf(1), math.Inf(-1)
		var first, last clientCase
		for c, e := range found {
			if c.grid != grid || c.zoom != zoom {
				continue
			}
			if e[i] < low {
				low, first = e[i], c
			}
			if e[i] > high {
				high, last = e[i], c
			}
		}
		t.Logf("%s%d, %s: %.2f to %.2f px", grid, zoom, name, low, high)
		limit := max(first.tolerance(), last.tolerance())
		if first.program == "cesium" || last.program == "cesium" {
			limit = 1.5 // it resamples tiles, and blurs an edge over more than a pixel
		}
		if high-low > limit {
			t.Errorf("%s%d, %s: %s draws it at %.2f, %s at %.2f", grid, zoom, name, first, low, last, high)
		}
	}
}

// servePages installs the libraries and serves the pages that use them.
func servePages(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "clients"))); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm install (apt-get install -y nodejs npm, and its registry, are needed): %v\n%s", err, out)
	}
	pages := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(pages.Close)
	return pages.URL
}

// serveCross serves a secure edition that holds the crosses alone, with a token
// "pages" for the pages at origin and one, "secure", for other programs.
func serveCross(t *testing.T, origin string) *server {
	t.Helper()
	dir := t.TempDir()
	var features []map[string]any
	for _, v := range crossViews {
		features = append(features, map[string]any{
			"type": "Feature", "properties": map[string]any{"BSM": v.bsm(), "DLBM": "0101"},
			"geometry": map[string]any{"type": "Polygon", "coordinates": [][][2]float64{v.ring()}},
		})
	}
	data, err := json.Marshal(map[string]any{"type": "FeatureCollection", "features": features})
	if err != nil {
		t.Fatal(err)
	}
	file, edition := filepath.Join(dir, "cross.geojson"), filepath.Join(dir, "secure")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	must(t, "ingest", "--out", edition, "--vintage", "2024", "--layer", "cropland="+file)
	s := &server{tokens: map[string]string{}, log: &lockedBuffer{}, access: filepath.Join(dir, "access.json")}
	for name, bound := range map[string][]string{"pages": {"--origins", origin}, "secure": nil} {
		args := append([]string{"token", "add", "--access", s.access, "--tier", "secure", "--name", name}, bound...)
		s.tokens[name] = strings.TrimSpace(must(t, args...))
	}
	s.start(t, "serve", "--listen", "127.0.0.1:0", "--access", s.access, "--edition", edition)
	return s
}

// testQGIS draws all cases in one process of QGIS.
func testQGIS(t *testing.T, s *server, measure func(*testing.T, clientCase, image.Image)) {
	dir := t.TempDir()
	if keep := os.Getenv("SCREENSHOTS"); keep != "" {
		dir = keep
	}
	var specs []map[string]any
	for _, c := range qgisCases() {
		spec := c.view().spec(c.form, s.URL+"/secure", s.tokens["secure"])
		spec["out"] = filepath.Join(dir, c.file()+".png")
		specs = append(specs, spec)
	}
	data, err := json.Marshal(specs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", filepath.Join("testdata", "clients", "draw_qgis.py"), string(data))
	cmd.Env = append(os.Environ(), "QT_QPA_PLATFORM=offscreen", "HOME="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("QGIS (apt-get install -y python3-qgis qgis-providers): %v\n%s", err, out)
	}
	for _, c := range qgisCases() {
		t.Run(c.String(), func(t *testing.T) {
			f, err := os.Open(filepath.Join(dir, c.file()+".png"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			img, err := png.Decode(f)
			if err != nil {
				t.Fatal(err)
			}
			measure(t, c, img)
		})
	}
}
