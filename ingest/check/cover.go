package check

import (
	"slices"
	"strings"

	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// against asks the rules about the features of l and the places p: the survey's patches,
// or places of a finer level.
func (c *Checker) against(l, p *layerCheck) error {
	for _, fine := range l.grounds {
		for _, coarse := range p.grounds {
			switch {
			case l.ofPlaces():
				if err := c.nested(fine, coarse); err != nil {
					return err
				}
			case coarse.level == 12:
				if err := c.cover(fine, coarse, l.rules["outside-village"], l.rules["village-uncovered"]); err != nil {
					return err
				}
			default:
				if err := c.cover(fine, coarse, l.rules["outside-region"], l.rules["region-uncovered"]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// nearBoth returns within what distances places of two layers are one.
func nearBoth(a, b *layerCheck) nearness {
	n := a.near()
	n.vertexM = max(n.vertexM, b.near().vertexM)
	for _, f := range b.seen.Files {
		if f.CRS != a.seen.Files[0].CRS {
			n.vertexM = max(n.vertexM, a.check.rules.Tolerances.VertexBetweenZonesM)
		}
	}
	return n
}

// cover asks whether g lies in places and covers them.
func (c *Checker) cover(g, places *ground, outside, uncovered []*Rule) error {
	if len(outside)+len(uncovered) == 0 {
		return nil
	}
	w := newWeave(both(g.border, places.border), nearBoth(g.layer, places.layer))
	m := comparison{c: c, w: w, a: g, b: places, outside: outside, uncovered: uncovered}
	return m.run()
}

// both returns the edges of two borders, the second's under label 1.
func both(a, b []edge) []edge {
	out := slices.Grow(slices.Clone(a), len(b))
	for _, e := range b {
		e.n[1], e.n[0] = e.n[0], 0
		e.owner[1], e.owner[0] = e.owner[0], nobody
		out = append(out, e)
	}
	return out
}

// comparison holds the ground of features of a, label 0 of w, against that of features of
// b, label 1.
type comparison struct {
	c                  *Checker
	w                  *weave
	a, b               *ground
	only               []uint32 // the features of a that it is about, in order; nil: all
	outside, uncovered []*Rule
}

// run reports where a reaches beyond b, and where it does not cover it.
func (m *comparison) run() error {
	first, second := m.a.knots.in(m.w), m.b.knots.in(m.w)
	if len(m.outside) > 0 {
		for _, r := range m.w.regions(func(n [2]int32) bool { return n[0] > 0 && n[1] <= 0 }) {
			if first.on(r.shape[0]) || second.on(r.shape[0]) {
				continue
			}
			if err := m.beyond(&r); err != nil {
				return err
			}
		}
	}
	if len(m.uncovered) == 0 {
		return nil
	}
	for _, r := range m.w.regions(func(n [2]int32) bool { return n[1] > 0 && n[0] <= 0 }) {
		if first.on(r.shape[0]) || second.on(r.shape[0]) {
			continue
		}
		r.of = m.b.layer.name()
		if err := m.c.ground(m.b, 1, m.uncovered, &r); err != nil {
			return err
		}
	}
	return nil
}

// beyond reports the features of a that have ground in a region beyond b.
func (m *comparison) beyond(r *region) error {
	if r.area < least(m.outside) {
		return nil
	}
	ground, _, err := overlay.Mend(r.shape) // rings may touch themselves
	if err != nil {
		return err
	}
	var list []uint32
	m.a.near().search(ground.Box(), func(n uint32) {
		if _, is := slices.BinarySearch(m.only, n); is || m.only == nil {
			list = append(list, n)
		}
	})
	slices.Sort(list)
	// The region may be large, and reach under all features.
	prepared := overlay.Prepare(ground)
	var work overlay.Workspace
	var rings geo.Rings
	for _, n := range list {
		p, err := m.a.fitted(n, m.w)
		if err != nil {
			return err
		}
		rings.Reset()
		rings.Append(p.shape)
		area := prepared.Shared(&work, &rings)
		for _, rule := range m.outside {
			if !rule.holds(area) {
				continue
			}
			err := m.c.book.report(&found{
				place: m.a.place(&p), rule: rule, areaM2: area, args: []any{area},
				zh: "%.2f m²" + against(m.b.layer.name(), "，范围取自"), en: "%.2f m²" + against(m.b.layer.name(), ", the places are those of "),
				shape: func() (geo.MultiPolygon, error) { return overlay.Intersection(p.shape, ground) },
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// nested asks whether places of one level lie in those that their codes put them in, and
// cover them.
func (c *Checker) nested(fine, coarse *ground) error {
	outside, uncovered := fine.layer.rules["outside-parent"], coarse.layer.rules["parent-uncovered"]
	if fine.level <= coarse.level || coarse.level == 0 || len(outside)+len(uncovered) == 0 || !c.next(fine, coarse) {
		return nil
	}
	near := nearBoth(fine.layer, coarse.layer)
	parents, err := byCode(coarse, coarse.level)
	if err != nil {
		return err
	}
	children, err := byCode(fine, coarse.level)
	if err != nil {
		return err
	}
	for _, code := range codesOf(parents, children) {
		a, err := fine.outlineOf(children[code])
		if err != nil {
			return err
		}
		b, err := coarse.outlineOf(parents[code])
		if err != nil {
			return err
		}
		m := comparison{c: c, w: newWeave(both(a, b), near), a: fine, b: coarse, only: children[code], outside: outside, uncovered: uncovered}
		if len(m.only) == 0 {
			m.outside = nil
		}
		if err := m.run(); err != nil {
			return err
		}
	}
	return nil
}

// next tells whether fine is the next level below coarse that is there.
func (c *Checker) next(fine, coarse *ground) bool {
	for _, l := range c.layers {
		if !c.speaksOf(l, coarse.layer) {
			continue
		}
		for _, g := range l.grounds {
			if g.level > coarse.level && g.level < fine.level {
				return false
			}
		}
	}
	return true
}

// byCode returns the features of g by the first digits of their codes.
func byCode(g *ground, digits int) (map[string][]uint32, error) {
	out := map[string][]uint32{}
	for n := range g.items {
		p, err := g.head(uint32(n))
		if err != nil {
			return nil, err
		}
		code := strings.Clone(p.code[:min(digits, len(p.code))])
		out[code] = append(out[code], uint32(n))
	}
	return out, nil
}

// codesOf returns the codes of both, in order.
func codesOf(a, b map[string][]uint32) []string {
	var out []string
	for _, m := range []map[string][]uint32{a, b} {
		for code := range m {
			out = append(out, code)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// outlineOf returns the border of some features of g.
func (g *ground) outlineOf(list []uint32) ([]edge, error) {
	var t edgeTable
	for _, n := range list {
		p, err := g.get(n)
		if err != nil {
			return nil, err
		}
		for _, e := range pack(&p).edges {
			t.add(e, n)
		}
	}
	return g.stay(&t)
}
