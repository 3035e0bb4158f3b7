package compare_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/compare"
	"gengtu/index/compare/comparetest"
)

// The kin of a patch by its ground are those that the lattice has.
func TestKinOf(t *testing.T) {
	for seed := range uint64(6) {
		testKin(t, comparetest.New(seed, 18))
	}
	from, to := layers(t, comparetest.New(1, 8))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if kin, err := compare.KinOf(ctx, from, 0, to); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v, %v", kin, err)
	}
}

func testKin(t *testing.T, land *comparetest.Land) {
	t.Helper()
	from, to := layers(t, land)
	key := func(l *index.Layer, i int) string {
		f, err := l.Feature(i)
		if err != nil {
			t.Fatal(err)
		}
		return f.Values[0].(string)
	}
	got, want := map[string]float64{}, map[string]float64{}
	for i := range from.Len() {
		kin, err := compare.KinOf(t.Context(), from, i, to)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSortedFunc(kin, func(a, b compare.Kin) int { return int(math.Copysign(1, b.AreaM2-a.AreaM2)) }) {
			t.Error("kin are not in the order of their ground")
		}
		for _, k := range kin {
			got[key(from, i)+">"+key(to, k.At)] = math.Round(k.AreaM2*100) / 100
		}
	}
	for _, f := range land.Flows {
		if f.From == "" || f.To == "" {
			continue
		}
		for _, c := range f.Cells {
			want[f.From+">"+f.To] += c.AreaM2()
		}
	}
	for _, p := range land.From {
		if slices.Contains(land.Kept, p.BSM) {
			for _, c := range p.Cells {
				want[p.BSM+">"+p.BSM] += c.AreaM2()
			}
		}
	}
	for k, v := range want {
		want[k] = math.Round(v*100) / 100
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("kin (-lattice +found):\n%s", d)
	}
}
