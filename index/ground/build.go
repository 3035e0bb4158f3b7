package ground

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"math/bits"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/spill"
)

// Source is what a partition is made of. It is used by several goroutines at
// once.
type Source interface {
	overlay.Ground
	// Box is the box around all features; not empty.
	Box() geo.Box
	// Keys are the keys of the layers and views, by the numbers of their bits.
	Keys() []string
	// Name returns what a feature is known by in what is stored: a number that does
	// not depend on what other features there are, and falls on no other feature.
	Name(owner int32) uint64
	// Layers returns the layers and views that a feature counts for: a stored
	// layer's bit, and those of its views that hold the feature.
	Layers(owner int32) uint64
	// Weight returns the feature's figure of record for each m² of ground, NaN when
	// there is none.
	Weight(owner int32) float64
}

// summedCells is the number of cells from which on a node has sums: below,
// reading the cells costs no more.
const summedCells = 4

// Build makes the partition of s and hands its records to put, in the order of
// their keys by bucket: cells, nodes, head. Key and value are put's. Equal features
// give equal records, whatever the number of processors. nodes, which has taken
// nothing, keeps the nodes until all cells are put. tell is told how many of how many
// parts are done. Errors are ctx's, put's, those of nodes and of reading s.
func Build(ctx context.Context, s Source, nodes *spill.Sorter, put func(bucket string, key, value []byte) error, tell func(done, all int)) error {
	frame := overlay.NewFrame(s.Box())
	blocks, err := frame.Blocks(ctx, s)
	if err != nil {
		return err
	}
	a := &assembly{kinds: newKindTable(nil)}
	shared, err := makeBlocks(ctx, s, frame, blocks, func(i int, b built) error {
		for k := range b {
			c := &b[k]
			if err := put(CellsBucket, nodeKey(c.path, c.depth), c.record(&a.kinds)); err != nil {
				return err
			}
			a.take(&c.stored)
		}
		tell(i+1, len(blocks))
		return a.moveNodes(nodes)
	})
	if err != nil {
		return err
	}
	err = nodes.Each(func(text []byte) error {
		text = bytes.Clone(text)
		return put(NodesBucket, text[:keySize:keySize], text[keySize:])
	})
	if err != nil {
		return err
	}
	about := about{box: s.Box(), keys: s.Keys(), overlaps: a.overlaps, kinds: a.kinds.list, shared: shared.names(s)}
	return about.put(put)
}

