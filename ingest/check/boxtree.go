package check

import (
	"cmp"
	"slices"

	"gengtu/index/geo"
)

// boxTree finds boxes that meet a box: a tree over boxes in strips from west to east,
// each from south to north, packed once (sort-tile-recursive).
type boxTree struct {
	order  []uint32 // the boxes' numbers
	levels [][]geo.Box
}

const fanOut = 16

func newBoxTree(items []item) *boxTree {
	t := &boxTree{order: make([]uint32, len(items))}
	for i := range t.order {
		t.order[i] = uint32(i)
	}
	middle := func(i uint32) geo.Position {
		b := &items[i].box
		return geo.Position{Lon: b.Min.Lon/2 + b.Max.Lon/2, Lat: b.Min.Lat/2 + b.Max.Lat/2}
	}
	slices.SortFunc(t.order, func(a, b uint32) int { return cmp.Or(cmp.Compare(middle(a).Lon, middle(b).Lon), cmp.Compare(a, b)) })
	strip := fanOut
	for strip*strip < fanOut*len(items) {
		strip += fanOut
	}
	for from := 0; from < len(items); from += strip {
		s := t.order[from:min(from+strip, len(items))]
		slices.SortFunc(s, func(a, b uint32) int { return cmp.Or(cmp.Compare(middle(a).Lat, middle(b).Lat), cmp.Compare(a, b)) })
	}
	level := make([]geo.Box, len(items))
	for i, n := range t.order {
		level[i] = items[n].box
	}
	for t.levels = [][]geo.Box{level}; len(level) > 1; t.levels = append(t.levels, level) {
		next := make([]geo.Box, 0, len(level)/fanOut+1)
		for from := 0; from < len(level); from += fanOut {
			b := geo.EmptyBox()
			for _, c := range level[from:min(from+fanOut, len(level))] {
				b = b.Union(c)
			}
			next = append(next, b)
		}
		level = next
	}
	return t
}

// search calls visit with the number of each box that meets b.
func (t *boxTree) search(b geo.Box, visit func(n uint32)) {
	if len(t.order) > 0 {
		t.descend(len(t.levels)-1, 0, b, visit)
	}
}

func (t *boxTree) descend(level, at int, b geo.Box, visit func(n uint32)) {
	if !t.levels[level][at].Intersects(b) {
		return
	}
	if level == 0 {
		visit(t.order[at])
		return
	}
	for i := at * fanOut; i < min((at+1)*fanOut, len(t.levels[level-1])); i++ {
		t.descend(level-1, i, b, visit)
	}
}

// near returns the tree over the features' boxes.
func (g *ground) near() *boxTree {
	if g.tree == nil {
		g.tree = newBoxTree(g.items)
	}
	return g.tree
}
