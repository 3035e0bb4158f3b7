package areas_test

import (
	"math"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/areas"
)

// What was computed for features without an area of record is told beside the
// sums of record, as the same share of it that lies inside, and is in none of them.
func TestAskComputed(t *testing.T) {
	ix := land{"cropland": {
		{rect: rect{0, 0, 2, 2}, class: "0101", patch: 50000, net: 45000},
		{rect: rect{2, 0, 4, 2}, class: "0102", patch: index.Computed(40000), net: index.Computed(30000)},
	}}.open(t)
	for _, c := range []struct {
		shape                    rect
		patch, computed, netMade float64
	}{{rect{0, 0, 4, 2}, 500, 400, 300}, {rect{0, 0, 3, 2}, 500, 200, 150}} {
		a, err := areas.Ask(t.Context(), ix, areas.Question{Shape: c.shape.shape(), Layers: []string{"cropland"}})
		if err != nil {
			t.Fatal(err)
		}
		l := &a.Layers[0]
		near := func(got *float64, want float64) bool { return got != nil && math.Abs(*got-want) < 0.02 }
		if !near(l.PatchM2, c.patch) || !near(l.PatchComputedM2, c.computed) || !near(l.NetComputedM2, c.netMade) || l.NoPatchM2 == 0 {
			t.Errorf("%+v: %+v", c, l)
		}
		var b strings.Builder
		if err := areas.NewWriter(&b, areas.JSON, areas.About{}).Write(&areas.Result{Answer: a, Single: true}); err != nil || !strings.Contains(b.String(), `"patch_computed_m2":`) {
			t.Errorf("%v: %s", err, b.String())
		}
	}
}
