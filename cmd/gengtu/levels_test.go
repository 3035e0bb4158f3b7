package main_test

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/areas"
	"gengtu/index/question"
)

// themed is an edition of a sample's two years with its themes and, beside the villages of
// the sample, places of all higher levels.
func themed(t testing.TB) string {
	t.Helper()
	dir := twoYears(t, "1500")
	out := filepath.Join(t.TempDir(), "themed")
	theme := func(name string) string { return filepath.Join(dir, "专题", name) }
	args := slices.Concat([]string{"ingest", "--out", out, "--zooms", "8-9", "--vintage", "2024"}, yearOf(dir, "2023", "dltb", "pbf", "hsf", "region"), yearOf(dir, "2024", "dltb", "pbf", "hsf", "region"))
	for layer, file := range map[string]string{
		"fragile": "生态脆弱区.geojson", "arid": "严重干旱区.geojson", "reserve": "YJJBNTCBQ.gpkg", "soil": "土壤环境质量类别.shp", "redline": "STBHHX.shp",
		"estate": "ZDJBXX.shp", "target": "GDBHMB.gpkg", "approval": "ZZ_NYDZYFW.shp", "change": "监测图斑/疑似变化图斑_2024Q4.shp", "forest": "林权.shp",
		"supplement": "补充耕地.gpkg", "urban": "CZKFBJ.gpkg", "quality": "耕地质量等级.gpkg", "contract": "DK.shp", "grass": "草原.gpkg",
	} {
		args = append(args, "--layer", layer+"="+theme(file))
	}
	higher := squaresFile(t, "XZQDM", []square{{"6199", "", "", -900, -900, 1900, 1900}, {"619901", "", "", -900, -900, 1900, 1900}, {"619901100", "", "", -900, -900, 1900, 1900}, {"619901101", "", "", -900, -900, 1900, 1900}}, map[string]any{"XZQMC": "上级"})
	for _, year := range []string{"2023", "2024"} {
		args = append(args, "--layer", "region@"+year+"="+higher)
	}
	must(t, args...)
	return out
}

// notSums are columns of areas that are no sums over places, by table and column: why.
var notSums = map[string]string{
	"contiguity.mean":               "a mean",
	"contiguity.median":             "a median",
	"contiguity.largest":            "a maximum",
	"contiguity.mesh":               "an effective mesh",
	"pbf_balance.contiguity_before": "an effective mesh",
	// Each is rounded for itself.
	"pbf_hsf_progress.need_per_year":  "a quotient",
	"pbf_hsf_progress.trend_per_year": "a slope",
	"pbf_balance.contiguity_after":    "an effective mesh",
}

// levelParameters are what questions cannot do without.
var levelParameters = map[string]map[string]string{"reconcile": {"a": "cropland@2023", "b": "cropland@2024"}}

// An answer by one level of places adds up to that by every higher one, in each area that
// it tells, whatever the question; and a place has the name that the region layer gives it.
func TestLevelsAddUp(t *testing.T) {
	ix, err := index.Open(themed(t), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ix.Close() }()
	names := regionNames(t, ix)
	levels := []areas.Level{"group", "village", "township", "county", "prefecture"}
	answered := 0
	for _, q := range question.All() {
		if q.NeedsShapes || q.Name == "reconcile" { // these are of what is given
			continue
		}
		var finer *analyze.Result
		for _, by := range levels {
			r, err := analyze.Run(t.Context(), ix, analyze.Request{Question: q.Name, By: by, Parameters: levelParameters[q.Name]}, analyze.Options{Questions: question.All()})
			if err != nil {
				t.Errorf("%s by %s: %v", q.Name, by, err)
				continue
			}
			for _, table := range r.Tables {
				checkNames(t, q.Name+" by "+string(by), table, names)
				if finer != nil {
					addsUp(t, q.Name+" by "+string(by), table, tableOf(finer, table.Name), by.Digits())
				}
			}
			answered++
			finer = r
		}
	}
	if answered < 4*len(levels) {
		t.Errorf("only %d answers were looked at", answered)
	}
}

// regionNames are the names of places as the region layer has them, by code.
func regionNames(t testing.TB, ix *index.Index) map[string]map[string]bool {
	t.Helper()
	out := map[string]map[string]bool{}
	for _, v := range ix.Vintages("region") {
		l := ix.Layer("region", v)
		for i := range l.Len() {
			f, err := l.Feature(i)
			if err != nil {
				t.Fatal(err)
			}
			if out[f.Place] == nil {
				out[f.Place] = map[string]bool{}
			}
			name, _ := f.Values[l.Field("XZQMC")].(string)
			out[f.Place][name] = true
		}
	}
	if len(out["619901"]) == 0 || len(out) < 6 {
		t.Fatalf("places with names: %v", slices.Sorted(maps.Keys(out)))
	}
	return out
}

func tableOf(r *analyze.Result, name string) *analyze.Table {
	i := slices.IndexFunc(r.Tables, func(t *analyze.Table) bool { return t.Name == name })
	if i < 0 {
		return nil
	}
	return r.Tables[i]
}

// placeColumns are the columns that hold a place and its name, -1 for none. Twelve digits in
// a name are those of a village, whatever the level.
func placeColumns(t *analyze.Table) (code, name int) {
	for _, c := range [][2]string{{"xzqdm", "xzqmc"}, {"xzqdm12", "xzqmc"}} {
		if code = t.Column(c[0]); code >= 0 {
			return code, t.Column(c[1])
		}
	}
	return -1, -1
}

