package main_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/codes"
)

// design is the scheme that the embedded rules have.
var design = codes.Scheme{Place: 12, Group: 2, Number: 6}

// square is a rectangle of ground, in units of 1e-4 degree about 10 m, with what a patch
// says of itself.
type square struct {
	bsm, dlbm, place string
	x0, y0, x1, y1   int
}

// squaresFile writes a layer of squares as GeoJSON; key names the field of bsm, and other
// values go to all features.
func squaresFile(t testing.TB, key string, list []square, more ...map[string]any) string {
	t.Helper()
	var features []map[string]any
	for _, s := range list {
		at := func(x, y int) [2]float64 { return [2]float64{108.6 + float64(x)*1e-4, 34.3 + float64(y)*1e-4} }
		p := map[string]any{key: s.bsm}
		if s.dlbm != "" {
			p["DLBM"] = s.dlbm
		}
		if s.place != "" {
			p["ZLDWDM"] = s.place
		}
		for _, m := range more {
			for k, v := range m {
				p[k] = v
			}
		}
		ring := [][2]float64{at(s.x0, s.y0), at(s.x1, s.y0), at(s.x1, s.y1), at(s.x0, s.y1), at(s.x0, s.y0)}
		features = append(features, map[string]any{"type": "Feature", "properties": p, "geometry": map[string]any{"type": "Polygon", "coordinates": [][][2]float64{ring}}})
	}
	data, err := json.Marshal(map[string]any{"type": "FeatureCollection", "features": features})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "squares.geojson")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// codesOf returns the codes of the features of a layer's vintage by their BSM.
func codesOf(t testing.TB, dir, layer, vintage string) map[string]string {
	t.Helper()
	ix, err := index.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ix.Close() }()
	l := ix.Layer(layer, vintage)
	out := map[string]string{}
	for i := range l.Len() {
		f, err := l.Feature(i)
		if err != nil {
			t.Fatal(err)
		}
		code := ""
		if k := l.Field("KJM"); k >= 0 {
			code, _ = f.Values[k].(string)
		}
		bsm, _ := f.Values[l.Field("BSM")].(string)
		out[bsm] = code
	}
	return out
}

// codeTable reads the table of codes.
func codeTable(t testing.TB, file string) [][]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\uFEFF")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// tileAt returns the tile of Web Mercator that a place lies in.
func tileAt(lon, lat float64, z int) (x, y int) {
	n := math.Exp2(float64(z))
	s := math.Sin(lat * math.Pi / 180)
	return int((lon + 180) / 360 * n), int((0.5 - math.Log((1+s)/(1-s))/(4*math.Pi)) * n)
}

// composed is the code with a number in a 社.
func composed(t testing.TB, group string, n int) string {
	t.Helper()
	code, ok := design.Compose(group, n)
	if !ok {
		t.Fatalf("no code %d of %s", n, group)
	}
	return code
}

// The delivery of one year gets codes in the order of BSM, that of the next keeps them where
// a parcel stays; a second run changes nothing; year by year, all at once, and by way of an
// exchange package the edition is the same, to its name.
func TestCodesOfTwoYears(t *testing.T) {
	layers := func(year string) []string {
		return []string{"--layer", "dltb@" + year + "=" + delivery(t, "delivery", year, "DLTB.shp"), "--layer", "region@" + year + "=" + delivery(t, "delivery", year, "XZQ.fgb")}
	}
	dir := filepath.Join(t.TempDir(), "s")
	must(t, append([]string{"ingest", "--out", dir, "--zooms", "6-12"}, layers("2023")...)...)
	plain := current(t, dir)
	must(t, "codes", "--edition", dir)
	first := current(t, dir)
	before := codesOf(t, dir, "cropland", "2023")
	if again := must(t, "codes", "--edition", dir); current(t, dir) != first || first == plain || !strings.Contains(again, first) {
		t.Errorf("a second run made %s of %s (%s without codes):\n%s", current(t, dir), first, plain, again)
	}
	inBSMOrder(t, dir, "2023")
	must(t, append([]string{"ingest", "--add", "--out", dir}, layers("2024")...)...)
	if got := codesOf(t, dir, "cropland", "2023"); !cmp.Equal(before, got) {
		t.Error("a year that is added changes the codes of the one before")
	}
	table := filepath.Join(t.TempDir(), "codes.csv")
	must(t, "codes", "--edition", dir, "--out", table)
	if d := cmp.Diff(before, codesOf(t, dir, "cropland", "2023")); d != "" {
		t.Errorf("codes of the year before changed: %s", d)
	}
	after := codesOf(t, dir, "cropland", "2024")
	stayed(t, dir, before, after)
	tableTells(t, codeTable(t, table), map[string]map[string]string{"2023": before, "2024": after})

	once := filepath.Join(t.TempDir(), "once")
	must(t, slices.Concat([]string{"ingest", "--out", once, "--zooms", "6-12"}, layers("2023"), layers("2024"))...)
	must(t, "codes", "--edition", once)
	if a, b := current(t, dir), current(t, once); a != b {
		t.Errorf("year by year the edition is %s, all at once %s", a, b)
	}
	key, pack := filepath.Join(t.TempDir(), "k"), filepath.Join(t.TempDir(), "p.gtp")
	must(t, "key", "new", "--out", key)
	must(t, "pack", "--edition", dir, "--key", key, "--out", pack)
	there := filepath.Join(t.TempDir(), "there")
	must(t, "unpack", "--trust", key+".pub", "--tier", "secure", "--out", there, pack)
	if a, b := current(t, dir), current(t, there); a != b {
		t.Errorf("sent on the edition is %s, it was %s", b, a)
	}
	must(t, "codes", "--edition", there)
	if a, b := current(t, dir), current(t, there); a != b {
		t.Errorf("there codes make %s of %s", b, a)
	}
	must(t, "verify", there)
	must(t, "verify", dir)
}

