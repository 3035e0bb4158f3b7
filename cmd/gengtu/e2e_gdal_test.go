package main_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gengtu/index/geo"
)

// tool runs a program in a directory of its own and returns its standard
// output. GDAL says much of what goes wrong on standard error alone, so that has
// to be empty of errors.
func tool(t testing.TB, dir, pkg, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: apt-get install -y %s", name, pkg)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	// GDAL tidies its cache of downloads while it reads from it.
	cmd.Env = append(os.Environ(), "GDAL_ENABLE_WMS_CACHE=NO", "GDAL_PAM_ENABLED=NO", "no_proxy=*")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil || strings.Contains(errs.String(), "ERROR") {
		t.Fatalf("%s %s: %v\n%.2000s", name, strings.Join(args, " "), err, errs.String())
	}
	return out.String()
}

func gdal(t testing.TB, dir, name string, args ...string) string {
	t.Helper()
	return tool(t, dir, "gdal-bin", name, args...)
}

// Capabilities follow the schema of WMTS 1.0.0, at every address they are served
// at, in every tier, with the caller's token in them.
func TestCapabilitiesValidate(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure, e.Government, e.Public)
	xsd, err := filepath.Abs(delivery(t, "wmts_xsd"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Setenv("XML_CATALOG_FILES", filepath.Join(xsd, "catalog.xml"))
	for _, tier := range []string{"public", "government", "secure"} {
		for i, address := range []string{
			"/wmts/1.0.0/WMTSCapabilities.xml?", "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "/wmts?service=WMTS&request=GetCapabilities&AcceptVersions=1.0.0",
			"/pbf_c/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "/cropland_w/wmts?service=WMTS&request=GetCapabilities",
		} {
			a := s.get(t, 200, "/"+tier+address+"&tk="+s.tokens[tier], "Accept-Language", []string{"zh", "en"}[i%2])
			file := filepath.Join(dir, fmt.Sprintf("%s%d.xml", tier, i))
			if err := os.WriteFile(file, a.Body, 0o644); err != nil {
				t.Fatal(err)
			}
			tool(t, dir, "libxml2-utils", "xmllint", "--nonet", "--noout", "--schema", filepath.Join(xsd, "wmts", "1.0", "wmts.xsd"), file)
			held := strings.Count(string(a.Body), s.tokens[tier])
			if tier != "public" && held == 0 || tier == "public" && strings.Contains(string(a.Body), "tk=") {
				t.Errorf("%s%s repeats the token %d times", tier, address, held)
			}
		}
	}
}

// GDAL lists the layers in both grids and reads pictures from them; the ground
// that is painted is the ground that overlay finds.
func TestGDALReadsWMTS(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure, e.Public)
	dir := t.TempDir()
	const west, south, east, north = 108.630, 34.325, 108.645, 34.340
	for _, c := range []struct {
		tier, query string
		pixels      int // at least, in each direction: what the finest matrix has
	}{{"public", "", 170}, {"secure", "?tk=" + s.tokens["secure"], 2000}} {
		address := "WMTS:" + s.URL + "/" + c.tier + "/wmts/1.0.0/WMTSCapabilities.xml" + c.query
		list := gdal(t, dir, "gdalinfo", address)
		for _, layer := range []string{"cropland", "pbf", "hsf", "region"} {
			for _, grid := range []string{"c", "w"} {
				if one := ",layer=" + layer + ",tilematrixset=" + grid; !strings.Contains(list, one+"\n") && !strings.Contains(list, one+",style=default\n") {
					t.Errorf("%s: no subdataset for %s in %s:\n%s", c.tier, layer, grid, list)
				}
			}
		}
		for _, layer := range []string{"cropland", "pbf", "hsf"} {
			var answer postgisAnswer
			decode(t, s.get(t, 200, fmt.Sprintf("/%s/overlay?bbox=%v,%v,%v,%v&layers=%s", c.tier, west, south, east, north, layer)).Body, &answer)
			want := answer.Layers[0].Area / answer.AOI.Area
			for _, grid := range []string{"c", "w"} {
				got, size := painted(t, dir, address+",layer="+layer+",tilematrixset="+grid, [4]float64{west, south, east, north})
				if math.Abs(got-want) > 0.02 || want < 0.1 || size < c.pixels {
					t.Errorf("%s %s in %s: %.3f of %d pixels are painted, %.3f of the ground is %s", c.tier, layer, grid, got, size, want, layer)
				}
			}
		}
	}
}

