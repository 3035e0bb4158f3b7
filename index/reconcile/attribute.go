package reconcile

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"strings"

	"gengtu/index/analyze"
	"gengtu/index/geo"
)

func workers(n int) int {
	if n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}

// allot gives the parts their shares: those of one feature add up to its figure.
func (r *run) allot() {
	for s, x := range r.sides {
		var order []int32
		for i := range r.parts {
			if r.parts[i].of(s) >= 0 {
				order = append(order, int32(i))
			}
		}
		slices.SortStableFunc(order, func(i, k int32) int { return cmp.Compare(r.parts[i].of(s), r.parts[k].of(s)) })
		var weights []float64
		for at := 0; at < len(order); {
			f := r.parts[order[at]].of(s)
			first := at
			weights = weights[:0]
			for ; at < len(order) && r.parts[order[at]].of(s) == f; at++ {
				weights = append(weights, max(r.parts[order[at]].area, 0))
			}
			whole, ok := x.value(int(f))
			if !ok {
				x.missing++
				continue
			}
			for k, v := range geo.LargestRemainder(geo.Hundredths(whole), weights) {
				p := &r.parts[order[first+k]]
				switch {
				case x.Figure == Ground && (p.again || p.kind == twiceA+kind(s)): // counts once
				case s == 0:
					p.shareA = int64(v)
				default:
					p.shareB = int64(v)
				}
			}
		}
	}
}

// item is what a pair of features, or one, adds to a line in a place.
type item struct {
	line   uint8
	a, b   int32 // -1 for none
	place  int32 // among the run's codes
	amount analyze.Area
	ground float64 // m²
}

// codes are the codes of places, each once.
type codes struct {
	list []string
	at   map[string]int32
}

func (c *codes) number(code string) int32 {
	if n, ok := c.at[code]; ok {
		return n
	}
	if c.at == nil {
		c.at = map[string]int32{}
	}
	n := int32(len(c.list))
	c.list = append(c.list, code)
	c.at[code] = n
	return n
}

// sums are the figures and the lines by the place of the features, whole codes.
type sums struct {
	codes
	places []placeSums // by code
}

// placeSums are the sums in one place.
type placeSums struct {
	a, b  analyze.Area
	lines [10]analyze.Area // as Lines
}

func (s *sums) of(place int32) *placeSums {
	for int(place) >= len(s.places) {
		s.places = append(s.places, placeSums{})
	}
	return &s.places[place]
}

// attribute gives each share to a line.
func (r *run) attribute() {
	for _, x := range r.sides {
		x.places = make([]int32, x.Layer.Len())
		for i := range x.places {
			x.places[i] = -1
		}
	}
	for i := range r.parts {
		p := &r.parts[i]
		pa, pb := r.placesOf(p)
		if pa >= 0 {
			r.sums.of(pa).a += analyze.Area(p.shareA)
		}
		if pb >= 0 {
			r.sums.of(pb).b += analyze.Area(p.shareB)
		}
		switch p.kind {
		case shared:
			if p.again && (r.A.Figure == Ground) != (r.B.Figure == Ground) {
				r.add(Doubled, p, pa, -p.shareA)
				r.add(Doubled, p, pb, p.shareB)
				continue
			}
			r.both(p, pa, pb)
		case twiceA:
			r.add(Doubled, p, pa, -p.shareA)
		case twiceB:
			r.add(Doubled, p, pb, p.shareB)
		case onlyA:
			r.add(Lines[p.line], p, pa, -p.shareA)
		case onlyB:
			r.add(Lines[p.line], p, pb, p.shareB)
		}
	}
	slices.SortStableFunc(r.items, compareItems)
	merged := r.items[:0]
	for _, x := range r.items {
		if n := len(merged); n > 0 && compareItems(merged[n-1], x) == 0 {
			merged[n-1].amount += x.amount
			merged[n-1].ground += x.ground
			continue
		}
		merged = append(merged, x)
	}
	r.items = merged
}

