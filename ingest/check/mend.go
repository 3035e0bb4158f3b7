package check

import (
	"slices"

	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
	"gengtu/ingest"
)

// Slivers returns the rules by which slivers are mended and no others: a checker that has
// them asks nothing else.
func Slivers(r *Rules) *Rules {
	out := &Rules{Tolerances: r.Tolerances}
	for _, rule := range r.List {
		if rule.Check == "overlap" || rule.Check == "gap" {
			rule.index = len(out.List)
			out.List = append(out.List, rule)
		}
	}
	return out
}

// Mend implements [ingest.Mender]: gaps and overlaps that are nowhere wider than
// Options.MendM are closed, in the layers that the rules about them are about.
//
// The border around such a sliver is woven by itself, with its width for what is near. If
// all of it falls together, the vertices on one side go to those on the other, for all
// features that have them; otherwise the sliver is wider somewhere, and stays as it is. A
// feature that would not stay valid stays, too. Slivers that have a vertex in common are
// mended one; what is left then, a further run finds.
func (l *layerCheck) Mend() ([]ingest.Mend, error) {
	if l.check.opt.MendM <= 0 {
		return nil, nil
	}
	var out []ingest.Mend
	for _, g := range l.grounds {
		if err := g.close(); err != nil {
			return nil, err
		}
		m := sliverMend{ground: g, whole: newLedWeave(slices.Clone(g.border), l.near()), near: nearness{vertexM: l.check.opt.MendM, edgeM: l.check.opt.MendM}}
		m.moved, m.along = map[geo.Position]geo.Position{}, map[segment][]geo.Position{}
		m.taken = map[geo.Position]bool{}
		if len(l.rules["gap"]) > 0 {
			m.close(func(n [2]int32) bool { return n[0] == 0 })
		}
		if len(l.rules["overlap"]) > 0 {
			m.close(func(n [2]int32) bool { return n[0] > 1 })
		}
		list, err := m.features()
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// sliverMend closes the slivers of one ground.
type sliverMend struct {
	ground *ground
	whole  *weave
	near   nearness
	moved  map[geo.Position]geo.Position
	along  map[segment][]geo.Position
	taken  map[geo.Position]bool // vertices of slivers that are closed
}

// close closes the slivers among the regions for whose covers inside says yes.
func (m *sliverMend) close(inside func(covers [2]int32) bool) {
	for _, r := range m.whole.regions(inside) {
		if slices.ContainsFunc(r.edges, func(e edge) bool { return m.taken[e.a] }) {
			continue
		}
		w := newWeave(slices.Clone(r.edges), m.near)
		if len(w.edges) > 0 {
			continue // it is wider somewhere
		}
		for p, q := range w.moved {
			m.moved[p] = q
		}
		for s, list := range w.along {
			m.along[s] = list
		}
		for i := range r.edges {
			m.taken[r.edges[i].a] = true
		}
	}
}

// features returns the features that have other shapes now.
func (m *sliverMend) features() ([]ingest.Mend, error) {
	var out []ingest.Mend
	if len(m.taken) == 0 {
		return nil, nil
	}
	near := geo.EmptyBox()
	for p := range m.taken {
		near.Extend(p)
	}
	closed := &weave{moved: m.moved, along: m.along}
	for n := range m.ground.items {
		if !m.ground.items[n].box.Intersects(near) {
			continue
		}
		p, err := m.ground.get(uint32(n))
		if err != nil {
			return nil, err
		}
		m.whole.fit(p.shape)
		if !m.touches(p.shape) {
			continue
		}
		before := geo.Area(p.shape)
		closed.fit(p.shape)
		shape, findings, err := overlay.Mend(p.shape)
		if err != nil || len(shape) == 0 || slices.ContainsFunc(findings, unsafe) {
			continue
		}
		out = append(out, ingest.Mend{
			File: p.file, Record: p.record, Geometry: shape,
			Found: problem.New("SLIVER_MENDED", "与相邻图斑之间宽度不超过 %v m 的缝隙或重叠，已并到共同边界，面积变化 %+.2f m²",
				"slivers of up to %v m between it and its neighbours are closed; its area changes by %+.2f m²", m.near.edgeM, geo.Area(shape)-before),
		})
	}
	return out, nil
}

// touches tells whether a shape has a vertex of a sliver that is closed.
func (m *sliverMend) touches(shape geo.MultiPolygon) bool {
	for _, p := range shape {
		for _, r := range p {
			for _, v := range r {
				if m.taken[v] {
					return true
				}
			}
		}
	}
	return false
}

// unsafe tells whether mending had to do more than leave out what has no ground.
func unsafe(f overlay.Finding) bool {
	return f.Rule != overlay.RepeatedPosition && f.Rule != overlay.RingSpike
}