// inBSMOrder sees that the parcels of each village have the numbers from 1 on, in the order
// of BSM.
func inBSMOrder(t *testing.T, dir, vintage string) {
	t.Helper()
	ix, err := index.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ix.Close() }()
	l := ix.Layer("cropland", vintage)
	villages := map[string][]string{} // BSM and code
	for i := range l.Len() {
		f, err := l.Feature(i)
		if err != nil {
			t.Fatal(err)
		}
		village := f.Values[l.Field("ZLDWDM")].(string)[:12]
		villages[village] = append(villages[village], f.Values[l.Field("BSM")].(string)+" "+f.Values[l.Field("KJM")].(string))
	}
	for v, list := range villages {
		slices.Sort(list)
		for n, text := range list {
			if _, code, _ := strings.Cut(text, " "); code != composed(t, v+"00", n+1) {
				t.Fatalf("%s: parcel %d has %s", v, n+1, text)
			}
		}
	}
}

// stayed sees that a parcel that is the same in both years has one code, and that no two
// parcels share one.
func stayed(t *testing.T, dir string, before, after map[string]string) {
	t.Helper()
	ix, err := index.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ix.Close() }()
	a, b := ix.Layer("cropland", "2023"), ix.Layer("cropland", "2024")
	same := 0
	for i := range a.Len() {
		if j, ok := b.ByID(a.Head(i).ID); ok && a.Twin(i, b, j) {
			same++
		}
	}
	kept := 0
	holders := map[string]string{}
	for bsm, code := range after {
		if other, ok := holders[code]; ok || code == "" {
			t.Fatalf("%q is the code of %s and %s", code, bsm, other)
		}
		holders[code] = bsm
		if before[bsm] == code {
			kept++
		}
	}
	if kept < same || same == 0 || len(after) != b.Len() {
		t.Errorf("%d parcels are the same, %d kept their codes; %d of %d have one", same, kept, len(after), b.Len())
	}
}

