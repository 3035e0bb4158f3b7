package ground

import "encoding/binary"

// ownerSet is a set of owners below a number, a bit for each.
type ownerSet struct {
	bits   []byte
	owners int
}

func newOwnerSet(owners int) ownerSet { return ownerSet{make([]byte, (owners+7)/8), owners} }

func (s *ownerSet) add(owner int32) { s.bits[owner>>3] |= 1 << (owner & 7) }

// join adds the owners of o, a set below the same number.
func (s *ownerSet) join(o *ownerSet) {
	for i, b := range o.bits {
		s.bits[i] |= b
	}
}

// append encodes the set: the number of owners there are, and the bits.
func (s *ownerSet) append(dst []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(s.owners)), s.bits...)
}

// decodeOwners undoes append; the set is in the bytes of value.
func decodeOwners(value []byte) (ownerSet, error) {
	d := decode(value)
	n := d.Uvarint()
	if d.Bad || n > 1<<31 || (n+7)/8 != uint64(len(d.Data)) {
		return ownerSet{}, errRecord
	}
	return ownerSet{d.Data, int(n)}, nil
}

// Alone tells of a feature that no other of its stored layer covers any of its
// ground in the partition; false also for an owner that there is not.
func (g *Ground) Alone(owner int32) bool {
	s := &g.shared
	return owner >= 0 && int(owner) < s.owners && s.bits[owner>>3]>>(owner&7)&1 == 0
}
