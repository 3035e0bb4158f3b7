package check

import (
	"cmp"
	"context"
	"slices"

	"gengtu/index/geo"
)

// lineChecks are the checks of lines that stand for the borders of places.
var lineChecks = []string{"line-off-border", "border-without-line", "dangling-line", "duplicate-line"}

// boundaryLines asks the rules about lines that stand for the borders of places. All edges
// of these places and of the lines are held in memory at once.
func (c *Checker) boundaryLines(ctx context.Context) error {
	for _, l := range c.layers {
		if len(l.lines.items) == 0 || !slices.ContainsFunc(lineChecks, func(check string) bool { return len(l.rules[check]) > 0 }) {
			continue
		}
		m := lineMatch{c: c, layer: l}
		if err := m.read(); err != nil {
			return err
		}
		if len(m.places) == 0 {
			continue // there is nothing to hold them against
		}
		m.match()
		for _, ask := range []func() error{m.offBorders, m.withoutLines, m.dangling, m.doubled} {
			if err := cmp.Or(ctx.Err(), ask()); err != nil {
				return err
			}
		}
	}
	return nil
}

// lineMatch holds lines against the borders of places.
type lineMatch struct {
	c      *Checker
	layer  *layerCheck
	nearM  float64
	of     string // the layer whose borders need lines: region, or without one cjdcq
	places []linePlace
	// edges of places, owner[0] telling which, and then of lines, owner[1] telling which.
	edges []edge
	first int // of the lines' edges
	grid  *grid
	// Of each edge: where places run along it (of a place, other places), and where lines
	// do (of a line, those before it).
	byPlaces, byLines [][]span
	shared            []sharedBorder
	doubles           map[uint32]uint32 // of a line that runs along one before it: that one
	ends              []lineEnd
}

// linePlace is a place whose borders lines stand for.
type linePlace struct {
	ground *ground
	n      uint32
	code   string
}

// sharedBorder is where the place other runs along an edge of one before it.
type sharedBorder struct {
	edge  int32
	other uint32
	span  span
}

// lineEnd is an end of a line, and the edge that it is the end of.
type lineEnd struct {
	at   geo.Position
	line uint32
	edge int32
}

// read takes the edges of places and lines together.
func (m *lineMatch) read() error {
	for _, check := range lineChecks {
		for _, r := range m.layer.rules[check] {
			m.nearM = r.threshold("near_m")
		}
	}
	for _, p := range m.c.layers {
		if !m.c.speaksOf(p, m.layer) {
			continue
		}
		if len(p.grounds) > 0 && m.of != placeLayers[0] {
			m.of = p.seen.Layer
		}
		for _, g := range p.grounds {
			for n := range g.items {
				one, err := g.get(uint32(n))
				if err != nil {
					return err
				}
				m.add(one.shape, 0, uint32(len(m.places)))
				m.places = append(m.places, linePlace{g, uint32(n), one.code[:min(len(one.code), g.level)]})
			}
		}
	}
	m.first = len(m.edges)
	for n := range m.layer.lines.items {
		one, err := m.layer.lines.get(uint32(n))
		if err != nil {
			return err
		}
		for _, part := range one.shape[0] {
			from := int32(len(m.edges))
			m.add(geo.MultiPolygon{{part}}, 1, uint32(n))
			if to := int32(len(m.edges)); to > from && part[0] != part[len(part)-1] {
				m.ends = append(m.ends, lineEnd{part[0], uint32(n), from}, lineEnd{part[len(part)-1], uint32(n), to - 1})
			}
		}
	}
	return nil
}

// add adds the edges of a shape.
func (m *lineMatch) add(shape geo.MultiPolygon, label int, owner uint32) {
	for _, p := range shape {
		for _, r := range p {
			for i := 1; i < len(r); i++ {
				if r[i] != r[i-1] {
					m.edges = append(m.edges, newEdge(r[i-1], r[i], label, 1, owner))
				}
			}
		}
	}
}

// match finds which edges run along which.
func (m *lineMatch) match() {
	m.byPlaces, m.byLines = make([][]span, len(m.edges)), make([][]span, len(m.edges))
	m.doubles = map[uint32]uint32{}
	m.grid = newGrid(m.edges, m.nearM)
	m.grid.pairs(func(e, f int32) {
		m.matchTwo(e, f)
		m.matchTwo(f, e)
	})
	for i := range m.edges {
		m.byPlaces[i], m.byLines[i] = union(m.byPlaces[i]), union(m.byLines[i])
	}
	slices.SortFunc(m.shared, func(a, b sharedBorder) int {
		return cmp.Or(cmp.Compare(a.edge, b.edge), cmp.Compare(a.other, b.other), cmp.Compare(a.span.from, b.span.from))
	})
}

// matchTwo notes where edge f runs along edge e.
func (m *lineMatch) matchTwo(e, f int32) {
	d, h := &m.edges[e], &m.edges[f]
	ofLine, byLine := int(e) >= m.first, int(f) >= m.first
	if !ofLine && !byLine && d.owner[0] == h.owner[0] || ofLine && byLine && h.owner[1] >= d.owner[1] {
		return
	}
	s, ok := alongside(d, h, m.nearM)
	if !ok {
		return
	}
	if byLine {
		m.byLines[e] = append(m.byLines[e], s)
		if old, ok := m.doubles[d.owner[1]]; ofLine && long(s) && (!ok || h.owner[1] < old) {
			m.doubles[d.owner[1]] = h.owner[1]
		}
		return
	}
	m.byPlaces[e] = append(m.byPlaces[e], s)
	if !ofLine && d.owner[0] < h.owner[0] && long(s) && m.needsLine(d.owner[0], h.owner[0]) {
		m.shared = append(m.shared, sharedBorder{e, h.owner[0], s})
	}
}

// long tells whether a stretch is more than where two edges meet or cross: edges that
// part at less than a degree may run along each other for a few centimetres.
func long(s span) bool { return s.to-s.from > 0.05 }

// needsLine tells whether the border between two places is one that lines stand for: of
// the layer that they are of and one level, and of villages when they are of different townships.
func (m *lineMatch) needsLine(a, b uint32) bool {
	const township = 9
	p, q := &m.places[a], &m.places[b]
	if p.ground != q.ground || p.code == q.code || p.ground.layer.seen.Layer != m.of {
		return false
	}
	return len(p.code) <= township || len(q.code) <= township || p.code[:township] != q.code[:township]
}
