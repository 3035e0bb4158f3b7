package ground

import (
	"math/bits"
	"slices"
	"sync"

	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// Question asks how an AOI's ground is covered.
type Question struct {
	// AOI is in CGCS2000 (EPSG:4490), valid and directed as [overlay.Mend] returns it.
	AOI geo.MultiPolygon
	// Layers are the bits of the layers asked about, each one bit, at most 64; bit i
	// of the answer's masks stands for Layers[i].
	Layers []uint64
	// Within are layers, among those asked about, for which Overlapping is told of
	// ground in the AOI that several of their features share: the features, which
	// must not be kept, and the area in m². Features that overlap in other layers
	// may be among them. It costs a look at each cell in which there is such ground.
	Within      uint64
	Overlapping func(owners []int32, area float64)
	// Stop ends the work early when it returns an error, which is then returned.
	Stop func() error
}

// Sum returns the AOI's ground by the layers that cover it. Ground outside of
// the partition's extent is in no part. Parts without ground may be among them.
func (g *Ground) Sum(q *Question) (*Parts, error) { return g.sum(q, false) }

// Excess returns what features of the layers share with others of their layer,
// and no parts. It looks only where features overlap.
func (g *Ground) Excess(q *Question) (*Parts, error) { return g.sum(q, true) }

func (g *Ground) sum(q *Question, excess bool) (*Parts, error) {
	s := summings.Get().(*summing)
	defer summings.Put(s)
	s.ground, s.question, s.parts, s.excess = g, q, newParts(len(q.Layers)), excess
	s.layers, s.visited = 0, 0
	for _, l := range q.Layers {
		s.layers |= l
	}
	if err := g.frame.Follow(q.AOI, 0, s); err != nil {
		return nil, err
	}
	return s.parts, nil
}

// summings keeps the memory of questions.
var summings = sync.Pool{New: func() any { return new(summing) }}

// summing is one question on its way down the nodes.
type summing struct {
	ground   *Ground
	question *Question
	excess   bool   // no parts, excess alone
	layers   uint64 // all that are asked about
	parts    *Parts
	cell     overlay.PackedCell
	areas    []float64
	face     face
	sum      sum
	visited  int
}

func (s *summing) stop() error {
	if s.visited++; s.visited&255 != 1 || s.question.Stop == nil {
		return nil
	}
	return s.question.Stop()
}

// Inside adds a node that lies wholly in the AOI.
func (s *summing) Inside(at int32) error {
	if err := s.stop(); err != nil {
		return err
	}
	n := &s.ground.nodes[at]
	flags := n.value[0]
	d := decode(n.value[1:])
	overlaps := d.Uvarint()
	if s.excess && overlaps&s.layers == 0 {
		return nil
	}
	if flags&flagCell != 0 {
		d = decode(n.value)
		d.cell(&s.cell)
		if d.Bad {
			return errRecord
		}
		s.areas = s.areas[:0]
		for i := range s.cell.Faces() {
			s.areas = append(s.areas, s.cell.FaceArea(i))
		}
		return s.addFaces(&d)
	}
	if overlaps&s.question.Within != 0 || flags&flagSums == 0 && !s.excess {
		if err := s.Inside(n.lo); err != nil {
			return err
		}
		return s.Inside(n.hi)
	}
	for rest := overlaps; rest != 0; rest &= rest - 1 {
		s.addExcess(rest&-rest, d.Float())
	}
	if s.excess {
		return nil
	}
	for range d.Count(11) {
		d.sum(&s.sum)
		p := s.parts.at(s.masked(s.sum.mask))
		p.Area += s.sum.area
		s.spread(p.Weighted, s.sum.has, s.sum.weighted, 1)
		s.spread(p.Unweighted, s.sum.lacks, s.sum.unweighted, 1)
	}
	return d.end()
}

// addExcess adds ground that features of the layer with this bit share.
func (s *summing) addExcess(bit uint64, area float64) {
	if bit&s.layers == 0 {
		return
	}
	for i, l := range s.question.Layers {
		if l == bit {
			s.parts.Excess[i] += area
		}
	}
}

// Across adds what the AOI has of a cell, or passes a divided node's halves on.
func (s *summing) Across(at int32, c *overlay.Clip) (lo, hi int32, divided bool, err error) {
	n := &s.ground.nodes[at]
	if s.excess {
		d := decode(n.value[1:])
		if d.Uvarint()&s.layers == 0 {
			return 0, 0, false, nil
		}
	}
	if n.hi != 0 {
		return n.lo, n.hi, true, nil
	}
	if err := s.stop(); err != nil {
		return 0, 0, false, err
	}
	d := decode(n.value)
	d.cell(&s.cell)
	if d.Bad {
		return 0, 0, false, errRecord
	}
	s.areas = slices.Grow(s.areas[:0], s.cell.Faces())[:s.cell.Faces()]
	clear(s.areas)
	if !c.Faces(&s.cell, s.areas) {
		return 0, 0, false, errRecord
	}
	return 0, 0, false, s.addFaces(&d)
}

// addFaces adds the faces that d stands at, with the areas found.
func (s *summing) addFaces(d *decoder) error {
	for _, area := range s.areas {
		f := &s.face
		d.face(f)
		if area == 0 {
			continue
		}
		if f.overlaps&s.layers != 0 {
			for k, rest := 0, f.overlaps; k < len(f.again); k, rest = k+1, rest&(rest-1) {
				s.addExcess(rest&-rest, float64(f.again[k])*area)
			}
			if f.overlaps&s.question.Within != 0 {
				s.question.Overlapping(f.overlapping, area)
			}
		}
		if !s.excess {
			s.addPart(f, area)
		}
	}
	return d.end()
}

// addPart adds area of f to the part that it belongs to.
func (s *summing) addPart(f *face, area float64) {
	p := s.parts.at(s.masked(f.mask))
	p.Area += area
	s.spread(p.Weighted, f.mask&^f.weightless, f.weights, area)
	if lacks := f.weightless | f.mixed; lacks&s.layers != 0 {
		for k, l := range s.question.Layers {
			if lacks&l != 0 {
				p.Unweighted[k] += area
			}
		}
	}
}

// masked returns mask in the bits of the question.
func (s *summing) masked(mask uint64) uint64 {
	var out uint64
	if mask&s.layers != 0 {
		for i, l := range s.question.Layers {
			if mask&l != 0 {
				out |= 1 << i
			}
		}
	}
	return out
}

// spread adds figures, times a factor, to the layers of the question that their
// bits stand for.
func (s *summing) spread(to []float64, has uint64, figures []float64, factor float64) {
	if has&s.layers == 0 {
		return
	}
	for i, l := range s.question.Layers {
		if has&l != 0 {
			to[i] += factor * figures[bits.OnesCount64(has&(l-1))]
		}
	}
}

// end returns the fault met, or one when bytes are left over.
func (d *decoder) end() error {
	if d.Bad || len(d.Data) > 0 {
		return errRecord
	}
	return nil
}
