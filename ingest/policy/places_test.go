package policy_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/policy"
)

// townships is a layer of places: a township with its villages, and the villages alone
// of another.
func townships(t *testing.T) edited {
	t.Helper()
	meta := edition.Layer{Name: "region", Vintage: "1", Fields: []edition.Field{{Name: "XZQDM", Known: true, Code: true}, {Name: "XZQMC", Known: true}}}
	var all []index.Feature
	for _, r := range []struct {
		code, name     string
		x0, y0, x1, y1 int64
	}{
		{"610402001", "甲镇", 0, 0, 8e7, 8e7},
		{"610402001001", "一村", 0, 0, 8e7, 4e7}, {"610402001002", "二村", 0, 4e7, 8e7, 8e7},
		{"610402002001", "三村", 8e7, 0, 12e7, 8e7}, {"610402002002", "四村", 12e7, 0, 16e7, 8e7},
	} {
		all = append(all, index.Feature{Geometry: box(r.x0, r.y0, r.x1, r.y1), Place: r.code, Values: []any{r.code, r.name}, Patch: index.NoArea, Net: index.NoArea})
	}
	return made(t, meta, all...)
}

// finer is what the register says of places, read as others read it.
type finer struct {
	Before, After, Vanished int
	Merged, Into, Left      int
	LeftM2, Gone            float64
}

func toldOf(t *testing.T, reg *policy.Register) finer {
	t.Helper()
	data, err := json.Marshal(reg.Layers[0])
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Before   int     `json:"features_before"`
		After    int     `json:"features_after"`
		Vanished int     `json:"features_vanished"`
		AreaB    float64 `json:"area_before_m2"`
		AreaA    float64 `json:"area_after_m2"`
		Overlap  float64 `json:"overlap_m2"`
		Cells    float64 `json:"cells_m2"`
		Finer    struct {
			Merged int     `json:"merged"`
			Into   int     `json:"into"`
			Left   int     `json:"left_out"`
			LeftM2 float64 `json:"left_out_m2"`
		} `json:"finer_places"`
	}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return finer{r.Before, r.After, r.Vanished, r.Finer.Merged, r.Finer.Into, r.Finer.Left, r.Finer.LeftM2, math.Round(r.AreaB - r.Overlap - r.Finer.LeftM2 + r.Cells - r.AreaA)}
}

