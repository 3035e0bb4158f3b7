package check

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// topology asks the rules about the ground that several features share, leave out or
// reach beyond.
func (c *Checker) topology(ctx context.Context) error {
	for _, l := range c.layers {
		for _, g := range l.grounds {
			if err := g.close(); err != nil {
				return err
			}
			if err := c.within(ctx, g); err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	for _, l := range c.layers {
		for _, p := range c.layers {
			if !c.speaksOf(p, l) {
				continue
			}
			if err := c.against(l, p); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// holds tells whether the rule, which is about ground, is about so much of it.
func (r *Rule) holds(area float64) bool {
	below, ok := r.Thresholds["below_m2"]
	return area >= r.threshold("min_m2") && (!ok || area < below)
}

// least returns the smallest area that any of rules is about.
func least(rules []*Rule) float64 {
	m := rules[0].threshold("min_m2")
	for _, r := range rules {
		m = min(m, r.threshold("min_m2"))
	}
	return m
}

// within asks about the features of one ground: overlaps and gaps.
func (c *Checker) within(ctx context.Context, g *ground) error {
	overlapRules, gapRules := g.layer.rules["overlap"], g.layer.rules["gap"]
	if len(overlapRules)+len(gapRules) == 0 {
		return nil
	}
	w := newWeave(slices.Clone(g.border), g.layer.near())
	told := rounding{c: c, g: g, w: w, gaps: map[[2]uint32]bool{}}
	if len(overlapRules) > 0 {
		pairs, ended, err := g.overlaps(ctx, w, least(overlapRules))
		if err != nil {
			return err
		}
		if ended != nobody {
			if err := c.tooMany(g, ended); err != nil {
				return err
			}
		}
		for _, p := range pairs {
			if p.explained {
				told.overlaps = append(told.overlaps, thinBorder{[2]uint32{p.a, p.b}, p.area, 1})
				continue
			}
			if err := c.overlap(g, &p); err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	if len(gapRules) > 0 {
		if err := c.gaps(g, w, told.gaps); err != nil {
			return err
		}
	}
	return told.report()
}

// gaps asks about ground between the features of a ground, and notes in told between which
// two thin ones are reported.
func (c *Checker) gaps(g *ground, w *weave, told map[[2]uint32]bool) error {
	gapRules, tied := g.layer.rules["gap"], g.knots.in(w)
	for _, r := range w.regions(func(covers [2]int32) bool { return covers[0] == 0 }) {
		if r.area < least(gapRules) {
			w.thinRegion(&r)
			continue
		}
		if tied.on(r.shape[0]) {
			continue
		}
		if err := c.ground(g, 0, gapRules, &r); err != nil {
			return err
		}
	}
	return c.thinGaps(g, w, told)
}

// tooMany reports that the search for overlaps ended at feature n, so that their number is
// more than what is told.
func (c *Checker) tooMany(g *ground, n uint32) error {
	p, err := g.head(n)
	if err != nil {
		return err
	}
	return c.book.report(&found{
		place: g.place(&p), rule: g.layer.rules["overlap"][0], areaM2: math.NaN(),
		zh:   "重叠超过 %d 对，到此不再查找，其余没有列出；是否把同一数据给了两次",
		en:   "more than %d overlaps: the search ends here, the others are not listed; has the same file been given twice",
		args: []any{mostOverlaps},
	})
}

// overlap reports ground that two features share.
func (c *Checker) overlap(g *ground, s *shared) error {
	a, err := g.get(s.a)
	if err != nil {
		return err
	}
	b, err := g.get(s.b)
	if err != nil {
		return err
	}
	at := g.place(&a)
	at.other = b.name()
	shape := func() (geo.MultiPolygon, error) { return overlay.Intersection(a.shape, b.shape) }
	if len(g.knots) > 0 && (slices.ContainsFunc(a.shape, g.knots.on) || slices.ContainsFunc(b.shape, g.knots.on)) {
		all, err := shape()
		if err != nil {
			return err
		}
		if rest, area := g.knots.without(all); len(rest) < len(all) {
			s.area = area
			shape = func() (geo.MultiPolygon, error) { return rest, nil }
		}
	}
	for _, r := range g.layer.rules["overlap"] {
		if !r.holds(s.area) {
			continue
		}
		err := c.book.report(&found{
			place: at, rule: r, areaM2: s.area, zh: "与 %s 重叠 %.2f m²", en: "with %s, %.2f m²", args: []any{at.other, s.area},
			shape: shape,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// name returns what a feature is called: its key, or its record.
func (p *part) name() string {
	if p.key != "" {
		return p.key
	}
	return recordName(p.record)
}

// place returns the place of a feature's faults.
func (g *ground) place(p *part) place {
	return place{layer: g.layer, file: p.file, record: p.record, key: p.key}
}

// ground reports ground that is at fault, in the name of the first two features of g along
// its border; where there is none, of the feature that it lies in.
func (c *Checker) ground(g *ground, label int, rules []*Rule, r *region) error {
	at := place{layer: g.layer, file: -1}
	if r.area < least(rules) {
		return nil
	}
	names, err := g.namesOf(r, label)
	if err != nil {
		return err
	}
	for i, n := range names {
		p, err := g.head(n)
		if err != nil {
			return err
		}
		if i == 0 {
			at = g.place(&p)
			continue
		}
		at.other = p.name()
		break
	}
	for _, rule := range rules {
		if !rule.holds(r.area) {
			continue
		}
		err := c.book.report(&found{
			place: at, rule: rule, areaM2: r.area, zh: "%.2f m²" + against(r.of, "，范围取自"), en: "%.2f m²" + against(r.of, ", the places are those of "), args: []any{r.area},
			shape: func() (geo.MultiPolygon, error) {
				m, _, err := overlay.Mend(r.shape) // rings may touch themselves
				return m, err
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// name returns what a layer is called beside its first file.
func (l *layerCheck) name() string {
	return l.seen.Layer + " (" + filepath.Base(l.seen.Files[0].Path) + ")"
}

// against returns the words about the layer of places, made safe for a format; "" for no
// layer.
func against(layer, words string) string {
	if layer == "" {
		return ""
	}
	return words + strings.ReplaceAll(layer, "%", "%%")
}

// namesOf returns the features that a region is reported for.
func (g *ground) namesOf(r *region, label int) ([]uint32, error) {
	if names := r.owners(label); len(names) > 0 {
		return names, nil
	}
	var list []uint32
	g.near().search(r.shape.Box(), func(n uint32) { list = append(list, n) })
	slices.Sort(list)
	for _, n := range list {
		p, err := g.get(n)
		if err != nil {
			return nil, err
		}
		if overlay.SharedArea(p.shape, r.shape) > noGround {
			return []uint32{n}, nil
		}
	}
	return nil, nil
}

// owners returns the features of a ground that the region's border is from, in the order
// of the delivery.
func (r *region) owners(label int) []uint32 {
	var out []uint32
	for i := range r.edges {
		if n := r.edges[i].owner[label]; n != nobody {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
