package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/edition"
)

// twoYears writes a sample and returns its folder.
func twoYears(t testing.TB, parcels string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "sample")
	must(t, "sample", "--out", dir, "--parcels", parcels, "--seed", "7")
	return dir
}

// yearOf are the --layer flags of a year of the sample.
func yearOf(dir, year string, layers ...string) []string {
	files := map[string]string{"dltb": "DLTB.shp", "pbf": "YJJBNTTB.gpkg", "hsf": "GBZNT.geojson", "region": "XZQ.fgb"}
	var out []string
	for _, l := range layers {
		out = append(out, "--layer", l+"@"+year+"="+filepath.Join(dir, year, files[l]))
	}
	return out
}

// Vintages that are added one after the other, in whatever order, are the edition that
// an ingest of all at once makes: the same generation.
func TestAddedVintagesEqualIngest(t *testing.T) {
	dir := twoYears(t, "900")
	all := []string{"dltb", "pbf", "hsf", "region"}
	whole := filepath.Join(t.TempDir(), "whole")
	args := []string{"ingest", "--zooms", "6-13"}
	must(t, slices.Concat(args, []string{"--out", whole}, yearOf(dir, "2023", all...), yearOf(dir, "2024", all...))...)
	want, m, err := edition.Current(whole)
	if err != nil {
		t.Fatal(err)
	}
	for name, steps := range map[string][][]string{
		"year by year":      {yearOf(dir, "2023", all...), yearOf(dir, "2024", all...)},
		"the later first":   {yearOf(dir, "2024", all...), yearOf(dir, "2023", all...)},
		"layer by layer":    {yearOf(dir, "2023", "hsf"), yearOf(dir, "2023", "dltb"), yearOf(dir, "2024", "dltb", "hsf"), yearOf(dir, "2024", "pbf"), yearOf(dir, "2023", "pbf", "region"), yearOf(dir, "2024", "region")},
		"regions come last": {yearOf(dir, "2024", "dltb", "pbf", "hsf"), yearOf(dir, "2023", "dltb", "pbf", "hsf"), yearOf(dir, "2023", "region"), yearOf(dir, "2024", "region")},
	} {
		out := filepath.Join(t.TempDir(), "added")
		for i, step := range steps {
			if i == 0 {
				must(t, slices.Concat(args, []string{"--out", out}, step)...)
				continue
			}
			must(t, slices.Concat([]string{"ingest", "--add", "--out", out}, step)...)
		}
		got, n, err := edition.Current(out)
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: generation %s, want %s", name, got, want)
		}
		if d := cmp.Diff(m.Layers, n.Layers); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		must(t, "verify", out)
		if kept := must(t, "history", out); strings.Count(kept, "\n") != min(len(steps), edition.DefaultKeep) {
			t.Errorf("%s: %s", name, kept)
		}
	}
}

