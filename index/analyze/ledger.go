package analyze

import (
	"maps"
	"math"
	"slices"

	"gengtu/index"
)

// notCropland is the class of ground that is not in the layer, where the layer is of
// cropland alone; elsewhere is the place of what lies outside of the edition.
const (
	notCropland = "-"
	elsewhere   = ""
)

// spot is a class in a place. outside tells that the place is not among those asked about.
type spot struct {
	place, class string
	outside      bool
}

// account is what became of a class in a place. What it had and has are sums over
// features; the rest are shares of theirs.
type account struct {
	opening, in, out, transferIn, transferOut Area
	// double is ground that features of one state share: what they count too much later,
	// less what they counted too much before.
	double Area
	// adjusted is what the same ground counts for in the later state, less what it counted
	// for in the earlier one.
	adjusted, closing Area
}

// balance is what the account must close with.
func (a *account) balance() Area {
	return a.opening + a.in - a.out + a.transferIn - a.transferOut + a.double + a.adjusted
}

// ledger are the accounts of one kind of area.
type ledger struct {
	accounts  map[[2]string]*account // by place and class
	flows     map[[3]string]Area     // by place and both classes
	transfers map[[3]string]Area     // by both places and class
}

func newLedger() *ledger {
	return &ledger{map[[2]string]*account{}, map[[3]string]Area{}, map[[3]string]Area{}}
}

// at returns the account of a spot.
func (g *ledger) at(s spot) *account {
	k := [2]string{s.place, s.class}
	if g.accounts[k] == nil {
		g.accounts[k] = &account{}
	}
	return g.accounts[k]
}

// move books ground that was at a and is at b: to the other place first, in its old class,
// and there to its new one, so that flows of places add up to those of wider ones.
func (g *ledger) move(a, b spot, x Area) {
	if a.place != b.place && x != 0 {
		if !a.outside {
			g.at(a).transferOut += x
		}
		if !b.outside {
			g.at(spot{b.place, a.class, false}).transferIn += x
		}
		g.transfers[[3]string{a.place, b.place, a.class}] += x
	}
	if b.outside || x == 0 {
		return
	}
	g.flows[[3]string{b.place, a.class, b.class}] += x
	if a.class != b.class {
		g.at(spot{b.place, a.class, false}).out += x
		g.at(b).in += x
	}
}

// leave books ground that went out of the edition, arrive what came into it.
func (g *ledger) leave(a spot, x Area) {
	if !a.outside && x != 0 {
		g.at(a).transferOut += x
		g.transfers[[3]string{a.place, elsewhere, a.class}] += x
	}
}

func (g *ledger) arrive(b spot, x Area) {
	if !b.outside && x != 0 {
		g.at(b).transferIn += x
		g.transfers[[3]string{elsewhere, b.place, b.class}] += x
	}
}

// sum adds up what of returns of all accounts.
func (g *ledger) sum(of func(a *account) Area) Area {
	total := Area(0)
	for _, a := range g.accounts {
		total += of(a)
	}
	return total
}

// keysOf returns the keys of a map in order.
func keysOf[K [2]string | [3]string, V any](m map[K]V) []K {
	text := func(k K) []string {
		switch k := any(k).(type) {
		case [2]string:
			return k[:]
		case [3]string:
			return k[:]
		}
		return nil
	}
	return slices.SortedFunc(maps.Keys(m), func(a, b K) int { return slices.Compare(text(a), text(b)) })
}

// recorded is an area of record, or a share of one, in 0.01 m²: of the class itself, and of
// the ridges in it.
type recorded struct {
	main, ridge int64
	there       bool // the record has an area
	patched     bool // of the patch, which main and ridge add up to
}

// recordOf returns the areas of a record; without a net area there are no ridges.
func recordOf(r index.Record) recorded {
	patch, net := index.OfRecord(r.Patch), index.OfRecord(r.Net)
	switch {
	case !patch && !net:
		return recorded{}
	case !patch:
		return recorded{r.Net, 0, true, false}
	case !net || r.Net > r.Patch:
		return recorded{r.Patch, 0, true, true}
	}
	return recorded{r.Net, r.Patch - r.Net, true, true}
}

func (r recorded) whole() int64 { return r.main + r.ridge }

// arriving is r as its ground is divided between class and ridges where it arrives as to.
func (r recorded) arriving(to recorded) recorded {
	ridge := int64(0)
	switch {
	case to.whole() == r.whole():
		ridge = to.ridge
	case to.whole() > 0:
		ridge = int64(math.Round(float64(r.whole()) * (float64(to.ridge) / float64(to.whole()))))
	}
	return recorded{r.whole() - ridge, ridge, true, r.patched}
}

// books are the two ledgers of a comparison: of ground, by the survey's formula, and of
// areas of record, where ridges are booked under a class of their own.
type books struct {
	s              *states
	ridges         string
	ground, record *ledger
	unrecorded     [2]int64 // features without areas of record
}

// open books what all features had and have.
func (b *books) open() error {
	for side, x := range b.s.of {
		to := func(a *account) *Area {
			if side == 0 {
				return &a.opening
			}
			return &a.closing
		}
		for i := range x.layer.Len() {
			at, err := b.spot(side, int32(i))
			if err != nil {
				return err
			}
			if at.outside {
				continue
			}
			r := x.layer.Record(i)
			*to(b.ground.at(at)) += areaOf(r.AreaM2)
			rec := recordOf(r)
			if !rec.there {
				b.unrecorded[side]++
				continue
			}
			*to(b.record.at(at)) += Area(rec.main)
			if rec.ridge > 0 {
				*to(b.record.at(spot{at.place, b.ridges, false})) += Area(rec.ridge)
			}
		}
	}
	return nil
}

