package main_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// drawn are the polygons of a layer that GDAL reads from an archive's tiles of one zoom,
// each clipped to its tile, in degrees.
func drawn(t *testing.T, dir, archive, layer string, zoom int) [][][][2]float64 {
	t.Helper()
	out := filepath.Join(dir, fmt.Sprintf("z%d.geojson", zoom))
	gdal(t, dir, "ogr2ogr", "-f", "GeoJSON", "-t_srs", "EPSG:4326", "-lco", "COORDINATE_PRECISION=10", "-oo", fmt.Sprintf("ZOOM_LEVEL=%d", zoom), "-nlt", "MULTIPOLYGON", "-explodecollections", out, archive, layer)
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Features []struct {
			Geometry struct {
				Type        string
				Coordinates json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	var polygons [][][][2]float64
	for _, f := range got.Features {
		var one [][][2]float64
		var many [][][][2]float64
		switch f.Geometry.Type {
		case "Polygon":
			err = json.Unmarshal(f.Geometry.Coordinates, &one)
			many = append(many, one)
		case "MultiPolygon":
			err = json.Unmarshal(f.Geometry.Coordinates, &many)
		}
		if err != nil {
			t.Fatal(err)
		}
		polygons = append(polygons, many...)
	}
	return polygons
}

// covers counts the polygons that a place lies in, by the even-odd rule.
func covers(polygons [][][][2]float64, x, y float64) int {
	n := 0
	for _, rings := range polygons {
		in := false
		for _, r := range rings {
			for i := range r {
				a, b := r[i], r[(i+1)%len(r)]
				if (a[1] > y) != (b[1] > y) && x < a[0]+(b[0]-a[0])*(y-a[1])/(b[1]-a[1]) {
					in = !in
				}
			}
		}
		if in {
			n++
		}
	}
	return n
}

// near returns the polygons that come within so many degrees of a meridian.
func near(polygons [][][][2]float64, lon, distance float64) [][][][2]float64 {
	var out [][][][2]float64
	for _, rings := range polygons {
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, p := range rings[0] {
			lo, hi = min(lo, p[0]), max(hi, p[0])
		}
		if lo <= lon+distance && hi >= lon-distance {
			out = append(out, rings)
		}
	}
	return out
}

// Counties whose borders nearly meet, 5 cm apart and 1 cm into each other, are drawn with
// neither gap nor overlap that is wider than what a zoom's rounding moves a border by: a
// unit of the tile where parcels are drawn, a cell of 8 units below. What is narrower is
// in the data, which are not changed, and not on the map.
func TestSeamsBetweenCounties(t *testing.T) {
	const lines, parts = 80, 20 // across the seam, and places on each in a unit
	dir := t.TempDir()
	out, archive := filepath.Join(dir, "edition"), filepath.Join(dir, "map.mbtiles")
	args := []string{"ingest", "--out", out, "--vintage", "2024", "--zooms", "12-14"}
	for _, c := range province() {
		args = append(args, "--layer", "dltb="+c.deliver(t, dir, "DLTB.shp"))
	}
	must(t, args...)
	must(t, "export", "--edition", out, "--layer", "dltb", "--zooms", "12-17", "--out", archive)
	for zoom := 12; zoom <= 17; zoom++ {
		polygons := drawn(t, dir, archive, "dltb", zoom)
		if len(polygons) == 0 {
			t.Fatalf("zoom %d: nothing is drawn", zoom)
		}
		unit := 360 / math.Exp2(float64(zoom)) / 4096 // degrees of longitude
		for _, seam := range []float64{middle, east} {
			polygons := near(polygons, seam, 30*unit)
			widest := map[string]float64{}
			for k := range lines { // from south to north along the seam, outside the outermost rows
				y := 34.3 + step*(1+float64(rows-2)*(float64(k)+0.5)/lines)
				run, was := 0, 1
				for i := -20 * parts; i <= 20*parts; i++ { // across it
					n := covers(polygons, seam+float64(i)*unit/parts+unit/97, y)
					if n != was {
						run = 0
					}
					was = n
					run++
					kind := map[bool]string{true: "gap", false: "overlap"}[n == 0]
					if n != 1 {
						widest[kind] = max(widest[kind], float64(run)/parts)
					}
				}
			}
			t.Logf("zoom %d, %v: %d polygons, gaps of %.2f units, overlaps of %.2f; a unit is %.3f m", zoom, seam, len(polygons), widest["gap"], widest["overlap"], unit*92_000)
			if widest["gap"] > 1.05 || widest["overlap"] > 1.05 {
				t.Errorf("zoom %d: a gap of %.2f units, an overlap of %.2f", zoom, widest["gap"], widest["overlap"])
			}
		}
	}
}
