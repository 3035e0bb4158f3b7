package overlay

import (
	"encoding/binary"
	"slices"
	"strings"

	"gengtu/index/geo"
)

// undouble takes out what comes again just as it is: turns of a ring after the
// first, holes that equal one of their polygon, parts that equal one before.
func (c *checker) undouble() {
	keys := make([]string, len(c.rings))
	for i, r := range c.rings {
		if once := firstTurn(r); len(once) < len(r) {
			c.found.add(RingDoubled, c.ids[i], r[0])
			c.rings[i] = once
		}
		keys[i] = ringKey(c.rings[i])
	}
	kept := 0
	parts := map[string]bool{}
	for i := 0; i < len(c.rings); {
		end := i + 1
		for end < len(c.rings) && c.ids[end].polygon == c.ids[i].polygon {
			end++
		}
		kept = c.undoublePart(i, end, kept, keys, parts)
		i = end
	}
	c.rings, c.ids = c.rings[:kept], c.ids[:kept]
}

// undoublePart moves the rings from index i to end, which make a polygon, to
// index kept on, without those that come again; it returns the index behind them.
func (c *checker) undoublePart(i, end, kept int, keys []string, parts map[string]bool) int {
	sorted := slices.Clone(keys[i:end])
	if len(sorted) > 1 {
		slices.Sort(sorted[1:]) // holes, in whatever order
	}
	if part := strings.Join(sorted, ""); parts[part] {
		c.found.add(RingDoubled, c.ids[i], c.rings[i][0])
		return kept
	} else {
		parts[part] = true
	}
	holes := map[string]bool{}
	for k := i; k < end; k++ {
		if c.ids[k].ring > 0 {
			if holes[keys[k]] {
				c.found.add(RingDoubled, c.ids[k], c.rings[k][0])
				continue
			}
			holes[keys[k]] = true
		}
		c.rings[kept], c.ids[kept] = c.rings[k], c.ids[k]
		kept++
	}
	return kept
}

// firstTurn returns the closed ring r without turns that repeat the first.
func firstTurn(r geo.Ring) geo.Ring {
	open := r[:len(r)-1]
	for n := 3; n <= len(open)/2; n++ {
		if len(open)%n == 0 && slices.Equal(open[n:], open[:len(open)-n]) {
			return r[:n+1]
		}
	}
	return r
}

// ringKey returns the same for rings that are the same but for where they begin
// and which way they run. It ends with its own length, so that keys can be joined.
func ringKey(r geo.Ring) string {
	forth := slices.Clone(r)
	rotate(forth)
	back := slices.Clone(r)
	slices.Reverse(back)
	rotate(back)
	if slices.CompareFunc(back, forth, order) < 0 {
		forth = back
	}
	key := make([]byte, 0, 16*len(forth)+8)
	for _, v := range forth {
		key = binary.BigEndian.AppendUint64(key, uint64(v.Lon))
		key = binary.BigEndian.AppendUint64(key, uint64(v.Lat))
	}
	return string(binary.BigEndian.AppendUint64(key, uint64(len(forth))))
}
