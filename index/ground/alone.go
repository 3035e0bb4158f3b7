package ground

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// ownerSet is a set of owners below a number, a bit for each.
type ownerSet struct {
	bits   []byte
	owners int
}

func newOwnerSet(owners int) ownerSet { return ownerSet{make([]byte, (owners+7)/8), owners} }

func (s *ownerSet) add(owner int32) { s.bits[owner>>3] |= 1 << (owner & 7) }

func (s *ownerSet) has(owner int32) bool { return s.bits[owner>>3]>>(owner&7)&1 != 0 }

// join adds the owners of o, a set below the same number.
func (s *ownerSet) join(o *ownerSet) {
	for i, b := range o.bits {
		s.bits[i] |= b
	}
}

// names returns the names of the owners, in rising order.
func (s *ownerSet) names(of Source) []uint64 {
	var out []uint64
	for o := range int32(s.owners) {
		if s.has(o) {
			out = append(out, of.Name(o))
		}
	}
	slices.Sort(out)
	return out
}

// appendNames encodes names that are in rising order, by their differences.
func appendNames(dst []byte, names []uint64) []byte {
	last := uint64(0)
	dst = binary.AppendUvarint(dst, uint64(len(names)))
	for _, n := range names {
		dst = binary.AppendUvarint(dst, n-last)
		last = n
	}
	return dst
}

// decodeNames undoes appendNames.
func decodeNames(value []byte) ([]uint64, error) {
	d := decode(value)
	names := make([]uint64, d.Count(1))
	last := uint64(0)
	for i := range names {
		n := last + d.Uvarint()
		if i > 0 && n <= last {
			d.Fail()
		}
		names[i], last = n, n
	}
	return names, d.end()
}

// Loners are the features none of whose ground another feature of their stored
// layer covers. They are not changed and may be used by several goroutines at once.
type Loners struct{ shared ownerSet }

// Has tells of a feature that it is one of them; false also for an owner that there
// is not, and of nil.
func (l *Loners) Has(owner int32) bool {
	return l != nil && owner >= 0 && int(owner) < l.shared.owners && !l.shared.has(owner)
}

// Resolve tells the partition, once and before it is used by others, which owners
// the names of features belong to now; there are so many owners. A name without an
// owner is an error: the partition is of other features.
func (g *Ground) Resolve(owners int, ownerOf func(name uint64) (int32, bool)) error {
	shared := newOwnerSet(owners)
	for _, n := range g.together {
		o, ok := ownerOf(n)
		if !ok || o < 0 || int(o) >= owners {
			return fmt.Errorf("%w: no feature %d", errRecord, n)
		}
		shared.add(o)
	}
	g.together, g.loners = nil, &Loners{shared}
	return nil
}

// Loners returns the features that are alone on their ground in the partition; nil
// before [Ground.Resolve].
func (g *Ground) Loners() *Loners { return g.loners }
