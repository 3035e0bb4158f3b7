package main_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/ingest/source"
)

// county is one county of a province that is put together here: columns of parcels
// east of a meridian, delivered in a zone.
type county struct {
	code     string
	zone     int     // EPSG
	says     int     // of its .prj; 0: zone, -1: there is none
	from, to float64 // longitudes of its columns
	shift    float64 // degrees that its western border is off, east positive
}

// rows is how many parcels stand in a column, and step how large they are, degrees.
const (
	rows = 6
	step = 0.0005
)

// wide are the longitudes of a county's columns.
func (c county) wide() int { return int(math.Round((c.to - c.from) / step)) }

// off tells whether a parcel's western border is off: those of the first column are
// but for the outermost, which close the gap.
func (c county) off(n int) bool { return n > 0 && n < rows-1 }

// deliver writes the county's parcels; the same file is its map of the county where
// region is said.
func (c county) deliver(t testing.TB, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, c.code, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	zone := system(t, c.zone)
	said := c.says
	if said <= 0 {
		said = c.zone
	}
	w, err := source.Create(path, &source.Layer{Table: "DLTB", CRS: source.CRSInfo{EPSG: said}, Fields: []source.Field{
		{Name: "BSM", Width: 18}, {Name: "DLBM", Width: 5}, {Name: "ZLDWDM", Width: 19}, {Name: "TBMJ", Kind: source.Real, Width: 15, Decimals: 2},
	}}, source.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range c.wide() * rows {
		west, south := c.from+step*float64(n/rows), 34.3+step*float64(n%rows)
		east, north := west+step, south+step
		if c.off(n) {
			west += c.shift
		}
		var ring []geo.XY
		for _, p := range []geo.LonLat{{Lon: west, Lat: south}, {Lon: west, Lat: north}, {Lon: east, Lat: north}, {Lon: east, Lat: south}, {Lon: west, Lat: south}} {
			ring = append(ring, zone.Forward(p))
		}
		f := source.Feature{Polygons: [][][]geo.XY{{ring}}, Values: []any{fmt.Sprintf("%s1000%08d", c.code, n), "0101", c.code + "001001", 2500.0}}
		if err := w.Write(&f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if c.says < 0 {
		edited(t, path, ".prj", gone)
	}
	return path
}

// area is the ground of the county's parcels.
func (c county) area() float64 {
	sum := 0.0
	for n := range c.wide() * rows {
		west, south := c.from+step*float64(n/rows), 34.3+step*float64(n%rows)
		east := west + step
		if c.off(n) {
			west += c.shift
		}
		box := geo.Box{Min: geo.PositionOf(geo.LonLat{Lon: west, Lat: south}), Max: geo.PositionOf(geo.LonLat{Lon: east, Lat: south + step})}
		sum += geo.Area(geo.MultiPolygon{box.Polygon()})
	}
	return sum
}

const (
	// metre is about a metre of longitude at 34° north, degrees.
	metre = 1 / 92_000.0
	// west, middle and east are the counties' borders: those between 3 degree zones 35
	// and 36 and in zone 36.
	west, middle, east, far = 106.49, 106.5, 106.51, 106.52
)

// province is three counties in two zones and two projections side by side, the second
// 5 cm apart from the first and the third 1 cm into the second.
func province() []county {
	return []county{
		{code: "610301", zone: 4523, from: west, to: middle},
		{code: "610302", zone: 4524, says: -1, from: middle, to: east, shift: 0.05 * metre},
		{code: "610303", zone: 4544, from: east, to: far, shift: -0.01 * metre},
	}
}

// Counties of several zones, one without a .prj, whose borders nearly meet read as one
// layer: what is in is out, nothing is moved, and tiles have no seam.
func TestCounties(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "edition")
	args, want, parcels := []string{"ingest", "--out", out, "--vintage", "2024", "--zooms", "10-14", "--json"}, 0.0, 0
	var files []string
	for _, c := range province() {
		file := c.deliver(t, dir, "DLTB.shp")
		args, files = append(args, "--layer", "dltb="+file), append(files, file)
		want, parcels = want+c.area(), parcels+c.wide()*rows
	}
	var rep struct {
		Layers []struct {
			Kept    int     `json:"kept"`
			Mended  int     `json:"mended"`
			AreaIn  float64 `json:"area_in_m2"`
			AreaOut float64 `json:"area_out_m2"`
			Notes   []struct {
				Code string `json:"code"`
			} `json:"notes"`
			Sources []struct {
				CRS string `json:"crs"`
			} `json:"sources"`
		} `json:"layers"`
	}
	if err := json.Unmarshal([]byte(must(t, args...)), &rep); err != nil {
		t.Fatal(err)
	}
	l := rep.Layers[0]
	if l.Kept != parcels || l.Mended != 0 || math.Abs(l.AreaIn-l.AreaOut) > 0.001 || math.Abs(l.AreaOut-want) > 1e-4*want/float64(parcels) {
		t.Errorf("kept %d of %d, mended %d, %.4f m² in, %.4f out, want %.4f", l.Kept, parcels, l.Mended, l.AreaIn, l.AreaOut, want)
	}
	if s := l.Sources; len(s) != 3 || s[0].CRS != "CGCS2000_3_Degree_GK_Zone_35" || s[1].CRS != "CGCS2000_3_Degree_GK_Zone_36" || s[2].CRS != "CGCS2000_3_Degree_GK_CM_105E" {
		t.Errorf("read as %v", s)
	}
	if len(l.Notes) != 1 || l.Notes[0].Code != "CRS_FROM_EASTINGS" {
		t.Errorf("notes %v", l.Notes)
	}
	must(t, "verify", out)
	_, m, err := edition.Read(out, "")
	if err != nil || len(m.Layers) == 0 {
		t.Fatal(err)
	}
	// What is between counties is told, and not mended.
	checked := append([]string{"check", "--layer", "dltb", "--lang", "en"}, files...)
	said, errs, _ := bounded(t, "en", checked...)
	for _, word := range []string{"overlap", "gap"} {
		if !strings.Contains(said, word) {
			t.Errorf("check says nothing of an %s: %.3000s%s", word, said, errs)
		}
	}
	// Ground that both sides of a border claim is told apart from what is there once.
	overlap := 0.01 * metre * (rows - 2) * step * 1.1e5 * 92_000 // m², about
	aoi := filepath.Join(dir, "aoi.geojson")
	text := fmt.Sprintf(`{"type":"Polygon","coordinates":[[[%[1]v,34.2],[%[2]v,34.2],[%[2]v,34.4],[%[1]v,34.4],[%[1]v,34.2]]]}`, west-0.01, far+0.01)
	if err := os.WriteFile(aoi, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Layers []struct {
			Area  float64 `json:"area_m2"`
			Gross float64 `json:"gross_area_m2"`
		} `json:"layers"`
	}
	if err := json.Unmarshal([]byte(must(t, "overlay", "--edition", out, "--layers", "dltb", aoi)), &answer); err != nil {
		t.Fatal(err)
	}
	a := answer.Layers[0]
	if math.Abs(a.Gross-want) > 0.01 || math.Abs(a.Gross-a.Area-overlap) > 0.1*overlap {
		t.Errorf("%.3f m², gross %.3f; want gross %.3f and %.3f twice", a.Area, a.Gross, want, overlap)
	}
}

// A county whose projection says another meridian, possible in its own province, is
// told by the map of places, and by its neighbours' layers; the others are not.
func TestCountyAstray(t *testing.T) {
	dir := t.TempDir()
	wrong := county{code: "610303", zone: 4544, says: 4545, from: 106.51, to: 106.52}
	right := county{code: "610303", zone: 4544, from: 106.51, to: 106.52}
	region, dltb := right.deliver(t, filepath.Join(dir, "a"), "XZQ.shp"), wrong.deliver(t, dir, "DLTB.shp")
	for _, other := range []string{"region", "pbf"} {
		for _, lang := range []string{"zh", "en"} {
			_, errs, code := bounded(t, lang, "ingest", "--out", filepath.Join(dir, "edition"), "--layer", other+"="+region, "--layer", "dltb="+dltb, "--vintage", "2024")
			if code != 1 || !strings.HasSuffix(errs, "[PLACE_ASTRAY]\n") || other == "region" && !strings.Contains(errs, fmt.Sprintf("--crs %q", dltb+"=EPSG:4544")) || !strings.Contains(errs, "EPSG:4544") && !strings.Contains(errs, "EPSG:4545") {
				t.Errorf("beside %s: exit code %d, %s", other, code, errs)
			}
		}
	}
	out := filepath.Join(dir, "edition")
	must(t, "ingest", "--out", out, "--layer", "region="+region, "--layer", "dltb="+dltb, "--crs", dltb+"=EPSG:4544", "--vintage", "2024", "--zooms", "10-10")
	must(t, "verify", out)
	// Changes are held against the edition's places.
	_, errs, code := bounded(t, "en", "update", "--edition", out, "--layer", "dltb="+dltb)
	if code != 1 || !strings.HasSuffix(errs, "[PLACE_ASTRAY]\n") {
		t.Errorf("update: exit code %d, %s", code, errs)
	}
}
