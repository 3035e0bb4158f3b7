package pieces

import (
	"context"
	"slices"
	"sync"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// Most ground of real questions needs no division: a parcel that did not change from one
// vintage to the next, a permanent basic farmland that was drawn along its parcel, a
// parcel in the middle of a block of HSF. Settling finds such features of the first cover.
// A feature is settled when of every other cover
//
//   - one feature is its twin, position by position, and alone in its layer, so that no
//     other of the cover can share its ground; or
//   - every feature whose box meets its box holds that box whole, or lies apart from it.
//
// Its whole area is one piece then, and it is divided no more, nor are its twins. What
// features around it hold stays in the division, where the settled ground is missing from
// its cover; a piece of the same size below 0 takes that back.

// settleBatch is the number of features that are settled at one go.
const settleBatch = 1 << 12

// settler settles the features of the first cover.
type settler struct {
	*ground
	settled [][]bool // by cover and feature, each written by one goroutine
	around  []*prepared
}

// settle takes the features that need no division out of g and hands their pieces to
// visit.
func (g *ground) settle(ctx context.Context, workers int, visit func([]Piece) error) error {
	if len(g.covers) < 2 {
		return nil
	}
	s := &settler{ground: g, around: make([]*prepared, len(g.covers))}
	first := g.covers[0].Layer
	for c := range g.covers {
		l := g.covers[c].Layer
		s.settled = append(s.settled, make([]bool, l.Len()))
		// Only features that are a few times larger can hold many of the others.
		if c > 0 && l.Len() > 0 && l.Meta.AreaM2/float64(l.Len()) > 4*first.Meta.AreaM2/float64(max(1, first.Len())) {
			s.around[c] = &prepared{layer: l, known: make([]shape, l.Len())}
		}
	}
	list := g.lists[0]
	n := (len(list) + settleBatch - 1) / settleBatch
	err := inOrder(ctx, n, workers, func(_ context.Context, i int) ([]Piece, error) {
		return s.batch(list[i*settleBatch : min(len(list), (i+1)*settleBatch)])
	}, func(_ int, ps []Piece) error {
		if len(ps) == 0 {
			return nil
		}
		return visit(ps)
	})
	if err != nil {
		return err
	}
	g.without(s.settled)
	return nil
}

// batch returns the pieces of those features that can be settled.
func (s *settler) batch(list []int32) ([]Piece, error) {
	var out []Piece
	for _, i := range list {
		owners, held, ok, err := s.one(int(i))
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		area := s.covers[0].Layer.Area(int(i))
		for _, o := range owners {
			if !slices.Contains(held, o) {
				s.settled[o.Cover][o.Feature] = true
			}
		}
		out = append(out, Piece{owners, area})
		if len(held) > 0 {
			out = append(out, Piece{held, -area})
		}
	}
	return out, nil
}

// one returns the features on feature i of the first cover, and which of them reach
// beyond it; false where that takes a division.
func (s *settler) one(i int) (owners, held []Owner, ok bool, err error) {
	l := s.covers[0].Layer
	if !l.Alone(i) {
		return nil, nil, false, nil
	}
	box := l.Box(i)
	owners = append(owners, Owner{0, int32(i)})
	for c := 1; c < len(s.covers); c++ {
		twin := -1
		s.covers[c].Layer.Search(box, func(j int) bool {
			o := s.covers[c].Layer
			if o.Box(j) == box && o.Alone(j) && l.Twin(i, o, j) {
				twin = j
			}
			return twin < 0
		})
		if twin >= 0 {
			if s.owner[c][twin] >= 0 {
				owners = append(owners, Owner{int32(c), int32(twin)})
			}
			continue
		}
		apart := true
		s.covers[c].Layer.Search(box, func(j int) bool {
			if s.owner[c][j] < 0 {
				return true
			}
			var side overlay.Side
			side, err = s.around[c].side(j, box)
			switch {
			case err != nil || side == overlay.Across:
				apart = false
			case side == overlay.Inside:
				o := Owner{int32(c), int32(j)}
				owners, held = append(owners, o), append(held, o)
			}
			return apart
		})
		if !apart {
			return nil, nil, false, err
		}
	}
	slices.SortFunc(owners, compareOwners)
	slices.SortFunc(held, compareOwners)
	return owners, held, true, nil
}

// prepared keeps the features of a layer prepared, each once it is asked for.
type prepared struct {
	layer *index.Layer
	known []shape
}

type shape struct {
	once  sync.Once
	ready *overlay.Prepared
	err   error
}

// side tells where a box lies to feature j. Nothing is kept of a layer that is not to be
// prepared (nil), nor of features that are smaller than the box: they lie across it.
func (p *prepared) side(j int, box geo.Box) (overlay.Side, error) {
	if p == nil {
		return overlay.Across, nil
	}
	s := &p.known[j]
	s.once.Do(func() {
		var f index.Feature
		if f, s.err = p.layer.Feature(j); s.err == nil {
			s.ready = overlay.Prepare(f.Geometry)
		}
	})
	if s.err != nil {
		return overlay.Across, s.err
	}
	return s.ready.Side(box), nil
}
