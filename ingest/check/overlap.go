package check

import (
	"cmp"
	"context"
	"slices"

	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// shared is ground that features a and b of one layer both have; a comes first in the
// delivery.
type shared struct {
	a, b uint32
	area float64
	// explained tells that the survey's grid explains it.
	explained bool
}

// overlaps returns every pair of features of g that share at least minM2, by their order
// in the delivery.
//
// w is the weave of g's border. Where two features cover a place, an edge of the weave
// has it on its left with at least two covers, and the edge's owner is one of the features
// there. From these the search goes on: to all that share ground with one that is found,
// and to all near the ground that they share. So everything that hangs together is found
// from any edge around it, and nothing else is looked at.
//
// Features that lie on top of one another share ground each with each: the search ends
// with [mostOverlaps], and ended is then the feature at which it did, else nobody.
func (g *ground) overlaps(ctx context.Context, w *weave, minM2 float64) (all []shared, ended uint32, err error) {
	s := overlapSearch{g: g, w: w, queued: map[uint32]bool{}, visited: map[uint32]bool{}, ended: nobody}
	for i, side := range w.covers() {
		if max(side[0][0], side[1][0]) >= 2 {
			s.push(w.edges[i].owner[0])
		}
	}
	for len(s.queue) > 0 && s.ended == nobody {
		n := s.queue[0]
		s.queue = s.queue[1:]
		if err := s.visit(ctx, n); err != nil {
			return nil, nobody, err
		}
	}
	found, err := g.withThin(s.found, w, minM2)
	slices.SortFunc(found, func(p, q shared) int { return cmp.Or(cmp.Compare(p.a, q.a), cmp.Compare(p.b, q.b)) })
	return found, s.ended, err
}

// mostOverlaps is how many pairs of one layer are looked for, 5 MB of them: six hundred
// features in one place have so many. Whoever has more has delivered a file twice.
const mostOverlaps = 200_000

// overlapSearch goes from features that share ground to all that do.
type overlapSearch struct {
	g               *ground
	w               *weave
	queue           []uint32
	queued, visited map[uint32]bool
	found           []shared
	ended           uint32 // where the search found too many; nobody until it does
}

func (s *overlapSearch) push(n uint32) {
	if n != nobody && !s.queued[n] {
		s.queued[n] = true
		s.queue = append(s.queue, n)
	}
}

// visit measures feature n against all around it that have not been visited.
func (s *overlapSearch) visit(ctx context.Context, n uint32) error {
	s.visited[n] = true
	a, err := s.g.fitted(n, s.w)
	if err != nil {
		return err
	}
	tree := s.g.near()
	var partners []uint32
	tree.search(s.g.items[n].box, func(m uint32) {
		if !s.visited[m] {
			partners = append(partners, m)
		}
	})
	for _, m := range partners {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(s.found) == mostOverlaps {
			s.ended = n
			return nil
		}
		b, err := s.g.fitted(m, s.w)
		if err != nil {
			return err
		}
		area := overlay.SharedArea(a.shape, b.shape)
		if area < noGround {
			continue
		}
		s.found = append(s.found, shared{a: min(n, m), b: max(n, m), area: area})
		s.push(m)
		tree.search(meet(s.g.items[n].box, s.g.items[m].box), s.push)
	}
	return nil
}

// noGround is an area, in m², below which what two features share comes from rounding
// crossings.
const noGround = 1e-4

// meet returns the box that a and b share.
func meet(a, b geo.Box) geo.Box {
	return geo.Box{
		Min: geo.Position{Lon: max(a.Min.Lon, b.Min.Lon), Lat: max(a.Min.Lat, b.Min.Lat)},
		Max: geo.Position{Lon: min(a.Max.Lon, b.Max.Lon), Lat: min(a.Max.Lat, b.Max.Lat)},
	}
}

// fitted returns feature n with its borders led through the vertices that w found to lie
// on them.
func (g *ground) fitted(n uint32, w *weave) (part, error) {
	p, err := g.get(n)
	if err == nil {
		w.fit(p.shape)
	}
	return p, err
}

// fit leads the rings of m through the vertices that lie on them.
func (w *weave) fit(m geo.MultiPolygon) {
	if len(w.along) == 0 && len(w.moved) == 0 {
		return
	}
	for _, poly := range m {
		for k, r := range poly {
			poly[k] = w.fitRing(r)
		}
	}
}

func (w *weave) fitRing(r geo.Ring) geo.Ring {
	out := make(geo.Ring, 0, len(r)+4)
	for i, v := range r {
		p := w.place(v)
		if i == 0 {
			out = append(out, p)
			continue
		}
		from := out[len(out)-1]
		s := segmentOf(from, p)
		list := w.along[s]
		if s.a != from {
			list = slices.Clone(list)
			slices.Reverse(list)
		}
		if out = append(out, list...); p != from {
			out = append(out, p)
		}
	}
	return out
}
