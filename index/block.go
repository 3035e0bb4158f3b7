package index

import (
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// blockSize is the number of features in a block, and of blocks in a larger one:
// a border that runs through a block looks at few features that it does not meet,
// and what blocks take for each feature is what its areas take.
const blockSize = 8

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
	// Computed adds up, in 0.01 m², what [Computed] marks, of those that have none.
	Computed int64
}

// add takes in a feature's ground and its area of record.
func (p *PartialSum) add(record int64, areaM2 float64) {
	if !OfRecord(record) {
		p.Without += areaM2
		if c, ok := ComputedOf(record); ok {
			p.Computed += c
		}
		return
	}
	p.Sum += record
	p.With += areaM2
}

func (p *PartialSum) plus(o PartialSum) {
	p.Sum += o.Sum
	p.With += o.With
	p.Without += o.Without
	p.Computed += o.Computed
}

// blocks are the blocks of a layer: of features, of those blocks, and so on up to
// the last one.
type blocks [][]Block

// add takes in the next feature of the layer.
func (b *blocks) add(box geo.Box, r Record) {
	if len(*b) == 0 {
		*b = blocks{nil}
	}
	of := &(*b)[0]
	n := 0
	if k := len(*of); k > 0 {
		n = (*of)[k-1].End
	}
	if n%blockSize == 0 {
		*of = append(*of, Block{Box: geo.EmptyBox(), First: n, End: n})
	}
	last := &(*of)[len(*of)-1]
	last.End++
	last.Box = last.Box.Union(box)
	if r.AreaM2 >= overlay.MinShared {
		last.Sum.Features++
	}
	last.Sum.AreaM2 += r.AreaM2
	last.Sum.Patch.add(r.Patch, r.AreaM2)
	last.Sum.Net.add(r.Net, r.AreaM2)
}

// gather makes the larger blocks, when all features are in.
func (b *blocks) gather() {
	for len(*b) > 0 && len((*b)[len(*b)-1]) > 1 {
		below := (*b)[len(*b)-1]
		var level []Block
		for i := range below {
			if i%blockSize == 0 {
				level = append(level, Block{Box: geo.EmptyBox(), First: below[i].First})
			}
			g, k := &level[len(level)-1], &below[i]
			g.End = k.End
			g.Box = g.Box.Union(k.Box)
			g.Sum.Add(&k.Sum)
		}
		*b = append(*b, level)
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
// lies in the box that ask was asked about last. It ends early with the first error, which is returned.
func (l *Layer) Sweep(ask func(geo.Box) Visit, whole func(*Block) error, each func(i int, box geo.Box) error) error {
	if len(l.blocks) == 0 {
		return nil
	}
	s := &sweep{l, ask, whole, each}
	return s.block(len(l.blocks)-1, 0)
}

type sweep struct {
	layer *Layer
	ask   func(geo.Box) Visit
	whole func(*Block) error
	each  func(int, geo.Box) error
}

// block leads through block k of a level.
func (s *sweep) block(level, k int) error {
	b := &s.layer.blocks[level][k]
	switch s.ask(b.Box) {
	case Swallow:
		return s.whole(b)
	case Pass:
		return nil
	case Enter:
	}
	if level == 0 {
		return s.features(b)
	}
	first := k * blockSize
	for i := first; i < min(first+blockSize, len(s.layer.blocks[level-1])); i++ {
		if err := s.block(level-1, i); err != nil {
			return err
		}
	}
	return nil
}

func (s *sweep) features(b *Block) error {
	for i := b.First; i < b.End; i++ {
		if err := s.each(i, s.layer.Box(i)); err != nil {
			return err
		}
	}
	return nil
}
