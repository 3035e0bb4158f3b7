package ground

import (
	"cmp"
	"math/bits"
	"slices"

	"gengtu/index/wire"
)

// summedCells is the number of cells from which on a node has sums: below,
// reading the cells costs no more.
const summedCells = 4

// stored is a cell or node with what is added up in those above it.
type stored struct {
	path  uint64
	depth int
	sums  []sum
	over  excess
	cells int
}

// clone returns a copy that does not lie in an assembly's memory.
func (s stored) clone() stored {
	s.sums = slices.Clone(s.sums)
	for i := range s.sums {
		t := &s.sums[i]
		t.weighted, t.unweighted = slices.Clone(t.weighted), slices.Clone(t.unweighted)
	}
	return s
}

// draft is a record without the numbers of its kinds: head is what comes before
// them, tail what comes after. A node without sums has none.
type draft struct {
	path       uint64
	depth      int
	head, tail []byte
	kinds      []uint32 // numbers in the table of the assembly
}

// sortDrafts brings drafts into the order of their keys.
func sortDrafts(list []draft) {
	slices.SortFunc(list, func(x, y draft) int {
		return cmp.Or(cmp.Compare(x.path, y.path), cmp.Compare(x.depth, y.depth))
	})
}

// assembly joins cells, which come in the order of their paths, to nodes. All that
// it makes lies in memory of its own, which reset takes back.
type assembly struct {
	open     []stored // no two of them halves of one node
	nodes    []draft  // in the order in which they were joined
	overlaps uint64
	kinds    kindTable

	bytes   []byte   // of drafts
	numbers []uint32 // of drafts
	list    []sum
	figures []float64 // of sums
}

// newAssembly returns one that knows kinds by their numbers in a table.
func newAssembly(kinds kindTable) *assembly { return &assembly{kinds: kinds} }

// reset forgets everything.
func (a *assembly) reset() {
	a.open, a.nodes, a.overlaps = a.open[:0], a.nodes[:0], 0
	a.kinds.reset()
	a.bytes, a.numbers, a.list, a.figures = a.bytes[:0], a.numbers[:0], a.list[:0], a.figures[:0]
}

// add takes the next cell or node, and makes the nodes that are whole with it.
func (a *assembly) add(s stored) {
	a.overlaps |= s.over.overlaps
	a.open = append(a.open, s)
	for n := len(a.open); n > 1; n = len(a.open) {
		lo, hi := &a.open[n-2], &a.open[n-1]
		if lo.depth != hi.depth || lo.path|1<<(64-lo.depth) != hi.path {
			return
		}
		node, d := a.join(lo, hi)
		a.nodes = append(a.nodes, d)
		a.open = append(a.open[:n-2], node)
	}
}

// join makes a node of its two halves, whose sums are worth nothing afterwards.
func (a *assembly) join(lo, hi *stored) (stored, draft) {
	node := stored{
		path: lo.path, depth: lo.depth - 1, cells: lo.cells + hi.cells, over: lo.over.plus(hi.over),
		sums: a.merge(lo.sums, hi.sums),
	}
	sums := node.sums
	if node.cells < summedCells {
		sums = nil
	}
	return node, a.draft(&node, sums)
}

// draft encodes a node.
func (a *assembly) draft(node *stored, sums []sum) draft {
	d := draft{path: node.path, depth: node.depth}
	at := len(a.bytes)
	a.bytes = appendNodeHead(a.bytes, node.over, sums)
	d.head, at = a.bytes[at:len(a.bytes):len(a.bytes)], len(a.bytes)
	if sums == nil {
		return d
	}
	first := len(a.numbers)
	for i := range sums {
		a.numbers = append(a.numbers, a.kinds.number(sums[i].kind()))
	}
	d.kinds = a.numbers[first:len(a.numbers):len(a.numbers)]
	a.bytes = appendSums(a.bytes, sums)
	d.tail = a.bytes[at:len(a.bytes):len(a.bytes)]
	return d
}

// floats returns memory for figures.
func (a *assembly) floats(n int) []float64 {
	if len(a.figures)+n > cap(a.figures) {
		a.figures = make([]float64, 0, 2*cap(a.figures)+n) // what is in use stays where it is
	}
	first := len(a.figures)
	a.figures = a.figures[:first+n]
	return a.figures[first : first+n : first+n]
}

