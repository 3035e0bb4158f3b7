package check

import (
	"cmp"
	"slices"
)

// rounding reports what lies between borders that were joined and is explained by the
// survey's grid: neither overlap nor gap, but told where there is much of it, so that no
// ground that two features share or leave is passed over.
type rounding struct {
	c        *Checker
	g        *ground
	w        *weave
	overlaps []thinBorder
	gaps     map[[2]uint32]bool // between whom they are reported already
}

// thinBorder is ground of one kind along the border of two features, or of one and
// several.
type thinBorder struct {
	pair       [2]uint32
	area       float64
	neighbours int
}

// report reports overlaps and gaps between two features, and gaps along a feature that
// are much together: a thin gap goes on along many neighbours.
func (r *rounding) report() error {
	rules := r.g.layer.rules["rounded-border"]
	if len(rules) == 0 {
		return nil
	}
	var gaps, rest []thinBorder
	for pair, t := range r.w.thin {
		switch {
		case r.gaps[pair] || t.gap <= 0:
		case t.gap >= least(rules):
			gaps = append(gaps, thinBorder{pair, t.gap, 1})
		default:
			rest = append(rest, thinBorder{pair, t.gap, 1})
		}
	}
	gaps = append(gaps, alongOne(rest, least(rules))...)
	slices.SortFunc(gaps, byPair)
	for i := range r.overlaps {
		if err := r.border(rules, &r.overlaps[i], "重叠", "overlap"); err != nil {
			return err
		}
	}
	for i := range gaps {
		if err := r.border(rules, &gaps[i], "缝隙", "gap"); err != nil {
			return err
		}
	}
	return nil
}

func byPair(a, b thinBorder) int {
	return cmp.Or(cmp.Compare(a.pair[0], b.pair[0]), cmp.Compare(a.pair[1], b.pair[1]))
}

// alongOne adds gaps up by the feature that most of them are along, each gap once, and
// returns sums of at least least; the second of a pair is then one of the neighbours.
func alongOne(list []thinBorder, least float64) []thinBorder {
	slices.SortFunc(list, byPair)
	of := map[uint32][]int{}
	sums := map[uint32]float64{}
	for i, b := range list {
		for _, n := range b.pair {
			of[n] = append(of[n], i)
			sums[n] += b.area
		}
	}
	var order []uint32
	for n, sum := range sums {
		if sum >= least {
			order = append(order, n)
		}
	}
	slices.SortFunc(order, func(a, b uint32) int { return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a, b)) })
	used := make([]bool, len(list))
	var out []thinBorder
	for _, n := range order {
		sum, best, count := 0.0, -1, 0
		for _, i := range of[n] {
			if used[i] {
				continue
			}
			count++
			sum += list[i].area
			if best < 0 || list[i].area > list[best].area {
				best = i
			}
		}
		if sum < least {
			continue
		}
		for _, i := range of[n] {
			used[i] = true
		}
		pair := list[best].pair
		if pair[0] != n {
			pair[0], pair[1] = pair[1], pair[0]
		}
		out = append(out, thinBorder{pair, sum, count})
	}
	return out
}

// border reports one.
func (r *rounding) border(rules []*Rule, b *thinBorder, zh, en string) error {
	first, err := r.g.head(b.pair[0])
	if err != nil {
		return err
	}
	second, err := r.g.head(b.pair[1])
	if err != nil {
		return err
	}
	at := r.g.place(&first)
	at.other = second.name()
	t := r.w.between([2]uint32{min(b.pair[0], b.pair[1]), max(b.pair[0], b.pair[1])})
	if at.at = t.overlapAt; en == "gap" {
		at.at = t.gapAt
	}
	for _, rule := range rules {
		if !rule.holds(b.area) {
			continue
		}
		err := r.c.book.report(&found{
			place: at, rule: rule, areaM2: b.area, args: []any{b.area, at.other, b.neighbours, zh, en},
			zh: "与 %[2]s 等 %[3]d 个相邻图斑之间，%[4]s共 %.2[1]f m²", en: "%.2[1]f m² of %[5]s between it and %[3]d of its neighbours, such as %[2]s",
		})
		if err != nil {
			return err
		}
	}
	return nil
}
