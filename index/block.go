package index

import (
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// blockSize is the number of features in a block: with 64 of them, some 8 × 8
// fields, a block is about as wide as what a border meets in passing.
const blockSize = 64

// groupSize is the number of blocks in a group of them.
const groupSize = 64

// Block is a run of neighbouring features of a layer, with what they add up to.
type Block struct {
	Box geo.Box
	// First and End bound the ordinals.
	First, End int
	Sum        RecordSum
}

// RecordSum adds up the areas of features.
type RecordSum struct {
	// Features counts those of at least [overlay.MinShared].
	Features int
	AreaM2   float64
	Patch    PartialSum
	Net      PartialSum
}

// Add takes in what another sum adds up.
func (s *RecordSum) Add(o *RecordSum) {
	s.Features += o.Features
	s.AreaM2 += o.AreaM2
	s.Patch.plus(o.Patch)
	s.Net.plus(o.Net)
}

// PartialSum adds up one kind of area of record, which not every feature has.
type PartialSum struct {
	Sum     int64   // 0.01 m²
	With    float64 // ground of features that have one, m²
	Without float64 // ground of those that have none
}

// add takes in a feature's ground and its area of record.
func (p *PartialSum) add(record int64, areaM2 float64) {
	if record == NoArea {
		p.Without += areaM2
		return
	}
	p.Sum += record
	p.With += areaM2
}

func (p *PartialSum) plus(o PartialSum) {
	p.Sum += o.Sum
	p.With += o.With
	p.Without += o.Without
}

// blocks are the blocks of a layer, and groups of them.
type blocks struct {
	blocks []Block
	groups []Block
}

// add takes in the next feature of the layer.
func (b *blocks) add(box geo.Box, r Record) {
	n := 0
	if k := len(b.blocks); k > 0 {
		n = b.blocks[k-1].End
	}
	if n%blockSize == 0 {
		b.blocks = append(b.blocks, Block{Box: geo.EmptyBox(), First: n, End: n})
	}
	last := &b.blocks[len(b.blocks)-1]
	last.End++
	last.Box = last.Box.Union(box)
	if r.AreaM2 >= overlay.MinShared {
		last.Sum.Features++
	}
	last.Sum.AreaM2 += r.AreaM2
	last.Sum.Patch.add(r.Patch, r.AreaM2)
	last.Sum.Net.add(r.Net, r.AreaM2)
}

// gather makes the groups, when all features are in.
func (b *blocks) gather() {
	for i := range b.blocks {
		if i%groupSize == 0 {
			b.groups = append(b.groups, Block{Box: geo.EmptyBox(), First: b.blocks[i].First})
		}
		g, k := &b.groups[len(b.groups)-1], &b.blocks[i]
		g.End = k.End
		g.Box = g.Box.Union(k.Box)
		g.Sum.Add(&k.Sum)
	}
}

// Visit is what a [Layer.Sweep] is to do with the features in a box.
type Visit int

// The answers of the function that a sweep asks.
const (
	Pass    Visit = iota // none of them is of interest
	Enter                // look at each of them
	Swallow              // take them together
)

// Sweep leads through the layer's features, in rising order of ordinals: ask is
// asked about boxes of many features and then of fewer; where it wants them
// together whole is called with their block, which must not be changed or kept,
// and where it wants to look at each, each with a feature and its box, which
// meets the block's. It ends early with the first error, which is returned.
func (l *Layer) Sweep(ask func(geo.Box) Visit, whole func(*Block) error, each func(i int, box geo.Box) error) error {
	for g := range l.blocks.groups {
		group := &l.blocks.groups[g]
		switch ask(group.Box) {
		case Swallow:
			if err := whole(group); err != nil {
				return err
			}
			continue
		case Pass:
			continue
		case Enter:
		}
		first := g * groupSize
		for k := first; k < min(first+groupSize, len(l.blocks.blocks)); k++ {
			if err := l.sweepBlock(&l.blocks.blocks[k], ask, whole, each); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *Layer) sweepBlock(b *Block, ask func(geo.Box) Visit, whole func(*Block) error, each func(int, geo.Box) error) error {
	switch ask(b.Box) {
	case Swallow:
		return whole(b)
	case Pass:
		return nil
	case Enter:
	}
	return guard(func() error {
		for i := b.First; i < b.End; i++ {
			d := decoder{data: l.record(i)}
			d.uvarint()
			box := d.box()
			if d.bad {
				return errRecord
			}
			if err := each(i, box); err != nil {
				return err
			}
		}
		return nil
	})
}
