package overlay

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"gengtu/index/geo"
)

// knownLayer is a layer that knows what [Known] asks; twins counts the answers
// that were yes.
type knownLayer struct {
	layer
	alone []bool
	twins int
}

func (l *knownLayer) Area(i int) float64 { return geo.Area(l.layer[i]) }
func (l *knownLayer) Alone(i int) bool   { return l.alone[i] }
func (l *knownLayer) Twin(i int, other Source, j int) bool {
	same := reflect.DeepEqual(l.layer[i], other.(*knownLayer).layer[j])
	if same {
		l.twins++
	}
	return same
}

func known(l layer) *knownLayer {
	k := &knownLayer{layer: l}
	for i := range l {
		alone := true
		for j := range l {
			alone = alone && (i == j || SharedArea(l[i], l[j]) < 1e-6)
		}
		k.alone = append(k.alone, alone)
	}
	return k
}

// What features know of each other changes no pair: features that are the same in
// both layers, some of them over others of their own, in one layer or in both, and
// some of them twice.
func TestJoinOfTwins(t *testing.T) {
	for seed := range uint64(3) {
		g := newGenerator(70 + seed)
		a := g.fabric(45, 60, 2)
		var b layer
		for i, m := range a {
			switch i % 4 {
			case 0, 1, 2:
				b = append(b, m)
			default:
				b = append(b, g.parcel(float64(i%45)*60, float64(i/45)*60, 40, 12))
			}
		}
		b = append(b, b[0], b[5])
		for range 20 * seed {
			a = append(a, g.star(2600*g.Float64(), 2600*g.Float64(), 50, 12))
		}
		b = append(b, a[len(a)-1])
		ka, kb := known(a), known(b)
		got, want := joined(t, ka, kb, 2), joined(t, a, b, 1)
		if ka.twins < 1000 {
			t.Fatalf("only %d twins were found", ka.twins)
		}
		compare := func(p, q Pair) int {
			return int(p.A-q.A)<<20 + int(p.B-q.B)
		}
		const sliver = 1e-6
		small := func(p Pair) bool { return p.Area < sliver }
		got, want = slices.DeleteFunc(got, small), slices.DeleteFunc(want, small)
		slices.SortFunc(got, compare)
		slices.SortFunc(want, compare)
		if len(got) != len(want) {
			t.Fatalf("seed %d: %d pairs, want %d", seed, len(got), len(want))
		}
		for i := range got {
			if got[i].A != want[i].A || got[i].B != want[i].B || math.Abs(got[i].Area-want[i].Area) > sliver {
				t.Fatalf("seed %d: pair %v, want %v", seed, got[i], want[i])
			}
		}
	}
}
