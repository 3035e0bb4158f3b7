package codes_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/codes"
)

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
		r := codes.NewRegister(design)
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
		_, first, _ := design.Split(got[list[0]])
		for n, i := range list {
			group, number, ok := design.Split(got[i])
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
	r := codes.NewRegister(design)
	all := assigned(t, r, states)
	stored := r.Entries()
	again := assigned(t, r, states)
	if d := cmp.Diff(all.Codes, again.Codes); d != "" || len(again.Events) > 0 || !cmp.Equal(stored, r.Entries()) {
		t.Errorf("the second time: %d events, %s", len(again.Events), d)
	}
	step := codes.NewRegister(design)
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
	other := codes.NewRegister(design)
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

// A year before all that have codes takes those of the parcels that its own became.
func TestEarlierYearAddedLater(t *testing.T) {
	states := years(7, 24, 2)
	r := codes.NewRegister(design)
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
	r := codes.NewRegister(design)
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