// checkNames sees that every place has its name.
func checkNames(t *testing.T, of string, table *analyze.Table, names map[string]map[string]bool) {
	t.Helper()
	code, name := placeColumns(table)
	if code < 0 || name < 0 {
		return
	}
	for _, row := range table.Rows {
		place, _ := row[code].(string)
		got, _ := row[name].(string)
		if known := names[place]; len(known) > 0 && !known[got] {
			t.Errorf("%s: table %s calls %s %q, the region layer %v", of, table.Name, place, got, slices.Sorted(maps.Keys(known)))
			return
		}
	}
}

// singlesByLevel are tables of single features which tell their place by the level all the
// same, and so add up.
var singlesByLevel = []string{"alert", "occupied_outside"}

// addsUp sees that the rows of a table by a level are the sums of those by a finer one. Rows
// are told apart by their codes and texts. Tables without a place, of single features, and
// those that keep a level of their own are the same at both.
func addsUp(t *testing.T, of string, coarse, fine *analyze.Table, digits int) {
	t.Helper()
	code, _ := placeColumns(coarse)
	if code < 0 || coarse.Single && !slices.Contains(singlesByLevel, coarse.Name) || coarse.Columns[code].Name == "xzqdm12" || coarse.Column("bsm") >= 0 || coarse.Column("comp_id") >= 0 || coarse.Column("case_id") >= 0 {
		return
	}
	if fine == nil {
		t.Errorf("%s: no table %s by the finer level", of, coarse.Name)
		return
	}
	for c := range coarse.Columns {
		if coarse.Columns[c].Kind != analyze.Areas || notSums[coarse.Name+"."+coarse.Columns[c].Name] != "" {
			continue
		}
		a, b := sumsOf(coarse, c, digits), sumsOf(fine, c, digits)
		if !maps.Equal(a, b) {
			t.Errorf("%s: column %s of table %s: %s", of, coarse.Columns[c].Name, coarse.Name, levelDifference(b, a))
		}
	}
}

// finest is the level of the finest rows of a table that tells several levels, "" where
// its rows are of one.
func finest(t *analyze.Table) (column int, level any) {
	column = t.Column("level")
	code, _ := placeColumns(t)
	longest := -1
	for _, row := range t.Rows {
		if place, _ := row[code].(string); column >= 0 && len(place) > longest {
			longest, level = len(place), row[column]
		}
	}
	return column, level
}

// sumsOf adds a column up by place, cut to so many digits, and what else tells rows apart.
// Of a table that tells several levels it adds up the finest.
func sumsOf(t *analyze.Table, column, digits int) map[string]analyze.Area {
	code, _ := placeColumns(t)
	at, level := finest(t)
	out := map[string]analyze.Area{}
	for _, row := range t.Rows {
		a, ok := row[column].(analyze.Area)
		if !ok || at >= 0 && row[at] != level {
			continue
		}
		place, _ := row[code].(string)
		key := place[:min(len(place), digits)]
		for c, v := range row {
			n := t.Columns[c].Name
			apart := t.Columns[c].Kind == analyze.Code || n == "year" || n == "before" || n == "gap_m" || t.Columns[c].Kind == analyze.Text && n == "kind"
			if c != code && c != at && apart {
				key += fmt.Sprint(" ", n, "=", v)
			}
		}
		out[key] += a
	}
	maps.DeleteFunc(out, func(_ string, a analyze.Area) bool { return a == 0 })
	return out
}

// levelDifference tells where two sums differ.
func levelDifference(fine, coarse map[string]analyze.Area) string {
	var out []string
	for k := range maps.Keys(fine) {
		if fine[k] != coarse[k] {
			out = append(out, fmt.Sprintf("%s: the finer add up to %d, it is %d", k, fine[k], coarse[k]))
		}
	}
	for k := range maps.Keys(coarse) {
		if _, ok := fine[k]; !ok {
			out = append(out, fmt.Sprintf("%s: %d, and nothing finer", k, coarse[k]))
		}
	}
	slices.Sort(out)
	return strings.Join(out[:min(3, len(out))], "; ") + fmt.Sprintf(" (%d in all)", len(out))
}

// A sum that is one unit short is seen.
func TestLevelsAddUpSees(t *testing.T) {
	table := func(rows ...[]any) *analyze.Table {
		t := &analyze.Table{Name: "x", Columns: []analyze.Column{{Name: "xzqdm", Kind: analyze.Code}, {Name: "year", Kind: analyze.Text}, {Name: "crop", Kind: analyze.Areas}}}
		for _, r := range rows {
			t.Add(r...)
		}
		return t
	}
	fine := table([]any{"610402001", "2023", analyze.Area(5)}, []any{"610402002", "2023", analyze.Area(7)}, []any{"610402002", "2024", nil})
	if a, b := sumsOf(fine, 2, 6), sumsOf(table([]any{"610402", "2023", analyze.Area(12)}), 2, 6); !maps.Equal(a, b) {
		t.Error(errors.New(levelDifference(a, b)))
	}
	for _, bad := range []*analyze.Table{table([]any{"610402", "2023", analyze.Area(11)}), table([]any{"610402", "2024", analyze.Area(12)}), table([]any{"6104", "2023", analyze.Area(12)}), table()} {
		if maps.Equal(sumsOf(fine, 2, 6), sumsOf(bad, 2, 6)) {
			t.Errorf("%v passes for the sum of %v", bad.Rows, fine.Rows)
		}
	}
}