// painted returns the share of pixels that are not transparent in a window, and
// how many pixels wide it is at the finest resolution.
func painted(t *testing.T, dir, dataset string, box [4]float64) (share float64, width int) {
	t.Helper()
	file := filepath.Join(dir, "window.png")
	gdal(t, dir, "gdal_translate", "-q", "-of", "PNG", "-projwin_srs", "EPSG:4490",
		"-projwin", fmt.Sprint(box[0]), fmt.Sprint(box[3]), fmt.Sprint(box[2]), fmt.Sprint(box[1]), dataset, file)
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(f)
	if cerr := f.Close(); err != nil || cerr != nil {
		t.Fatal(err, cerr)
	}
	b, n := img.Bounds(), 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if _, _, _, a := img.At(x, y).RGBA(); a > 0 {
				n++
			}
		}
	}
	return float64(n) / float64(b.Dx()*b.Dy()), b.Dx()
}

// gdalFeature is a line of GDAL's GeoJSON text sequence.
type gdalFeature struct {
	Properties map[string]any
	Geometry   json.RawMessage
}

// number returns a property that is a number, also where a format knows only
// text.
func (f gdalFeature) number(t testing.TB, name string) float64 {
	t.Helper()
	switch v := f.Properties[name].(type) {
	case float64:
		return v
	case string:
		return number(t, v)
	}
	t.Fatalf("no %s in %v", name, f.Properties)
	return 0
}

// id returns the id that export wrote.
func (f gdalFeature) id(t testing.TB) uint64 { return uint64(f.number(t, "gengtu_id")) }

// area returns the ellipsoidal area of the feature, whichever way its rings run.
func (f gdalFeature) area(t testing.TB) float64 { return groundOf(t, f.Geometry) }

// groundOf returns the area of a geometry. Where GDAL cuts a feature along a
// tile's border that it touches, lines and points come out; they have none.
func groundOf(t testing.TB, geometry json.RawMessage) float64 {
	t.Helper()
	var head struct {
		Type       string
		Geometries []json.RawMessage
	}
	decode(t, geometry, &head)
	if head.Type == "GeometryCollection" {
		sum := 0.0
		for _, g := range head.Geometries {
			sum += groundOf(t, g)
		}
		return sum
	}
	if !strings.HasSuffix(head.Type, "Polygon") {
		return 0
	}
	polygons, err := geo.ParseGeometry(geometry, geo.Limits{})
	if err != nil {
		t.Fatalf("%v: %.200s", err, geometry)
	}
	sum := 0.0
	for _, p := range polygons {
		for i, r := range p {
			ring := make(geo.Ring, len(r))
			for k, v := range r {
				ring[k] = geo.PositionOf(geo.LonLat{Lon: v.X, Lat: v.Y})
			}
			a := math.Abs(geo.RingArea(ring))
			if i > 0 {
				a = -a
			}
			sum += a
		}
	}
	return sum
}

// read has GDAL read a layer of anything.
func read(t testing.TB, dir string, args ...string) []gdalFeature {
	t.Helper()
	args = append([]string{"-f", "GeoJSONSeq", "/vsistdout/", "-lco", "COORDINATE_PRECISION=12"}, args...)
	var out []gdalFeature
	lines := bufio.NewScanner(strings.NewReader(gdal(t, dir, "ogr2ogr", args...)))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var f gdalFeature
		decode(t, lines.Bytes(), &f)
		out = append(out, f)
	}
	return out
}

