package ground

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gengtu/index/overlay"
)

// A feature is alone when the kernel finds no other of its layer that it shares
// ground with. Lots of one layer that only touch are.
func TestAloneAgainstKernel(t *testing.T) {
	together, alone := 0, 0
	for seed := range uint64(8) {
		l := randomLand(seed, 3+int(seed))
		g := open(t, build(t, l))
		if err := g.Resolve(l.Owners(), l.owner); err != nil {
			t.Fatal(err)
		}
		for i := range l.shapes {
			want := true
			for j := range l.shapes {
				if i != j && l.layer[i] == l.layer[j] && overlay.SharedArea(l.shapes[i], l.shapes[j]) > 1e-9 {
					want = false
				}
			}
			if got := g.Loners().Has(int32(i)); got != want {
				t.Errorf("seed %d: feature %d is alone: %v, want %v", seed, i, got, want)
			}
			if want {
				alone++
			} else {
				together++
			}
		}
		for _, o := range []int32{-1, int32(len(l.shapes)), int32(len(l.shapes)+7) &^ 7, 1<<31 - 1} {
			if g.Loners().Has(o) {
				t.Errorf("seed %d: feature %d, which there is not, is alone", seed, o)
			}
		}
	}
	if together < 50 || alone < 50 {
		t.Errorf("%d features alone and %d together say little", alone, together)
	}
}

// Names come back as they were stored; what is cut short, too long or not in
// rising order is damaged.
func TestNames(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 6))
	for _, n := range []int{0, 1, 7, 300} {
		var names []uint64
		for range n {
			names = append(names, rng.Uint64()>>5)
		}
		slices.Sort(names)
		data := appendNames(nil, names)
		got, err := decodeNames(data)
		if err != nil || !slices.Equal(got, names) {
			t.Fatalf("%d names come back as %d, %v", n, len(got), err)
		}
		if _, err := decodeNames(append(data, 0)); err == nil {
			t.Errorf("%d names: a byte too many is taken", n)
		}
		if _, err := decodeNames(data[:len(data)-1]); err == nil {
			t.Errorf("%d names: a byte too few is taken", n)
		}
	}
	if _, err := decodeNames([]byte{2, 5, 0}); err == nil {
		t.Error("a name that stands twice is taken")
	}
	g := Ground{together: []uint64{70}}
	if err := g.Resolve(3, func(uint64) (int32, bool) { return 0, false }); err == nil {
		t.Error("a name without a feature is taken")
	}
}
