package areas_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/areas"
	"gengtu/index/edition"
)

// figure is a number that may be missing.
func figure(v float64) *float64 { return &v }

// awkward are answers with figures that differ by the way that they are come by:
// mu from rounded m² would be 14.0603, and the parts do not add up as printed.
func awkward(survey, pieces bool) []areas.Result {
	answer := func() *areas.Answer {
		l := areas.Layer{
			Layer: "cropland", Vintage: "2023", Count: 2, AreaM2: 9373.5050, AreaMu: 14.0602, AreaHa: 0.935, GrossM2: 9373.5050,
			PatchM2: figure(100.01), NetM2: figure(90.02), NetMu: figure(0.135),
			Groups: []areas.Group{{Fields: []string{"DLBM"}, Values: []any{"0101"}, Count: 2, AreaM2: 9373.5050, AreaMu: 14.0602, PatchM2: figure(71.01), NetM2: figure(61.02), NetMu: figure(0.0915)}},
		}
		a := &areas.Answer{Generation: "g", AOI: areas.AOI{AreaM2: 10000.3350, AreaMu: 15.0004, AreaHa: 1.000034}, Layers: []areas.Layer{l, {Layer: "pbf", Vintage: "2024"}}}
		a.Combinations = []areas.Combination{{Inside: []string{"cropland"}, AreaM2: 9373.5050}, {Outside: []string{"cropland"}, AreaM2: 626.8300}}
		if pieces {
			a.Layers[0].Pieces = []areas.Piece{{ID: 18446744073709551615, AreaM2: 9373.5050, PatchM2: figure(51.01), NetM2: figure(41.02)}}
			a.Layers[1].Pieces = []areas.Piece{}
		}
		if survey {
			a.AOI.SurveyM2, a.AOI.SurveyZone, a.Layers[0].SurveyM2, a.Layers[1].SurveyM2 = figure(10000.77), "EPSG:4524", figure(9373.88), figure(0)
			if pieces {
				a.Layers[0].Pieces[0].SurveyM2 = figure(9373.99)
			}
		}
		return a
	}
	return []areas.Result{{ID: json.RawMessage(`"a"`), Answer: answer()}, {ID: json.RawMessage(`"b"`), Answer: answer()}}
}

// table reads a table by its columns' names.
func table(t *testing.T, data []byte) []map[string]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(data), "\uFEFF"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, n := range rows[0] {
			m[n] = row[i]
		}
		out = append(out, m)
	}
	return out
}

// expect compares some cells of a row.
func expect[V any](t *testing.T, what string, row map[string]V, want map[string]any) {
	t.Helper()
	for k, w := range want {
		got, ok := row[k]
		if !ok || fmt.Sprint(got) != fmt.Sprint(w) {
			t.Errorf("%s: %s is %v, want %v", what, k, got, w)
		}
	}
}

