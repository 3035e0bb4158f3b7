package codes

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"gengtu/index/problem"
)

// Parcel is a parcel of one vintage.
type Parcel struct {
	ID  uint64
	BSM string
	// Group is the code of the 社 that the parcel lies in, with the digits of its village
	// before it; "" where no village is known, and then a parcel can keep a code but is not
	// given one.
	Group string
	// AreaM2 is ellipsoidal.
	AreaM2 float64
}

// Link says that a parcel of one vintage and one of the next share ground. Parcels are
// counted from 0 in the order of their states.
type Link struct {
	From, To int
	AreaM2   float64
	// Same tells that both have the same border.
	Same bool
}

// State is the parcels of one vintage, and what they have in common with those of the
// state before.
type State struct {
	Vintage string
	Parcels []Parcel
	Links   []Link // none in the first state
}

// Options are the rules of [Assign].
type Options struct {
	// LeastShare is how much of the smaller of two parcels their common ground must be,
	// from 0 to 1, for one to come from the other: a border that was drawn a little
	// differently makes no kin of neighbours.
	LeastShare float64
	// Floor are numbers that must not be given any more, nor any below, by 社.
	Floor map[string]int
}

// Assignment is what [Assign] did.
type Assignment struct {
	// Codes are parallel to states and their parcels; "" for a parcel without one.
	Codes [][]string
	// Given are, parallel to states, the parcels that got a new code.
	Given [][]int
	// Counts are parallel to states.
	Counts []Count
	// Events are those that were added to the register.
	Events []Event
}

// Count says what became of a vintage's parcels and codes. Kept + Given + Without are all
// parcels.
type Count struct {
	Vintage string       `json:"vintage"`
	Parcels int          `json:"parcels"`
	Kept    int          `json:"kept"`
	Given   int          `json:"given"`
	Without int          `json:"without"` // no village is known
	Events  map[Kind]int `json:"events"`
}

// Assign gives each parcel of states, earliest first, its code, and enters into r what
// happened:
//
//   - a vintage that has codes keeps them, by the parcels' ids;
//   - else a parcel keeps the code of the one before that it shares most ground with, if
//     of that one's kin it is the one with most: of a parcel that is divided the largest
//     part keeps the code, of parcels that become one the code of the largest stays;
//     of equals the least BSM. What shares less than [Options.LeastShare] is no kin;
//   - where the edition has no vintage before that has codes, a parcel keeps that of its
//     id, and one of a vintage before all others that of the parcel that it became;
//   - all others get the next numbers in their 社, in the order of BSM.
//
// A code whose parcel has no successor is retired and is not given again. Nothing happens
// the second time. r is worth nothing after an error, which is CODES_FULL when the
// numbers of a 社 do not suffice.
func Assign(r *Register, states []State, o Options) (*Assignment, error) {
	a := &assigner{r: r, states: states, o: o, highest: r.Highest(), out: &Assignment{}}
	for g, n := range o.Floor {
		a.highest[g] = max(a.highest[g], n)
	}
	for k := range states {
		a.out.Codes = append(a.out.Codes, make([]string, len(states[k].Parcels)))
		a.held = append(a.held, map[string]int{})
		a.had = append(a.had, r.coded(states[k].Vintage))
		if a.had[k] {
			a.keep(k)
		}
	}
	for k := range states {
		if err := a.state(k); err != nil {
			return nil, err
		}
	}
	for k := range states {
		r.cover(states[k].Vintage)
	}
	for k := range states {
		a.record(k)
	}
	return a.out, nil
}

// assigner assigns codes.
type assigner struct {
	r       *Register
	states  []State
	o       Options
	highest map[string]int   // number given, by 社
	held    []map[string]int // by state the parcel that has a code
	had     []bool           // states that had codes before
	out     *Assignment
}

// take gives a parcel a code that it keeps or is new.
func (a *assigner) take(k, parcel int, code string) {
	a.out.Codes[k][parcel] = code
	a.held[k][code] = parcel
}

