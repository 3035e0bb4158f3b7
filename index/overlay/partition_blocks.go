package overlay

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"gengtu/index/geo"
)

// Block is a part of the frame whose cells are found together.
type Block struct {
	Path   uint64 // from the highest bit: 0 the lower or left half, 1 the other
	Depth  int
	owners []int32
	box    [4]float64
}

// Blocks divides the frame into blocks of some [blockVertices], in the order of
// their paths. Which blocks there are on some ground follows from the features
// that meet it alone.
func (f *Frame) Blocks(ctx context.Context, g Ground) ([]Block, error) {
	w := blocking{ctx: ctx, frame: f, ground: g}
	b := f.root()
	box := f.geoBox(b.box)
	for o := range int32(g.Owners()) {
		if g.Extent(o).Box.Intersects(box) {
			b.owners = append(b.owners, o)
		}
	}
	err := w.all(b)
	return w.out, err
}

// Extent is what tells of a feature which blocks it is in: its box and the
// estimate of its vertices, see [Ground].
type Extent struct {
	Box      geo.Box
	Vertices int
}

// verticesIn estimates how many vertices of a feature lie in b, which its box meets:
// all of a small feature, of a large one as many as its box shares with b. Else a part
// of the ground under one feature of very many vertices would be divided without end.
func verticesIn(b geo.Box, x Extent) int {
	const small = blockVertices / 16
	feature, vertices := x.Box, x.Vertices
	if vertices <= small {
		return vertices
	}
	share := func(low, high, from, to int64) float64 {
		if to <= from {
			return 1
		}
		return max(0, float64(min(high, to)-max(low, from))/float64(to-from))
	}
	part := share(b.Min.Lon, b.Max.Lon, feature.Min.Lon, feature.Max.Lon) * share(b.Min.Lat, b.Max.Lat, feature.Min.Lat, feature.Max.Lat)
	return max(int(part*float64(vertices)), 1)
}

// Change is what the features of a ground are others than they were in: Gone are
// features as they were, Come as they are.
type Change struct{ Gone, Come []Extent }

// Changed returns those of the blocks of g whose cells may be others than those
// of g as it was before c, and how many owners all of them together hold. Other
// cells are the same.
func (f *Frame) Changed(ctx context.Context, g Ground, c *Change) ([]Block, int, error) {
	w := blocking{ctx: ctx, frame: f, ground: g}
	for _, x := range c.Come {
		w.most += x.Vertices
	}
	err := w.changed(f.root(), c.Gone, c.Come)
	held := 0
	for i := range w.out {
		held += len(w.out[i].owners)
	}
	return w.out, held, err
}

// blocking is the division of a frame into blocks.
type blocking struct {
	ctx    context.Context //nolint:containedctx // lives as long as the call that made it
	frame  *Frame
	ground Ground
	most   int // vertices of all that came
	out    []Block
}

func (f *Frame) root() Block { return Block{box: [4]float64{f.x0, f.y0, f.x1, f.y1}} }

// divided tells whether a part of the frame with so many vertices is divided.
func (b *Block) divided(vertices int) bool {
	return vertices > blockVertices && b.Depth < deepestPath/2
}

// all adds the blocks of b, which knows its owners: those of a half are looked for
// among them, which costs less than to search each by itself.
func (w *blocking) all(b Block) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	box := w.frame.geoBox(b.box)
	vertices := 0
	for _, o := range b.owners {
		if vertices += verticesIn(box, w.ground.Extent(o)); vertices > blockVertices {
			break
		}
	}
	if !b.divided(vertices) {
		w.out = append(w.out, b)
		return nil
	}
	lo, hi := w.parted(&b)
	if b.Depth >= sharedDepth {
		if err := w.all(lo); err != nil {
			return err
		}
		return w.all(hi)
	}
	var wait sync.WaitGroup
	var above error
	other := blocking{ctx: w.ctx, frame: w.frame, ground: w.ground}
	wait.Go(func() { above = other.all(hi) })
	err := w.all(lo)
	wait.Wait()
	w.out = append(w.out, other.out...)
	return cmp.Or(err, above)
}

