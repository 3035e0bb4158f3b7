package ground

import (
	"math/rand/v2"
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
		for i := range l.shapes {
			want := true
			for j := range l.shapes {
				if i != j && l.layer[i] == l.layer[j] && overlay.SharedArea(l.shapes[i], l.shapes[j]) > 1e-9 {
					want = false
				}
			}
			if got := g.Alone(int32(i)); got != want {
				t.Errorf("seed %d: feature %d is alone: %v, want %v", seed, i, got, want)
			}
			if want {
				alone++
			} else {
				together++
			}
		}
		for _, o := range []int32{-1, int32(len(l.shapes)), int32(len(l.shapes)+7) &^ 7, 1<<31 - 1} {
			if g.Alone(o) {
				t.Errorf("seed %d: feature %d, which there is not, is alone", seed, o)
			}
		}
	}
	if together < 50 || alone < 50 {
		t.Errorf("%d features alone and %d together say little", alone, together)
	}
}

// A set of owners comes back as it was stored; one of another length is damaged.
func TestOwnerSet(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 6))
	for _, n := range []int{0, 1, 7, 8, 9, 300} {
		a, b := newOwnerSet(n), newOwnerSet(n)
		want := make([]bool, n)
		for range n / 2 {
			o := rng.IntN(n)
			want[o] = true
			if rng.IntN(2) == 0 {
				a.add(int32(o))
			} else {
				b.add(int32(o))
			}
		}
		a.join(&b)
		data := a.append(nil)
		s, err := decodeOwners(data)
		if err != nil {
			t.Fatal(err)
		}
		g := Ground{shared: s}
		for o, together := range want {
			if g.Alone(int32(o)) == together {
				t.Errorf("%d owners: %d is alone: %v", n, o, !together)
			}
		}
		if _, err := decodeOwners(append(data, 0)); err == nil {
			t.Errorf("%d owners: a byte too many is taken", n)
		}
		if _, err := decodeOwners(data[:len(data)-1]); err == nil {
			t.Errorf("%d owners: a byte too few is taken", n)
		}
	}
}