// keep gives the parcels of a state the codes that the register says they have by their
// ids.
func (a *assigner) keep(k int) {
	at := map[uint64]int{}
	for i := range a.states[k].Parcels {
		at[a.states[k].Parcels[i].ID] = i
	}
	for _, code := range a.r.Codes() {
		e, ok := a.r.At(code, a.states[k].Vintage)
		if !ok || e.Kind == Retired {
			continue
		}
		if i, ok := at[e.ID]; ok && a.out.Codes[k][i] == "" {
			a.take(k, i, code)
		}
	}
}

// state gives the parcels of a state codes that have none yet.
func (a *assigner) state(k int) error {
	c := Count{Vintage: a.states[k].Vintage, Parcels: len(a.states[k].Parcels), Events: map[Kind]int{}}
	switch {
	case k > 0:
		a.carry(k, a.out.Codes[k-1], a.states[k-1].Parcels, a.states[k].Links)
	case !a.had[k]:
		a.keep(k)
	}
	if k+1 < len(a.states) && a.had[k+1] {
		a.carry(k, a.out.Codes[k+1], a.states[k+1].Parcels, turned(a.states[k+1].Links))
	}
	c.Kept = len(a.held[k])
	if err := a.give(k); err != nil {
		return err
	}
	c.Given = len(a.held[k]) - c.Kept
	c.Without = c.Parcels - c.Kept - c.Given
	a.out.Counts = append(a.out.Counts, c)
	return nil
}

// turned returns links the other way round.
func turned(links []Link) []Link {
	out := make([]Link, len(links))
	for i, l := range links {
		out[i] = Link{l.To, l.From, l.AreaM2, l.Same}
	}
	return out
}

// carry hands codes of parcels of another state on to those of state k that have none.
func (a *assigner) carry(k int, codes []string, from []Parcel, links []Link) {
	to := a.states[k].Parcels
	origin := a.origins(from, to, links)
	heir := map[int]Link{}
	for _, l := range links {
		if a.out.Codes[k][l.To] != "" || origin[l.To] != l || codes[l.From] == "" {
			continue
		}
		if _, claimed := a.held[k][codes[l.From]]; claimed {
			continue
		}
		if e, ok := a.r.At(codes[l.From], a.states[k].Vintage); ok && e.Kind == Retired {
			continue // it was given up in this vintage before
		}
		if best, ok := heir[l.From]; !ok || before(l, best, to[l.To], to[best.To]) {
			heir[l.From] = l
		}
	}
	for _, l := range heir {
		a.take(k, l.To, codes[l.From])
	}
}

// origins returns by parcel the link to the one of the other state that it comes from:
// the one with which it shares most, if that makes them kin.
func (a *assigner) origins(from, to []Parcel, links []Link) map[int]Link {
	out := map[int]Link{}
	for _, l := range links {
		if !a.kin(from, to, l) {
			continue
		}
		if best, ok := out[l.To]; !ok || before(l, best, from[l.From], from[best.From]) {
			out[l.To] = l
		}
	}
	return out
}

// kin tells whether what two parcels share makes one come from the other.
func (a *assigner) kin(from, to []Parcel, l Link) bool {
	return l.AreaM2 >= a.o.LeastShare*min(from[l.From].AreaM2, to[l.To].AreaM2)
}

// before tells whether link x, which leads to parcel p, comes before y, which leads to q.
func before(x, y Link, p, q Parcel) bool {
	if x.AreaM2 != y.AreaM2 {
		return x.AreaM2 > y.AreaM2
	}
	return compareParcels(p, q) < 0
}

func compareParcels(p, q Parcel) int {
	return cmp.Or(strings.Compare(p.BSM, q.BSM), cmp.Compare(p.ID, q.ID))
}

