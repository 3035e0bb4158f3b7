package overlay

import (
	"math"

	"gengtu/index/geo"
)

// numbering numbers keys from 0 in the order in which they come. It is a table of
// at least twice as many slots, in which a key stands where its hash says or behind,
// and costs nothing to empty.
type numbering[K comparable] struct {
	keys  []K
	slots []slot
	stamp uint32
}

// slot is empty unless its stamp is the table's.
type slot struct{ stamp, hash, number uint32 }

// leastSlots is the size of the smallest table; all are powers of two.
const leastSlots = 1 << 8

func (n *numbering[K]) reset() {
	n.keys = n.keys[:0]
	if n.stamp++; n.stamp == 0 || n.slots == nil {
		n.slots, n.stamp = make([]slot, max(leastSlots, len(n.slots))), 1
	}
}

// number returns the number of a key, whose hash is the same for equal keys.
func (n *numbering[K]) number(hash uint64, key K) uint32 {
	if 2*len(n.keys) >= len(n.slots) {
		n.grow()
	}
	h, mask := uint32(hash>>32), uint32(len(n.slots)-1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := &n.slots[i]
		if s.stamp != n.stamp {
			*s = slot{n.stamp, h, uint32(len(n.keys))}
			n.keys = append(n.keys, key)
			return s.number
		}
		if s.hash == h && n.keys[s.number] == key {
			return s.number
		}
	}
}

// grow doubles the table.
func (n *numbering[K]) grow() {
	old := n.slots
	n.slots = make([]slot, 2*len(old))
	mask := uint32(len(n.slots) - 1)
	for _, s := range old {
		if s.stamp != n.stamp {
			continue
		}
		i := s.hash & mask
		for n.slots[i].stamp == n.stamp {
			i = (i + 1) & mask
		}
		n.slots[i] = s
	}
}

// hashOf returns a hash of which the upper half depends on all of v; it is the same
// for both zeros.
func hashOf(v geo.XY) uint64 {
	h := math.Float64bits(v.X+0) * 0x9e3779b97f4a7c15
	return (h ^ h>>32 ^ math.Float64bits(v.Y+0)) * 0x94d049bb133111eb
}
