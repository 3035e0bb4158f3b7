package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/extract"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// areaFile writes polygons, each a list of rings of which each is west, south, east,
// north, as a GeoJSON file.
func areaFile(t *testing.T, polygons ...[][4]float64) string {
	t.Helper()
	var features []string
	for _, p := range polygons {
		var rings []string
		for _, r := range p {
			rings = append(rings, fmt.Sprintf("[[%[1]f,%[2]f],[%[3]f,%[2]f],[%[3]f,%[4]f],[%[1]f,%[4]f],[%[1]f,%[2]f]]", r[0], r[1], r[2], r[3]))
		}
		features = append(features, `{"type":"Feature","properties":{"n":1},"geometry":{"type":"Polygon","coordinates":[`+strings.Join(rings, ",")+`]}}`)
	}
	path := filepath.Join(t.TempDir(), "area.geojson")
	if err := os.WriteFile(path, []byte(`{"type":"FeatureCollection","features":[`+strings.Join(features, ",")+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// shapefileOf has GDAL write a file as a shapefile.
func shapefileOf(t *testing.T, path, crs string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "area.shp")
	if text, err := exec.Command("ogr2ogr", "-f", "ESRI Shapefile", "-a_srs", crs, out, path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s (apt-get install -y gdal-bin)", err, text)
	}
	return out
}

// cells adds up the areas of boxes in degrees.
func cells(boxes ...[4]float64) (sum float64) {
	for _, b := range boxes {
		sum += geo.CellArea(geo.LonLat{Lon: b[0], Lat: b[1]}, geo.LonLat{Lon: b[2], Lat: b[3]})
	}
	return sum
}

// The area of a token is the ground of all polygons of its file: what two cover is in
// it, and holes are out of it but for what another polygon fills.
func TestReadArea(t *testing.T) {
	a, b := [4]float64{108, 34, 108.02, 34.02}, [4]float64{108.01, 34, 108.03, 34.02}
	whole, hole, half := [4]float64{108, 34, 108.04, 34.04}, [4]float64{108.01, 34.01, 108.03, 34.03}, [4]float64{108.01, 34.01, 108.02, 34.03}
	metres := func(zone float64) [][][4]float64 {
		e := zone*1e6 + 500_000
		return [][][4]float64{{{e, 3.8e6, e + 1000, 3.801e6}}, {{e + 500, 3.8e6, e + 1500, 3.801e6}}}
	}
	for name, c := range map[string]struct {
		polygons [][][4]float64
		crs      string
		want     float64
	}{
		"one polygon":             {[][][4]float64{{a}}, "EPSG:4490", cells(a)},
		"two that overlap":        {[][][4]float64{{a}, {b}}, "EPSG:4490", cells([4]float64{108, 34, 108.03, 34.02})},
		"one twice":               {[][][4]float64{{a}, {a}}, "EPSG:4490", cells(a)},
		"three times":             {[][][4]float64{{a}, {b}, {a}}, "EPSG:4490", cells([4]float64{108, 34, 108.03, 34.02})},
		"a hole":                  {[][][4]float64{{whole, hole}}, "EPSG:4490", cells(whole) - cells(hole)},
		"a hole that is filled":   {[][][4]float64{{whole, hole}, {hole}}, "EPSG:4490", cells(whole)},
		"a hole filled by half":   {[][][4]float64{{whole, hole}, {half}}, "EPSG:4490", cells(whole) - cells(hole) + cells(half)},
		"apart":                   {[][][4]float64{{half}, {a}}, "EPSG:4490", cells(a) + cells(half) - cells([4]float64{108.01, 34.01, 108.02, 34.02})},
		"a zone of three degrees": {metres(36), "EPSG:4524", 1.5e6},
		"the next":                {metres(37), "EPSG:4525", 1.5e6},
		"a zone of six degrees":   {metres(19), "EPSG:4497", 1.5e6},
	} {
		json := areaFile(t, c.polygons...)
		for format, path := range map[string]string{"GeoJSON": json, "shapefile": shapefileOf(t, json, c.crs)} {
			e := &env{ctx: context.Background(), lang: problem.English}
			text, err := e.readArea(path, c.crs)
			if err != nil {
				t.Errorf("%s, %s: %v", name, format, err)
				continue
			}
			area, err := extract.ParseArea(text)
			if err != nil {
				t.Errorf("%s, %s: %v", name, format, err)
				continue
			}
			if got := geo.Area(area); math.Abs(got-c.want) > 1e-6*c.want {
				t.Errorf("%s, %s: %.1f m², want %.1f", name, format, got, c.want)
			}
		}
	}
}

// A file that is no area is refused, with what is wrong, in both languages.
func TestReadAreaRefuses(t *testing.T) {
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct{ path, crs, said string }{
		"no file":               {filepath.Join(t.TempDir(), "none.geojson"), "", "none.geojson"},
		"a directory":           {t.TempDir(), "", ""},
		"an empty file":         {file("a.geojson", ""), "", "a.geojson"},
		"no polygons":           {file("a.geojson", `{"type":"FeatureCollection","features":[]}`), "", "a.geojson"},
		"a point":               {file("a.geojson", `{"type":"Point","coordinates":[108,34]}`), "", "a.geojson"},
		"a polygon of a line":   {file("a.geojson", `{"type":"Polygon","coordinates":[[[108,34],[109,34],[108,34]]]}`), "", "a.geojson"},
		"cut off":               {file("a.geojson", `{"type":"Polygon","coordinates":[[[108,34],[109`), "", "a.geojson"},
		"another format":        {file("a.docx", "PK\x03\x04"), "", "a.docx"},
		"metres as degrees":     {areaFile(t, [][4]float64{{36500000, 3.8e6, 36501000, 3.801e6}}), "EPSG:4490", "EPSG:4524"},
		"degrees as metres":     {areaFile(t, [][4]float64{{108, 34, 108.1, 34.1}}), "EPSG:4524", "coordinate"},
		"no such system":        {areaFile(t, [][4]float64{{108, 34, 108.1, 34.1}}), "EPSG:1", "EPSG:1"},
		"latitude first":        {areaFile(t, [][4]float64{{34, 108, 34.1, 108.1}}), "", "easting or longitude first"},
		"the second record bad": {areaFile(t, [][4]float64{{108, 34, 108.1, 34.1}}, [][4]float64{{108, 34, 108, 34}, {0, 0, 500, 500}}), "", "record 2"},
	} {
		e := &env{ctx: context.Background(), lang: problem.English}
		text, err := e.readArea(c.path, c.crs)
		if err == nil {
			t.Errorf("%s: taken as %.80s", name, text)
			continue
		}
		p := problem.Of(err)
		if p == nil {
			t.Errorf("%s: %v is no problem", name, err)
			continue
		}
		for _, l := range []problem.Lang{problem.Chinese, problem.English} {
			if p.Found(l) == "" || strings.Contains(p.Text(l), "%!") {
				t.Errorf("%s: %q", name, p.Text(l))
			}
		}
		if !bytes.Contains([]byte(p.Text(problem.English)), []byte(c.said)) {
			t.Errorf("%s: %q does not name %q", name, p.Text(problem.English), c.said)
		}
		t.Log(p.Text(problem.English))
	}
}
