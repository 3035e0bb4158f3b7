package policy

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gengtu/index/cells"
)

// field is a small map of owners, -1 for nobody, that the slow way works on.
type field [][]int32

func (f field) at(x, y int) int32 {
	if y < 0 || y >= len(f) || x < 0 || x >= len(f[y]) {
		return -1
	}
	return f[y][x]
}

// flood lists the cells of the part at a place, as numbers by rows.
func (f field) flood(x, y int) []int {
	seen := map[int]bool{}
	var walk func(x, y int)
	walk = func(x, y int) {
		k := y*len(f[0]) + x
		if f.at(x, y) != f[y][x] || seen[k] {
			return
		}
		seen[k] = true
		for _, d := range [4][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
			if f.at(x+d[0], y+d[1]) == f[y][x] {
				walk(x+d[0], y+d[1])
			}
		}
	}
	walk(x, y)
	var out []int
	for k := range seen {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// settleSlowly gives small parts away one after another, looking at the whole map each
// time: the smallest first (rows differ a little), of equal ones the one that begins first.
func (f field) settleSlowly(leastCells int, merge bool, rowM2 func(y int) float64) (merged, left int) {
	w := len(f[0])
	part := map[int]int{} // by cell, the number that stands for its part
	find := func(k int) int { return part[k] }
	sizes := map[int][]int{}
	for y := range f {
		for x := range f[y] {
			k := y*w + x
			if _, done := part[k]; f[y][x] < 0 || done {
				continue
			}
			set := f.flood(x, y)
			for _, c := range set {
				part[c] = set[0]
			}
			sizes[set[0]] = set
		}
	}
	begun, events := maps.Clone(sizes), 0
	var small []int
	first := map[int]float64{}
	for r, set := range sizes {
		for _, c := range set {
			first[r] += rowM2(c / w)
		}
		if len(set) < leastCells {
			small = append(small, r)
		}
	}
	slices.SortFunc(small, func(a, b int) int {
		return cmp.Or(cmp.Compare(first[a], first[b]), a-b)
	})
	for _, r := range small {
		set, there := sizes[r]
		if !there || len(set) >= leastCells {
			continue
		}
		sides := map[int]int{}
		for _, c := range set {
			for _, d := range [4][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
				x, y := c%w+d[0], c/w+d[1]
				if f.at(x, y) >= 0 && find(y*w+x) != r {
					sides[find(y*w+x)]++
				}
			}
		}
		best := -1
		for o, n := range sides {
			if best < 0 || n > sides[best] || n == sides[best] && o < best {
				best = o
			}
		}
		if best < 0 || !merge {
			events++
			for _, c := range set {
				f[c/w][c%w] = -1
				delete(part, c)
			}
			delete(sizes, r)
			continue
		}
		events++
		owner := f[best/w][best%w]
		for _, c := range set {
			f[c/w][c%w] = owner
			part[c] = best
		}
		sizes[best] = append(sizes[best], set...)
		delete(sizes, r)
	}
	for r := range begun { // what is not there any more, whatever it had become part of
		if f[r/w][r%w] < 0 {
			left++
		}
	}
	return events - left, left
}

// What becomes of small patches is what the slow way says, on random maps; the cells that
// are left out are told, no others are missing, and nothing depends on the order in which
// cells come.
func TestSettleSmall(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	g := grid{lon: 2_700_000, lat: 2_300_000}
	for round := range 400 {
		w, h, owners := 3+rng.IntN(14), 3+rng.IntN(14), 1+rng.IntN(6)
		f := make(field, h)
		owned := map[int32][]cells.Cell{}
		for y := range f {
			f[y] = make([]int32, w)
			for x := range f[y] {
				f[y][x] = int32(rng.IntN(owners+1)) - 1
				if x > 0 && rng.IntN(3) > 0 {
					f[y][x] = f[y][x-1]
				}
				if o := f[y][x]; o >= 0 {
					owned[o] = append(owned[o], cells.Cell{X: int32(x) - 5, Y: int32(y) - 5})
				}
			}
		}
		for _, set := range owned {
			rng.Shuffle(len(set), func(i, k int) { set[i], set[k] = set[k], set[i] })
		}
		p := &patches{grid: g, rows: map[int32]float64{}}
		n, rule := 1+rng.IntN(8), []Small{Merge, LeaveOut}[round%2]
		begun, whole := len(owned), 0.0
		for _, set := range owned {
			for _, c := range set {
				whole += p.cellM2(c.Y)
			}
		}
		// Near the equator rows differ by less than a thousandth of a cell together.
		told, err := settleSmall(g, owned, smallRule{(float64(n) - 0.5) * p.cellM2(0), rule})
		if err != nil {
			t.Fatal(err)
		}
		merged, left := f.settleSlowly(n, rule == Merge, func(y int) float64 { return p.cellM2(int32(y) - 5) })
		got := make(field, h)
		for y := range got {
			got[y] = make([]int32, w)
			for x := range got[y] {
				got[y][x] = -1
			}
		}
		vanished := begun - len(owned)
		for o, set := range owned {
			for _, c := range set {
				got[c.Y+5][c.X+5] = o
				whole -= p.cellM2(c.Y)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(f) || told.Merged != merged || told.LeftOut != left {
			t.Fatalf("round %d, %d cells, %s: told %+v, want %d and %d\n%v\n%v", round, n, rule, told, merged, left, got, f)
		}
		if (told.MergedM2 > 0) != (merged > 0) || math.Abs(told.LeftOutM2-whole) > 1e-6 || told.MergedM2 > 0 && !(told.MergedM2 < float64(merged)*float64(n)*p.cellM2(0)) || told.Vanished != vanished {
			t.Fatalf("round %d: told %+v", round, told)
		}
	}
}
