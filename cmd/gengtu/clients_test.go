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
	"strings"
	"testing"
)

// A program that shows maps, one of the forms in which it reads them, and the grid.
type clientCase struct{ program, form, grid string }

func (c clientCase) String() string { return c.program + " " + c.form + " " + c.grid }

// browserClients are what the pages of testdata/clients can be told to show.
var browserClients = []clientCase{
	{"openlayers", "WMTS KVP", "w"}, {"openlayers", "WMTS REST", "w"}, {"openlayers", "PNG", "w"}, {"openlayers", "MVT", "w"},
	{"openlayers", "WMTS KVP", "c"}, {"openlayers", "WMTS REST", "c"}, {"openlayers", "PNG", "c"}, {"openlayers", "MVT", "c"},
	{"leaflet", "PNG", "w"}, {"leaflet", "WMTS REST", "w"}, {"leaflet", "Tianditu", "w"},
	{"leaflet", "PNG", "c"}, {"leaflet", "WMTS REST", "c"}, {"leaflet", "Tianditu", "c"},
	{"maplibre", "PNG", "w"}, {"maplibre", "MVT", "w"}, {"maplibre", "style.json", "w"},
	{"cesium", "WMTS KVP", "w"}, {"cesium", "WMTS REST", "w"}, {"cesium", "PNG", "w"},
	{"cesium", "WMTS KVP", "c"}, {"cesium", "WMTS REST", "c"}, {"cesium", "PNG", "c"},
}

// clientTolerance is how far, in pixels, an edge may be from where it belongs,
// and from where another program of the same grid draws it.
const clientTolerance = 1

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
		e, err := crossEdges(img, c.grid)
		if err != nil {
			t.Fatal(err)
		}
		found[c] = e
		want := crossAt(c.grid)
		worst := 0.0
		for i := range e {
			d := e[i] - want[i]
			worst = max(worst, math.Abs(d))
			if math.Abs(d) > clientTolerance {
				t.Errorf("%s is at %.2f, want %.2f", edgeNames[i], e[i], want[i])
			}
		}
		t.Logf("%-28s worst %.2f px: %.2f", c, worst, e)
	}
	browser := openBrowser(t)
	for _, c := range browserClients {
		t.Run(c.String(), func(t *testing.T) {
			p := openTab(t, browser, pages+"/"+c.program+".html", viewWidth, viewHeight)
			spec, err := json.Marshal(crossView(c.grid).spec(c.form, s.URL+"/secure", s.tokens["pages"]))
			if err != nil {
				t.Fatal(err)
			}
			ask[bool](p, fmt.Sprintf("new Promise((done) => { (function wait() { window.show ? done(show(%s)) : setTimeout(wait, 20); })(); })", spec))
			measure(t, c, p.screenshot("clients-"+strings.ReplaceAll(c.String(), " ", "-")))
		})
	}
	t.Run("qgis", func(t *testing.T) { testQGIS(t, s, measure) })
	for _, grid := range []string{"w", "c"} {
		compareClients(t, grid, found)
	}
}

// compareClients holds the programs of a grid against each other.
func compareClients(t *testing.T, grid string, found map[clientCase][8]float64) {
	t.Helper()
	for i, name := range edgeNames {
		low, high := math.Inf(1), math.Inf(-1)
		var first, last clientCase
		for c, e := range found {
			if c.grid != grid {
				continue
			}
			if e[i] < low {
				low, first = e[i], c
			}
			if e[i] > high {
				high, last = e[i], c
			}
		}
		t.Logf("grid %s, %s: %.2f to %.2f px", grid, name, low, high)
		if high-low > clientTolerance {
			t.Errorf("grid %s, %s: %s draws it at %.2f, %s at %.2f", grid, name, first, low, last, high)
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

// serveCross serves a secure edition that holds the cross alone, with a token
// "pages" for the pages at origin and one, "secure", for other programs.
func serveCross(t *testing.T, origin string) *server {
	t.Helper()
	dir := t.TempDir()
	shape := map[string]any{"type": "FeatureCollection", "features": []any{map[string]any{
		"type": "Feature", "properties": map[string]any{"BSM": "610402000000000001", "DLBM": "0101"},
		"geometry": map[string]any{"type": "Polygon", "coordinates": [][][2]float64{crossRing()}},
	}}}
	data, err := json.Marshal(shape)
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

// qgisCases are what testdata/clients/draw_qgis.py can be told to draw.
var qgisCases = []clientCase{
	{"qgis", "WMTS KVP", "w"}, {"qgis", "WMTS file", "w"}, {"qgis", "PNG", "w"}, {"qgis", "MVT", "w"},
	{"qgis", "WMTS KVP", "c"}, {"qgis", "WMTS file", "c"},
}

// testQGIS draws all cases in one process of QGIS.
func testQGIS(t *testing.T, s *server, measure func(*testing.T, clientCase, image.Image)) {
	dir := t.TempDir()
	if keep := os.Getenv("SCREENSHOTS"); keep != "" {
		dir = keep
	}
	var specs []map[string]any
	file := func(c clientCase) string {
		return filepath.Join(dir, "clients-"+strings.ReplaceAll(c.String(), " ", "-")+".png")
	}
	for _, c := range qgisCases {
		spec := crossView(c.grid).spec(c.form, s.URL+"/secure", s.tokens["secure"])
		spec["out"] = file(c)
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
	for _, c := range qgisCases {
		t.Run(c.String(), func(t *testing.T) {
			f, err := os.Open(file(c))
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