// GDAL's vector tile driver opens a tile, and the tiles of a zoom by their
// TileJSON; together they hold every feature once and the true area of the ground,
// which counts once where features overlap: GEOS unites them.
func TestGDALReadsVectorTiles(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure, e.Public)
	dir := t.TempDir()
	tile := filepath.Join(dir, "t.mvt")
	if err := os.WriteFile(tile, s.get(t, 200, "/public/tiles/all/w/13/6568/3263.mvt").Body, 0o644); err != nil {
		t.Fatal(err)
	}
	list := gdal(t, dir, "ogrinfo", "-so", "-al", tile, "-oo", "X=6568", "-oo", "Y=3263", "-oo", "Z=13")
	for _, layer := range []string{"cropland", "pbf", "hsf", "region"} {
		if !regexp.MustCompile(`Layer name: ` + layer + `\nGeometry: (Multi )?Polygon\nFeature Count: [1-9]`).MatchString(list) {
			t.Errorf("no %s in the tile:\n%s", layer, list)
		}
	}
	if strings.Contains(list, "BSM") {
		t.Error("the public tile has a field BSM")
	}
	t.Setenv("GDAL_HTTP_HEADERS", "Authorization: Bearer "+s.tokens["secure"])
	united := map[string]float64{}
	for _, c := range []struct {
		tier, layer string
		zoom        int
		tolerance   float64 // of the area; a tile unit at zoom 14 is 0.6 m
	}{
		{"secure", "cropland", 14, 1e-4}, {"secure", "pbf", 14, 1e-3}, {"secure", "hsf", 14, 1e-4}, {"secure", "dltb", 15, 1e-4},
		{"secure", "cropland", 9, 0.01}, {"public", "cropland", 13, 2e-3}, {"public", "pbf", 14, 5e-3},
	} {
		t.Run(fmt.Sprintf("%s %s at zoom %d", c.tier, c.layer, c.zoom), func(t *testing.T) {
			var catalog struct {
				Layers []struct {
					Name     string
					Features int
					Area     float64 `json:"area_m2"`
				}
			}
			decode(t, s.get(t, 200, "/"+c.tier+"/catalog").Body, &catalog)
			i := slices.IndexFunc(catalog.Layers, func(l struct {
				Name     string
				Features int
				Area     float64 `json:"area_m2"`
			}) bool {
				return l.Name == c.layer
			})
			tiles := fmt.Sprintf("%s/%s/tiles/%s/w", s.URL, c.tier, c.layer)
			features := read(t, dir, fmt.Sprintf("MVT:%s/%d", tiles, c.zoom), "-oo", "METADATA_FILE="+tiles+".json", "-oo", "TILE_EXTENSION=mvt", c.layer)
			ids, area := map[any]bool{}, 0.0
			for _, f := range features {
				ids[f.Properties["mvt_id"]] = true
				area += f.area(t)
			}
			want := catalog.Layers[i]
			ground, ok := united[c.tier+c.layer]
			if !ok {
				ground = unitedArea(t, map[string]string{"secure": e.Secure, "public": e.Public}[c.tier], c.layer)
				united[c.tier+c.layer] = ground
			}
			if math.Abs(area/ground-1) > c.tolerance {
				t.Errorf("%.2f m² in tiles, %.2f of ground", area, ground)
			}
			if ground > want.Area*(1+1e-9) {
				t.Errorf("%.2f m² of ground, %.2f in the catalogue", ground, want.Area)
			}
			if c.zoom >= 14 && len(ids) != want.Features {
				t.Errorf("%d ids in tiles, %d features in the catalogue", len(ids), want.Features)
			}
		})
	}
}

// unitedArea has GEOS unite a layer's features, and returns the area in m².
func unitedArea(t *testing.T, edition, layer string) float64 {
	t.Helper()
	dir := t.TempDir()
	must(t, "export", "--edition", edition, "--layer", layer, "--out", filepath.Join(dir, "all.gpkg"))
	sum := 0.0
	for _, f := range read(t, dir, filepath.Join(dir, "all.gpkg"), "-dialect", "sqlite", "-sql", "SELECT ST_Union(geom) AS geom FROM "+layer) {
		sum += f.area(t)
	}
	return sum
}