// A layer of places holds none that is finer than the policy tells: villages go where
// their township is there, and where it is not stand as the township, without a name.
func TestPlacesFinerThanTold(t *testing.T) {
	from := townships(t)
	village := geo.Area(box(0, 0, 8e7, 4e7))
	for name, c := range map[string]struct {
		gridM  float64
		digits int
		want   map[string]string // code and name to the box that is covered
		told   finer
	}{
		"on the grid":    {25, 9, map[string]string{"610402001 甲镇": "0 0 8 8", "610402002 ": "8 0 16 8"}, finer{Before: 5, After: 2, Merged: 2, Into: 1, Left: 2, LeftM2: 2 * village}},
		"as they are":    {0, 9, map[string]string{"610402001 甲镇": "0 0 8 8", "610402002 ": "8 0 16 8"}, finer{Before: 5, After: 2, Merged: 2, Into: 1, Left: 2, LeftM2: 2 * village}},
		"to the county":  {25, 6, map[string]string{"610402 ": "0 0 16 8"}, finer{Before: 5, After: 1, Merged: 5, Into: 1}},
		"to the village": {0, 12, map[string]string{"610402001 甲镇": "0 0 8 8", "610402001001 一村": "0 0 8 4", "610402001002 二村": "0 4 8 8", "610402002001 三村": "8 0 12 8", "610402002002 四村": "12 0 16 8"}, finer{Before: 5, After: 5}},
		"no places":      {0, 0, map[string]string{}, finer{Before: 5, Left: 5, LeftM2: from.Layer("region", "").Meta.AreaM2}},
	} {
		text := strings.Replace(rules("public", c.gridM, "{region: {fields: [XZQDM, XZQMC]}}"), "place_digits: 9", fmt.Sprint("place_digits: ", c.digits), 1)
		to, reg := derive(t, from, text, edition.Public)
		got := map[string]string{}
		for _, f := range features(t, to.Layer("region", "")) {
			if f.Place != fmt.Sprint(f.Values[0]) {
				t.Errorf("%s: place %q beside code %v", name, f.Place, f.Values[0])
			}
			n, _ := f.Values[1].(string)
			b, near := f.Geometry.Box(), func(v, origin int64) int { return int(math.Round(float64(v-origin) / 1e7)) }
			got[f.Place+" "+n] = fmt.Sprint(near(b.Min.Lon, 1086e9), near(b.Min.Lat, 343e9), near(b.Max.Lon, 1086e9), near(b.Max.Lat, 343e9))
			if whole := geo.Area(geo.MultiPolygon{b.Polygon()}); math.Abs(whole/f.AreaM2-1) > 0.06 {
				t.Errorf("%s: %s has %.0f m² of %.0f", name, f.Place, f.AreaM2, whole)
			}
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		told := toldOf(t, reg)
		if math.Abs(told.LeftM2-c.told.LeftM2) > 100 {
			t.Errorf("%s: %.2f m² are said to be left out, want %.2f", name, told.LeftM2, c.told.LeftM2)
		}
		told.LeftM2, c.told.LeftM2 = 0, 0
		if d := cmp.Diff(c.told, told); d != "" {
			t.Errorf("%s: the register: %s", name, d)
		}
	}
}

// Dissolved ground is parted by the places that the policy tells, so that sums by place
// can be made of it, and is parted by nothing else.
func TestDissolvedByPlace(t *testing.T) {
	meta := edition.Layer{Name: "cropland", Vintage: "1", Fields: []edition.Field{{Name: "DLBM", Known: true}, {Name: "ZLDWDM", Known: true}}}
	var all []index.Feature
	want := map[string]float64{}
	for i, code := range []string{"610402001001", "610402001002", "610402002001", "610402002002", ""} {
		x := int64(i) * 8e7
		f := index.Feature{Geometry: box(x, 0, x+8e7, 8e7), Place: code, Values: []any{"0101", code}, Patch: index.NoArea, Net: index.NoArea}
		want[code[:min(len(code), 9)]] += geo.Area(f.Geometry)
		all = append(all, f)
	}
	from := made(t, meta, all...)
	to, reg := derive(t, from, rules("public", 25, "{cropland: {dissolve: true}}"), edition.Public)
	got := map[string]float64{}
	for _, f := range features(t, to.Layer("cropland", "")) {
		got[f.Place] += f.AreaM2
		if len(f.Values) != 0 || f.Patch != index.NoArea || f.Net != index.NoArea {
			t.Errorf("a dissolved feature tells %v, %d, %d", f.Values, f.Patch, f.Net)
		}
	}
	for place, m2 := range want {
		if math.Abs(got[place]/m2-1) > 0.01 {
			t.Errorf("place %q has %.0f m², want %.0f", place, got[place], m2)
		}
		delete(got, place)
	}
	if len(got) > 0 || reg.Layers[0].After > 6 {
		t.Errorf("besides there are %v; %d features", got, reg.Layers[0].After)
	}
}

// Of the embedded policy public answers what it names, and nothing else.
func TestPublicAnswersWhatIsNamed(t *testing.T) {
	from := made(t, edition.Layer{Name: "pbf", Vintage: "1"}, index.Feature{Geometry: box(0, 0, 1e7, 1e7), Values: []any{}, Patch: index.NoArea, Net: index.NoArea})
	to, _ := derive(t, from, "", edition.Public)
	p := to.Manifest.Policy
	for question, want := range map[string]bool{"overlay": true, "summary": true, "diff": true, "lineage": false, "encroachment": false, "": false} {
		if p.MayAnswer(question) != want {
			t.Errorf("public answers %q: %v, want %v", question, !want, want)
		}
	}
	if notes := parse(t, "").Cautions(edition.Public, problem.English); slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, "any question") }) {
		t.Errorf("the embedded policy is cautioned against: %q", notes)
	}
}
