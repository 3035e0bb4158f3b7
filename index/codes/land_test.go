package codes_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"gengtu/index/codes"
)

// land is parcels on a lattice: each cell has the number of its parcel, 0 for none. A
// parcel's number is its id, its BSM follows from it.
type land struct {
	rng   *rand.Rand
	side  int
	cells []int
	next  int
}

func newLand(rng *rand.Rand, side int) *land {
	l := &land{rng: rng, side: side, cells: make([]int, side*side), next: 1}
	for y := 0; y < side; y += 4 {
		for x := 0; x < side; x += 4 {
			if rng.IntN(10) > 0 {
				l.fill(x, y, x+4, y+4, l.fresh())
			}
		}
	}
	return l
}

func (l *land) fresh() int {
	l.next++
	return l.next - 1
}

func (l *land) fill(x0, y0, x1, y1, parcel int) {
	for y := y0; y < min(y1, l.side); y++ {
		for x := x0; x < min(x1, l.side); x++ {
			l.cells[y*l.side+x] = parcel
		}
	}
}

// year makes another year: parcels are parted, put together, moved, lost, found, and have
// other BSMs.
func (l *land) year() *land {
	out := &land{rng: l.rng, side: l.side, cells: slices.Clone(l.cells), next: l.next}
	for range l.side * l.side / 40 {
		x, y := l.rng.IntN(l.side), l.rng.IntN(l.side)
		here := out.cells[y*l.side+x]
		switch l.rng.IntN(6) {
		case 0: // parted, at x
			n := out.fresh()
			for i, c := range out.cells {
				if c == here && c != 0 && i%l.side >= x {
					out.cells[i] = n
				}
			}
		case 1: // put together with its neighbour
			if x+1 < l.side && here != 0 && out.cells[y*l.side+x+1] != 0 {
				out.swap(out.cells[y*l.side+x+1], here)
			}
		case 2: // lost
			out.swap(here, 0)
		case 3: // other land becomes a parcel
			out.fill(x, y, x+2, y+3, out.fresh())
		case 4: // other BSM
			if here != 0 {
				out.swap(here, out.fresh())
			}
		case 5: // a border moves
			out.fill(x, y, x+2, y+1, here)
		}
	}
	return out
}

func (l *land) swap(from, to int) {
	if from == 0 {
		return
	}
	for i, c := range l.cells {
		if c == from {
			l.cells[i] = to
		}
	}
}

// state returns the parcels in a random order, and their links from those of before.
func (l *land) state(vintage string, before *land, old codes.State) codes.State {
	count := map[int]int{}
	first := map[int]int{}
	for i, c := range l.cells {
		if c != 0 {
			if count[c] == 0 {
				first[c] = i
			}
			count[c]++
		}
	}
	s := codes.State{Vintage: vintage}
	list := slices.Sorted(maps.Keys(count))
	l.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	at := map[int]int{}
	for i, c := range list {
		at[c] = i
		group := fmt.Sprintf("6104020010%02d00", first[c]%l.side/8) // a village for each strip
		s.Parcels = append(s.Parcels, codes.Parcel{ID: uint64(c), BSM: fmt.Sprintf("%04d", (c*7919)%10007), Group: group, AreaM2: float64(count[c])})
	}
	if before == nil {
		return s
	}
	was := map[int]int{}
	for i := range old.Parcels {
		was[int(old.Parcels[i].ID)] = i
	}
	shared := map[[2]int]int{}
	for i, c := range l.cells {
		if b := before.cells[i]; b != 0 && c != 0 {
			shared[[2]int{was[b], at[c]}]++
		}
	}
	for k, n := range shared {
		same := float64(n) == old.Parcels[k[0]].AreaM2 && float64(n) == s.Parcels[k[1]].AreaM2
		s.Links = append(s.Links, codes.Link{From: k[0], To: k[1], AreaM2: float64(n), Same: same})
	}
	return s
}

// years returns n years of a land.
func years(seed uint64, side, n int) []codes.State {
	rng := rand.New(rand.NewPCG(seed, 5))
	var out []codes.State
	var before *land
	for i := range n {
		now := before
		if now == nil {
			now = newLand(rng, side)
		} else {
			now = before.year()
		}
		var old codes.State
		if i > 0 {
			old = out[i-1]
		}
		out = append(out, now.state(fmt.Sprint(2020+i), before, old))
		before = now
	}
	return out
}
