package areas

import (
	"math"
	"slices"
	"strings"

	"gengtu/index/geo"
)

// coarse rounds figures to multiples of a step in m², where a policy wants answers to
// tell no more than that. The zero value rounds nothing.
type coarse float64

// figure is n steps, to 0.01 m² as all steps are.
func (c coarse) figure(n geo.Hundredths) float64 { return math.Round(float64(n)*float64(c)*100) / 100 }

// count is how many steps a figure comes nearest to, halves up.
func (c coarse) count(m2 float64) geo.Hundredths {
	return geo.Hundredths(math.Floor(m2/float64(c) + 0.5))
}

// near rounds a figure to the nearest step.
func (c coarse) near(m2 float64) float64 { return c.figure(c.count(m2)) }

// nearPart rounds a figure that may be missing.
func (c coarse) nearPart(m2 *float64) {
	if m2 != nil {
		*m2 = c.near(*m2)
	}
}

// RoundedTo returns a figure as answers give it that are rounded to a step in m²; of a
// step of 0 as it is.
func RoundedTo(step, m2 float64) float64 {
	if step == 0 {
		return m2
	}
	return coarse(step).near(m2)
}

// spread rounds parts so that they add up to total, which has been rounded; what is
// missing stays so.
func (c coarse) spread(total float64, parts []*float64) {
	parts = slices.DeleteFunc(parts, func(p *float64) bool { return p == nil })
	values := make([]float64, len(parts))
	for i, p := range parts {
		values[i] = *p
	}
	for i, n := range geo.LargestRemainder(c.count(total), values) {
		*parts[i] = c.figure(n)
	}
}

// addUp is spread where parts add up to a whole that has one figure before rounding and
// one after; where they do not, or there is no whole, they are spread over their own sum.
func (c coarse) addUp(before, after *float64, parts []*float64) {
	sum := 0.0
	for _, p := range parts {
		if p != nil {
			sum += *p
		}
	}
	if before != nil && after != nil && math.Abs(sum-*before) < unlisted {
		sum = *after
	}
	c.spread(c.near(sum), parts)
}

// coarsen rounds all areas of an answer to multiples of step, for which 0 does nothing.
// Each layer's figures come nearest to what they were; groups and pieces add up to their
// layer's, as they did before, and combinations to the shape's area and, as far as there
// is a way to round them so, to the layers'. Other units follow from the rounded figures.
func (a *Answer) coarsen(step float64) {
	c := coarse(step)
	if c == 0 {
		return
	}
	a.RoundedM2 = step
	a.AOI.AreaM2 = c.near(a.AOI.AreaM2)
	a.AOI.AreaMu, a.AOI.AreaHa = round(a.AOI.AreaM2*geo.MuPerM2, 4), round(a.AOI.AreaM2/1e4, 6)
	for i := range a.Layers {
		a.Layers[i].coarsen(c)
	}
	a.coarsenCombinations(c)
}

func (l *Layer) coarsen(c coarse) {
	before := *l
	for _, p := range []**float64{&l.PatchM2, &l.NetM2, &l.PatchComputedM2, &l.NetComputedM2, &l.SurveyM2} {
		if *p != nil {
			v := **p // before keeps what it was
			*p = &v
			c.nearPart(*p)
		}
	}
	for _, v := range []*float64{&l.AreaM2, &l.GrossM2, &l.NoPatchM2, &l.NoNetM2} {
		c.nearPart(v)
	}
	l.AreaMu, l.AreaHa = round(l.AreaM2*geo.MuPerM2, 4), round(l.AreaM2/1e4, 6)
	l.NetMu = muOf(l.NetM2)
	var areas, patches, nets []*float64
	for i := range l.Groups {
		g := &l.Groups[i]
		areas, patches, nets = append(areas, &g.AreaM2), append(patches, g.PatchM2), append(nets, g.NetM2)
	}
	c.addUp(&before.AreaM2, &l.AreaM2, areas)
	c.addUp(before.PatchM2, l.PatchM2, patches)
	c.addUp(before.NetM2, l.NetM2, nets)
	for i := range l.Groups {
		g := &l.Groups[i]
		g.AreaMu, g.NetMu = round(g.AreaM2*geo.MuPerM2, 4), muOf(g.NetM2)
	}
	areas, patches, nets = nil, nil, nil
	var surveys []*float64
	for i := range l.Pieces {
		p := &l.Pieces[i]
		areas, patches, nets, surveys = append(areas, &p.AreaM2), append(patches, p.PatchM2), append(nets, p.NetM2), append(surveys, p.SurveyM2)
	}
	c.addUp(&before.GrossM2, &l.GrossM2, areas)
	c.addUp(before.PatchM2, l.PatchM2, patches)
	c.addUp(before.NetM2, l.NetM2, nets)
	c.addUp(before.SurveyM2, l.SurveyM2, surveys)
}