func compareItems(x, y item) int {
	return cmp.Or(cmp.Compare(x.line, y.line), cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b), cmp.Compare(x.place, y.place))
}

// add books an amount.
func (r *run) add(line Line, p *part, place int32, amount int64) {
	if amount == 0 {
		return
	}
	n := number(line)
	r.sums.of(place).lines[n] += analyze.Area(amount)
	r.items = append(r.items, item{n, p.a, p.b, place, analyze.Area(amount), p.area})
}

// both attributes ground that a feature of each side holds: what they deduct as ridges,
// what the records say otherwise than the ground, and where it belongs.
func (r *run) both(p *part, pa, pb int32) {
	x, y := r.sides[0].density(int(p.a)), r.sides[1].density(int(p.b))
	if pa != pb {
		r.add(Transfer, p, pa, -p.shareA)
		r.add(Transfer, p, pb, p.shareA)
	}
	left := p.shareB - p.shareA
	if left == 0 || p.again && r.A.Figure == Ground {
		return
	}
	room := 0.0 // what rounding may come to
	for _, d := range []density{x, y} {
		if d.area > 0 {
			room += d.half * min(p.area/d.area, 1)
		}
	}
	// The coefficient changes on the record of A, then the record.
	ridges, record := (x.ridges-y.ridges)*x.patch*p.area*100, (1-y.ridges)*(y.patch-x.patch)*p.area*100
	if !x.ok || !y.ok {
		ridges, record = 0, float64(left)
	}
	rest := float64(left) - ridges - record
	ridged, recorded := math.Abs(ridges) > room+least, math.Abs(record) > room+least
	// Each share is less than a unit from the exact one.
	const noise = 3
	switch {
	case math.Abs(rest) > room+noise:
		r.add(Unexplained, p, pb, left)
	case ridged && recorded:
		first := int64(math.Round(ridges))
		r.add(Ridges, p, pb, first)
		r.add(RecordLine, p, pb, left-first)
	case ridged:
		r.add(Ridges, p, pb, left)
	case recorded:
		r.add(RecordLine, p, pb, left)
	case math.Abs(float64(left)) > 2*room+noise:
		r.add(Unexplained, p, pb, left)
	default:
		r.add(Rounding, p, pb, left)
	}
}

// least is what keeps equal records from differing by the last bits of their densities.
const least = 1e-6

// placesOf returns the places of the features of a part, -1 where there is none. Where
// one's code is the beginning of the other's the finer holds for both, and of ground
// that one side has alone that of the survey beneath.
func (r *run) placesOf(p *part) (pa, pb int32) {
	pa, pb = r.place(0, p.a), r.place(1, p.b)
	switch {
	case pa >= 0 && pb >= 0:
		finer := r.finer(pa, pb)
		return r.finer(pa, finer), r.finer(pb, finer)
	case pa >= 0:
		return r.finer(pa, r.surveyPlace(1, p.other)), -1
	}
	return -1, r.finer(pb, r.surveyPlace(0, p.other))
}

// finer returns the second place where it lies in the first, else the first.
func (r *run) finer(x, y int32) int32 {
	if x >= 0 && y >= 0 && strings.HasPrefix(r.sums.list[y], r.sums.list[x]) {
		return y
	}
	return x
}

// place returns the place of a feature of a side, -1 for no feature.
func (r *run) place(s int, i int32) int32 {
	if i < 0 {
		return -1
	}
	known := r.sides[s].places
	if known[i] < 0 {
		known[i] = r.sums.number(r.sides[s].Layer.Head(int(i)).Place)
	}
	return known[i]
}

// surveyPlace returns the place of a feature of a side's survey, -1 for no feature.
func (r *run) surveyPlace(s int, i int32) int32 {
	if i < 0 {
		return -1
	}
	return r.sums.number(r.sides[s].survey.Layer.Head(int(i)).Place)
}
