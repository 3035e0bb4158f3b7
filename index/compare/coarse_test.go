package compare_test

import (
	"math"
	"testing"

	"gengtu/index/compare"
	"gengtu/index/compare/comparetest"
)

// Rounded to whatever step, flows still add up to rows, columns and the kinds of change,
// classes to their state and shares of record to their class; nothing is further from
// what it was than a step a flow. The exact comparison is the oracle.
func TestCoarse(t *testing.T) {
	for seed := range uint64(6) {
		from, to := layers(t, comparetest.New(seed, 20))
		exact, err := compare.Layers(t.Context(), from, to, compare.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []float64{1, 100, 666.67} {
			r, err := compare.Layers(t.Context(), from, to, compare.Options{RoundM2: step})
			if err != nil {
				t.Fatal(err)
			}
			checkCoarse(t, exact, r, step)
		}
	}
}

func checkCoarse(t *testing.T, exact, r *compare.Result, step float64) {
	t.Helper()
	far := step*float64(len(r.Matrix.Flows)) + 0.02
	figure := func(what string, was, is float64) {
		t.Helper()
		if n := math.Round(is / step); math.Abs(is-n*step) > 0.02 || is < 0 || math.Abs(is-was) > far {
			t.Errorf("%s is %v, was %v, step %v", what, is, was, step)
		}
	}
	adds := func(what string, sum, whole float64) {
		t.Helper()
		if math.Abs(sum-whole) > 0.05 {
			t.Errorf("%s add up to %v, not to %v, step %v", what, sum, whole, step)
		}
	}
	type share struct{ patch, net float64 }
	rows, columns := map[string]float64{}, map[string]float64{}
	rowShares, columnShares := map[string]share{}, map[string]share{}
	same, moved, lost, gained := 0.0, 0.0, 0.0, 0.0
	value := func(v *float64) float64 {
		if v == nil {
			return 0
		}
		return *v
	}
	for i, f := range r.Matrix.Flows {
		figure("a flow", exact.Matrix.Flows[i].AreaM2, f.AreaM2)
		if f.From != nil {
			rows[*f.From] += f.AreaM2
			s := rowShares[*f.From]
			rowShares[*f.From] = share{s.patch + value(f.FromPatchM2), s.net + value(f.FromNetM2)}
		}
		if f.To != nil {
			columns[*f.To] += f.AreaM2
			s := columnShares[*f.To]
			columnShares[*f.To] = share{s.patch + value(f.ToPatchM2), s.net + value(f.ToNetM2)}
		}
		switch {
		case f.From == nil:
			gained += f.AreaM2
		case f.To == nil:
			lost += f.AreaM2
		case *f.From == *f.To:
			same += f.AreaM2
		default:
			moved += f.AreaM2
		}
	}
	m := &r.Matrix
	adds("kept", same, m.SameM2)
	adds("moved", moved, m.MovedM2)
	adds("lost", lost, m.LostM2)
	adds("gained", gained, m.GainedM2)
	for s, side := range []struct {
		totals, were []compare.Total
		ground       map[string]float64
		shares       map[string]share
		state, was   *compare.State
	}{{m.Rows, exact.Matrix.Rows, rows, rowShares, &r.From, &exact.From}, {m.Columns, exact.Matrix.Columns, columns, columnShares, &r.To, &exact.To}} {
		ground, patch, net := 0.0, 0.0, 0.0
		for i, x := range side.totals {
			figure("a class", side.were[i].AreaM2, x.AreaM2)
			figure("a class's net", value(side.were[i].NetM2), value(x.NetM2))
			adds("flows of a class", side.ground[x.Class], x.AreaM2)
			adds("patch shares of a class", side.shares[x.Class].patch, value(x.PatchM2))
			adds("net shares of a class", side.shares[x.Class].net, value(x.NetM2))
			ground, patch, net = ground+x.AreaM2, patch+value(x.PatchM2), net+value(x.NetM2)
		}
		adds("classes", ground, side.state.GroundM2)
		adds("patches", patch, value(side.state.PatchM2))
		adds("nets", net, value(side.state.NetM2))
		figure("gross", side.was.GrossM2, side.state.GrossM2)
		if math.Abs(value(side.was.PatchM2)-value(side.state.PatchM2)) > step/2+0.006 || *side.was.PatchM2 == 0 {
			t.Errorf("side %d: patch is %v, was %v, step %v", s, *side.state.PatchM2, *side.was.PatchM2, step)
		}
	}
}

// Without classes all ground is of one.
func TestNoClass(t *testing.T) {
	from, to := layers(t, comparetest.New(3, 16))
	exact, err := compare.Layers(t.Context(), from, to, compare.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := compare.Layers(t.Context(), from, to, compare.Options{Class: compare.NoClass})
	if err != nil {
		t.Fatal(err)
	}
	m := &r.Matrix
	if len(m.Rows) != 1 || m.Rows[0].Class != "" || m.FromField+m.ToField != "" || m.MovedM2 != 0 || math.Abs(r.From.GroundM2-exact.From.GroundM2) > 0.01 {
		t.Errorf("the matrix is %+v", m)
	}
}
