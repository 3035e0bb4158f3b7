package main_test

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rowsOf reads a CSV file that may begin with a byte order mark, as rows by the
// names of columns.
func rowsOf(t testing.TB, text string) []map[string]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\uFEFF"))).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("%v in %.200s", err, text)
	}
	var out []map[string]string
	for _, r := range rows[1:] {
		m := map[string]string{}
		for i, c := range r {
			m[rows[0][i]] = c
		}
		out = append(out, m)
	}
	return out
}

// booked are the sums of a place in 0.01 m².
type booked struct{ Features, Patch, Net, Ridges int64 }

// ofDelivery adds a delivery's own areas up in SQLite: what a person would do
// with its table and no program of ours.
func ofDelivery(t testing.TB, file, sql string) map[string]booked {
	t.Helper()
	file, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]booked{}
	for _, r := range rowsOf(t, gdal(t, t.TempDir(), "ogr2ogr", "-f", "CSV", "/vsistdout/", file, "-dialect", "sqlite", "-sql", sql)) {
		out[r["k"]] = booked{whole(t, r["n"]), whole(t, r["patch"]), whole(t, r["net"]), whole(t, r["ridges"])}
	}
	return out
}

func whole(t testing.TB, s string) int64 {
	t.Helper()
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// cents is a figure in m² with two decimals as units of the last, 0 for none.
func cents(t testing.TB, s string) int64 {
	t.Helper()
	if s == "" {
		return 0
	}
	before, after, _ := strings.Cut(s, ".")
	if len(after) != 2 {
		t.Fatalf("%q has not two decimals", s)
	}
	return whole(t, before+after)
}

// info runs info with --out of a CSV file and returns its rows.
func info(t testing.TB, edition string, args ...string) []map[string]string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "o.csv")
	must(t, append([]string{"info", edition, "--out", out}, args...)...)
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return rowsOf(t, string(data))
}

// Sums by place and by class are the delivery's own, to the cent.
func TestSummaryEqualsDelivery(t *testing.T) {
	e := theEditions(t)
	const query = "select %[1]s k, count(*) n, sum(cast(round(%[2]s*100) as integer)) patch, sum(cast(round(%[3]s*100) as integer)) net," +
		" sum(cast(round(%[5]s*100) as integer)) ridges from %[4]s group by k"
	survey, protected := delivery(t, "delivery", "2024", "DLTB.shp"), delivery(t, "delivery", "2024", "YJJBNTTB.gpkg")
	for level, digits := range map[string]int{"village": 12, "township": 9} {
		place := fmt.Sprintf("substr(ZLDWDM,1,%d)", digits)
		of := func(file, from, key string) map[string]booked {
			patch, net, ridges := "TBMJ", "TBDLMJ", "KCMJ"
			if file == protected { // which has no KCMJ
				patch, net, ridges = "YJJBNTTBMJ", "YJJBNTMJ", "(YJJBNTTBMJ-YJJBNTMJ)"
			}
			return ofDelivery(t, file, fmt.Sprintf(query, key, patch, net, from, ridges))
		}
		for layer, want := range map[string]map[string]booked{
			"dltb": of(survey, "DLTB", place), "cropland": of(survey, "DLTB where DLBM like '01%'", place), "pbf": of(protected, "YJJBNTTB", place),
		} {
			got := map[string]booked{}
			for _, r := range info(t, e.Secure, "--by", level, "--layers", layer, "--kind", "total") {
				got[r["place"]] = booked{whole(t, r["features"]), cents(t, r["patch_m2"]), cents(t, r["net_m2"]), cents(t, r["ridges_m2"])}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s by %s (-delivery +summary):\n%s", layer, level, diff)
			}
		}
		want := of(survey, "DLTB", place+"||' '||DLBM")
		got := map[string]booked{}
		ridges := map[string]int64{}
		for _, r := range info(t, e.Secure, "--by", level, "--layers", "dltb") {
			ridges[r["place"]] += cents(t, r["ridges_m2"])
			if r["class"] == "1203" {
				if cents(t, r["book_m2"]) != ridges[r["place"]] || r["features"] != "0" {
					t.Errorf("%s: 1203 is %v, ridges are %d", r["place"], r, ridges[r["place"]])
				}
				continue
			}
			got[r["place"]+" "+r["class"]] = booked{whole(t, r["features"]), cents(t, r["patch_m2"]), cents(t, r["net_m2"]), cents(t, r["ridges_m2"])}
			if cents(t, r["book_m2"]) != cents(t, r["net_m2"]) {
				t.Errorf("%s %s: booked %s, net %s", r["place"], r["class"], r["book_m2"], r["net_m2"])
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("classes by %s (-delivery +summary):\n%s", level, diff)
		}
	}
}

// Every other way of adding up comes to the same patches and, where all land is
// booked, to all of it.
func TestSummaryGroupsAddUp(t *testing.T) {
	e := theEditions(t)
	total := info(t, e.Secure, "--by", "county", "--layers", "dltb", "--kind", "total")[0]
	for _, kind := range []string{"first", "broad", "owner"} {
		features, patch, book := int64(0), int64(0), int64(0)
		for _, r := range info(t, e.Secure, "--by", "county", "--layers", "dltb", "--kind", kind) {
			features, patch, book = features+whole(t, r["features"]), patch+cents(t, r["patch_m2"]), book+cents(t, r["book_m2"])
		}
		if features != whole(t, total["features"]) || patch != cents(t, total["patch_m2"]) || book != cents(t, total["patch_m2"]) {
			t.Errorf("by %s: %d features, %d and booked %d; in all %v", kind, features, patch, book, total)
		}
	}
}

// What a place has by codes is what lies inside its border, and the server says
// what the command says.
func TestSummaryAgreesWithOverlay(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure, e.Government, e.Public)
	villages := info(t, e.Secure, "--by", "village", "--layers", "cropland", "--kind", "total")
	for _, v := range villages[:3] {
		var o struct {
			Layers []struct {
				Features int
				NetM2    float64 `json:"net_m2"`
			}
		}
		decode(t, s.get(t, 200, "/secure/overlay?layers=cropland&place="+v["place"]).Body, &o)
		net, err := strconv.ParseFloat(v["net_m2"], 64)
		if err != nil {
			t.Fatal(err)
		}
		if l := o.Layers[0]; math.Abs(l.NetM2-net) > 1e-6*net || strconv.Itoa(l.Features) != v["features"] {
			t.Errorf("%s: the overlay has %+v, the summary %v", v["place"], l, v)
		}
	}
	for _, args := range []string{"by=village", "by=township&layers=dltb,pbf", "by=village&place=" + villages[0]["place"][:9], "table=hectare", "by=village&kind=broad"} {
		flags := []string{}
		for _, a := range strings.Split(args, "&") {
			k, v, _ := strings.Cut(a, "=")
			flags = append(flags, "--"+k, v)
		}
		got := rowsOf(t, string(s.get(t, 200, "/secure/summary?f=csv&"+args).Body))
		if diff := cmp.Diff(info(t, e.Secure, flags...), got); diff != "" || len(got) == 0 {
			t.Errorf("summary?%s (-command +server):\n%s", args, diff)
		}
	}
	// Below secure: no codes of place longer than the edition has, and no table of
	// classes that it has not.
	for _, r := range rowsOf(t, string(s.get(t, 200, "/public/summary?by=village&f=csv").Body)) {
		if len(r["place"]) > 9 || r["patch_m2"] != "" || r["layer"] == "dltb" || r["layer"] == "cropland" && r["class"] != "" {
			t.Errorf("the public summary has %v", r)
		}
	}
	s.get(t, 403, "/public/summary?table=hectare") // the policy groups by no class
	s.get(t, 200, "/government/summary?table=hectare&f=xlsx")
}