// What export writes GDAL reads, with equal counts and areas; and ingest reads
// it back with the same geometry and ids.
func TestExportsRoundTrip(t *testing.T) {
	e := theEditions(t)
	dir := t.TempDir()
	for _, layer := range []string{"dltb", "hsf", "region"} {
		first := export(t, e.Secure, layer, filepath.Join(dir, layer+".geojson"))
		total := 0.0
		for _, f := range first {
			total += f.Properties["area_m2"].(float64)
		}
		for _, ending := range []string{"geojson", "geojsonl", "fgb", "gpkg", "shp", "csv", "xlsx"} {
			t.Run(layer+"."+ending, func(t *testing.T) {
				file := filepath.Join(dir, layer+"_out."+ending)
				must(t, "export", "--edition", e.Secure, "--layer", layer, "--out", file)
				compareExport(t, dir, file, first, total)
				if ending == "csv" || ending == "xlsx" {
					return // ingest reads no tables
				}
				again := filepath.Join(t.TempDir(), "again")
				must(t, "ingest", "--out", again, "--layer", layer+"="+file, "--vintage", "2024", "--zooms", "10-10")
				second := export(t, again, layer, filepath.Join(t.TempDir(), "again.geojson"))
				if len(second) != len(first) {
					t.Fatalf("%d features came back, %d went out", len(second), len(first))
				}
				for i := range first {
					a, b := first[i], second[i]
					if a.id(t) != b.id(t) || !bytes.Equal(a.Geometry, b.Geometry) {
						t.Fatalf("feature %d: id %d and %d\n%.300s\n%.300s", i, a.id(t), b.id(t), a.Geometry, b.Geometry)
					}
				}
			})
		}
	}
}

// compareExport has GDAL read an exported file and compares it with the layer.
func compareExport(t *testing.T, dir, file string, first []gdalFeature, total float64) {
	t.Helper()
	features := read(t, dir, file)
	if len(features) != len(first) {
		t.Fatalf("GDAL reads %d features, the layer has %d", len(features), len(first))
	}
	sortByID(t, features) // the order of a FlatGeobuf is its own
	recorded, measured, ending := 0.0, 0.0, filepath.Ext(file)
	table := ending == ".csv" || ending == ".xlsx" // attributes alone
	for i, f := range features {
		recorded += f.number(t, "area_m2")
		if !table {
			measured += f.area(t)
		}
		if g, w := fmt.Sprint(f.Properties["BSM"]), fmt.Sprint(first[i].Properties["BSM"]); g != w || f.id(t) != first[i].id(t) {
			t.Fatalf("feature %d: %d with BSM %s for GDAL, %d with %s in the layer", i, f.id(t), g, first[i].id(t), w)
		}
	}
	if math.Abs(recorded-total) > 0.01 || math.Abs(measured-total) > 0.01 && !table {
		t.Errorf("GDAL reads %.4f m² of record and %.4f in the geometry, the layer has %.4f", recorded, measured, total)
	}
	if table || ending == ".geojsonl" {
		return // these cannot name their system
	}
	if info := gdal(t, dir, "ogrinfo", "-so", "-al", file); !strings.Contains(info, `ID["EPSG",4490]`) && !strings.Contains(info, "China_2000") && !strings.Contains(info, "China 2000") {
		t.Errorf("GDAL does not see EPSG:4490 in %s:\n%s", filepath.Base(file), info)
	}
}

// export writes a layer as GeoJSON and returns its features as they were written,
// numbers to the last digit, in the order of their ids.
func export(t testing.TB, edition, layer, file string) []gdalFeature {
	t.Helper()
	must(t, "export", "--edition", edition, "--layer", layer, "--out", file)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var c struct{ Features []gdalFeature }
	decode(t, data, &c)
	sortByID(t, c.Features)
	return c.Features
}

func sortByID(t testing.TB, features []gdalFeature) {
	t.Helper()
	slices.SortFunc(features, func(a, b gdalFeature) int { return cmp.Compare(a.id(t), b.id(t)) })
}
