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
	Overlapping func(names []uint64, area float64)
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
	s.reset(g, q)
	s.excess = excess
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
	visited  int
	plans
}

func (s *summing) reset(g *Ground, q *Question) {
	s.ground, s.question, s.parts = g, q, newParts(len(q.Layers))
	s.layers, s.visited = 0, 0
	for _, l := range q.Layers {
		s.layers |= l
	}
	s.plans.reset(len(g.kinds))
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
	value := s.ground.values[at]
	flags := value[0]
	d := decode(value[1:])
	overlaps := d.Uvarint()
	if s.excess && overlaps&s.layers == 0 {
		return nil
	}
	if flags&flagCell != 0 {
		if d.cell(&s.cell); d.Bad {
			return errRecord
		}
		s.areas = slices.Grow(s.areas[:0], s.cell.Faces())[:s.cell.Faces()]
		for i := range s.areas {
			s.areas[i] = s.cell.FaceArea(i)
		}
		return s.addFaces(&d, overlaps)
	}
	if overlaps&s.question.Within != 0 || flags&flagSums == 0 && !s.excess {
		if err := s.Inside(at + 1); err != nil {
			return err
		}
		return s.Inside(s.ground.highs[at])
	}
	for rest := overlaps; rest != 0; rest &= rest - 1 {
		s.addExcess(rest&-rest, d.Float())
	}
	if s.excess {
		return nil
	}
	return s.addSums(&d)
}

// Across adds what the AOI has of a cell, or passes a divided node's halves on.
func (s *summing) Across(at int32, c *overlay.Clip) (lo, hi int32, divided bool, err error) {
	if share, mixed := c.Share(); !mixed {
		if share == 0 {
			return 0, 0, false, nil
		}
		return 0, 0, false, s.Inside(at)
	}
	hi = s.ground.highs[at]
	if hi != 0 && !s.excess {
		return at + 1, hi, true, nil
	}
	d := decode(s.ground.values[at][1:])
	overlaps := d.Uvarint()
	if s.excess && overlaps&s.layers == 0 {
		return 0, 0, false, nil
	}
	if hi != 0 {
		return at + 1, hi, true, nil
	}
	if err := s.stop(); err != nil {
		return 0, 0, false, err
	}
	if d.cell(&s.cell); d.Bad {
		return 0, 0, false, errRecord
	}
	s.areas = slices.Grow(s.areas[:0], s.cell.Faces())[:s.cell.Faces()]
	clear(s.areas)
	if !c.Faces(&s.cell, s.areas) {
		return 0, 0, false, errRecord
	}
	return 0, 0, false, s.addFaces(&d, overlaps)
}

// addFaces adds the faces at the numbers of whose kinds d stands, with the areas
// found. overlaps are the layers that overlap in the cell.
func (s *summing) addFaces(d *decoder, overlaps uint64) error {
	numbers := d.numbers(len(s.areas))
	if d.Bad {
		return errRecord
	}
	counts := s.ground.weights
	for i, area := range s.areas {
		number := numbers.at(i)
		if number >= len(counts) || len(d.Data) < 8*int(counts[number]) {
			return errRecord
		}
		if area != 0 && !s.excess {
			p := s.plan(number)
			part := &s.parts.parts[p.part]
			part.Area += area
			for _, t := range s.terms[p.weighted:p.lacking] {
				part.Weighted[t.layer] += floatAt(d.Data, int(t.at)) * area
			}
			for _, t := range s.terms[p.lacking:p.end] {
				part.Unweighted[t.layer] += area
			}
		}
		d.Data = d.Data[8*int(counts[number]):]
	}
	switch {
	case overlaps == 0:
		return d.end()
	case overlaps&s.layers == 0:
		return nil
	}
	for i, area := range s.areas {
		if k := &s.ground.kinds[numbers.at(i)]; k.overlaps != 0 {
			d.overlap(k, &s.face)
			if area != 0 && k.overlaps&s.layers != 0 && !d.Bad {
				s.addOverlap(k.overlaps, area)
			}
		}
	}
	return d.end()
}

// addOverlap adds area of the face that was decoded last.
func (s *summing) addOverlap(overlaps uint64, area float64) {
	f := &s.face
	for k, rest := 0, overlaps; rest != 0; k, rest = k+1, rest&(rest-1) {
		s.addExcess(rest&-rest, float64(f.again[k])*area)
	}
	if overlaps&s.question.Within != 0 {
		s.question.Overlapping(f.overlapping, area)
	}
}

// addSums adds the sums of a node that d stands at.
func (s *summing) addSums(d *decoder) error {
	n := d.Count(1)
	numbers := d.numbers(n)
	if d.Bad {
		return errRecord
	}
	for i := range n {
		number := numbers.at(i)
		if number >= len(s.ground.kinds) {
			return errRecord
		}
		k := &s.ground.kinds[number]
		weighted := bits.OnesCount64(k.weighted())
		figures := d.Take(8 * uint64(1+weighted+bits.OnesCount64(k.lacking())))
		if d.Bad {
			return errRecord
		}
		p := s.plan(number)
		part := &s.parts.parts[p.part]
		part.Area += floatAt(figures, 0)
		for _, t := range s.terms[p.weighted:p.lacking] {
			part.Weighted[t.layer] += floatAt(figures, 1+int(t.at))
		}
		for _, t := range s.terms[p.lacking:p.end] {
			part.Unweighted[t.layer] += floatAt(figures, 1+weighted+int(t.at))
		}
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

// plans are what a question does with ground, by its kind: they are made when the
// first ground of a kind is met.
type plans struct {
	numbers []int32 // by kind, one more than the place of its plan; 0 without one
	list    []plan
	terms   []term
}

// plan is what a question does with ground of one kind.
type plan struct {
	kind int
	part int // in the answer's parts
	// weighted and lacking are where the terms for the layers asked about begin
	// that have a weight, and that some feature has none in; end is behind both.
	weighted, lacking, end int
}

// term says where one layer's figure is.
type term struct {
	at    uint8 // among the figures of a kind
	layer uint8 // in the question
}

// reset forgets the plans of the last question and has room for so many kinds.
func (p *plans) reset(kinds int) {
	for i := range p.list {
		p.numbers[p.list[i].kind] = 0
	}
	p.list, p.terms = p.list[:0], p.terms[:0]
	if kinds > len(p.numbers) {
		p.numbers = make([]int32, kinds)
	}
}

// plan returns the plan for a kind. It is valid until the next call.
func (s *summing) plan(kind int) *plan {
	if i := s.numbers[kind]; i > 0 {
		return &s.list[i-1]
	}
	return s.newPlan(kind)
}

func (s *summing) newPlan(kind int) *plan {
	k := &s.ground.kinds[kind]
	mask := uint64(0)
	for i, l := range s.question.Layers {
		if k.mask&l != 0 {
			mask |= 1 << i
		}
	}
	p := plan{kind: kind, part: s.parts.at(mask), weighted: len(s.terms)}
	s.addTerms(k.weighted())
	p.lacking = len(s.terms)
	s.addTerms(k.lacking())
	p.end = len(s.terms)
	s.list = append(s.list, p)
	s.numbers[kind] = int32(len(s.list))
	return &s.list[len(s.list)-1]
}

// addTerms adds the terms for the layers asked about among those that there are
// figures of.
func (s *summing) addTerms(figures uint64) {
	for i, l := range s.question.Layers {
		if figures&l != 0 {
			s.terms = append(s.terms, term{uint8(bits.OnesCount64(figures & (l - 1))), uint8(i)})
		}
	}
}