// tableTells sees that the table has for each year what the features have.
func tableTells(t *testing.T, rows [][]string, want map[string]map[string]string) {
	t.Helper()
	got := map[string]map[string]string{}
	for _, r := range rows {
		if got[r[1]] == nil {
			got[r[1]] = map[string]string{}
		}
		if r[3] != "retired" {
			got[r[1]][r[5]] = r[0]
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the table (-features +table): %s", d)
	}
}

// theLand is a year of a small land, and groups of it: two 社 in a village, and a village
// without.
func theLand() (before, after, groups []square) {
	const a, b = "6104020010010000000", "6104020010020000000"
	before = []square{
		{"610402000000000001", "0101", a, 0, 0, 10, 10},
		{"610402000000000002", "0101", a, 10, 0, 20, 10},
		{"610402000000000003", "0103", a, 20, 0, 30, 10},
		{"610402000000000004", "0103", a, 30, 0, 34, 10},
		{"610402000000000005", "0101", b, 0, 20, 10, 30},
		{"610402000000000006", "0701", b, 10, 20, 20, 30},
		{"610402000000000007", "0101", "610402", 40, 40, 50, 50},
	}
	after = []square{
		{"610402000000000011", "0101", a, 0, 0, 6, 10}, // the larger part of 1
		{"610402000000000012", "0101", a, 6, 0, 10, 10},
		{"610402000000000002", "0101", a, 10, 0, 20, 10},
		{"610402000000000013", "0103", a, 20, 0, 34, 10}, // 3 and 4
		{"610402000000000005", "0701", b, 0, 20, 10, 30}, // built on
		{"610402000000000006", "0101", b, 10, 20, 20, 30},
	}
	groups = []square{
		{"610402001001", "", "", 0, 0, 40, 10},
		{"61040200100103", "", "", 0, 0, 14, 10},  // most of 1, less of 2
		{"61040200100107", "", "", 14, 0, 40, 10}, // the rest
		{"61040200100905", "", "", 0, 18, 30, 32}, // of another village than what lies in it
	}
	return before, after, groups
}

// A parcel that is divided leaves its code to the largest part, parcels that become one to
// that of the largest, and 社 follow from the polygons; the register tells it all.
func TestCodesOfPartedParcels(t *testing.T) {
	before, after, groups := theLand()
	region := "region@2023=" + squaresFile(t, "XZQDM", groups, map[string]any{"XZQMC": "某社"})
	contract := "contract@2023=" + squaresFile(t, "DKBM", []square{{"6104020010010300001", "", "", 0, 0, 7, 10}, {"6104020010010300002", "", "", 7, 0, 30, 10}}, map[string]any{"DKMC": "某地"})
	dir := filepath.Join(t.TempDir(), "s")
	must(t, "ingest", "--out", dir, "--zooms", "8-10", "--layer", "dltb@2023="+squaresFile(t, "BSM", before), "--layer", region, "--layer", contract)
	out := must(t, "codes", "--edition", dir)
	for _, want := range []string{"kept 0, given 5", "group by its polygon 4", "00 1", "no village is known, no code: 1"} {
		if !strings.Contains(out, want) {
			t.Errorf("the report does not say %q:\n%s", want, out)
		}
	}
	const near, far, none = "61040200100103", "61040200100107", "61040200100200"
	if d := cmp.Diff(map[string]string{
		"610402000000000001": composed(t, near, 1), "610402000000000002": composed(t, far, 1), "610402000000000003": composed(t, far, 2),
		"610402000000000004": composed(t, far, 3), "610402000000000005": composed(t, none, 1), "610402000000000007": "",
	}, codesOf(t, dir, "cropland", "2023")); d != "" {
		t.Error(d)
	}
	if got := codesOf(t, dir, "dltb", "2023")["610402000000000006"]; got != "" {
		t.Errorf("what is no cropland has the code %s", got)
	}
	must(t, "ingest", "--add", "--out", dir, "--layer", "dltb@2024="+squaresFile(t, "BSM", after))
	table := filepath.Join(t.TempDir(), "t.csv")
	must(t, "codes", "--edition", dir, "--out", table)
	if d := cmp.Diff(map[string]string{
		"610402000000000011": composed(t, near, 1), "610402000000000012": composed(t, near, 2), "610402000000000002": composed(t, far, 1),
		"610402000000000013": composed(t, far, 2), "610402000000000006": composed(t, none, 2),
	}, codesOf(t, dir, "cropland", "2024")); d != "" {
		t.Error(d)
	}
	var rows []string
	for _, r := range codeTable(t, table) {
		rows = append(rows, strings.Join([]string{r[0], r[1], r[3], r[4], r[5], r[6]}, ","))
	}
	n1, n2, f1, f2, f3, o1, o2 := composed(t, near, 1), composed(t, near, 2), composed(t, far, 1), composed(t, far, 2), composed(t, far, 3), composed(t, none, 1), composed(t, none, 2)
	if d := cmp.Diff([]string{
		n1 + ",2023,new,,610402000000000001,6104020010010300001",
		n1 + ",2024,split," + n2 + ",610402000000000011,6104020010010300001",
		n2 + ",2024,split," + n1 + ",610402000000000012,6104020010010300002",
		f1 + ",2023,new,,610402000000000002,6104020010010300002",
		f1 + ",2024,kept,,610402000000000002,6104020010010300002",
		f2 + ",2023,new,,610402000000000003,6104020010010300002",
		f2 + ",2024,merged," + f3 + ",610402000000000013,6104020010010300002",
		f3 + ",2023,new,,610402000000000004,",
		f3 + ",2024,retired," + f2 + ",,",
		o1 + ",2023,new,,610402000000000005,",
		o1 + ",2024,retired,,,",
		o2 + ",2024,new,,610402000000000006,",
	}, rows); d != "" {
		t.Error(d)
	}
	if told := must(t, "codes", "--edition", dir, "--lineage", f3); !strings.Contains(told, "retired") || !strings.Contains(told, f2) {
		t.Errorf("--lineage: %s", told)
	}
	must(t, "verify", dir)
}

// Features are found by code at every tier that shows codes; one that was copied badly is
// told so; below, nothing of it is there.
func TestFindByCode(t *testing.T) {
	before, _, groups := theLand()
	secure := filepath.Join(t.TempDir(), "s")
	must(t, "ingest", "--out", secure, "--zooms", "8-15", "--layer", "dltb@2023="+squaresFile(t, "BSM", before), "--layer", "region@2023="+squaresFile(t, "XZQDM", groups, map[string]any{"XZQMC": "某社"}))
	must(t, "codes", "--edition", secure)
	government, public := filepath.Join(t.TempDir(), "g"), filepath.Join(t.TempDir(), "p")
	must(t, "publish", "--from", secure, "--tier", "government", "--out", government)
	must(t, "publish", "--from", secure, "--tier", "public", "--out", public)
	s := serve(t, secure, government, public)
	all := codesOf(t, secure, "cropland", "2023")
	for _, tier := range []string{"secure", "government"} {
		for bsm, code := range all {
			if code == "" {
				continue
			}
			var f struct {
				Properties map[string]any `json:"properties"`
			}
			decode(t, s.get(t, 200, "/"+tier+"/features/cropland?code="+code).Body, &f)
			if f.Properties["BSM"] != bsm || f.Properties["KJM"] != code {
				t.Errorf("%s: %s leads to %v", tier, code, f.Properties)
			}
			var items struct {
				Features []struct {
					Properties map[string]any `json:"properties"`
				} `json:"features"`
			}
			decode(t, s.get(t, 200, "/"+tier+"/ogc/collections/cropland/items?f=json&KJM="+url.QueryEscape(code)).Body, &items)
			if len(items.Features) != 1 || items.Features[0].Properties["BSM"] != bsm {
				t.Errorf("%s: items by code are %v", tier, items.Features)
			}
		}
		code := composed(t, "61040200100103", 1)
		wrong := code[:19] + string('0'+(code[19]-'0'+1)%10) + code[20:]
		for asked, want := range map[string]string{wrong: "400 code_check", composed(t, "61040200100103", 999): "404 no_feature", code[:20] + "?": "400 code_form", "610402000000000999": "404 no_feature"} {
			a := s.do(t, "GET", "/"+tier+"/features/cropland?code="+url.QueryEscape(asked), nil)
			var p struct {
				Code string `json:"code"`
			}
			decode(t, a.Body, &p)
			if got := fmt.Sprint(a.Status, " ", p.Code); got != want {
				t.Errorf("%s: %s is answered by %s, want %s", tier, asked, got, want)
			}
		}
		file := filepath.Join(t.TempDir(), "x.csv")
		must(t, "export", "--edition", map[string]string{"secure": secure, "government": government}[tier], "--layer", "cropland", "--out", file)
		if data, err := os.ReadFile(file); err != nil || !bytes.Contains(data, []byte(code)) {
			t.Errorf("%s: the export has no code (%v)", tier, err)
		}
		x, y := tileAt(108.6005, 34.3005, 15)
		if tile := s.get(t, 200, fmt.Sprintf("/%s/tiles/cropland/w/15/%d/%d.mvt", tier, x, y), "Accept-Encoding", "identity").Body; !bytes.Contains(tile, []byte(code)) {
			t.Errorf("%s: the tile has no code", tier)
		}
	}
	for _, dir := range []string{government, public} {
		dumped := must(t, "verify", dir, "--dump")
		if strings.Contains(dumped, "register/") {
			t.Errorf("the register of codes went down to %s", dir)
		}
		for _, code := range all {
			if dir == public && code != "" && strings.Contains(dumped, code) {
				t.Errorf("public holds the code %s", code)
			}
		}
	}
}