// All forms print the figures of the answer, rounded by themselves.
func TestFormsAgree(t *testing.T) {
	results := awkward(true, true)
	rows := table(t, written(t, areas.CSV, results))
	if len(rows) != 2*7 {
		t.Fatalf("%d rows", len(rows))
	}
	expect(t, "shape", rows[0], map[string]any{"area_m2": "10000.3350", "area_mu": "15.0004", "area_ha": "1.000034", "survey_m2": "10000.7700", "survey_zone": "EPSG:4524"})
	expect(t, "layer", rows[1], map[string]any{"area_mu": "14.0602", "survey_m2": "9373.8800", "piece": "", "patch_m2": "100.0100"})
	expect(t, "class", rows[2], map[string]any{"class": "DLBM=0101", "area_mu": "14.0602", "patch_m2": "71.0100", "net_m2": "61.0200", "net_mu": "0.0915"})
	expect(t, "piece", rows[3], map[string]any{"layer": "cropland", "class": "", "piece": "18446744073709551615", "area_m2": "9373.5050", "area_mu": "14.0603", "patch_m2": "51.0100", "net_m2": "41.0200", "net_mu": "0.0615", "survey_m2": "9373.9900"})
	expect(t, "combination", rows[5], map[string]any{"layer": "combination", "class": "cropland", "area_m2": "9373.5050", "area_mu": "14.0603"})

	path := filepath.Join(t.TempDir(), "o.xlsx")
	if err := os.WriteFile(path, written(t, areas.XLSX, results), 0o600); err != nil {
		t.Fatal(err)
	}
	_, sheet := ogrRows(t, path, "汇总")
	expect(t, "summary", sheet[0], map[string]any{
		"面积 m²": 10000.34, "面积 亩": 15.0004, "面积 公顷": 1.0, "调查面积 survey m²": 10000.77, "调查带 survey zone": "EPSG:4524",
		"耕地 cropland 2023 m²": 9373.51, "耕地 cropland 2023 亩": 14.0602, "耕地 cropland 2023 公顷": 0.94, "耕地 cropland 2023 调查面积 m²": 9373.88, "pbf 2024 调查面积 m²": 0,
	})
	_, sheet = ogrRows(t, path, "地类")
	expect(t, "class", sheet[0], map[string]any{"面积 m²": 9373.51, "面积 亩": 14.0602, "图斑面积 patch m²": 71.01, "净面积 net m²": 61.02})
	_, sheet = ogrRows(t, path, "图斑")
	if len(sheet) != 2 {
		t.Fatalf("%d pieces", len(sheet))
	}
	expect(t, "piece", sheet[1], map[string]any{"编号 id": "b", "要素 feature": "18446744073709551615", "面积 m²": 9373.51, "面积 亩": 14.0603, "图斑面积 patch m²": 51.01, "净面积 net m²": 41.02, "调查面积 survey m²": 9373.99})
	_, sheet = ogrRows(t, path, "组合")
	expect(t, "combination", sheet[0], map[string]any{"面积 m²": 9373.51, "面积 亩": 14.0603})
	expect(t, "combination", sheet[1], map[string]any{"面积 m²": 626.83})

	page := string(written(t, areas.HTML, results))
	for _, s := range []string{
		"<td>10000.34<small>调查 survey 10000.77</small></td><td>15.0004</td><td>1.00</td>",
		"<td>9373.51<small>调查 survey 9373.88</small></td><td>14.0602</td><td>0.94</td><td>90.02</td>",
		"0101 9373.51 m² = 14.0602 亩 = 0.94 公顷，图斑 patch 71.01 m²，净 net 61.02 m²",
		"耕地 cropland 9373.51 m² = 14.0603 亩",
		"<td>18446744073709551615</td><td>9373.51</td><td>14.0603</td><td>51.01</td><td>41.02</td><td>9373.99</td>",
		"调查带 survey zone EPSG:4524", "<dd>耕地 cropland 2023，pbf 2024</dd>",
		// The sums are of what the rows show: twice 10000.34, not 20000.67.
		"<td>20000.68<small>调查 survey 20001.54</small></td><td>30.0008</td><td>2.00</td>",
		"<td>18747.02<small>调查 survey 18747.76</small></td><td>28.1204</td><td>1.88</td><td>180.04</td>",
	} {
		if !strings.Contains(page, s) {
			t.Errorf("the page does not say %s", s)
		}
	}

	var doc struct {
		Features []struct{ Properties map[string]any }
	}
	d := json.NewDecoder(bytes.NewReader(written(t, areas.GeoJSON, results)))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil || len(doc.Features) != 2 {
		t.Fatalf("%d features, %v", len(doc.Features), err)
	}
	expect(t, "feature", doc.Features[0].Properties, map[string]any{"area_m2": "9373.505", "area_mu": "14.0603", "patch_m2": "51.01", "net_m2": "41.02", "survey_m2": "9373.99"})
}

// What was not asked for has no place in the forms for people.
func TestFormsWithoutSurveyAndPieces(t *testing.T) {
	results := awkward(false, false)
	page := string(written(t, areas.HTML, results))
	for _, s := range []string{"<small>调查", `class="k"`} {
		if strings.Contains(page, s) {
			t.Errorf("the page has %q", s)
		}
	}
	path := filepath.Join(t.TempDir(), "o.xlsx")
	if err := os.WriteFile(path, written(t, areas.XLSX, results), 0o600); err != nil {
		t.Fatal(err)
	}
	types, _ := ogrRows(t, path, "汇总")
	for name := range types {
		if strings.Contains(name, "调查") {
			t.Errorf("the summary has %q", name)
		}
	}
}

// A public sheet says what it is no basis of, and asks for no stamp; a shape that
// fails before the first answer keeps its place.
func TestPublicPage(t *testing.T) {
	about := areas.AboutOf(&edition.Manifest{
		Tier: edition.Public, Created: "2025-01-02T03:04:05.6Z",
		Layers: []edition.Layer{{Name: "pbf", Title: edition.Title{Zh: "永久基本农田"}, Vintage: "2024", NetWithheldM2: 7151.79}, {Name: "hsf"}},
		Policy: edition.Policy{Use: edition.Title{Zh: "参考", En: "information"}, Disclaimer: edition.Title{Zh: "不作为权属、审批依据", En: "no basis"}, Approval: "GS(2024)0001"},
	}, "p")
	var b bytes.Buffer
	w := areas.NewWriter(&b, areas.HTML, about)
	for _, r := range append([]areas.Result{{ID: json.RawMessage(`"bad"`), Problem: errProblem(t)}}, awkward(false, false)...) {
		if err := w.Write(&r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, s := range []string{"参考 information", "不作为权属、审批依据 no basis", "GS(2024)0001", "cropland 2023，永久基本农田 pbf 2024", "净面积 7151.79 m²", "2025-01-02T03:04:05Z", "sum of 3（1 个"} {
		if !strings.Contains(page, s) {
			t.Errorf("the page does not say %q", s)
		}
	}
	for _, s := range []string{"经办人", "盖章"} {
		if strings.Contains(page, s) {
			t.Errorf("the page has %q", s)
		}
	}
	if bad, good := strings.Index(page, "<b>bad</b>"), strings.Index(page, "<b>a</b>"); bad < 0 || bad > good {
		t.Errorf("shapes at %d and %d", bad, good)
	}
}
