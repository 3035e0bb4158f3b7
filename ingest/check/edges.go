package check

import (
	"gengtu/index/geo"
)

// edgeTable is the sum of all rings of a ground: every edge from a to b counts 1, every
// edge from b to a −1, and what adds up to 0 is gone. In a faultless coverage that is
// every border between two features, so what stays is the ground's outline and what is
// wrong.
//
// The number of features that cover a place is how often the edges that stay wind
// round it. So overlaps and gaps are found from these alone, and no pair of
// neighbours need be looked at.
//
// An edge is known by 64 bits of a hash. That of n edges two have the same is
// probable to n²/2⁶⁵: 7e-6 for a county of 320,000 parcels.
type edgeTable struct {
	slots []edgeSlot
	count int
}

// edgeSlot is an edge that stays: how often, from the smaller to the greater of its
// ends, and the feature that it is from, the first of those that have it.
type edgeSlot struct {
	hash  uint64 // 0: empty
	owner uint32
	count int32
}

// fingerprint returns the hash of the edge from a to b; the lowest bit tells its
// direction.
func fingerprint(a, b geo.Position) uint64 {
	var backward uint64
	if after(a, b) {
		a, b, backward = b, a, 1
	}
	h := mix(uint64(a.Lon) * 0x9E3779B97F4A7C15)
	h = mix(h ^ uint64(a.Lat)*0xC2B2AE3D27D4EB4F)
	h = mix(h ^ uint64(b.Lon)*0x165667B19E3779F9)
	h = mix(h ^ uint64(b.Lat)*0x27D4EB2F165667C5)
	return h&^1 | backward
}

// mix spreads the bits of a number over all of them (the finaliser of MurmurHash3,
// public domain).
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xFF51AFD7ED558CCD
	h ^= h >> 33
	h *= 0xC4CEB9FE1A85EC53
	return h ^ h>>33
}

// after tells whether a stands behind b in the order of positions.
func after(a, b geo.Position) bool {
	return a.Lon > b.Lon || a.Lon == b.Lon && a.Lat > b.Lat
}

// add counts an edge of a feature.
func (t *edgeTable) add(mark uint64, owner uint32) {
	step := int32(1) - 2*int32(mark&1)
	hash := mark | 1 // never 0
	if 2*t.count >= len(t.slots) {
		t.grow()
	}
	mask := uint64(len(t.slots) - 1)
	i := hash >> 1 & mask
	for ; t.slots[i].hash != 0; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.hash != hash {
			continue
		}
		if s.count += step; s.count == 0 {
			t.remove(i)
		}
		return
	}
	t.slots[i] = edgeSlot{hash, owner, step}
	t.count++
}

// remove empties slot i and moves up what stands behind it because of it.
func (t *edgeTable) remove(i uint64) {
	mask := uint64(len(t.slots) - 1)
	t.count--
	for k := (i + 1) & mask; t.slots[k].hash != 0; k = (k + 1) & mask {
		home := t.slots[k].hash >> 1 & mask
		if (k-home)&mask >= (k-i)&mask {
			t.slots[i] = t.slots[k]
			i = k
		}
	}
	t.slots[i] = edgeSlot{}
}

func (t *edgeTable) grow() {
	old := t.slots
	t.slots = make([]edgeSlot, max(1<<10, 2*len(old)))
	mask := uint64(len(t.slots) - 1)
	for _, s := range old {
		if s.hash == 0 {
			continue
		}
		i := s.hash >> 1 & mask
		for t.slots[i].hash != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}

// take returns how often the edge with that fingerprint stays, in its own direction,
// when owner is whom it is kept for, and forgets it.
func (t *edgeTable) take(mark uint64, owner uint32) int32 {
	if t.count == 0 {
		return 0
	}
	hash, mask := mark|1, uint64(len(t.slots)-1)
	for i := hash >> 1 & mask; t.slots[i].hash != 0; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.hash != hash {
			continue
		}
		if s.owner != owner {
			return 0
		}
		n := s.count * (1 - 2*int32(mark&1))
		s.count = 0
		return n
	}
	return 0
}

// owners returns a mark for each of n features that has an edge that stays.
func (t *edgeTable) owners(n int) []bool {
	out := make([]bool, n)
	for _, s := range t.slots {
		if s.hash != 0 {
			out[s.owner] = true
		}
	}
	return out
}

// close finds the edges of all of g that stay, once all features are put.
func (g *ground) close() error {
	if g.closed {
		return nil
	}
	var err error
	g.border, err = g.stay(&g.table)
	g.table, g.closed = edgeTable{}, true
	return err
}

// stay returns the edges of t, of features of g, that stay, each directed so that its
// left side is covered once more, or n times, than its right side. t is of no use
// afterwards.
func (g *ground) stay(t *edgeTable) ([]edge, error) {
	owns := t.owners(len(g.items))
	out := make([]edge, 0, t.count)
	for n, is := range owns {
		if !is {
			continue
		}
		p, err := g.get(uint32(n))
		if err != nil {
			return nil, err
		}
		for _, poly := range p.shape {
			for _, r := range poly {
				for i := 1; i < len(r); i++ {
					if c := t.take(fingerprint(r[i-1], r[i]), uint32(n)); c != 0 {
						out = append(out, newEdge(r[i-1], r[i], 0, c, uint32(n)))
					}
				}
			}
		}
	}
	return out, nil
}
