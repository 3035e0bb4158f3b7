package analyze_test

import (
	"testing"

	"gengtu/index/analyze"
	"gengtu/index/problem"
)

// A place that there is not is refused by every question: an answer without rows would say
// that there is nothing in it.
func TestPlaceThatIsNone(t *testing.T) {
	ix := sitesCounty(1).Index(t)
	place := ix.Layer("dltb", "").Head(0).Place
	for _, q := range analyze.Questions() {
		for at, code := range map[string]string{"999999": "NO_PLACE", "abc": "PARAMETER_PLACE", "61990": "PARAMETER_PLACE", "-61990": "PARAMETER_PLACE"} {
			_, err := analyze.Prepare(ix, analyze.Request{Question: q.Name, Place: at}, analyze.Options{})
			if p := problem.Of(err); p == nil || p.Code != code {
				t.Errorf("%s in %s: %v, want %s", q.Name, at, err, code)
			}
		}
	}
	for _, digits := range []int{2, 4, 6, 9, len(place)} {
		if _, err := analyze.Prepare(ix, analyze.Request{Question: "conflicts", Place: place[:digits]}, analyze.Options{}); err != nil {
			t.Errorf("%s: %v", place[:digits], err)
		}
	}
}