// spot returns where feature i of a side is booked.
func (b *books) spot(side int, i int32) (spot, error) {
	x := b.s.of[side]
	place, ok := x.places.of(int(i))
	class, err := x.class.text(int(i))
	return spot{place, class, !ok}, err
}

// book books a link.
func (b *books) book(l *link) error {
	var at [2]spot
	for side, i := range []int32{l.from, l.to} {
		if i < 0 {
			continue
		}
		var err error
		if at[side], err = b.spot(side, i); err != nil {
			return err
		}
	}
	b.ground.link(b.s.whole, l, at, [2]recorded{known(l.area[0]), known(l.area[1])}, b.ridges)
	b.record.link(b.s.whole, l, at, l.record, b.ridges)
	return nil
}

// known is an area without ridges, of which there is none where a side is missing.
func known(area int64) recorded {
	if area == index.NoArea {
		return recorded{}
	}
	return recorded{area, 0, true, false}
}

// link books one kind of area of a link; whole tells that the layer has all ground.
func (g *ledger) link(whole bool, l *link, at [2]spot, r [2]recorded, ridges string) {
	switch {
	case !l.counted[0] || !l.counted[1]:
		for side, sign := range []Area{-1, 1} {
			if l.counted[side] && !at[side].outside && r[side].there {
				g.at(at[side]).double += sign * Area(r[side].main)
				g.ridge(at[side], ridges, r[side].ridge, func(a *account, x Area) { a.double += sign * x })
			}
		}
	case l.from >= 0 && l.to >= 0:
		g.both(at[0], at[1], r[0], r[1], ridges)
	case l.from >= 0:
		g.lost(whole, at[0], r[0], ridges)
	case l.to >= 0:
		g.gained(whole, at[1], r[1], ridges)
	}
}

// ridge books ridges under their class.
func (g *ledger) ridge(at spot, ridges string, x int64, book func(a *account, x Area)) {
	if x != 0 {
		book(g.at(spot{at.place, ridges, false}), Area(x))
	}
}

// both books ground that is in both states: what it was, as it was recorded, goes to what
// it is; what it is recorded as now beyond that is adjusted.
func (g *ledger) both(a, b spot, was, is recorded, ridges string) {
	ridgeA, ridgeB := spot{a.place, ridges, a.outside}, spot{b.place, ridges, b.outside}
	arrived := recorded{there: is.there}
	if was.there {
		arrived = was.arriving(is)
		same := min(was.ridge, arrived.ridge)
		g.move(ridgeA, ridgeB, Area(same))
		g.move(a, b, Area(min(was.main, arrived.main)))
		g.move(ridgeA, b, Area(was.ridge-same))
		g.move(a, ridgeB, Area(arrived.ridge-same))
	}
	if b.outside {
		return
	}
	if d := is.main - arrived.main; d != 0 {
		g.at(b).adjusted += Area(d)
	}
	g.ridge(b, ridges, is.ridge-arrived.ridge, func(x *account, d Area) { x.adjusted += d })
}

// lost books ground that is in the earlier state alone, gained that of the later: where
// the layer has all ground it went to, and came from, elsewhere; cropland became something
// else, and something else became cropland.
func (g *ledger) lost(whole bool, a spot, r recorded, ridges string) {
	for _, p := range []struct {
		class string
		x     int64
	}{{a.class, r.main}, {ridges, r.ridge}} {
		at := spot{a.place, p.class, a.outside}
		if whole {
			g.leave(at, Area(p.x))
		} else {
			g.move(at, spot{a.place, notCropland, a.outside}, Area(p.x))
		}
	}
}

func (g *ledger) gained(whole bool, b spot, r recorded, ridges string) {
	for _, p := range []struct {
		class string
		x     int64
	}{{b.class, r.main}, {ridges, r.ridge}} {
		at := spot{b.place, p.class, b.outside}
		if whole {
			g.arrive(at, Area(p.x))
		} else {
			g.move(spot{b.place, notCropland, b.outside}, at, Area(p.x))
		}
	}
}

// close adds the identities of a ledger to an answer; whole tells that the layer has all
// ground. Each account closes; all inflow is outflow; and where no cropland turns into what
// is not in the layer, all that was and came is all that is and went.
func (g *ledger) close(r *Result, whole bool, name, zh, en string) {
	worst, left, right := Area(-1), Area(0), Area(0)
	for _, k := range keysOf(g.accounts) {
		a := g.accounts[k]
		if k[1] == notCropland {
			continue
		}
		if d := max(a.balance()-a.closing, a.closing-a.balance()); d > worst {
			worst, left, right = d, a.balance(), a.closing
		}
	}
	r.identity(name+"-accounts", zh+"：各地区各地类，期初＋流入－流出±调入调出±重叠±调整＝期末（差得最多的一项）",
		en+": opening + in − out ± transfer ± double ± adjusted = closing of every class and place (the one that is furthest off)", left, right)
	r.identity(name+"-flows", zh+"：流入合计＝流出合计", en+": all inflow is all outflow",
		g.sum(func(a *account) Area { return a.in }), g.sum(func(a *account) Area { return a.out }))
	if whole {
		r.identity(name+"-closing", zh+"：期初合计±调入调出±重叠±调整＝期末合计", en+": all that was ± transfer ± double ± adjusted is all that is",
			g.sum(func(a *account) Area { return a.opening + a.transferIn - a.transferOut + a.double + a.adjusted }), g.sum(func(a *account) Area { return a.closing }))
	}
}