// makeBlocks makes the cells of blocks and hands them to take in the order of the
// blocks, from one goroutine. It returns the features that share ground with
// others of their layer in them.
func makeBlocks(ctx context.Context, s Source, frame overlay.Frame, blocks []overlay.Block, take func(i int, b built) error) (ownerSet, error) {
	shared := newOwnerSet(s.Owners())
	cells := make(chan chan built, 2*runtime.GOMAXPROCS(0))
	group, ctx := errgroup.WithContext(ctx)
	work := make(chan job)
	group.Go(func() error {
		defer close(cells)
		defer close(work)
		for i := range blocks {
			out := make(chan built, 1)
			select {
			case cells <- out:
			case <-ctx.Done():
				return ctx.Err()
			}
			select {
			case work <- job{&blocks[i], out}:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	makers := make([]maker, runtime.GOMAXPROCS(0))
	for i := range makers {
		group.Go(func() error {
			m := &makers[i]
			*m = maker{source: s, partitioner: overlay.NewPartitioner(frame, s), shared: newOwnerSet(s.Owners())}
			for j := range work {
				b, err := m.block(ctx, j.block)
				if err != nil {
					return err
				}
				j.out <- b
			}
			return nil
		})
	}
	group.Go(func() error {
		i := 0
		for out := range cells {
			select {
			case b := <-out:
				if err := take(i, b); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
			i++
		}
		return ctx.Err()
	})
	if err := group.Wait(); err != nil {
		return shared, err
	}
	for i := range makers {
		shared.join(&makers[i].shared)
	}
	return shared, nil
}

// about is what the records of HeadBucket hold.
type about struct {
	box      geo.Box
	keys     []string
	overlaps uint64
	kinds    []kind
	shared   []uint64 // names, in rising order
}

func (a *about) put(put func(bucket string, key, value []byte) error) error {
	for _, r := range []record{
		{[]byte(headKey), appendHead(a.box, a.overlaps, a.keys)},
		{[]byte(kindsKey), appendKinds(nil, a.kinds)},
		{[]byte(sharedKey), appendNames(nil, a.shared)},
	} {
		if err := put(HeadBucket, r.key, r.value); err != nil {
			return err
		}
	}
	return nil
}

func appendHead(box geo.Box, overlaps uint64, keys []string) []byte {
	var dst []byte
	for _, v := range [4]int64{box.Min.Lon, box.Min.Lat, box.Max.Lon, box.Max.Lat} {
		dst = binary.AppendVarint(dst, v)
	}
	dst = binary.AppendUvarint(dst, overlaps)
	dst = binary.AppendUvarint(dst, uint64(len(keys)))
	for _, k := range keys {
		dst = append(binary.AppendUvarint(dst, uint64(len(k))), k...)
	}
	return dst
}

type job struct {
	block *overlay.Block
	out   chan<- built
}

// built are the cells of a block.
type built []builtCell

// builtCell is a cell whose kinds have no numbers yet: value is what comes before
// them, figures what comes after.
type builtCell struct {
	stored
	kinds   []kind // by face
	figures []byte
}

// record returns the cell's record.
func (c *builtCell) record(t *kindTable) []byte {
	list := make([]uint32, 0, len(c.kinds))
	for _, k := range c.kinds {
		list = append(list, t.number(k))
	}
	return append(appendNumbers(c.value, list), c.figures...)
}

// stored is an encoded node with its sums.
type stored struct {
	path  uint64
	depth int
	value []byte
	sums  []sum
	over  excess
	cells int
}

// maker makes the cells of blocks.
type maker struct {
	source      Source
	partitioner *overlay.Partitioner
	faces       []face
	shared      ownerSet // that share ground with others of their layer
}

func (m *maker) block(ctx context.Context, b *overlay.Block) (built, error) {
	var out built
	err := m.partitioner.Cells(ctx, b, func(path uint64, depth int, c *overlay.Cell) error {
		m.faces = slices.Grow(m.faces[:0], len(c.Faces))[:len(c.Faces)]
		s := builtCell{stored: stored{path: path, depth: depth, cells: 1}, kinds: make([]kind, 0, len(c.Faces))}
		for i := range c.Faces {
			f := &m.faces[i]
			m.face(f, &c.Faces[i])
			s.kinds = append(s.kinds, f.kind)
			s.over = s.over.plus(f.excess())
			s.sums = merge(s.sums, []sum{f.sum()})
		}
		s.value = appendCell(nil, c, s.over.overlaps)
		s.figures = appendFigures(nil, m.faces)
		out = append(out, s)
		return nil
	})
	return out, err
}

// face fills f in from the features that cover it.
func (m *maker) face(f *face, from *overlay.Face) {
	f.kind, f.area = kind{}, from.Area
	f.again, f.overlapping = f.again[:0], f.overlapping[:0]
	var lacking, having uint64
	var sums [MaxLayers]float64
	var again [MaxLayers]uint64
	for _, o := range from.Owners {
		layers, w := m.source.Layers(o), m.source.Weight(o)
		for rest := layers & f.mask; rest != 0; rest &= rest - 1 {
			again[bits.TrailingZeros64(rest)]++
		}
		f.overlaps |= layers & f.mask
		f.mask |= layers
		if math.IsNaN(w) {
			lacking |= layers
			continue
		}
		having |= layers
		for rest := layers; rest != 0; rest &= rest - 1 {
			sums[bits.TrailingZeros64(rest)] += w
		}
	}
	f.weightless, f.mixed = lacking&^having, lacking&having
	f.weights = f.weights[:0]
	for rest := having; rest != 0; rest &= rest - 1 {
		f.weights = append(f.weights, sums[bits.TrailingZeros64(rest)])
	}
	for rest := f.overlaps; rest != 0; rest &= rest - 1 {
		f.again = append(f.again, again[bits.TrailingZeros64(rest)])
	}
	for _, o := range from.Owners {
		if m.source.Layers(o)&f.overlaps != 0 {
			f.overlapping = append(f.overlapping, m.source.Name(o))
			m.shared.add(o)
		}
	}
}

// excess returns the ground that features share in f.
func (f *face) excess() excess {
	e := excess{overlaps: f.overlaps}
	for _, n := range f.again {
		e.areas = append(e.areas, float64(n)*f.area)
	}
	return e
}

func (e excess) plus(o excess) excess {
	if o.overlaps == 0 {
		return e
	}
	return excess{e.overlaps | o.overlaps, added(e.overlaps|o.overlaps, e.overlaps, e.areas, o.overlaps, o.areas)}
}

// sum returns the ground of f.
func (f *face) sum() sum {
	s := sum{mask: f.mask, area: f.area, has: f.weighted(), lacks: f.lacking()}
	for _, w := range f.weights {
		s.weighted = append(s.weighted, w*f.area)
	}
	for range bits.OnesCount64(s.lacks) {
		s.unweighted = append(s.unweighted, f.area)
	}
	return s
}

// merge adds sums up; both are in rising order of masks, and so is the result.
func merge(a, b []sum) []sum {
	out := make([]sum, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].mask < b[0].mask:
			out, a = append(out, a[0]), a[1:]
		case b[0].mask < a[0].mask:
			out, b = append(out, b[0]), b[1:]
		default:
			out, a, b = append(out, a[0].plus(&b[0])), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

func (s *sum) plus(t *sum) sum {
	out := sum{mask: s.mask, area: s.area + t.area, has: s.has | t.has, lacks: s.lacks | t.lacks}
	out.weighted = added(out.has, s.has, s.weighted, t.has, t.weighted)
	out.unweighted = added(out.lacks, s.lacks, s.unweighted, t.lacks, t.unweighted)
	return out
}

// added adds two lists of figures by the bits that they are for.
func added(bits, abits uint64, a []float64, bbits uint64, b []float64) []float64 {
	var out []float64
	for rest := bits; rest != 0; rest &= rest - 1 {
		bit, v := rest&-rest, 0.0
		if abits&bit != 0 {
			v, a = v+a[0], a[1:]
		}
		if bbits&bit != 0 {
			v, b = v+b[0], b[1:]
		}
		out = append(out, v)
	}
	return out
}

// assembly joins cells, which come in the order of their paths, to nodes.
type assembly struct {
	open     []stored // no two of them halves of one node
	nodes    []stored
	overlaps uint64
	kinds    kindTable
}

func (a *assembly) take(s *stored) {
	a.overlaps |= s.over.overlaps
	s.value = nil
	a.open = append(a.open, *s)
	for n := len(a.open); n > 1; n = len(a.open) {
		lo, hi := &a.open[n-2], &a.open[n-1]
		if lo.depth != hi.depth || lo.path|1<<(64-lo.depth) != hi.path {
			return
		}
		node := a.join(lo, hi)
		a.nodes = append(a.nodes, stored{path: node.path, depth: node.depth, value: node.value})
		a.open = append(a.open[:n-2], node)
	}
}

// moveNodes gives the nodes that are known to a sorter: their keys are in the order
// of paths, and of depths on the same path.
func (a *assembly) moveNodes(to *spill.Sorter) error {
	for i := range a.nodes {
		n := &a.nodes[i]
		if err := to.Add(nodeKey(n.path, n.depth), n.value); err != nil {
			return err
		}
	}
	clear(a.nodes)
	a.nodes = a.nodes[:0]
	return nil
}

// join makes a node of its two halves.
func (a *assembly) join(lo, hi *stored) stored {
	node := stored{
		path: lo.path, depth: lo.depth - 1, cells: lo.cells + hi.cells, over: lo.over.plus(hi.over),
		sums: merge(lo.sums, hi.sums),
	}
	sums := node.sums
	if node.cells < summedCells {
		sums = nil
	}
	node.value = appendNode(nil, node.over, sums, &a.kinds)
	return node
}
