package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/codes"
	"gengtu/index/edition"
)

// design is the scheme that the embedded rules have.
var design = codes.Scheme{Place: 12, Group: 2, Number: 6}

// No field tells a finer place than the policy: codes are cut wherever they stand, the
// name goes where more than zeros to spare was cut off, and what is no code is not cut in
// the middle.
func TestCodesOfPlaceAreCut(t *testing.T) {
	meta := edition.Layer{Name: "dltb", Vintage: "1", Fields: []edition.Field{
		{Name: "DLBM", Known: true}, {Name: "ZLDWDM", Known: true}, {Name: "ZLDWMC", Known: true}, {Name: "QSDWDM", Known: true}, {Name: "QSDWMC", Known: true},
	}}
	row := func(i int64, values ...any) index.Feature {
		place, _ := values[1].(string)
		return index.Feature{Geometry: box(i*2e7, 0, i*2e7+1e7, 1e7), Place: place[:min(len(place), 12)], Values: values, Patch: index.NoArea, Net: index.NoArea}
	}
	from := made(t, meta,
		row(1, "0101", "6104020010020000000", "二村", "6104020010020003000", "三组"),
		row(2, "0102", "610402", "某区", nil, "无主"),
		row(3, "0103", "", "", "六一〇四〇二某村集体经济", "某村"),
		row(4, "0104", "6104020010020000000", "二村", "610402001002;610402001003", "两村"))
	for digits, want := range map[int]string{
		19: "[0101 6104020010020000000 二村 6104020010020003000 三组] 610402001002|[0102 610402 某区 <nil> 无主] 610402|[0103   <nil> <nil>] |[0104 6104020010020000000 二村 <nil> <nil>] 610402001002",
		12: "[0101 610402001002 二村 610402001002 <nil>] 610402001002|[0102 610402 某区 <nil> 无主] 610402|[0103   <nil> <nil>] |[0104 610402001002 二村 <nil> <nil>] 610402001002",
		9:  "[0101 610402001 <nil> 610402001 <nil>] 610402001|[0102 610402 某区 <nil> 无主] 610402|[0103   <nil> <nil>] |[0104 610402001 <nil> <nil> <nil>] 610402001",
		4:  "[0101 6104 <nil> 6104 <nil>] 6104|[0102 6104 <nil> <nil> 无主] 6104|[0103   <nil> <nil>] |[0104 6104 <nil> <nil> <nil>] 6104",
		0:  "[0101 <nil> <nil> <nil> <nil>] |[0102 <nil> <nil> <nil> 无主] |[0103   <nil> <nil>] |[0104 <nil> <nil> <nil> <nil>] ",
	} {
		text := strings.Replace(rules("government", 0, "{dltb: {fields: known}}"), "place_digits: 9", fmt.Sprint("place_digits: ", digits), 1)
		to, _ := derive(t, from, text, edition.Government)
		tier := parse(t, text).Tiers[edition.Government]
		let, err := tier.PlacesOf(to.Layer("dltb", "").Meta)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, f := range features(t, to.Layer("dltb", "")) {
			if code := let.Finer(&f); code != "" {
				t.Errorf("%d digits: %s is told", digits, code)
			}
			got[fmt.Sprint(f.Values, " ", f.Place)] = true
		}
		all := map[string]bool{}
		for _, f := range strings.Split(want, "|") {
			all[f] = true
		}
		if d := cmp.Diff(all, got); d != "" {
			t.Errorf("%d digits: %s", digits, d)
		}
	}
}

// A delivery as it comes tells no finer place in any field by any policy, with names and
// on a grid, too; the embedded policy keeps what government gets.
func TestDeliveryTellsNoFinerPlace(t *testing.T) {
	from := delivery(t)
	for digits, grids := range map[int][]float64{9: {0}, 12: {25}} {
		for _, gridM := range grids {
			text := strings.Replace(rules("government", gridM, "{dltb: {fields: known}, pbf: {fields: known}, hsf: {fields: known}}"), "place_digits: 9", fmt.Sprint("place_digits: ", digits), 1)
			to, _ := derive(t, from, text, edition.Government)
			for _, l := range to.Manifest.Layers {
				longest := 0
				for _, f := range features(t, to.Layer(l.Name, "")) {
					longest = max(longest, len(f.Place))
					for i, field := range l.Fields {
						if s, _ := f.Values[i].(string); strings.HasSuffix(field.Name, "DWDM") || field.Name == "XZQDM" {
							longest = max(longest, len(s))
						} else if digits < 12 && strings.HasSuffix(field.Name, "DWMC") && s != "" {
							t.Fatalf("%s names a place: %s %s", l.Name, field.Name, s)
						}
					}
				}
				if longest > digits || longest == 0 {
					t.Errorf("%s: codes of %d digits by %d, grid %v", l.Name, longest, digits, gridM)
				}
			}
		}
	}
	whole, _ := derive(t, from, "", edition.Government)
	before, after := from.Layer("dltb", ""), whole.Layer("dltb", "")
	count := func(l *index.Layer) map[any]int {
		out := map[any]int{}
		for _, f := range features(t, l) {
			out[f.Values[l.Field("ZLDWDM")]]++
		}
		return out
	}
	if d := cmp.Diff(count(before), count(after)); d != "" {
		t.Errorf("the embedded policy cuts codes of government: %s", d)
	}
}

// A 空间码 begins with a place of 14 digits: it is told whole, or not at all where the policy
// tells no place so fine, by whomever it was given.
func TestSpaceCodesGoWithPlaces(t *testing.T) {
	code, ok := design.Compose("61040200100203", 7)
	if !ok {
		t.Fatal("no code")
	}
	for name, field := range map[string]edition.Field{
		"given by us":        {Name: "KJM", Known: true, Code: true, Scheme: design.String()},
		"of another name":    {Name: "DKM", Known: true, Code: true, Scheme: design.String()},
		"from the delivery":  {Name: "KJM", Known: true, Code: true},
		"with shorter place": {Name: "KJM", Known: true, Code: true, Scheme: "9-4-7-iso7064-37-36"},
	} {
		if name == "of another name" {
			field.Name = "BSM" // a field that the profile knows
		}
		meta := edition.Layer{Name: "dltb", Vintage: "1", Fields: []edition.Field{{Name: "DLBM", Known: true}, {Name: "ZLDWDM", Known: true}, field}}
		from := made(t, meta, index.Feature{
			Geometry: box(2e7, 0, 3e7, 1e7), Place: "610402001002", Values: []any{"0101", "6104020010020000000", code}, Patch: index.NoArea, Net: index.NoArea,
		})
		digits := map[int]any{19: code, 14: code, 12: nil, 9: nil, 0: nil}
		if name == "with shorter place" {
			digits = map[int]any{19: code, 14: code, 12: nil, 9: nil}
		}
		for n, want := range digits {
			text := strings.Replace(rules("government", 0, "{dltb: {fields: known}}"), "place_digits: 9", fmt.Sprint("place_digits: ", n), 1)
			to, _ := derive(t, from, text, edition.Government)
			l := to.Layer("dltb", "")
			f, err := l.Feature(0)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Values[l.Field(field.Name)]; got != want {
				t.Errorf("%s, %d digits: the code is %v, want %v", name, n, got, want)
			}
			found, err := l.ByCode(code, 1)
			if err != nil || (len(found) > 0) != (want != nil) {
				t.Errorf("%s, %d digits: found by it: %v, %v", name, n, found, err)
			}
		}
	}
}
