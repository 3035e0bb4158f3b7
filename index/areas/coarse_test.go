package areas_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/edition"
)

// steps are what answers are rounded to in these tests; the last is a mu.
var steps = []float64{0.01, 1, 100, 666.67}

// multiple tells whether a figure is some whole number of steps.
func multiple(v, step float64) bool {
	n := math.Round(v / step)
	return math.Abs(v-n*step) < 0.006
}

// crowd is a land of random rectangles, as an index whose policy can be set.
func crowd(t *testing.T, rng *rand.Rand) *index.Index {
	t.Helper()
	l := land{}
	for _, name := range []string{"cropland", "pbf", "hsf"} {
		for range 12 {
			x, y := rng.IntN(40), rng.IntN(40)
			p := parcel{rect: rect{x, y, x + 1 + rng.IntN(8), y + 1 + rng.IntN(8)}, class: fmt.Sprint("010", rng.IntN(3)), patch: index.NoArea, net: index.NoArea}
			p.place = fmt.Sprintf("61040%d%03d%03d", rng.IntN(3), rng.IntN(3), rng.IntN(3))
			if rng.IntN(4) > 0 {
				p.patch = int64(cellArea(p.rect) * 100)
				p.net = p.patch * 9 / 10
			}
			l[name] = append(l[name], p)
		}
	}
	return l.open(t)
}