// give gives new codes to the parcels of a state that have none.
func (a *assigner) give(k int) error {
	parcels := a.states[k].Parcels
	var list []int
	for i := range parcels {
		if a.out.Codes[k][i] == "" && parcels[i].Group != "" {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(x, y int) int {
		p, q := parcels[x], parcels[y]
		return cmp.Or(strings.Compare(p.Group, q.Group), compareParcels(p, q))
	})
	for _, i := range list {
		group := parcels[i].Group
		a.highest[group]++
		code, ok := a.r.Scheme.Compose(group, a.highest[group])
		if !ok {
			return problem.New("CODES_FULL", "%[1]s 的顺序号已用完（最大 %[2]d），或它不是 %[3]d 位的代码", "the numbers of %[1]s are used up (the greatest is %[2]d), or it is no code of %[3]d digits", group, a.r.Scheme.Most(), a.r.Scheme.Place+a.r.Scheme.Group).
				Advise("给出社的图形，或在规则里加长顺序号", "give the polygons of the 社, or make numbers longer in the rules")
		}
		a.take(k, i, code)
	}
	a.out.Given = append(a.out.Given, list)
	return nil
}

// record enters into the register what happened in a state.
func (a *assigner) record(k int) {
	s := &a.states[k]
	f := a.family(k)
	for i := range s.Parcels {
		code := a.out.Codes[k][i]
		if code == "" {
			continue
		}
		was, has := a.r.At(code, s.Vintage)
		if has && was.Kind != Retired && was.ID == s.Parcels[i].ID && a.had[k] {
			continue
		}
		if kind, others := a.fate(k, i, was, has, f); kind != "" {
			a.enter(k, Event{code, s.Vintage, kind, s.Parcels[i].ID, s.Parcels[i].BSM, others})
		}
	}
	for _, code := range a.r.Codes() {
		e, ok := a.r.At(code, s.Vintage)
		if _, held := a.held[k][code]; held || !ok || e.Kind == Retired {
			continue
		}
		a.enter(k, Event{Code: code, Vintage: s.Vintage, Kind: Retired, Others: sorted(f.heirs[code])})
	}
}

// enter adds an event.
func (a *assigner) enter(k int, e Event) {
	a.r.add(e)
	a.out.Counts[k].Events[e.Kind]++
	a.out.Events = append(a.out.Events, e)
}

// family is which codes of a state have kin in the state before.
type family struct {
	parents map[int]map[string]bool    // by parcel, the codes that ground came from
	heirs   map[string]map[string]bool // by code of the state before, the codes that ground went to
	parted  map[string]map[string]bool // of heirs those that are new and come from it more than from another
	same    map[int]bool               // parcels with the border of the one before with their code
}

// family finds the kin of a state.
func (a *assigner) family(k int) *family {
	f := &family{map[int]map[string]bool{}, map[string]map[string]bool{}, map[string]map[string]bool{}, map[int]bool{}}
	if k == 0 {
		return f
	}
	codes, before := a.out.Codes[k], a.out.Codes[k-1]
	from, to := a.states[k-1].Parcels, a.states[k].Parcels
	origin := a.origins(from, to, a.states[k].Links)
	for _, l := range a.states[k].Links {
		old, now := before[l.From], codes[l.To]
		if old == "" || now == "" {
			continue
		}
		if old == now && l.Same {
			f.same[l.To] = true
		}
		if old == now || !a.kin(from, to, l) {
			continue
		}
		note(f.parents, l.To, old)
		note(f.heirs, old, now)
		if _, held := a.held[k-1][now]; !held && origin[l.To] == l {
			note(f.parted, old, now)
		}
	}
	return f
}

func note[K comparable](to map[K]map[string]bool, key K, code string) {
	if to[key] == nil {
		to[key] = map[string]bool{}
	}
	to[key][code] = true
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// fate tells what happened to the code of parcel i: was is what held of it before, if has.
// "" is nothing.
func (a *assigner) fate(k, i int, was Event, has bool, f *family) (Kind, []string) {
	code, p := a.out.Codes[k][i], &a.states[k].Parcels[i]
	var gone []string // parents whose code ends here
	for _, c := range sorted(f.parents[i]) {
		if _, held := a.held[k][c]; !held {
			gone = append(gone, c)
		}
	}
	switch {
	case !has && len(f.parents[i]) > 0:
		return Split, sorted(f.parents[i])
	case !has:
		return New, nil
	case len(gone) > 0:
		return Merge, gone
	case len(f.parted[code]) > 0:
		return Split, sorted(f.parted[code])
	case k > 0 && !f.same[i] && !a.had[k]:
		return Edit, nil
	case was.ID != p.ID || was.BSM != p.BSM:
		return Renumber, nil
	}
	return "", nil
}
