package pyramid

import (
	"cmp"
	"slices"
	"sort"

	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// marginShare is the part of a tile's budget, as a divisor, that is kept for what the
// margin may come to show of neighbours whose blocks are merged.
const marginShare = 16

// decision finds how a crowded tile is drawn. It looks at the tile and its margin alone.
type decision struct {
	d        *desk
	m        *maker
	t        tile.Tile
	features []*loaded
	budget   int
	packed   func(data []byte) int
}

// decide returns how t is drawn within budget, as far as that can be.
func (c *decision) decide() (*crowd, error) {
	shown, _ := c.d.snap.tile(c.t, c.features)
	shown = c.d.order.order(shown)
	all, err := c.size(shown)
	if err != nil || all <= c.budget {
		return &crowd{bytes: all}, err
	}
	out := &crowd{bytes: all}
	var enough bool
	if out.without, enough, err = c.fields(shown, all); err != nil || enough {
		return out, err
	}
	return out, c.blocks(shown, out)
}

// size is the packed size of a tile of features.
func (c *decision) size(features []mvt.Feature) (int, error) {
	var err error
	c.d.data, err = mvt.Append(c.d.data[:0], &mvt.Layer{Name: c.m.Name, Features: features})
	return c.packed(c.d.data), err
}

// fields returns the fewest keys of tags without which the tile fits, those in front
// that take most by themselves, and whether it does: the class stays.
func (c *decision) fields(shown []mvt.Feature, all int) ([]string, bool, error) {
	type field struct {
		key   string
		bytes int
	}
	seen := map[string]bool{c.m.ClassKey: true}
	var fields []field
	see := func(key string) {
		if !seen[key] {
			seen[key] = true
			fields = append(fields, field{key: key})
		}
	}
	for i := range shown {
		for k, cell := range shown[i].Row.Cells {
			if cell != 0 {
				see(shown[i].Row.Table.Columns[k])
			}
		}
		for _, t := range shown[i].Tags {
			see(t.Key)
		}
	}
	for i := range fields {
		n, err := c.size(stripped(shown, []string{fields[i].key}))
		if err != nil {
			return nil, false, err
		}
		fields[i].bytes = all - n
	}
	slices.SortFunc(fields, func(a, b field) int {
		return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.key, b.key))
	})
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	var failed error
	n := sort.Search(len(keys), func(i int) bool {
		n, err := c.size(stripped(shown, keys[:i+1]))
		failed = cmp.Or(failed, err)
		return n <= c.budget
	})
	if n == len(keys) {
		return keys, false, failed
	}
	return keys[:n+1], true, failed
}

// blocks merges the fewest blocks with which the tile fits, those in front that hold
// most, or all if it must be.
func (c *decision) blocks(shown []mvt.Feature, out *crowd) error {
	weights := weigh(shown)
	ground := c.d.raster.cover(c.t, over(c.t, c.features))
	var order []int
	for i, w := range weights {
		covered := slices.ContainsFunc(ground.classes, func(k *class) bool { return k.total(i) > 0 })
		if w > 0 && covered {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weights[b], weights[a]) })
	merge := func(n int) {
		out.merged = 0
		for _, i := range order[:n] {
			out.merged |= 1 << i
		}
		out.cells = ground.restricted(c.t, c.features, out.merged).encode()
	}
	var failed error
	n := sort.Search(len(order), func(i int) bool {
		merge(i + 1)
		drawn, _, err := c.d.drawCrowded(c.m, c.t, c.features, &crowds{4: out})
		size := 0
		if err == nil {
			size, err = c.size(drawn)
		}
		failed = cmp.Or(failed, err)
		return size <= c.budget-c.budget/marginShare
	})
	if failed == nil {
		merge(min(n+1, len(order)))
	}
	return failed
}

// weigh returns about how much of a tile's bytes each block has: a feature's head where
// it begins, and its corners.
func weigh(shown []mvt.Feature) (weights [tileBlocks * tileBlocks]int) {
	const head = 8
	for _, f := range shown {
		add := head
		for _, p := range f.Polygons {
			for _, r := range p {
				add = weighRing(r, add, &weights)
			}
		}
	}
	return weights
}

// weighRing adds what each corner of r takes to the block it lies in, to the first that
// lies in the tile what is before it, add, too. It returns what no corner was in the tile for.
func weighRing(r mvt.Ring, add int, weights *[tileBlocks * tileBlocks]int) int {
	const corner = 2
	for _, v := range r {
		add += corner
		if v.X < 0 || v.Y < 0 || v.X >= mvt.Extent || v.Y >= mvt.Extent {
			continue
		}
		weights[v.Y/blockUnits*tileBlocks+v.X/blockUnits] += add
		add = 0
	}
	return add
}
