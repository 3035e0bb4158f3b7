package codes_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

var half = codes.Options{LeastShare: 0.5}

func assigned(t testing.TB, r *codes.Register, states []codes.State) *codes.Assignment {
	t.Helper()
	a, err := codes.Assign(r, states, half)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// keeper says by the rule, written down anew, which parcel keeps the code of an earlier
// one: by parcel of the earlier state, -1 for none.
func keeper(from, to codes.State) []int {
	shared := func(p, n int) (float64, bool) {
		a := 0.0
		for _, l := range to.Links {
			if l.From == p && l.To == n {
				a = l.AreaM2
			}
		}
		return a, a > 0 && a >= 0.5*min(from.Parcels[p].AreaM2, to.Parcels[n].AreaM2)
	}
	less := func(a, b codes.Parcel) bool { return a.BSM+fmt.Sprint(a.ID) < b.BSM+fmt.Sprint(b.ID) }
	comes := make([]int, len(to.Parcels)) // which earlier parcel each comes from
	for n := range to.Parcels {
		comes[n] = -1
		most := 0.0
		for p := range from.Parcels {
			a, kin := shared(p, n)
			if kin && (comes[n] < 0 || a > most || a == most && less(from.Parcels[p], from.Parcels[comes[n]])) {
				comes[n], most = p, a
			}
		}
	}
	out := make([]int, len(from.Parcels))
	for p := range from.Parcels {
		out[p] = -1
		most := 0.0
		for n := range to.Parcels {
			a, _ := shared(p, n)
			if comes[n] == p && (out[p] < 0 || a > most || a == most && less(to.Parcels[n], to.Parcels[out[p]])) {
				out[p], most = n, a
			}
		}
	}
	return out
}

// Codes over four years of a land where parcels are parted, put together, lost and found
// are those that the rule gives, one parcel at a time.
func TestAssignAgainstRule(t *testing.T) {
	kinds := map[codes.Kind]int{}
	for seed := range uint64(12) {
		states := years(seed, 32, 4)
		r := codes.NewRegister(codes.Design)
		a := assigned(t, r, states)
		given := map[string]string{} // where a code was given
		for k, s := range states {
			kept := map[int]string{}
			if k > 0 {
				for p, n := range keeper(states[k-1], s) {
					if n >= 0 {
						kept[n] = a.Codes[k-1][p]
					}
				}
			}
			var fresh []int
			for i := range s.Parcels {
				code := a.Codes[k][i]
				if want, ok := kept[i]; ok {
					if code != want {
						t.Fatalf("seed %d, %s: parcel %d has %s, want %s", seed, s.Vintage, s.Parcels[i].ID, code, want)
					}
					continue
				}
				if was, ok := given[code]; ok {
					t.Fatalf("seed %d, %s: %s was given in %s already", seed, s.Vintage, code, was)
				}
				given[code] = s.Vintage
				fresh = append(fresh, i)
			}
			inOrder(t, s, a.Codes[k], fresh)
			for kind, n := range a.Counts[k].Events {
				kinds[kind] += n
			}
		}
		holds(t, r, states, a)
	}
	for _, k := range []codes.Kind{codes.New, codes.Split, codes.Merge, codes.Edit, codes.Renumber, codes.Retired} {
		if kinds[k] == 0 {
			t.Errorf("nothing was %s: the land shows too little", k)
		}
	}
}

// inOrder sees that new codes of a 社 follow the order of BSM without a gap.
func inOrder(t *testing.T, s codes.State, got []string, fresh []int) {
	t.Helper()
	by := map[string][]int{}
	for _, i := range fresh {
		by[s.Parcels[i].Group] = append(by[s.Parcels[i].Group], i)
	}
	for g, list := range by {
		slices.SortFunc(list, func(a, b int) int {
			return strings.Compare(s.Parcels[a].BSM+fmt.Sprint(s.Parcels[a].ID), s.Parcels[b].BSM+fmt.Sprint(s.Parcels[b].ID))
		})
		_, first, _ := codes.Design.Split(got[list[0]])
		for n, i := range list {
			group, number, ok := codes.Design.Split(got[i])
			if !ok || group != g || number != first+n {
				t.Fatalf("%s: %s is number %d of %s, want %d of %s", s.Vintage, got[i], number, group, first+n, g)
			}
		}
	}
}

// holds sees that the register says of every code in every year what the assignment does.
func holds(t *testing.T, r *codes.Register, states []codes.State, a *codes.Assignment) {
	t.Helper()
	for k, s := range states {
		want := map[string]uint64{}
		for i, code := range a.Codes[k] {
			if _, twice := want[code]; twice {
				t.Fatalf("%s: %s stands twice", s.Vintage, code)
			}
			want[code] = s.Parcels[i].ID
		}
		got := map[string]uint64{}
		for _, code := range r.Codes() {
			if e, ok := r.At(code, s.Vintage); ok && e.Kind != codes.Retired {
				got[code] = e.ID
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%s: the register differs (-assigned +register): %s", s.Vintage, d)
		}
	}
}

// A second time changes nothing; year by year gives what all years at once do; the order of
// parcels does not show; and the register comes back as it was stored.
func TestAssignAgain(t *testing.T) {
	states := years(99, 32, 4)
	r := codes.NewRegister(codes.Design)
	all := assigned(t, r, states)
	stored := r.Entries()
	again := assigned(t, r, states)
	if d := cmp.Diff(all.Codes, again.Codes); d != "" || len(again.Events) > 0 || !cmp.Equal(stored, r.Entries()) {
		t.Errorf("the second time: %d events, %s", len(again.Events), d)
	}
	step := codes.NewRegister(codes.Design)
	for n := range states {
		var err error
		assigned(t, step, states[:n+1])
		if step, err = codes.ReadRegister(step.Entries()); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(stored, step.Entries()); d != "" {
		t.Errorf("year by year: %s", d)
	}
	turned := slices.Clone(states)
	for k := range turned {
		turned[k] = backwards(states, k)
	}
	other := codes.NewRegister(codes.Design)
	assigned(t, other, turned)
	if d := cmp.Diff(stored, other.Entries()); d != "" {
		t.Errorf("parcels the other way round: %s", d)
	}
}

// backwards is state k with its parcels, and those of the state before, the other way
// round.
func backwards(states []codes.State, k int) codes.State {
	s := codes.State{Vintage: states[k].Vintage, Parcels: slices.Clone(states[k].Parcels), Links: slices.Clone(states[k].Links)}
	slices.Reverse(s.Parcels)
	slices.Reverse(s.Links)
	for i := range s.Links {
		s.Links[i].From = len(states[k-1].Parcels) - 1 - s.Links[i].From
		s.Links[i].To = len(s.Parcels) - 1 - s.Links[i].To
	}
	return s
}

// parcels makes parcels of ids and areas, in one 社.
func parcels(idsAndAreas ...int) []codes.Parcel {
	var out []codes.Parcel
	for i := 0; i < len(idsAndAreas); i += 2 {
		out = append(out, codes.Parcel{ID: uint64(idsAndAreas[i]), BSM: fmt.Sprint(idsAndAreas[i]), Group: "61040200100100", AreaM2: float64(idsAndAreas[i+1])})
	}
	return out
}

// told lists events as text, codes by their numbers.
func told(r *codes.Register) string {
	number := func(code string) string {
		_, n, _ := r.Scheme.Split(code)
		return fmt.Sprint(n)
	}
	var out []string
	for _, c := range r.Codes() {
		for _, e := range r.Of(c) {
			text := fmt.Sprintf("%s %s %s %d", number(c), e.Vintage, e.Kind, e.ID)
			for _, o := range e.Others {
				text += " <" + number(o)
			}
			out = append(out, text)
		}
	}
	return strings.Join(out, "\n")
}

// What happens to parcels is written down by its kind.
func TestLineage(t *testing.T) {
	before := codes.State{Vintage: "1", Parcels: parcels(1, 100, 2, 100, 3, 60, 4, 50, 5, 70, 6, 80, 7, 20)}
	after := codes.State{Vintage: "2", Parcels: parcels(
		11, 60, 12, 40, // of 1
		2, 160, // took in 3
		4, 45, // smaller
		55, 70, // 5 under another BSM
		9, 30), // new
		Links: []codes.Link{
			{From: 0, To: 0, AreaM2: 60}, {From: 0, To: 1, AreaM2: 40},
			{From: 1, To: 2, AreaM2: 100}, {From: 2, To: 2, AreaM2: 60},
			{From: 3, To: 3, AreaM2: 45}, {From: 4, To: 4, AreaM2: 70, Same: true},
			{From: 6, To: 5, AreaM2: 3}, // 7 is gone; what it shares with 9 is inaccuracy
		}}
	r := codes.NewRegister(codes.Design)
	assigned(t, r, []codes.State{before, after})
	want := `1 1 new 1
1 2 split 11 <8
2 1 new 2
2 2 merge 2 <3
3 1 new 3
3 2 retired 0 <2
4 1 new 4
4 2 edit 4
5 1 new 5
5 2 renumber 55
6 1 new 6
6 2 retired 0
7 1 new 7
7 2 retired 0
8 2 split 12 <1
9 2 new 9`
	if d := cmp.Diff(want, told(r)); d != "" {
		t.Error(d)
	}
}

// A code whose parcel is deleted is never given again, to whatever comes: not in the same
// vintage, not in the next, not where the numbers of a generation that is gone are noted.
func TestRetiredStaysRetired(t *testing.T) {
	r := codes.NewRegister(codes.Design)
	one := codes.State{Vintage: "1", Parcels: parcels(1, 10, 2, 10)}
	first := assigned(t, r, []codes.State{one}).Codes[0]
	assigned(t, r, []codes.State{{Vintage: "1", Parcels: parcels(1, 10)}})
	back := assigned(t, r, []codes.State{one}).Codes[0]
	if back[0] != first[0] || back[1] == first[1] {
		t.Errorf("codes %v, before %v: parcel 1 keeps its code, that of 2 is retired", back, first)
	}
	if e, _ := r.At(first[1], "1"); e.Kind != codes.Retired {
		t.Errorf("%s is %s", first[1], e.Kind)
	}
	next := assigned(t, r, []codes.State{{Vintage: "2", Parcels: parcels(2, 10, 3, 10)}}).Codes[0]
	if slices.Contains(next, first[1]) || next[0] != back[1] {
		t.Errorf("codes of the next year are %v, after %v and %v", next, first, back)
	}
	// Nor does the ground of the year before bring a code back that this year has given up.
	r = codes.NewRegister(codes.Design)
	link := []codes.Link{{From: 0, To: 0, AreaM2: 10, Same: true}}
	years := []codes.State{{Vintage: "1", Parcels: parcels(1, 10)}, {Vintage: "2", Parcels: parcels(1, 10), Links: link}}
	code := assigned(t, r, years).Codes[1][0]
	assigned(t, r, []codes.State{years[0], {Vintage: "2"}})
	if a := assigned(t, r, years); a.Codes[0][0] != code || a.Codes[1][0] == code || a.Codes[1][0] == "" {
		t.Errorf("%s came back: %v", code, a.Codes)
	}
	a, err := codes.Assign(codes.NewRegister(codes.Design), []codes.State{one}, codes.Options{LeastShare: 0.5, Floor: map[string]int{"61040200100100": 40}})
	if err != nil {
		t.Fatal(err)
	}
	if _, n, _ := codes.Design.Split(a.Codes[0][0]); n != 41 {
		t.Errorf("above a floor of 40 the first number is %d", n)
	}
}

// A year before all that have codes takes those of the parcels that its own became.
func TestEarlierYearAddedLater(t *testing.T) {
	states := years(7, 24, 2)
	r := codes.NewRegister(codes.Design)
	later := codes.State{Vintage: states[1].Vintage, Parcels: states[1].Parcels}
	want := assigned(t, r, []codes.State{later}).Codes[0]
	a := assigned(t, r, states)
	if d := cmp.Diff(want, a.Codes[1]); d != "" {
		t.Errorf("the later year has other codes now: %s", d)
	}
	shared := 0
	for i, code := range a.Codes[0] {
		for j, other := range a.Codes[1] {
			if code == other {
				shared++
				if states[0].Parcels[i].AreaM2 == 0 || !slices.ContainsFunc(states[1].Links, func(l codes.Link) bool { return l.From == i && l.To == j }) {
					t.Errorf("%s leads to parcels that share no ground", code)
				}
			}
		}
	}
	if shared < len(a.Codes[1])/2 {
		t.Errorf("only %d of %d codes lead back", shared, len(a.Codes[1]))
	}
	holds(t, r, states, a)
}

// A parcel of no known village has no code, and numbers that do not suffice are told.
func TestAssignWithout(t *testing.T) {
	s := codes.State{Vintage: "1", Parcels: parcels(1, 10, 2, 10)}
	s.Parcels[1].Group = ""
	r := codes.NewRegister(codes.Design)
	a := assigned(t, r, []codes.State{s})
	if a.Codes[0][0] == "" || a.Codes[0][1] != "" || a.Counts[0].Without != 1 {
		t.Errorf("%v, %+v", a.Codes, a.Counts)
	}
	small := codes.Scheme{Place: 12, Group: 2, Number: 1}
	var many []int
	for i := range 10 {
		many = append(many, i+1, 10)
	}
	_, err := codes.Assign(codes.NewRegister(small), []codes.State{{Vintage: "1", Parcels: parcels(many...)}}, half)
	if err == nil || !strings.Contains(err.Error(), "CODES_FULL") {
		t.Errorf("ten parcels in nine numbers: %v", err)
	}
}

// A register that is not as it was written is none, wherever it was touched.
func TestDamagedRegister(t *testing.T) {
	r := codes.NewRegister(codes.Design)
	assigned(t, r, years(3, 12, 2))
	good := r.Entries()
	if _, err := codes.ReadRegister(good); err != nil {
		t.Fatal(err)
	}
	change := func(n int, key, value []byte) []codes.Entry {
		out := slices.Clone(good)
		out[n] = codes.Entry{Key: key, Value: value}
		return out
	}
	last := good[len(good)-1]
	for name, bad := range map[string][]codes.Entry{
		"nothing":       nil,
		"no head":       good[1:],
		"head cut":      change(0, good[0].Key, good[0].Value[:3]),
		"head longer":   change(0, good[0].Key, append(slices.Clone(good[0].Value), 0)),
		"value cut":     change(len(good)-1, last.Key, last.Value[:len(last.Value)-1]),
		"value longer":  change(len(good)-1, last.Key, append(slices.Clone(last.Value), 1)),
		"wrong code":    change(len(good)-1, append([]byte("1"), last.Key[1:]...), last.Value),
		"wrong number":  change(len(good)-1, append(slices.Clone(last.Key[:len(last.Key)-1]), 9), last.Value),
		"no such kind":  change(len(good)-1, last.Key, append(append(slices.Clone(last.Value[:5]), 77), last.Value[6:]...)),
		"other vintage": change(len(good)-1, last.Key, append([]byte("\x042019"), last.Value[5:]...)),
	} {
		if _, err := codes.ReadRegister(bad); !errors.Is(err, codes.ErrRegister) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
