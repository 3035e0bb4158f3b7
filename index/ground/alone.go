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

// Resolve tells the partition, once and before it is used by others, which owners
// the names of features belong to now; there are so many owners. A name without an
// owner is an error: the partition is of other features.
func (g *Ground) Resolve(owners int, ownerOf func(name uint64) (int32, bool)) error {
	g.shared = newOwnerSet(owners)
	for _, n := range g.together {
		o, ok := ownerOf(n)
		if !ok || o < 0 || int(o) >= owners {
			return fmt.Errorf("%w: no feature %d", errRecord, n)
		}
		g.shared.add(o)
	}
	g.together = nil
	return nil
}

// Alone tells of a feature that no other of its stored layer covers any of its
// ground in the partition; false also for an owner that there is not, and before
// [Ground.Resolve].
func (g *Ground) Alone(owner int32) bool {
	return owner >= 0 && int(owner) < g.shared.owners && !g.shared.has(owner)
}
