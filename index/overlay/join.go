package overlay

import (
	"cmp"
	"context"
	"runtime"
	"sync"

	"gengtu/index/geo"
)

// Source is a layer that [Join] reads. Its methods are called by several
// goroutines at once.
type Source interface {
	// Len returns the number of features.
	Len() int
	// Box returns the box around feature i.
	Box(i int) geo.Box
	// Rings puts feature i into r, which comes empty: valid and directed, shells
	// counter-clockwise and holes clockwise.
	Rings(i int, r *geo.Rings) error
}

// Pair is two features that share ground.
type Pair struct {
	// A and B are the features' numbers in their sources.
	A, B int32
	// Area is what they share, in m².
	Area float64
}

// Join finds all pairs of a feature of a and a feature of b that share ground,
// with the shared areas by [Kernel].
//
// The ground is divided into blocks of a few thousand features; a feature is
// loaded at most once for each block that it reaches into, and each pair is
// measured in one block. Where both sources are [Known], what is the same in both
// is not measured. visit gets the pairs block by block, by one goroutine at a time; the
// slice is valid until it returns. Order and areas are the same, bit for bit,
// for any number of workers; 0 is one for each processor. Memory is some 40
// bytes for each feature, and that of a few blocks.
//
// Errors are ctx's, the source's and visit's, as they are; the first in the
// order of blocks ends the work.
func Join(ctx context.Context, a, b Source, workers int, visit func([]Pair) error) error {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancel(ctx)
	j := newJoin(a, b, workers)
	jobs := make(chan *joinBlock)
	order := make(chan *joinBlock, 2*workers)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() {
		defer close(jobs)
		defer close(order)
		j.divide(func(block *joinBlock) bool {
			select {
			case order <- block:
			case <-ctx.Done():
				return false
			}
			select {
			case jobs <- block:
				return true
			case <-ctx.Done():
				return false
			}
		})
	})
	for range workers {
		running.Go(func() {
			w := joinWorker{join: j}
			for block := range jobs {
				block.err = w.measure(ctx, block)
				close(block.done)
			}
		})
	}
	for block := range order {
		select {
		case <-block.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if block.err != nil {
			return block.err
		}
		if len(block.pairs) > 0 {
			if err := visit(block.pairs); err != nil {
				return err
			}
		}
		j.recycle(block)
	}
	return ctx.Err()
}

// joinWorker measures blocks.
type joinWorker struct {
	join   *join
	kernel Kernel
	flat   flatKernel
	rings  geo.Rings
	near   []geo.Position
	edges  []chord // of the outlines of the block, side by side to stay in the cache
	ends   []int32
	chains []chain
	leaves []chain // of the outline that is being loaded
	plane  plane
	sides  [2][]joinFeature
	reach  [2]geo.Box // around all features of a side
	active [2][]joinReach
	keys   []uint64
	met    []int32
}

// joinFeature is a feature in a block.
type joinFeature struct {
	box     geo.Box
	id      int32
	settled bool // no pair of it is left to be found
	loaded  bool
	outline Outline
}

// joinReach is what the sweep has to know of a feature that it is passing.
type joinReach struct {
	end, low, high int64 // longitude where it ends; latitudes
	place          int32 // in joinWorker.sides
}

// pairsPerCheck is the number of pairs, some milliseconds' worth, after which
// a worker looks whether it has to stop.
const pairsPerCheck = 4096

// measure fills block.pairs.
func (w *joinWorker) measure(ctx context.Context, block *joinBlock) error {
	reach := &w.reach
	for side := range w.sides {
		w.sides[side] = w.join.sorted(w.sides[side][:0], side, block.ids[side], &w.keys)
	}
	w.settle(block)
	for side := range w.sides {
		reach[side] = geo.EmptyBox()
		for i := range w.sides[side] {
			reach[side] = reach[side].Union(w.sides[side][i].box)
		}
	}
	w.plane = newPlane(intersectBoxes(intersectBoxes(reach[0], reach[1]), block.region))
	w.edges, w.ends, w.chains = w.edges[:0], w.ends[:0], w.chains[:0]
	return w.sweep(ctx, block)
}

// longRing is the number of positions from which on it pays to leave out those
// that are far from the other layer's features.
const longRing = 256

