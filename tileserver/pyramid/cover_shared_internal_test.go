package pyramid

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// What regions of a cell share with those before them is the same from pairs of their
// borders as from slabs, whichever way borders run: regions that share borders, lie
// on each other or apart, up to the most that are compared pair by pair and beyond.
func TestSharedAgainstSlabs(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 4))
	s := new(shared)
	pairs, some := 0, 0
	for range 20000 {
		west, north := float64(r.IntN(tileCells)), float64(r.IntN(tileCells))
		s.begin(west, north)
		var before [][2]float64
		n := 2 + r.IntN(mostPairs)
		for range n {
			// All that lies east of a line that goes down; a line may be one of before.
			line := before
			if line == nil || r.IntN(4) > 0 {
				line = nil
				y := r.Float64() * 0.3
				for range 2 + r.IntN(4) {
					line = append(line, [2]float64{r.Float64(), y})
					y += r.Float64() * 0.3
				}
			}
			before = line
			up := r.IntN(2) == 0
			for i := 1; i < len(line); i++ {
				a, b := line[i-1], line[i]
				if b[1] > 1 {
					break
				}
				if up {
					a, b = b, a
				}
				s.edge(west+a[0], north+a[1], west+b[0], north+b[1])
			}
			s.end()
		}
		got := slices.Clone(s.lost())
		if n <= mostPairs {
			pairs++
		}
		s.bySlabs()
		for i := range got {
			if math.Abs(got[i]-s.losses[i]) > 1e-9 {
				t.Fatalf("region %d of %d shares %v by pairs and %v by slabs", i, n, got[i], s.losses[i])
			}
			if got[i] > 0.01 {
				some++
			}
		}
	}
	if pairs < 10000 || some < 10000 {
		t.Errorf("only %d cells by pairs, %d regions that share ground", pairs, some)
	}
}

// The cells of a tract that are drawn are the most covered ones, the first of those
// that are covered alike.
func TestChoose(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 15))
	d := new(blockDrawer)
	for range 5000 {
		d.unitShift = 2 * r.IntN(13)
		d.unit = 1 << d.unitShift
		d.whole = wholeUnits * d.unit
		var keys []key
		for i := range d.covered {
			switch r.IntN(4) {
			case 0:
				d.covered[i] = 0
			case 1:
				d.covered[i] = d.whole + r.Int64N(min(d.unit, 2)) // sums of many classes are rounded up
			default:
				d.covered[i] = d.unit + r.Int64N(d.whole)>>r.IntN(d.unitShift+1)
			}
			if d.covered[i] > 0 {
				keys = append(keys, newKey(d.covered[i], 0, i))
			}
		}
		slices.Sort(keys)
		n := r.IntN(len(keys) + 1)
		want := uint64(0)
		for _, k := range keys[:n] {
			want |= 1 << k.cell()
		}
		if got := d.choose(n); got != want {
			t.Fatalf("%d cells of %v: chosen %b, want %b", n, d.covered, got, want)
		}
	}
}
