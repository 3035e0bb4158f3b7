package edition_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// The lists of the product's layers are parts of one, in its order, and nobody's to change.
func TestOwnLayers(t *testing.T) {
	own, shown, themes := edition.OwnLayers(), edition.ShownLayers(), edition.ThemeLayers()
	if fmt.Sprint(own) != "[cropland pbf hsf region dltb]" || fmt.Sprint(shown) != "[cropland pbf hsf region]" || fmt.Sprint(themes) != "[cropland pbf hsf]" {
		t.Errorf("%v\n%v\n%v", own, shown, themes)
	}
	own[0], shown[1], themes[2] = "x", "x", "x"
	_ = append(themes, "y")
	if slices.Contains(slices.Concat(edition.OwnLayers(), edition.ShownLayers(), edition.ThemeLayers()), "x") || edition.OwnLayers()[3] != edition.Region {
		t.Error("a caller changed the lists")
	}
	for class, is := range map[string]bool{"0101": true, "01": true, "0201K": false, "": false, "1": false, "1001": false} {
		if edition.IsCropland(class) != is {
			t.Errorf("%q is cropland: %v", class, !is)
		}
	}
}

// What a code of a place is, is what the sentence says.
func TestIsPlace(t *testing.T) {
	for n := range 25 {
		code := strings.Repeat("6", n)
		want := slices.Contains(edition.PlaceDigits(), n)
		if edition.IsPlace(code) != want {
			t.Errorf("%d digits are a place: %v", n, !want)
		}
		if said := strings.Contains(" "+strings.ReplaceAll(edition.PlaceDigitsEn, ",", ""), fmt.Sprintf(" %d ", n)); said != want {
			t.Errorf("%d digits are said to be a place: %v", n, said)
		}
		if n > 0 && (edition.IsPlace("x"+code[1:]) || edition.IsPlace("６"+code[:max(n-3, 0)])) {
			t.Errorf("letters are a place at %d", n)
		}
	}
	p := edition.BadPlace("61x")
	if p.Code != "PARAMETER_PLACE" || p.Advice(problem.Chinese) != edition.PlaceDigitsZh || !strings.Contains(p.Found(problem.English), "61x") {
		t.Error(p)
	}
}
