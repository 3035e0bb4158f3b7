package ground

import (
	"math/bits"

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
	// Overlapping, when it is not nil, is told of ground in the AOI that several
	// features of one of the layers Within share: the features, which must not be
	// kept, and the area in m². Features that overlap in other layers may be among
	// them. It costs a look at each cell in which there is such ground.
	Overlapping func(owners []int32, area float64)
	Within      uint64
	// Stop ends the work early when it returns an error, which is then returned.
	Stop func() error
}

// Sum returns the AOI's ground by the layers that cover it. Ground outside of
// the partition's extent is in no part. Parts without ground may be among them.
func (g *Ground) Sum(q *Question) (*Parts, error) {
	s := &summing{ground: g, question: q, parts: newParts(len(q.Layers)), layers: 0}
	for _, l := range q.Layers {
		s.layers |= l
	}
	if err := g.frame.Follow(q.AOI, 0, s); err != nil {
		return nil, err
	}
	return s.parts, nil
}

// summing is one question on its way down the nodes.
type summing struct {
	ground   *Ground
	question *Question
	layers   uint64 // all that are asked about
	parts    *Parts
	cell     overlay.Cell
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
	d := decoder{data: n.value[1:]}
	overlaps := d.uvarint()
	switch {
	case flags&flagCell != 0:
		d = decoder{data: n.value}
		return s.addFaces(&d, d.skipCell(), nil)
	case flags&flagSums == 0, overlaps&s.question.Within != 0 && s.question.Overlapping != nil:
		if err := s.Inside(n.lo); err != nil {
			return err
		}
		return s.Inside(n.hi)
	}
	for range d.count(11) {
		d.sum(&s.sum)
		p := s.parts.at(s.masked(s.sum.mask))
		p.Area += s.sum.area
		s.spread(p.Weighted, s.sum.has, s.sum.weighted, 1)
		s.spread(p.Unweighted, s.sum.lacks, s.sum.unweighted, 1)
	}
	return d.end()
}

// Across adds what the AOI has of a cell, or passes a divided node's halves on.
func (s *summing) Across(at int32, c *overlay.Clip) (lo, hi int32, divided bool, err error) {
	n := &s.ground.nodes[at]
	if n.value[0]&flagCell == 0 {
		return n.lo, n.hi, true, nil
	}
	if err := s.stop(); err != nil {
		return 0, 0, false, err
	}
	d := decoder{data: n.value}
	d.cell(&s.cell)
	faces := d // read twice: for the areas, and for what covers them
	for i := range s.cell.Faces {
		d.face(&s.face)
		s.cell.Faces[i].Area = s.face.area
	}
	if d.bad {
		return 0, 0, false, errRecord
	}
	s.areas = append(s.areas[:0], make([]float64, len(s.cell.Faces))...)
	c.Faces(&s.cell, s.areas)
	return 0, 0, false, s.addFaces(&faces, len(s.areas), s.areas)
}

// addFaces adds the n faces that d stands at, with the areas given or, when
// there are none, with their own.
func (s *summing) addFaces(d *decoder, n int, areas []float64) error {
	for i := range n {
		f := &s.face
		d.face(f)
		area := f.area
		if areas != nil {
			area = areas[i]
		}
		if area == 0 {
			continue
		}
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
		if len(f.overlapping) > 0 && s.question.Overlapping != nil {
			s.question.Overlapping(f.overlapping, area)
		}
	}
	return d.end()
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
	if d.bad || len(d.data) > 0 {
		return errRecord
	}
	return nil
}