// Whatever step a policy names, every area of an answer is a multiple of it, layers come
// nearest to the exact figures, and groups, pieces and combinations add up: these to the
// shape and to each layer, though all are rounded. The exact answer is the oracle.
func TestCoarseAnswer(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	fitted, asked := 0, 0
	for range 6 {
		ix := crowd(t, rng)
		for range 12 {
			x, y := rng.IntN(40), rng.IntN(40)
			q := areas.Question{
				Shape: rect{x, y, x + 1 + rng.IntN(20), y + 1 + rng.IntN(20)}.shape(), Combinations: true, Pieces: true,
				GroupBy: map[string][]string{"cropland": {"DLBM"}},
			}
			ix.Manifest.Policy.RoundM2 = 0
			exact, err := areas.Ask(t.Context(), ix, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range steps {
				ix.Manifest.Policy.RoundM2 = step
				a, err := areas.Ask(t.Context(), ix, q)
				if err != nil {
					t.Fatal(err)
				}
				asked++
				if checkCoarse(t, exact, a, step) {
					fitted++
				}
			}
		}
	}
	if fitted != asked {
		t.Errorf("combinations add up to the layers in %d of %d answers", fitted, asked)
	}
}

// checkCoarse holds a rounded answer against the exact one, and tells whether its
// combinations add up to each layer, too.
func checkCoarse(t *testing.T, exact, a *areas.Answer, step float64) bool {
	t.Helper()
	near := func(what string, was, is float64) {
		t.Helper()
		if !multiple(is, step) || math.Abs(is-was) > step/2+0.006 {
			t.Errorf("%s is %v, was %v, step %v", what, is, was, step)
		}
	}
	adds := func(what string, sum, whole float64) {
		t.Helper()
		if math.Abs(sum-whole) > 0.02 {
			t.Errorf("%s add up to %v, not to %v, step %v", what, sum, whole, step)
		}
	}
	if a.RoundedM2 != step || !strings.Contains(string(a.AppendJSON(nil)), `"rounded_to_m2":`) {
		t.Errorf("the answer does not say that it is rounded to %v", step)
	}
	near("the shape", exact.AOI.AreaM2, a.AOI.AreaM2)
	fits := true
	combined := 0.0
	inside := map[string]float64{}
	nets := map[string]float64{}
	for i, c := range a.Combinations {
		if !multiple(c.AreaM2, step) || c.AreaM2 < 0 || math.Abs(c.AreaM2-exact.Combinations[i].AreaM2) > 2*step+0.006 {
			t.Errorf("combination %v is %v, was %v, step %v", c.Inside, c.AreaM2, exact.Combinations[i].AreaM2, step)
		}
		combined += c.AreaM2
		for _, l := range c.Inside {
			inside[l] += c.AreaM2
			if n := c.NetM2[l]; n != nil {
				nets[l] += *n
			}
		}
	}
	adds("combinations", combined, a.AOI.AreaM2)
	for i := range a.Layers {
		l, was := &a.Layers[i], &exact.Layers[i]
		near(l.Layer, was.AreaM2, l.AreaM2)
		near(l.Layer+" gross", was.GrossM2, l.GrossM2)
		fits = fits && math.Abs(inside[l.Layer]-l.AreaM2) < 0.02
		if l.NetM2 != nil {
			near(l.Layer+" net", *was.NetM2, *l.NetM2)
			adds(l.Layer+" net of combinations", nets[l.Layer], *l.NetM2)
		}
		if want := math.Round(l.AreaM2*0.0015*1e4) / 1e4; math.Abs(l.AreaMu-want) > 1e-9 {
			t.Errorf("%s has %v mu of %v m²", l.Layer, l.AreaMu, l.AreaM2)
		}
		groups, wereGroups := 0.0, 0.0
		for k, g := range l.Groups {
			groups, wereGroups = groups+g.AreaM2, wereGroups+was.Groups[k].AreaM2
			if !multiple(g.AreaM2, step) {
				t.Errorf("group %v is %v, step %v", g.Values, g.AreaM2, step)
			}
		}
		if len(l.Groups) > 0 && math.Abs(wereGroups-was.AreaM2) < 0.05 {
			adds(l.Layer+" groups", groups, l.AreaM2)
		}
		pieces := 0.0
		for _, p := range l.Pieces {
			pieces += p.AreaM2
		}
		if len(l.Pieces) > 0 {
			adds(l.Layer+" pieces", pieces, l.GrossM2)
		}
	}
	return fits
}

// Rounded sums by place add up at every level and in every kind of group, and are never
// far from the exact ones.
func TestCoarseSummary(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 2))
	ix := crowd(t, rng)
	classes, err := areas.DefaultClasses()
	if err != nil {
		t.Fatal(err)
	}
	summary := func(by areas.Level, step float64) *areas.Summary {
		tally, err := areas.TallyOf(t.Context(), ix.Layer("cropland", "2024"), &edition.Policy{RoundM2: step}, areas.OfClasses)
		if err != nil {
			t.Fatal(err)
		}
		s, err := areas.Summarise(areas.SummaryQuestion{By: by, Classes: classes}, []*areas.Tally{tally})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, step := range steps {
		totals := map[areas.Level]map[string]float64{} // by place
		for _, by := range areas.Levels {
			exact, s := summary(by, 0), summary(by, step)
			totals[by] = map[string]float64{}
			rows := map[string]float64{}
			for i := range s.Rows {
				r := &s.Rows[i]
				rows[r.Place] += r.AreaM2
				if !multiple(r.AreaM2, step) || math.Abs(r.AreaM2-exact.Rows[i].AreaM2) > 4*step+0.006 {
					t.Errorf("%s %s is %v, was %v, step %v", r.Place, r.Class, r.AreaM2, exact.Rows[i].AreaM2, step)
				}
			}
			for i := range s.Groups {
				g, was := &s.Groups[i], &exact.Groups[i]
				for _, f := range [][2]*float64{{g.PatchM2, was.PatchM2}, {g.NetM2, was.NetM2}, {g.BookM2, was.BookM2}, {g.RidgesM2, was.RidgesM2}} {
					if f[0] != nil && (!multiple(*f[0], step) || *f[0] < 0 || math.Abs(*f[0]-*f[1]) > 8*step+0.006) {
						t.Errorf("%s %s %s: a record is %v, was %v, step %v", g.Place, g.By, g.Code, *f[0], *f[1], step)
					}
				}
				if g.By != areas.ByTotal {
					continue
				}
				totals[by][g.Place] = g.AreaM2
				if math.Abs(rows[g.Place]-g.AreaM2) > 0.02 {
					t.Errorf("%s: rows add up to %v, the total is %v, step %v", g.Place, rows[g.Place], g.AreaM2, step)
				}
			}
		}
		for i, by := range areas.Levels[1:] {
			above := map[string]float64{}
			for place, m2 := range totals[by] {
				above[place[:min(len(place), areas.Levels[i].Digits())]] += m2
			}
			for place, m2 := range totals[areas.Levels[i]] {
				if math.Abs(above[place]-m2) > 0.05 {
					t.Errorf("%s is %v by %s, its parts by %s add up to %v, step %v", place, m2, areas.Levels[i], by, above[place], step)
				}
			}
		}
	}
}

// Fields that answers may not be grouped by tell nothing apart in sums.
func TestTallyTellsNoClasses(t *testing.T) {
	ix := crowd(t, rand.New(rand.NewPCG(6, 3)))
	for name, p := range map[string]edition.Policy{"a list without it": {Groups: []string{"QSXZ"}}, "totals alone": {TotalsOnly: true}} {
		tally, err := areas.TallyOf(t.Context(), ix.Layer("cropland", "2024"), &p, areas.OfClasses)
		if err != nil {
			t.Fatal(err)
		}
		classes, err := areas.DefaultClasses()
		if err != nil {
			t.Fatal(err)
		}
		s, err := areas.Summarise(areas.SummaryQuestion{By: "county", Classes: classes}, []*areas.Tally{tally})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range s.Rows {
			if r.Class != "" {
				t.Errorf("%s: class %s is told", name, r.Class)
			}
		}
		for _, g := range s.Groups {
			if g.By != areas.ByTotal {
				t.Errorf("%s: group %s %s is told", name, g.By, g.Code)
			}
		}
	}
}
