// Package pieces divides the ground of several layers among their features: each
// piece is the ground that the same features cover, and no others of those layers.
// It is the one engine of whole-layer questions. A piece counts its ground once,
// however many features of a layer lie on it; a mask that is made of many features is
// dissolved by asking whether any of them is on the piece.
//
// Coordinates are CGCS2000 (EPSG:4490); areas are m² by the survey's formula. The package
// makes no shape and keeps nothing: what a piece means is for who asks.
package pieces

import (
	"cmp"
	"context"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// Cover is a layer, or some of its features, among which ground is divided.
type Cover struct {
	Layer *index.Layer
	// Only chooses the features that take part, by ordinal; nil is all.
	Only func(i int) bool
}

// Owner is a feature on a piece: the number of its cover, and its ordinal in the
// cover's layer.
type Owner struct{ Cover, Feature int32 }

// Piece is ground that all of its owners cover, and no other feature of the covers.
// Owners are in rising order, by cover and then by feature; there is at least one.
type Piece struct {
	Owners []Owner
	// Area is in m². It is below 0 where it takes back what a piece with fewer owners
	// has too much: sums over pieces are right, single ones need not be.
	Area float64
}

// Of returns the first owner of a cover, and whether there is one.
func (p *Piece) Of(cover int) (feature int, ok bool) {
	for _, o := range p.Owners {
		if int(o.Cover) == cover {
			return int(o.Feature), true
		}
	}
	return 0, false
}

// In tells whether any feature of a cover is on the piece.
func (p *Piece) In(cover int) bool {
	_, ok := p.Of(cover)
	return ok
}

// Each visits the features of a cover that are on the piece.
func (p *Piece) Each(cover int, visit func(feature int)) {
	for _, o := range p.Owners {
		if int(o.Cover) == cover {
			visit(int(o.Feature))
		}
	}
}

// Options changes how [Divide] works, never what it answers.
type Options struct {
	Workers int // goroutines; 0 is one for each processor
	// Tell is told how many of how many parts are done; may be nil.
	Tell func(done, all int)
}

// Divide finds the pieces of covers and hands them to visit, part of the ground by
// part, by one goroutine at a time; what it hands over is valid until visit
// returns. A piece that reaches over several parts comes once in each. The order and
// the areas are the same, bit for bit, for any number of workers. Memory is some 40 bytes
// for each feature, and that of a few parts.
//
// Errors are ctx's, those of reading, and visit's; the first ends the work.
func Divide(ctx context.Context, covers []Cover, opt Options, visit func([]Piece) error) error {
	workers := opt.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	g := newGround(covers)
	if err := g.settle(ctx, workers, visit); err != nil {
		return err
	}
	if g.owners == 0 {
		return nil
	}
	frame := overlay.NewFrame(g.box)
	blocks, err := frame.Blocks(ctx, g)
	if err != nil {
		return err
	}
	tell := opt.Tell
	if tell == nil {
		tell = func(int, int) {}
	}
	dividers := make(chan *divider, workers)
	for range workers {
		dividers <- &divider{ground: g, partitioner: overlay.NewPartitioner(frame, g)}
	}
	return inOrder(ctx, len(blocks), workers, func(ctx context.Context, n int) ([]Piece, error) {
		d := <-dividers
		defer func() { dividers <- d }()
		return d.block(ctx, &blocks[n])
	}, func(n int, ps []Piece) error {
		tell(n+1, len(blocks))
		return visit(ps)
	})
}

// inOrder makes n results on some workers and hands them to take in their order. At most
// a few are in memory.
func inOrder[T any](ctx context.Context, n, workers int, run func(ctx context.Context, i int) (T, error), take func(i int, v T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	type slot struct {
		i   int
		out chan T
	}
	work, made := make(chan slot), make(chan slot, 2*workers)
	group.Go(func() error {
		defer close(work)
		defer close(made)
		for i := range n {
			s := slot{i, make(chan T, 1)}
			for _, c := range []chan slot{made, work} {
				select {
				case c <- s:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		return nil
	})
	for range workers {
		group.Go(func() error {
			for s := range work {
				v, err := run(ctx, s.i)
				if err != nil {
					return err
				}
				s.out <- v
			}
			return nil
		})
	}
	group.Go(func() error {
		for s := range made {
			select {
			case v := <-s.out:
				if err := take(s.i, v); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	return group.Wait()
}

// divider divides blocks of ground.
type divider struct {
	*ground
	partitioner *overlay.Partitioner
}

// block returns the pieces in a block in the order of their owners.
func (d *divider) block(ctx context.Context, b *overlay.Block) ([]Piece, error) {
	var (
		areas []float64
		sets  [][]int32
		known = map[string]int{}
		key   []byte
	)
	err := d.partitioner.Cells(ctx, b, func(_ uint64, _ int, c *overlay.Cell) error {
		for i := range c.Faces {
			f := &c.Faces[i]
			if len(f.Owners) == 0 || f.Area == 0 {
				continue
			}
			key = key[:0]
			for _, o := range f.Owners {
				key = append(key, byte(o), byte(o>>8), byte(o>>16), byte(o>>24))
			}
			at, ok := known[string(key)]
			if !ok {
				at = len(sets)
				known[string(key)] = at
				sets, areas = append(sets, slices.Clone(f.Owners)), append(areas, 0)
			}
			areas[at] += f.Area
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]Piece, len(sets))
	for i, set := range sets {
		p := Piece{Owners: make([]Owner, len(set)), Area: areas[i]}
		for k, o := range set {
			cover, feature := d.of(o)
			p.Owners[k] = Owner{int32(cover), int32(feature)}
		}
		out[i] = p
	}
	slices.SortFunc(out, func(a, b Piece) int {
		return slices.CompareFunc(a.Owners, b.Owners, compareOwners)
	})
	return out, nil
}

func compareOwners(a, b Owner) int {
	return cmp.Or(cmp.Compare(a.Cover, b.Cover), cmp.Compare(a.Feature, b.Feature))
}

// ground gives the features of covers to a partition, cover by cover.
type ground struct {
	covers []Cover
	lists  [][]int32 // the features that take part
	owner  [][]int32 // by cover and feature the owner, -1 for none
	first  []int     // the first owner of each cover
	owners int
	box    geo.Box
}

func newGround(covers []Cover) *ground {
	g := &ground{covers: covers}
	for _, c := range covers {
		g.owner = append(g.owner, make([]int32, c.Layer.Len()))
	}
	g.number(func(c, i int) bool { return covers[c].Only == nil || covers[c].Only(i) })
	return g
}

// without leaves features out, by cover and feature.
func (g *ground) without(out [][]bool) {
	was := g.owner
	g.number(func(c, i int) bool { return was[c][i] >= 0 && !out[c][i] })
}

// number gives the features that take part their numbers.
func (g *ground) number(part func(cover, feature int) bool) {
	g.box, g.owners, g.first, g.lists = geo.EmptyBox(), 0, nil, nil
	for c := range g.covers {
		l := g.covers[c].Layer
		list := make([]int32, 0, l.Len())
		for i := range l.Len() {
			if !part(c, i) {
				g.owner[c][i] = -1
				continue
			}
			g.owner[c][i] = int32(g.owners + len(list))
			list = append(list, int32(i))
			g.box = g.box.Union(l.Box(i))
		}
		g.first, g.lists = append(g.first, g.owners), append(g.lists, list)
		g.owners += len(list)
	}
}

// of returns the cover of an owner, and the feature in it.
func (g *ground) of(owner int32) (cover, feature int) {
	for cover = len(g.first) - 1; int(owner) < g.first[cover]; cover-- {
	}
	return cover, int(g.lists[cover][int(owner)-g.first[cover]])
}

// Owners implements [overlay.Ground].
func (g *ground) Owners() int { return g.owners }

// Extent implements [overlay.Ground]. A vertex takes some 6 bytes of a record.
func (g *ground) Extent(owner int32) overlay.Extent {
	c, i := g.of(owner)
	l := g.covers[c].Layer
	return overlay.Extent{Box: l.Box(i), Vertices: l.Size(i) / 6}
}

// Search implements [overlay.Ground].
func (g *ground) Search(b geo.Box, visit func(owner int32) bool) {
	more := true
	for c := range g.covers {
		g.covers[c].Layer.Search(b, func(i int) bool {
			if o := g.owner[c][i]; o >= 0 {
				more = visit(o)
			}
			return more
		})
		if !more {
			return
		}
	}
}

// Rings implements [overlay.Ground].
func (g *ground) Rings(owner int32, r *geo.Rings) error {
	c, i := g.of(owner)
	return g.covers[c].Layer.Rings(i, r)
}