// The table closes to 0.01 ha: each row to its total, each column to the county,
// and the county is the delivery's sum.
func TestHectareTableCloses(t *testing.T) {
	e := theEditions(t)
	rows := info(t, e.Secure, "--table", "hectare")
	sums := map[string]map[string]int64{"county": {}, "township": {}, "village": {}}
	for _, r := range rows {
		total, second := cents(t, r["total_ha"]), int64(0)
		for column, v := range r {
			code, _, classed := strings.Cut(column, " ")
			if !classed && column != "total_ha" {
				continue
			}
			sums[r["level"]][column] += cents(t, v)
			if classed && (len(code) == 4 || code == "09") {
				second += cents(t, v)
			}
		}
		if total != second {
			t.Errorf("%s: classes are %d of %d", r["place"], second, total)
		}
	}
	for _, level := range []string{"township", "village"} {
		if diff := cmp.Diff(sums["county"], sums[level]); diff != "" {
			t.Errorf("the county and its places by %s:\n%s", level, diff)
		}
	}
	patch := cents(t, info(t, e.Secure, "--by", "county", "--layers", "dltb", "--kind", "total")[0]["patch_m2"])
	if got := sums["county"]["total_ha"]; got != (patch+5000)/10000 {
		t.Errorf("the county has %d steps, its patches %d", got, patch)
	}
}

// The workbooks can be read by another program, with their heads and sums.
func TestBooksAsWorkbooks(t *testing.T) {
	e := theEditions(t)
	dir := t.TempDir()
	must(t, "info", e.Secure, "--table", "hectare", "--out", filepath.Join(dir, "h.xlsx"))
	must(t, "info", e.Secure, "--by", "township", "--out", filepath.Join(dir, "s.xlsx"))
	text := gdal(t, dir, "ogr2ogr", "-f", "CSV", "/vsistdout/", "h.xlsx", "面积汇总", "-oo", "HEADERS=DISABLE")
	rows := info(t, e.Secure, "--table", "hectare")
	for _, want := range []string{"土地分类面积汇总表", "耕地", "水浇地", "0102", rows[0]["place"], strings.TrimSuffix(strings.TrimRight(rows[0]["total_ha"], "0"), ".")} {
		if !strings.Contains(text, want) {
			t.Errorf("the workbook lacks %q:\n%.600s", want, text)
		}
	}
	sheets := gdal(t, dir, "ogrinfo", "-ro", "-q", "s.xlsx")
	for _, want := range []string{"合计", "一级类", "三大类", "权属", "地类", "说明"} {
		if !strings.Contains(sheets, want) {
			t.Errorf("no sheet %s in %s", want, sheets)
		}
	}
}

// A file that nothing would be written to is refused.
func TestSumsNotAskedFor(t *testing.T) {
	e := theEditions(t)
	out := filepath.Join(t.TempDir(), "s.csv")
	for _, args := range [][]string{{"--out", out}, {"--place", "610402"}, {"--vintage", "2024"}, {"--kind", "owner"}, {"--layers", "pbf"}} {
		if _, errs, code := gengtu(t, append([]string{"info", e.Secure}, args...)...); code != 2 || !strings.Contains(errs, "FLAGS") || !strings.Contains(errs, args[0]) {
			t.Errorf("%v: exit code %d, %s", args, code, errs)
		}
	}
}
