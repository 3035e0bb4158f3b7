package report_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
	"gengtu/ingest"
	"gengtu/ingest/check"
	"gengtu/ingest/report"
	"gengtu/ingest/source"
)

// One file of a delivery that cannot be taken keeps no other from being judged: what is
// found is what is found without it, and the file is a fault of its own, in the shapefile,
// too.
func TestRefusedFile(t *testing.T) {
	d := deliver(t, 300)
	d.spoil()
	d.write("")
	block := filepath.Join(d.dir, "2024", "GBZNT.geojson")
	text, err := os.ReadFile(block)
	if err != nil {
		t.Fatal(err)
	}
	inputs := []ingest.Input{{Layer: "dltb", Vintage: "2024", Path: d.patches}, {Layer: "region", Vintage: "2024", Path: d.places}}
	opt := report.Options{Drawing: report.Pictures}
	want, err := report.Run(t.Context(), inputs, ingest.Options{}, opt)
	if err != nil {
		t.Fatal(err)
	}
	half := string(text[:len(text)/2])
	cases := map[string]struct{ name, text, code string }{
		"a refused system":      {"a.geojson", strings.Replace(string(text), `"features"`, `"crs":{"type":"name","properties":{"name":"EPSG:2343"}},"features"`, 1), "CRS_REFUSED"},
		"broken off":            {"a.geojson", half, "GEOJSON_"},
		"empty":                 {"a.geojson", "", "SOURCE_EMPTY"},
		"not there":             {"b.geojson", "", "SOURCE_MISSING"},
		"its numbers exchanged": {"a.geojson", exchanged(string(text)), "NOTHING_KEPT"},
		"in the next zone":      {d.elsewhere(), "", "PLACE_ASTRAY"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := c.name
			if !filepath.IsAbs(path) {
				path = filepath.Join(t.TempDir(), c.name)
			}
			if c.name == "a.geojson" {
				write(t, path, c.text)
			}
			got, err := report.Run(t.Context(), append(slices.Clone(inputs), ingest.Input{Layer: "pbf", Vintage: "2024", Path: path}), ingest.Options{}, opt)
			if err != nil {
				t.Fatal(err)
			}
			if got.Verdict != report.Fail || len(got.Errors) != 1 || !strings.HasPrefix(got.Errors[0].Code, c.code) {
				t.Fatalf("%s %v", got.Verdict, got.Errors)
			}
			f := got.Faults[0]
			if f.Rule != report.FileRule || f.File != path || f.Layer != "pbf" || f.TextZh == "" || got.Rules[0].Count != 1 || !got.Rules[0].Fails {
				t.Errorf("%+v", f)
			}
			if n, listed := got.Summary.Faults, want.Summary.Faults+1; n != listed {
				t.Errorf("%d faults, want %d", n, listed)
			}
			others := slices.Clone(got.Faults[1:])
			for i := range others {
				others[i].Number--
			}
			if diff := cmp.Diff(want.Faults, others, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".rule" || p.Last().String() == ".found" }, cmp.Ignore())); diff != "" {
				t.Error(diff)
			}
			points := read(t, got, report.PointsFile)
			if len(points) != len(got.Faults) || points[0].Properties["RULE"] != report.FileRule || points[0].Geometry != nil {
				t.Errorf("%d points, the first is %+v", len(points), points[0])
			}
			if p := page(t, got); !strings.Contains(p, c.code) || strings.Contains(p, "规则未检查") {
				t.Error("the page does not say so")
			}
		})
	}
}

// The layer of a refused file is not missed: it is there.
func TestRefusedIsNotMissed(t *testing.T) {
	d := deliver(t, 300)
	path := filepath.Join(t.TempDir(), "DLTB.geojson")
	write(t, path, `{"type":"FeatureCollection","features":[{"type":"Fea`)
	inputs := []ingest.Input{{Layer: "dltb", Vintage: "2024", Path: path}, {Layer: "region", Vintage: "2024", Path: d.places}}
	r, err := report.Run(t.Context(), inputs, ingest.Options{}, report.Options{Check: check.Options{Expected: []string{"dltb"}}})
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(r.Faults, func(f report.Fault) bool { return f.Rule == "2201" }); i >= 0 || len(r.Layers) != 1 {
		t.Errorf("%d layers, %+v", len(r.Layers), r.Faults)
	}
}

// Peers whose codes are filled up to one length name no county; a county's own code does.
func TestCountyName(t *testing.T) {
	cases := map[string]struct {
		codes []string
		want  report.County
	}{
		"a county alone":        {[]string{"610402"}, report.County{Code: "610402", Name: "place 0"}},
		"filled up":             {[]string{"610402000000"}, report.County{Code: "610402", Name: "place 0"}},
		"villages":              {[]string{"610402000", "610402001"}, report.County{Code: "610402"}},
		"a county and villages": {[]string{"610402001", "610402000", "610402"}, report.County{Code: "610402", Name: "place 2"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			for i, code := range c.codes {
				x := num(108.6 + float64(i)/100)
				y := num(108.605 + float64(i)/100)
				b.WriteString(`,{"type":"Feature","properties":{"XZQDM":"` + code + `","XZQMC":"place ` + num(float64(i)) + `"},"geometry":{"type":"Polygon","coordinates":[[[` +
					x + `,34.3],[` + y + `,34.3],[` + y + `,34.305],[` + x + `,34.305],[` + x + `,34.3]]]}}`)
			}
			path := filepath.Join(t.TempDir(), "XZQ.geojson")
			write(t, path, `{"type":"FeatureCollection","features":[`+b.String()[1:]+`]}`)
			r, err := report.Run(t.Context(), []ingest.Input{{Layer: "region", Vintage: "2024", Path: path}}, ingest.Options{}, report.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, r.County); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// position is one place of a GeoJSON.
var position = regexp.MustCompile(`\[\s*(-?[0-9.]+),\s*(-?[0-9.]+)\s*\]`)

// exchanged exchanges the two numbers of each place.
func exchanged(text string) string { return position.ReplaceAllString(text, "[$2,$1]") }

// elsewhere writes the patches without the number of their zone, and in the next one.
func (d *delivery) elsewhere() string {
	path := filepath.Join(d.t.TempDir(), "astray.shp")
	layer := d.layer
	layer.CRS = source.CRSInfo{EPSG: 4546}
	w, err := source.Create(path, &layer, source.WriteOptions{CRS: layer.CRS})
	if err != nil {
		d.t.Fatal(err)
	}
	for i := range d.features {
		f := d.features[i]
		f.Polygons = nil
		for _, rings := range d.features[i].Polygons {
			var polygon [][]geo.XY
			for _, ring := range rings {
				var moved []geo.XY
				for _, p := range ring {
					moved = append(moved, geo.XY{X: p.X - 36e6, Y: p.Y})
				}
				polygon = append(polygon, moved)
			}
			f.Polygons = append(f.Polygons, polygon)
		}
		if err := w.Write(&f); err != nil {
			d.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		d.t.Fatal(err)
	}
	return path
}