// What cannot be added is refused, with the edition as it was.
func TestAddRefused(t *testing.T) {
	dir := twoYears(t, "100")
	out := filepath.Join(t.TempDir(), "s")
	must(t, slices.Concat([]string{"ingest", "--zooms", "8-10", "--out", out}, yearOf(dir, "2023", "dltb"))...)
	before, _, err := edition.Current(out)
	if err != nil {
		t.Fatal(err)
	}
	government := filepath.Join(t.TempDir(), "g")
	must(t, "publish", "--from", out, "--tier", "government", "--out", government)
	patches := filepath.Join(dir, "2024", "DLTB.shp")
	for _, row := range []struct {
		want string
		args []string
	}{
		{"VINTAGE_EXISTS", []string{"--out", out, "--layer", "dltb@2023=" + patches}},
		{"VINTAGE_EXISTS", []string{"--out", out, "--layer", "cropland@2023=" + patches}},
		{"UPDATE_TIER", []string{"--out", government, "--layer", "dltb@2024=" + patches}},
		{"EDITION_MISSING", []string{"--out", filepath.Join(t.TempDir(), "none"), "--layer", "dltb@2024=" + patches}},
	} {
		if _, errs, code := gengtu(t, append([]string{"ingest", "--add"}, row.args...)...); code != 1 || !strings.Contains(errs, row.want) {
			t.Errorf("%v: exit code %d, %s; want %s", row.args, code, errs, row.want)
		}
	}
	if now, _, err := edition.Current(out); err != nil || now != before {
		t.Errorf("the edition is at %s (%v), it was at %s", now, err, before)
	}
	if left := drafts(t, out); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

// exportedPatches reads a vintage's patches by BSM.
func exportedPatches(t testing.TB, dir, layer string) map[string]*parcel {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x.geojsonl")
	must(t, "export", "--edition", dir, "--layer", layer, "--out", file)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*parcel{}
	for line := range strings.Lines(strings.ReplaceAll(string(data), "\x1e", "")) {
		p := &parcel{}
		decode(t, []byte(line), p)
		out[p.Properties["BSM"].(string)] = p
	}
	return out
}

// packageOf writes what changed between two vintages as DLTBGX and DLTBGXGC, each patch
// one flow: from the sample's one year to the next classes change and ground does not.
func packageOf(t testing.TB, was, is map[string]*parcel) string {
	t.Helper()
	var patches, flows []*parcel
	for _, k := range slices.Sorted(maps.Keys(is)) {
		a, b := was[k], is[k]
		changed := false
		for f, v := range b.Properties {
			changed = changed || f != "SJNF" && f != "gengtu_id" && f != "area_m2" && fmt.Sprint(a.Properties[f]) != fmt.Sprint(v)
		}
		if !changed {
			continue
		}
		flow := &parcel{Type: "Feature", Geometry: b.Geometry, Properties: map[string]any{"TBBGMJ": b.Properties["TBMJ"], "XZQTZLX": "0", "BGXW": "1", "GXSJ": "2024-12-31"}}
		for prefix, p := range map[string]*parcel{"BGQ": a, "BGH": b} {
			for f, v := range p.Properties {
				switch f {
				case "gengtu_id", "area_m2", "SJNF":
				case "BSM":
					flow.Properties[prefix+"TBBSM"] = v
				default:
					flow.Properties[prefix+f] = v
				}
			}
		}
		patch := b.clone()
		delete(patch.Properties, "gengtu_id")
		delete(patch.Properties, "area_m2")
		patch.Properties["GXSJ"] = "2024-12-31"
		patches, flows = append(patches, patch), append(flows, flow)
	}
	if len(flows) == 0 {
		t.Fatal("nothing changed")
	}
	dir := t.TempDir()
	for name, list := range map[string][]*parcel{"DLTBGX": patches, "DLTBGXGC": flows} {
		if err := os.Rename(write(t, name, list), filepath.Join(dir, name+".geojsonl")); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// An update package makes the vintage that was delivered whole, feature by feature and
// field by field, beside the one before; the lineage is served, in a lower edition under
// its own ids; and a package that does not fit leaves everything as it is.
func TestUpdatePackage(t *testing.T) {
	dir := twoYears(t, "1500")
	whole, out := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "updated")
	must(t, slices.Concat([]string{"ingest", "--zooms", "6-13", "--out", whole}, yearOf(dir, "2023", "dltb"), yearOf(dir, "2024", "dltb"))...)
	must(t, slices.Concat([]string{"ingest", "--zooms", "6-13", "--out", out}, yearOf(dir, "2023", "dltb", "region"))...)
	before, _, err := edition.Current(out)
	if err != nil {
		t.Fatal(err)
	}
	was, is := exportedPatches(t, whole, "dltb@2023"), exportedPatches(t, whole, "dltb@2024")
	folder := packageOf(t, was, is)

	bad := t.TempDir()
	for _, name := range []string{"DLTBGX.geojsonl", "DLTBGXGC.geojsonl"} {
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "DLTBGXGC.geojsonl" {
			data = []byte(strings.Replace(string(data), `"BGQDLBM":"01`, `"BGQDLBM":"02`, 1))
		}
		if err := os.WriteFile(filepath.Join(bad, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	report := filepath.Join(t.TempDir(), "report.json")
	if _, errs, code := gengtu(t, "update", "--edition", out, "--package", bad, "--report", report); code != 1 || !strings.Contains(errs, "PACKAGE_REFUSED") || !strings.Contains(errs, "record 1") {
		t.Errorf("a package that does not fit: exit code %d, %s", code, errs)
	}
	if now, _, err := edition.Current(out); err != nil || now != before || len(drafts(t, out)) > 0 {
		t.Errorf("the edition is at %s (%v), it was at %s", now, err, before)
	}
	if data, err := os.ReadFile(report); err != nil || !strings.Contains(string(data), `"PACKAGE_DIFFERS"`) {
		t.Errorf("report: %v %s", err, data)
	}

	var rep struct {
		Vintage           string
		Removed, Inserted int
		RemovedM2         float64 `json:"removed_m2"`
		InsertedM2        float64 `json:"inserted_m2"`
	}
	decode(t, []byte(must(t, "update", "--edition", out, "--package", folder, "--json")), &rep)
	if rep.Vintage != "2024" || rep.Removed == 0 || rep.Removed != rep.Inserted || rep.RemovedM2 != rep.InsertedM2 {
		t.Errorf("report %+v", rep)
	}
	must(t, "verify", out)
	for _, layer := range []string{"dltb@2023", "dltb@2024", "cropland@2024"} {
		var d struct {
			Counts map[string]int
			Matrix struct {
				LostM2   float64 `json:"lost_m2"`
				GainedM2 float64 `json:"gained_m2"`
			}
		}
		name, vintage, _ := strings.Cut(layer, "@")
		decode(t, []byte(must(t, "diff", whole+"@"+vintage, out+"@"+vintage, "--layer", name, "--ignore", "", "--json")), &d)
		for k, n := range d.Counts {
			if k != "unchanged" && n > 0 {
				t.Errorf("%s: %d %s", layer, n, k)
			}
		}
		if d.Matrix.LostM2+d.Matrix.GainedM2 > 0.01 {
			t.Errorf("%s: %+v", layer, d.Matrix)
		}
	}
	checkServedLineage(t, out, rep.Removed)
}

// checkServedLineage looks at the lineage of an edition and of those derived from it.
func checkServedLineage(t *testing.T, secure string, links int) {
	t.Helper()
	government, public := filepath.Join(t.TempDir(), "g"), filepath.Join(t.TempDir(), "p")
	must(t, "publish", "--from", secure, "--tier", "government", "--out", government)
	must(t, "publish", "--from", secure, "--tier", "public", "--out", public)
	ids := map[string][]index.Link{}
	for name, dir := range map[string]string{"secure": secure, "government": government, "public": public} {
		ix, err := index.Open(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range ix.Lineages() {
			ids[name] = append(ids[name], g.Links()...)
			l := ix.Layer(g.Layer, g.To)
			for _, k := range g.Links() {
				if _, ok := l.ByID(k.To); !ok {
					t.Errorf("%s: %d has a lineage and is not there", name, k.To)
				}
			}
		}
		if err := ix.Close(); err != nil {
			t.Error(err)
		}
		must(t, "verify", dir)
	}
	if len(ids["secure"]) != links || len(ids["government"]) != links || len(ids["public"]) != 0 {
		t.Errorf("links: secure %d, government %d, public %d; want %d, %d, 0", len(ids["secure"]), len(ids["government"]), len(ids["public"]), links, links)
	}
	theirs := map[uint64]bool{}
	for _, k := range ids["secure"] {
		theirs[k.From], theirs[k.To] = true, true
	}
	for _, k := range ids["government"] {
		if theirs[k.From] || theirs[k.To] {
			t.Fatalf("the id %d of the secure edition is in the government's lineage", k.To)
		}
	}
	s := serve(t, secure, government, public)
	for tier, want := range map[string]string{"secure": "record", "government": "record"} {
		var doc struct {
			Predecessors []struct {
				Source   string
				Key      string
				RecordM2 *float64 `json:"record_m2"`
				AreaM2   *float64 `json:"area_m2"`
			}
		}
		address := fmt.Sprintf("/%s/features/dltb/%d/lineage", tier, ids[tier][0].To)
		decode(t, s.get(t, 200, address, "Authorization", "Bearer "+s.tokens[tier]).Body, &doc)
		if len(doc.Predecessors) != 1 || doc.Predecessors[0].Source != want || doc.Predecessors[0].RecordM2 == nil || doc.Predecessors[0].AreaM2 == nil {
			t.Errorf("%s: %+v", address, doc)
		}
	}
}

// The command line of diff.
func TestDiffCommand(t *testing.T) {
	dir := twoYears(t, "300")
	out := filepath.Join(t.TempDir(), "s")
	must(t, slices.Concat([]string{"ingest", "--zooms", "8-10", "--out", out}, yearOf(dir, "2023", "dltb", "hsf"), yearOf(dir, "2024", "dltb"))...)
	text := must(t, "diff", "--edition", out, "dltb@2023", "dltb@2024", "--lang", "en")
	if !strings.Contains(text, "other class") || !strings.Contains(text, "DLBM") {
		t.Errorf("printed: %s", text)
	}
	for _, name := range []string{"d.json", "d.csv", "d.flows.csv", "d.geojson", "d.xlsx"} {
		file := filepath.Join(t.TempDir(), name)
		must(t, "diff", "--edition", out, "@2023", "@2024", "--layer", "cropland", "--out", file)
		data, err := os.ReadFile(file)
		if err != nil || len(data) < 50 {
			t.Errorf("%s: %v, %d bytes", name, err, len(data))
		}
		if strings.HasSuffix(name, "json") && !json.Valid(data) {
			t.Errorf("%s is no JSON", name)
		}
	}
	for _, row := range []struct {
		want string
		code int
		args []string
	}{
		{"NO_VINTAGE", 1, []string{"--edition", out, "dltb@2023", "dltb@1999"}},
		{"NO_LAYER", 1, []string{"--edition", out, "roads@2023", "dltb@2024"}},
		{"EDITION_MISSING", 1, []string{out, filepath.Join(dir, "nosuch")}},
		{"DIFF_CLASS", 1, []string{"--edition", out, "dltb@2023", "dltb@2024", "--by", "NOSUCH"}},
		{"FORMAT_UNKNOWN", 2, []string{"--edition", out, "dltb@2023", "dltb@2024", "--out", "x.pdf"}},
		{"ARGUMENTS", 2, []string{"--edition", out, "dltb@2023"}},
	} {
		if _, errs, code := gengtu(t, append([]string{"diff"}, row.args...)...); code != row.code || !strings.Contains(errs, row.want) {
			t.Errorf("%v: exit code %d, %s; want %s", row.args, code, errs, row.want)
		}
	}
}