// room returns an empty list with room for n sums behind a.list.
func (a *assembly) room(n int) []sum {
	if len(a.list)+n > cap(a.list) {
		a.list = make([]sum, 0, 2*cap(a.list)+n) // what is in use stays where it is
	}
	return a.list[len(a.list) : len(a.list) : len(a.list)+n]
}

// merge adds sums up; both are in rising order of masks, and so is the result. They
// are worth nothing afterwards.
func (a *assembly) merge(x, y []sum) []sum {
	a.room(len(x) + len(y))
	first := len(a.list)
	for len(x) > 0 && len(y) > 0 {
		switch {
		case x[0].mask < y[0].mask:
			a.list, x = append(a.list, x[0]), x[1:]
		case y[0].mask < x[0].mask:
			a.list, y = append(a.list, y[0]), y[1:]
		default:
			x[0].add(&y[0])
			a.list, x, y = append(a.list, x[0]), x[1:], y[1:]
		}
	}
	a.list = append(append(a.list, x...), y...)
	return a.list[first:len(a.list):len(a.list)]
}

// addFace adds the ground of f to sums in rising order of masks.
func (a *assembly) addFace(sums []sum, f *face) []sum {
	i := 0
	for i < len(sums) && sums[i].mask < f.mask {
		i++
	}
	has, lacks := f.weighted(), f.lacking()
	if i < len(sums) && sums[i].mask == f.mask && sums[i].has == has && sums[i].lacks == lacks {
		s := &sums[i]
		s.area += f.area
		for k, w := range f.weights {
			s.weighted[k] += float64(w * f.area)
		}
		for k := range s.unweighted {
			s.unweighted[k] += f.area
		}
		return sums
	}
	s := sum{mask: f.mask, area: f.area, has: has, lacks: lacks}
	figures := a.floats(len(f.weights) + bits.OnesCount64(lacks))
	s.weighted, s.unweighted = figures[:len(f.weights):len(f.weights)], figures[len(f.weights):]
	for k, w := range f.weights {
		s.weighted[k] = w * f.area
	}
	for k := range s.unweighted {
		s.unweighted[k] = f.area
	}
	if i < len(sums) && sums[i].mask == f.mask {
		sums[i].add(&s)
		return sums
	}
	return slices.Insert(sums, i, s)
}

// add adds t, of the same mask, to s.
func (s *sum) add(t *sum) {
	s.area += t.area
	if s.has != t.has || s.lacks != t.lacks {
		has, lacks := s.has|t.has, s.lacks|t.lacks
		s.weighted = added(has, s.has, s.weighted, t.has, t.weighted)
		s.unweighted = added(lacks, s.lacks, s.unweighted, t.lacks, t.unweighted)
		s.has, s.lacks = has, lacks
		return
	}
	for i, v := range t.weighted {
		s.weighted[i] += v
	}
	for i, v := range t.unweighted {
		s.unweighted[i] += v
	}
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

// encoder makes records of drafts. numbers are those of a partition's kinds by
// those of the assembly that made the drafts; nil when they are the same.
type encoder struct {
	numbers []uint32
	bytes   []byte
	list    []uint32
}

// encoderOf returns the encoder of a block, into a table of a partition's kinds.
// What it makes is not the block's.
func encoderOf(b *built, kinds *kindTable) *encoder {
	e := &encoder{}
	for _, k := range b.kinds.list {
		e.numbers = append(e.numbers, kinds.number(k))
	}
	e.bytes = make([]byte, 0, len(b.bytes)+wire.Width(len(kinds.list))*len(b.numbers)+(keySize+1)*(len(b.cells)+len(b.nodes)))
	return e
}

// record returns the record of a draft.
func (e *encoder) record(d *draft) record {
	list := d.kinds
	if e.numbers != nil {
		list = e.list[:0]
		for _, n := range d.kinds {
			list = append(list, e.numbers[n])
		}
		e.list = list
	}
	at := len(e.bytes)
	e.bytes = appendKey(e.bytes, d.path, d.depth)
	key := e.bytes[at:len(e.bytes):len(e.bytes)]
	at = len(e.bytes)
	e.bytes = append(e.bytes, d.head...)
	if d.kinds != nil {
		e.bytes = append(appendNumbers(e.bytes, list), d.tail...)
	}
	return record{key, e.bytes[at:len(e.bytes):len(e.bytes)]}
}