// sharedDepth is the depth up to which halves are divided at once: parts of them are
// of very different size, and more than there are processors even them out.
const sharedDepth = 5

// parted divides b and its owners, which b gives up.
func (w *blocking) parted(b *Block) (lo, hi Block) {
	lo, hi = b.halves()
	low, high := w.frame.geoBox(lo.box), w.frame.geoBox(hi.box)
	for _, o := range b.owners {
		box := w.ground.Extent(o).Box
		if box.Intersects(low) {
			lo.owners = append(lo.owners, o)
		}
		if box.Intersects(high) {
			hi.owners = append(hi.owners, o)
		}
	}
	b.owners = nil
	return lo, hi
}

// found returns b with its owners, in rising order.
func (w *blocking) found(b Block) Block {
	w.ground.Search(w.frame.geoBox(b.box), func(o int32) bool {
		b.owners = append(b.owners, o)
		return true
	})
	slices.Sort(b.owners)
	return b
}

// changed adds those blocks of b that features which came or went meet; all of
// them where b was divided and is not any more, or the other way round.
func (w *blocking) changed(b Block, gone, come []Extent) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	box := w.frame.geoBox(b.box)
	gone, lost := reaching(box, gone)
	come, won := reaching(box, come)
	if len(gone)+len(come) == 0 {
		return nil
	}
	// Counted so far that it is known on which side of the limit it was, too.
	now := 0
	w.ground.Search(box, func(o int32) bool {
		now += verticesIn(box, w.ground.Extent(o))
		return now <= blockVertices+w.most
	})
	is, was := b.divided(now), b.divided(now-won+lost)
	switch {
	case !is && !was:
		w.out = append(w.out, w.found(b))
		return nil
	case is != was:
		return w.all(w.found(b))
	}
	lo, hi := b.halves()
	if err := w.changed(lo, gone, come); err != nil {
		return err
	}
	return w.changed(hi, gone, come)
}

// reaching returns those extents that meet box, and their vertices together.
func reaching(box geo.Box, all []Extent) (out []Extent, vertices int) {
	for _, x := range all {
		if x.Box.Intersects(box) {
			out = append(out, x)
			vertices += verticesIn(box, x)
		}
	}
	return out, vertices
}

// halves divides b as [node.split] does.
func (b *Block) halves() (lo, hi Block) {
	lo = Block{Path: b.Path, Depth: b.Depth + 1, box: b.box}
	hi = Block{Path: b.Path | 1<<(63-b.Depth), Depth: b.Depth + 1, box: b.box}
	if b.box[2]-b.box[0] >= b.box[3]-b.box[1] {
		x := b.box[0] + (b.box[2]-b.box[0])/2
		lo.box[2], hi.box[0] = x, x
	} else {
		y := b.box[1] + (b.box[3]-b.box[1])/2
		lo.box[3], hi.box[1] = y, y
	}
	return lo, hi
}

// NodeBox returns a box, in CGCS2000, around the part of the frame at a path of that
// depth, see [Block].
func (f *Frame) NodeBox(path uint64, depth int) geo.Box {
	b := f.root()
	for b.Depth < depth {
		lo, hi := b.halves()
		if b = lo; path>>(63-lo.Depth+1)&1 != 0 {
			b = hi
		}
	}
	return f.geoBox(b.box)
}

// geoBox returns a box of positions that holds a box of the plane.
func (f *Frame) geoBox(b [4]float64) geo.Box {
	lo, hi := f.plane.From(geo.XY{X: b[0], Y: b[1]}), f.plane.From(geo.XY{X: b[2], Y: b[3]})
	return geo.Box{Min: geo.Position{Lon: lo.Lon - 1, Lat: lo.Lat - 1}, Max: geo.Position{Lon: hi.Lon + 1, Lat: hi.Lat + 1}}
}
