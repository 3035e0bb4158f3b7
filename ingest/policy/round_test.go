package policy_test

import (
	"math"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/ingest/policy"
)

// By a policy that rounds, no area of a record is in the lower edition that is finer than
// the step, in features and their fields (TestLineageComesDown holds it of the lineage);
// each is the nearest multiple, by itself.
func TestRoundedRecords(t *testing.T) {
	from := delivery(t)
	for _, step := range []float64{0.05, 100, 5000} {
		text := strings.Replace(string(policy.DefaultText()), "round_m2: 0", "round_m2: "+map[float64]string{0.05: "0.05", 100: "100", 5000: "5000"}[step], 1)
		to, _ := derive(t, from, text, edition.Government)
		n := 0
		whole := func(what string, v float64) {
			n++
			if math.Abs(v/step-math.Round(v/step)) > 1e-6 {
				t.Fatalf("step %v: %s is %v", step, what, v)
			}
		}
		near := func(what string, got, want float64) {
			if !(math.Abs(got-want) <= step/2+1e-6) {
				t.Fatalf("step %v: %s is %v, was %v", step, what, got, want)
			}
		}
		for _, name := range []string{"dltb", "pbf", "cropland", "hsf"} {
			high, low := from.Layer(name, ""), to.Layer(name, "")
			told := map[float64]float64{}
			add := func(what string, was, is float64) {
				whole(name+" "+what, is)
				near(name+" "+what, is, was)
				// The same area is told alike wherever it stands: a change elsewhere changes nothing.
				if before, ok := told[was]; ok && before != is {
					t.Fatalf("step %v: %s of %v is %v, and was %v elsewhere", step, what, was, is, before)
				}
				told[was] = is
			}
			was := features(t, high)
			for i, f := range features(t, low) {
				for what, x := range map[string][2]int64{"patch": {was[i].Patch, f.Patch}, "net": {was[i].Net, f.Net}} {
					if index.OfRecord(x[0]) {
						add(what, float64(x[0])/100, float64(x[1])/100)
					} else if c, ok := index.ComputedOf(x[0]); ok {
						d, _ := index.ComputedOf(x[1])
						add(what+" computed", float64(c)/100, float64(d)/100)
					}
				}
				for _, field := range []string{"TBMJ", "KCMJ", "TBDLMJ", "YJJBNTTBMJ", "YJJBNTMJ"} {
					if a, b := high.Field(field), low.Field(field); a >= 0 && b >= 0 && was[i].Values[a] != nil {
						add(field, was[i].Values[a].(float64), f.Values[b].(float64))
					}
				}
				if f.AreaM2 != was[i].AreaM2 {
					t.Fatalf("%s: the area of the ground is another", name)
				}
			}
			if m := low.Meta; m.NetM2 != nil {
				whole(name+" net of the layer", *m.NetM2)
			}
		}
		if n < 50_000 {
			t.Errorf("step %v: %d figures were looked at", step, n)
		}
		again, _ := derive(t, from, text, edition.Government)
		if hashOf(t, again) != hashOf(t, to) {
			t.Error("the same policy gives another content")
		}
	}
}