// load loads f, unless it is, when it is met first: many meet nothing. Only the part
// of it within the other side's reach matters.
func (w *joinWorker) load(side int, f *joinFeature) error {
	if f.loaded {
		return nil
	}
	f.loaded = true
	plane, reach := &w.plane.EqualAreaPlane, w.reach[1-side]
	w.rings.Reset()
	if err := w.join.sources[side].Rings(int(f.id), &w.rings); err != nil {
		return err
	}
	n := len(w.rings.Positions)
	w.edges = room(w.edges, n)
	w.ends = room(w.ends, len(w.rings.Ends))
	o := &f.outline
	*o = Outline{edges: w.edges[len(w.edges):], rings: w.ends[len(w.ends):]}
	if n < longRing || reach.Contains(f.box) {
		o.appendRings(plane, &w.rings)
	} else {
		o.begin(plane)
		start := int32(0)
		for _, end := range w.rings.Ends {
			w.near = appendNear(w.near[:0], w.rings.Positions[start:end], reach)
			o.appendRing(plane, w.near)
			start = end
		}
	}
	o.finish(plane)
	w.edges, w.ends = w.edges[:len(w.edges)+len(o.edges)], w.ends[:len(w.ends)+len(o.rings)]
	return nil
}

// grow builds the tree over an outline that has none yet.
func (w *joinWorker) grow(o *Outline) {
	if len(o.nodes) > 0 {
		return
	}
	w.chains = room(w.chains, 2*(len(o.edges)/chainEdges+len(o.rings)))
	o.nodes, o.leaves = w.chains[len(w.chains):], w.leaves
	o.grow()
	w.chains = w.chains[:len(w.chains)+len(o.nodes)]
	w.leaves, o.leaves = o.leaves, nil
}

// shared returns what f of the first side and g of the other share.
func (w *joinWorker) shared(f, g *joinFeature) (float64, error) {
	if err := cmp.Or(w.load(0, f), w.load(1, g)); err != nil {
		return 0, err
	}
	return w.measured(f, g), nil
}

// measured is shared for features that are loaded.
func (w *joinWorker) measured(f, g *joinFeature) float64 {
	a, b := &f.outline, &g.outline
	if f.box == g.box && a.same(b) {
		return max(0, a.Area())
	}
	if len(a.edges) <= flatEdges && len(b.edges) <= flatEdges && w.flat.pick(a, b) {
		return w.flat.shared(a, b)
	}
	w.grow(a)
	w.grow(b)
	return w.kernel.Shared(a, b)
}

// room returns s if n more fit into it, and otherwise an empty slice that is twice
// as large; what lies in s stays where it is.
func room[T any](s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s
	}
	const least = 1 << 12
	return make([]T, 0, max(2*cap(s), n, least))
}

// sweep goes through the features of both sides from west to east.
func (w *joinWorker) sweep(ctx context.Context, block *joinBlock) error {
	as, bs := w.sides[0], w.sides[1]
	w.active = [2][]joinReach{w.active[0][:0], w.active[1][:0]}
	done := 0
	for i, j := 0, 0; i < len(as) || j < len(bs); {
		var n int
		var err error
		if j >= len(bs) || i < len(as) && as[i].box.Min.Lon <= bs[j].box.Min.Lon {
			n, err = w.pass(block, 0, i)
			i++
		} else {
			n, err = w.pass(block, 1, j)
			j++
		}
		if err != nil {
			return err
		}
		if done += n; done >= pairsPerCheck {
			if err := ctx.Err(); err != nil {
				return err
			}
			done = 0
		}
	}
	return nil
}

// pass measures feature i of a side with those of the other that the sweep is
// passing, and returns their number.
func (w *joinWorker) pass(block *joinBlock, side, i int) (int, error) {
	f := &w.sides[side][i]
	others := w.active[1-side]
	if cap(w.met) < len(others)+1 {
		w.met = make([]int32, 2*len(others)+1)
	}
	// No branch depends on where the others lie: most are far to the north or the
	// south, and each that has not ended is written down again.
	met := w.met[:len(others)+1]
	kept, found := uint(0), uint(0)
	lon, low, high := f.box.Min.Lon, f.box.Min.Lat, f.box.Max.Lat
	for i := range others {
		o := others[i]
		lasts := uint64(lon - o.end)
		others[kept] = o
		met[found] = o.place
		kept += uint(lasts >> 63)
		found += uint(lasts & uint64(low-o.high) & uint64(o.low-high) >> 63)
	}
	done := 0
	for _, place := range met[:found] {
		g := &w.sides[1-side][place]
		if !block.owns(lon, max(g.box.Min.Lat, low)) {
			continue
		}
		done++
		a, b := f, g
		if side == 1 {
			a, b = g, f
		}
		area, err := w.shared(a, b)
		if err != nil {
			return done, err
		}
		if area > 0 {
			block.pairs = append(block.pairs, Pair{a.id, b.id, area})
		}
	}
	w.active[1-side] = others[:kept]
	w.active[side] = append(w.active[side], joinReach{f.box.Max.Lon, low, high, int32(i)})
	return done, nil
}