func (a *Answer) coarsenCombinations(c coarse) {
	if len(a.Combinations) == 0 {
		return
	}
	parts := make([]*float64, len(a.Combinations))
	for i := range a.Combinations {
		parts[i] = &a.Combinations[i].AreaM2
	}
	if steps := c.fit(a); steps != nil {
		for i, n := range steps {
			*parts[i] = c.figure(n)
		}
	} else {
		c.spread(a.AOI.AreaM2, parts)
	}
	for i := range a.Layers {
		l := &a.Layers[i]
		var nets []*float64
		for k := range a.Combinations {
			nets = append(nets, a.Combinations[k].NetM2[l.Layer])
		}
		if l.NetM2 != nil {
			c.spread(*l.NetM2, nets)
		}
	}
}

// maxFit bounds the combinations for which a way to round them is sought: those of three
// layers, four steps to choose from each, are 65,536 ways.
const maxFit = 8

// fit finds how many steps the combinations have so that they add up to the rounded areas
// of the shape and of every layer, each near what it was and nothing where there was
// nothing; of all such ways the one that changes least. nil when there is none, or there
// are too many combinations.
func (c coarse) fit(a *Answer) []geo.Hundredths {
	if len(a.Combinations) > maxFit {
		return nil
	}
	// The first sum is the shape's, the others the layers'.
	left := []geo.Hundredths{c.count(a.AOI.AreaM2)}
	in := make([]uint, len(a.Combinations)) // sums that a combination is part of
	for i := range a.Layers {
		left = append(left, c.count(a.Layers[i].AreaM2))
		for k := range a.Combinations {
			in[k] |= 1
			if slices.Contains(a.Combinations[k].Inside, a.Layers[i].Layer) {
				in[k] |= 2 << i
			}
		}
	}
	var best []geo.Hundredths
	least := math.Inf(1)
	steps := make([]geo.Hundredths, len(a.Combinations))
	var choose func(k int, off float64)
	choose = func(k int, off float64) {
		if off >= least {
			return
		}
		if k == len(steps) {
			if !slices.ContainsFunc(left, func(n geo.Hundredths) bool { return n != 0 }) {
				best, least = slices.Clone(steps), off
			}
			return
		}
		exact := a.Combinations[k].AreaM2 / float64(c)
		lowest := geo.Hundredths(math.Floor(exact)) - 1
		for n := max(lowest, 0); n <= lowest+3; n++ {
			if n > 0 && exact == 0 {
				break
			}
			steps[k] = n
			d := float64(n) - exact
			take(left, in[k], n)
			choose(k+1, off+d*d)
			take(left, in[k], -n)
		}
	}
	choose(0, 0)
	return best
}

// take takes n from the sums that have their bit in which.
func take(sums []geo.Hundredths, which uint, n geo.Hundredths) {
	for i := range sums {
		if which&(1<<i) != 0 {
			sums[i] -= n
		}
	}
}

