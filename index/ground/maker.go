package ground

import (
	"context"
	"math"
	"math/bits"
	"slices"

	"gengtu/index/overlay"
)

// maker makes the cells and nodes of blocks.
type maker struct {
	source      Source
	partitioner *overlay.Partitioner
	faces       []face
	shared      ownerSet // that share ground with others of their layer
	// sums and again are of one face, by layer; zero between faces.
	sums  [MaxLayers]float64
	again [MaxLayers]uint64
}

// built is what is made of a block: cells and, in the assembly, nodes, both in the
// order of their keys. Kinds have numbers of the block's own. It is used again and
// again for one block after the other.
type built struct {
	cells []draft
	assembly
}

// block makes the cells and nodes of a block into b.
func (m *maker) block(ctx context.Context, from *overlay.Block, b *built) error {
	b.cells = b.cells[:0]
	b.reset()
	err := m.partitioner.Cells(ctx, from, func(path uint64, depth int, c *overlay.Cell) error {
		s := stored{path: path, depth: depth, cells: 1}
		m.faces = slices.Grow(m.faces[:0], len(c.Faces))[:len(c.Faces)]
		first := len(b.numbers)
		s.sums = b.room(len(c.Faces))
		for i := range c.Faces {
			f := &m.faces[i]
			m.face(f, &c.Faces[i])
			b.numbers = append(b.numbers, b.kinds.number(f.kind))
			s.over = s.over.plus(f.excess())
			s.sums = b.addFace(s.sums, f)
		}
		b.list = b.list[:len(b.list)+len(s.sums)]
		d := draft{path: path, depth: depth, kinds: b.numbers[first:len(b.numbers):len(b.numbers)]}
		at := len(b.bytes)
		b.bytes = appendCell(b.bytes, c, s.over.overlaps)
		d.head, at = b.bytes[at:len(b.bytes):len(b.bytes)], len(b.bytes)
		b.bytes = appendFigures(b.bytes, m.faces)
		d.tail = b.bytes[at:len(b.bytes):len(b.bytes)]
		b.cells = append(b.cells, d)
		b.add(s)
		return nil
	})
	sortDrafts(b.nodes)
	return err
}

// face fills f in from the features that cover it.
func (m *maker) face(f *face, from *overlay.Face) {
	f.kind, f.area = kind{}, from.Area
	f.again, f.overlapping = f.again[:0], f.overlapping[:0]
	var lacking, having uint64
	for _, o := range from.Owners {
		layers, w := m.source.Layers(o), m.source.Weight(o)
		for rest := layers & f.mask; rest != 0; rest &= rest - 1 {
			m.again[bits.TrailingZeros64(rest)]++
		}
		f.overlaps |= layers & f.mask
		f.mask |= layers
		if math.IsNaN(w) {
			lacking |= layers
			continue
		}
		having |= layers
		for rest := layers; rest != 0; rest &= rest - 1 {
			m.sums[bits.TrailingZeros64(rest)] += w
		}
	}
	f.weightless, f.mixed = lacking&^having, lacking&having
	f.weights = f.weights[:0]
	for rest := having; rest != 0; rest &= rest - 1 {
		bit := bits.TrailingZeros64(rest)
		f.weights = append(f.weights, m.sums[bit])
		m.sums[bit] = 0
	}
	if f.overlaps == 0 {
		return
	}
	for rest := f.overlaps; rest != 0; rest &= rest - 1 {
		bit := bits.TrailingZeros64(rest)
		f.again = append(f.again, m.again[bit])
		m.again[bit] = 0
	}
	for _, o := range from.Owners {
		if m.source.Layers(o)&f.overlaps != 0 {
			f.overlapping = append(f.overlapping, m.source.Name(o))
			m.shared.add(o)
		}
	}
}
