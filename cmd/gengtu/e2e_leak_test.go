package main_test

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gengtu/benchmarks/suite"
)

// tableRows reads fields of a delivery as GDAL does.
func tableRows(t testing.TB, file string, fields ...string) [][]string {
	t.Helper()
	r := csv.NewReader(strings.NewReader(gdal(t, t.TempDir(), "ogr2ogr", "-f", "CSV", "/vsistdout/", absolute(t, file), "-select", strings.Join(fields, ","))))
	r.FieldsPerRecord = -1 // GDAL ends a lone field's heading with a comma
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// table returns the values of fields of a delivery.
func table(t testing.TB, file string, fields ...string) map[string][]string {
	t.Helper()
	rows := tableRows(t, file, fields...)
	out := map[string][]string{}
	for i, name := range fields {
		for _, row := range rows {
			if row[i] != "" {
				out[filepath.Base(file)+" "+name] = append(out[filepath.Base(file)+" "+name], row[i])
			}
		}
	}
	return out
}

func absolute(t testing.TB, path string) string {
	t.Helper()
	out, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// joined puts tables together: of several years of a delivery, the values of all.
func joined(tables ...map[string][]string) map[string][]string {
	out := map[string][]string{}
	for _, t := range tables {
		for field, values := range t {
			out[field] = append(out[field], values...)
		}
	}
	return out
}

// hunts returns what may not be found below secure of the delivery.
func hunts(t testing.TB) (government, public, publicFiles *hunt) {
	t.Helper()
	v := valuesOf(t, delivery(t, "delivery", "2024"))
	v.personal["file names"] = append(v.personal["file names"], "delivery/2024", "shared/data")
	return v.hunts()
}

// values are those of a delivery by what may become of them: personal ones stay in
// secure, public shows what the policy names and nothing else. Words that stand for
// classes (DLMC) may stand in legends, but in no file.
type values struct{ personal, hidden, words, shown map[string][]string }

// valuesOf reads the values of a delivery of one year or several.
func valuesOf(t testing.TB, folders ...string) *values {
	t.Helper()
	v := &values{personal: map[string][]string{"file names": {"DLTB.shp", "YJJBNTTB.gpkg", "GBZNT.geojson", "XZQ.fgb"}}}
	for _, folder := range folders {
		dltb, pbf := filepath.Join(folder, "DLTB.shp"), filepath.Join(folder, "YJJBNTTB.gpkg")
		hsf, region := filepath.Join(folder, "GBZNT.geojson"), filepath.Join(folder, "XZQ.fgb")
		v.personal = joined(v.personal, table(t, pbf, "ZRRMC", "LXDH"))
		v.hidden = joined(v.hidden, table(t, dltb, "BSM", "TBMJ", "TBDLMJ", "KCMJ", "ZLDWDM"), table(t, pbf, "BSM", "YJJBNTTBMJ"), table(t, hsf, "BSM", "XMBH"),
			table(t, region, "XZQDM")) // villages; public tells of townships
		v.words = joined(v.words, table(t, dltb, "DLMC"))
		v.shown = joined(v.shown, table(t, pbf, "YJJBNTTBBH", "YJJBNTMJ"), table(t, hsf, "XMMC", "JCND"))
	}
	// Names of villages that stand in no name of a project, which public shows.
	for name, names := range tablesOf(t, "XZQ.fgb", "XZQMC", folders...) {
		projects := strings.Join(v.shown["GBZNT.geojson XMMC"], "\n")
		v.hidden[name] = slices.DeleteFunc(names, func(n string) bool { return strings.Contains(projects, n) })
	}
	return v
}

// tablesOf returns the values of a field of a file in several folders.
func tablesOf(t testing.TB, file, field string, folders ...string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, folder := range folders {
		out = joined(out, table(t, filepath.Join(folder, file), field))
	}
	return out
}

// hunts returns what is hunted for in government, in answers of public and in its files.
func (v *values) hunts() (government, public, publicFiles *hunt) {
	hidden := joined(v.personal, v.hidden)
	return newHunt(v.personal, nil), newHunt(hidden, v.shown), newHunt(joined(hidden, v.words), v.shown)
}

// byField counts secrets by field.
func byField(found map[secret]bool) map[string]int {
	out := map[string]int{}
	for s := range found {
		out[s.field]++
	}
	return out
}

// clean fails when something was found.
func clean(t *testing.T, where string, found map[secret]bool) {
	t.Helper()
	for s := range found {
		t.Errorf("%s: %d secrets by field %v, one is %s %q", where, len(found), byField(found), s.field, s.value)
		return
	}
}

// bytesOf returns the raw bytes of all files of a directory.
func bytesOf(t testing.TB, dir string) []byte {
	t.Helper()
	var out []byte
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		out = append(append(out, d.Name()+"\n"...), data...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What a tier may not show is in none of its files and none of its answers, and
// the same search finds it in the secure edition.
func TestNothingLeaks(t *testing.T) {
	e := theEditions(t)
	government, public, publicFiles := hunts(t)

	found := map[secret]bool{}
	publicFiles.find([]byte(must(t, "verify", e.Secure, "--dump")), found)
	for field, least := range map[string]int{
		"YJJBNTTB.gpkg ZRRMC": 8487, "YJJBNTTB.gpkg LXDH": 8487, "DLTB.shp BSM": 10000, "YJJBNTTB.gpkg BSM": 8487, "GBZNT.geojson BSM": 115,
		"DLTB.shp TBMJ": 2000, "DLTB.shp TBDLMJ": 500, "DLTB.shp ZLDWDM": 4, "GBZNT.geojson XMBH": 115, "DLTB.shp DLMC": 4, "file names": 4,
	} {
		if n := byField(found)[field]; n < least {
			t.Errorf("the search finds %d values of %s in the secure edition, want at least %d", n, field, least)
		}
	}
	found = map[secret]bool{}
	publicFiles.find(bytesOf(t, e.Secure), found)
	if n := byField(found)["YJJBNTTB.gpkg ZRRMC"]; n != 8487 {
		t.Errorf("the search finds %d names in the secure edition's files", n)
	}

	key, err := os.ReadFile(filepath.Join(e.Secure, "publisher.key"))
	if err != nil || len(bytes.TrimSpace(key)) < 32 {
		t.Fatalf("the publisher's key is %d bytes, %v", len(key), err)
	}
	for _, c := range []struct {
		dir  string
		hunt *hunt
	}{{e.Government, government}, {e.Public, publicFiles}} {
		name := filepath.Base(c.dir)
		found := map[secret]bool{}
		c.hunt.find([]byte(must(t, "verify", c.dir, "--dump")), found)
		clean(t, name+" --dump", found)
		raw := bytesOf(t, c.dir)
		c.hunt.find(raw, found)
		clean(t, name+" files", found)
		binaryKey, err := hex.DecodeString(string(bytes.TrimSpace(key)))
		if err != nil || bytes.Contains(raw, bytes.TrimSpace(key)) || bytes.Contains(raw, binaryKey) || bytes.Contains(raw, []byte("publisher.key")) {
			t.Errorf("the publisher's key is in the %s edition (%v)", name, err)
		}
	}

	s := serve(t, e.Secure, e.Government, e.Public)
	for tier, h := range map[string]*hunt{"government": government, "public": public} {
		found := map[secret]bool{}
		answers := s.crawl(t, tier, "", func(body []byte) { h.find(body, found) })
		clean(t, tier+" answers", found)
		suite.Count(t, "leaks", float64(answers), "answers")
		if tier == "public" && answers < 8487 {
			t.Errorf("only %d answers of %s were searched", answers, tier)
		}
	}
	found = map[secret]bool{}
	s.crawl(t, "secure", "", func(body []byte) { public.find(body, found) })
	if n := byField(found); n["YJJBNTTB.gpkg ZRRMC"] < 1000 || n["DLTB.shp BSM"] < 10000 {
		t.Errorf("the search finds only %v in the answers of secure", n)
	}
}

// crawl asks for everything that a tier serves of a vintage, "" for the latest, and
// returns how many answers it looked at. Of features it asks for all of pbf.
func (s *server) crawl(t *testing.T, tier, vintage string, look func(body []byte)) (answers int) {
	t.Helper()
	ask := func(path string) {
		if vintage != "" {
			path = withQuery(path, "vintage="+vintage)
		}
		a := s.do(t, "GET", path, nil, "Accept-Encoding", "identity")
		if a.Status >= 500 && a.Status != 501 {
			t.Errorf("GET %s: %d", path, a.Status)
		}
		answers++
		look(a.Body)
		for k, v := range a.Header {
			look([]byte(k + strings.Join(v, "\n")))
		}
	}
	var catalog struct {
		Layers []struct{ Name string }
		Extent [4]float64
	}
	decode(t, s.get(t, 200, "/"+tier+"/catalog").Body, &catalog)
	layers := []string{"all"}
	for _, l := range catalog.Layers {
		layers = append(layers, l.Name)
	}
	box := catalog.Extent
	corner := fmt.Sprintf("/overlay?bbox=%f,%f,%f,%f", box[0], box[1], box[0]+(box[2]-box[0])/4, box[1]+(box[3]-box[1])/3)
	var list struct{ Places []struct{ Code string } }
	decode(t, s.get(t, 200, "/"+tier+"/places").Body, &list)
	code := list.Places[0].Code
	for _, p := range []string{
		"/catalog", "/style.json", "/legend.json", "/places", "/places?q=村", "/places?parent=" + code[:6], "/nothing", "/overlay?place=" + code[:6], "/overlay?place=" + code[:9],
		corner, corner + "&f=csv", fmt.Sprintf("/overlay?point=%f,%f", (box[0]+box[2])/2, (box[1]+box[3])/2), "/summary?by=township",
		"/summary?by=village", "/summary?by=county&f=csv", "/wmts/1.0.0/WMTSCapabilities.xml", "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "/tiles/all/w.json", "/ogc",
	} {
		ask("/" + tier + p)
	}
	for _, p := range []string{"/", "/health", "/ready", "/metrics"} {
		ask(p)
	}
	for _, l := range layers {
		ask("/" + tier + "/features/" + l)
		ask("/" + tier + "/tiles/" + l + "/c.json")
		for z := range 15 {
			for _, g := range []string{"c", "w"} {
				x0, y0, x1, y1 := tileRange(g, z, catalog.Extent)
				for x := x0; x <= x1; x++ {
					for y := y0; y <= y1; y++ {
						ask(fmt.Sprintf("/%s/tiles/%s/%s/%d/%d/%d.mvt", tier, l, g, z, x, y))
						if z == 14 {
							ask(fmt.Sprintf("/%s/wmts/%s/default/%s/%d/%d/%d/%d/%d.json", tier, l, g, z, y, x, 100, 100))
						}
					}
				}
			}
		}
	}
	for i, id := range slices.Sorted(maps.Keys(s.ids(t, tier, "pbf"))) {
		if tier != "public" && i%7 != 0 {
			continue
		}
		ask(fmt.Sprintf("/%s/features/pbf/%d", tier, id))
	}
	return answers
}

// tileRange returns the columns and rows of a zoom over a box of degrees.
func tileRange(grid string, z int, box [4]float64) (x0, y0, x1, y1 int) {
	n := math.Exp2(float64(z))
	at := func(lon, lat float64) (int, int) {
		x := (lon + 180) / 360 * n
		if grid == "c" {
			return int(x), int((90 - lat) / 360 * n)
		}
		return int(x), int((1 - math.Asinh(math.Tan(lat*math.Pi/180))/math.Pi) / 2 * n)
	}
	x0, y0 = at(box[0], box[3])
	x1, y1 = at(box[2], box[1])
	return x0, y0, x1, y1
}

// ids returns the ids that the tier's tiles of zoom 14 carry, where a click can
// hit one feature.
func (s *server) ids(t testing.TB, tier, layer string) map[uint64]bool {
	t.Helper()
	if tok := s.tokens[tier]; tok != "" {
		if err := os.Setenv("GDAL_HTTP_HEADERS", "Authorization: Bearer "+tok); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.Unsetenv("GDAL_HTTP_HEADERS") }()
	}
	out := map[uint64]bool{}
	tiles := fmt.Sprintf("%s/%s/tiles/%s/w", s.URL, tier, layer)
	for _, f := range read(t, t.TempDir(), fmt.Sprintf("MVT:%s/14", tiles), "-oo", "METADATA_FILE="+tiles+".json", "-oo", "TILE_EXTENSION=mvt", layer) {
		if id, ok := f.Properties["mvt_id"].(float64); ok && id != 0 {
			out[uint64(id)] = true
		}
	}
	return out
}

// dumped is one line of a dump.
type dumped struct {
	Bucket   string
	ID       uint64
	Geometry *struct{ Coordinates json.RawMessage }
	Tile     string
}

// dump returns the lines of a dump that tell of features and tiles.
func dump(t testing.TB, edition string) []dumped {
	t.Helper()
	var out []dumped
	lines := bufio.NewScanner(strings.NewReader(must(t, "verify", edition, "--dump")))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		if line := lines.Bytes(); bytes.Contains(line, []byte(`"geometry"`)) || bytes.Contains(line, []byte(`"tile":`)) {
			var d dumped
			decode(t, line, &d)
			if d.Geometry != nil || d.Tile != "" {
				out = append(out, d)
			}
		}
	}
	return out
}

// The public edition's vertices lie on the policy's grid, its tiles end at the
// policy's zoom, and its ids are those of no other edition.
func TestLowerEditionsAreOtherArtefacts(t *testing.T) {
	e := theEditions(t)
	var m struct {
		MaxZoom int `json:"max_zoom"`
		Policy  struct {
			GridLon int64 `json:"grid_lon"`
			GridLat int64 `json:"grid_lat"`
			GridM   float64
		}
	}
	decode(t, []byte(must(t, "info", e.Public, "--json")), &m)
	// 25 m in units of 1e-10 degree, at the delivery's latitude.
	if m.MaxZoom != 14 || m.Policy.GridLat < 2_000_000 || m.Policy.GridLon < 2_500_000 {
		t.Fatalf("the manifest says %+v", m)
	}
	ids := map[uint64]string{}
	for _, dir := range []string{e.Public, e.Government, e.Secure} {
		tier := filepath.Base(dir)
		vertices, tiles := 0, 0
		for _, d := range dump(t, dir) {
			if d.Tile != "" {
				tiles++
				z := 0
				if _, err := fmt.Sscanf(d.Tile[1:], "/%d/", &z); err != nil || tier == "public" && z > 14 {
					t.Fatalf("%s: tile %s, %v", tier, d.Tile, err)
				}
				continue
			}
			if other, ok := ids[d.ID]; ok && other != tier {
				t.Fatalf("id %d is one of %s and of %s", d.ID, other, tier)
			}
			ids[d.ID] = tier
			if tier == "public" {
				vertices += onGrid(t, d.Geometry.Coordinates, m.Policy.GridLon, m.Policy.GridLat)
			}
		}
		if tiles == 0 || tier == "public" && vertices < 100_000 {
			t.Errorf("%s: %d vertices and %d tiles looked at", tier, vertices, tiles)
		}
	}
	if len(ids) < 40_000 {
		t.Errorf("only %d ids were compared", len(ids))
	}
}

// onGrid fails at a vertex off the grid and returns how many it saw.
func onGrid(t *testing.T, coordinates json.RawMessage, gridLon, gridLat int64) (n int) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(coordinates))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return n
		}
		lon, ok := token.(json.Number)
		if !ok {
			continue
		}
		next, err := d.Token()
		lat, isNumber := next.(json.Number)
		if err != nil || !isNumber {
			t.Fatalf("%v after %s", err, lon)
		}
		if units(t, lon)%gridLon != 0 || units(t, lat)%gridLat != 0 {
			t.Fatalf("[%s %s] is not on the grid of %d and %d units", lon, lat, gridLon, gridLat)
		}
		n++
	}
}

// units reads degrees as whole units of 1e-10, to the last digit.
func units(t testing.TB, degrees json.Number) int64 {
	t.Helper()
	whole, part, _ := strings.Cut(string(degrees), ".")
	v, err := strconv.ParseInt(whole+(part + "0000000000")[:10], 10, 64)
	if err != nil || len(part) > 10 {
		t.Fatalf("%s: %v", degrees, err)
	}
	return v
}