// coarsen rounds what a tally holds, at its finest, so that whatever is added up of it
// adds up. A layer's total comes nearest to what it was; it is shared out among places,
// from the widest to the narrowest, and in a place among classes and all else, at each
// step by largest remainder. Patch, net and booked areas are rounded apart.
func (t *Tally) coarsen(step float64) {
	c := coarse(step)
	if c == 0 {
		return
	}
	area := make([]float64, len(t.cells))
	for i := range t.cells {
		area[i] = t.cells[i].sums.areaM2
	}
	for i, n := range t.share(c, area) {
		t.cells[i].sums.areaM2 = c.figure(n)
		t.cells[i].sums.cents = geo.HundredthsOf(t.cells[i].sums.areaM2)
	}
	for _, of := range []func(s *tallySums) *int64{
		func(s *tallySums) *int64 { return &s.patch.sum }, func(s *tallySums) *int64 { return &s.patch.computed },
		func(s *tallySums) *int64 { return &s.net.sum }, func(s *tallySums) *int64 { return &s.net.computed },
	} {
		t.coarsenRecord(c, of)
	}
	// What is booked is rounded in two parts, so that neither is below 0.
	for i := range t.cells {
		t.cells[i].sums.booked -= t.cells[i].sums.ridges
	}
	t.coarsenRecord(c, func(s *tallySums) *int64 { return &s.booked })
	t.coarsenRecord(c, func(s *tallySums) *int64 { return &s.ridges })
	for i := range t.cells {
		t.cells[i].sums.booked += t.cells[i].sums.ridges
	}
}

// coarsenRecord rounds one kind of sum in 0.01 m².
func (t *Tally) coarsenRecord(c coarse, of func(s *tallySums) *int64) {
	m2 := make([]float64, len(t.cells))
	for i := range t.cells {
		m2[i] = float64(*of(&t.cells[i].sums)) / recordUnits
	}
	for i, n := range t.share(c, m2) {
		*of(&t.cells[i].sums) = int64(math.Round(c.figure(n) * recordUnits))
	}
}

// share shares the total of figures, one a cell, out in steps.
func (t *Tally) share(c coarse, m2 []float64) []geo.Hundredths {
	out := make([]geo.Hundredths, len(m2))
	sum := 0.0
	for _, v := range m2 {
		sum += v
	}
	t.shareRange(m2, out, sharing{0, len(m2), 0, c.count(sum)})
	return out
}

// sharing is a range of cells that are alike in the first levels of what tells them
// apart, and what they have to share.
type sharing struct {
	from, to, level int
	steps           geo.Hundredths
}

// shareRange shares steps out among the cells of a range.
func (t *Tally) shareRange(m2 []float64, out []geo.Hundredths, s sharing) {
	switch {
	case s.from == s.to:
		return
	case s.to-s.from == 1:
		out[s.from] = s.steps
		return
	}
	var ends []int
	var sums []float64
	for i := s.from; i < s.to; i++ {
		if i == s.from || t.key(i, s.level) != t.key(i-1, s.level) {
			ends, sums = append(ends, i), append(sums, 0)
		}
		ends[len(ends)-1] = i + 1
		sums[len(sums)-1] += m2[i]
	}
	from := s.from
	for k, n := range geo.LargestRemainder(s.steps, sums) {
		t.shareRange(m2, out, sharing{from, ends[k], s.level + 1, n})
		from = ends[k]
	}
}

// key is what tells cell i from others at a level: its place to the digits of a level of
// places, then its values one after another. Cells are sorted by these.
func (t *Tally) key(i, level int) string {
	c := &t.cells[i]
	switch {
	case level < len(Levels):
		return c.place[:min(len(c.place), Levels[level].Digits())]
	case level == len(Levels):
		return c.place
	case level <= len(Levels)+len(c.values):
		return c.values[level-len(Levels)-1]
	}
	return strings.Repeat("x", i) // no two cells are alike in all of it
}
