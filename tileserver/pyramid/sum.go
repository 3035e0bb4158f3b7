package pyramid

import (
	"container/list"
	"context"
	"slices"
	"sync"

	"gengtu/tileserver/tile"
)

// putCells gives the sink what t is covered by.
func (b *builder) putCells(m *maker, t tile.Tile, c *cover) error {
	if len(c.classes) == 0 {
		return nil
	}
	if err := b.sink.PutCells(m.Key, t, c.encode()); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cells[t] = struct{}{}
	return nil
}

// spotted is a tile of a layer.
type spotted struct {
	m *maker
	t tile.Tile
}

// sums draws the tiles below the parcels', from the base up: when the cells of a
// zoom are all known, its tiles are drawn, each beside its neighbours, and the
// cells of the zoom above are summed.
func (b *builder) sums(ctx context.Context) error {
	covers := NewCovers(coversKept, b.sink.Cells)
	for up := 0; ; up++ {
		var here, below []spotted
		for _, m := range b.makers {
			low := m.min
			if b.plan.Cells == CellsAll {
				low = int(m.grid.MinZoom())
			}
			z := m.base() - up
			if z < low {
				continue
			}
			from := len(here)
			if here = m.tilesOf(uint8(z), here); z > low {
				below = append(below, here[from:]...)
			}
		}
		err := b.each(ctx, len(here), func(_ context.Context, d *desk, i int) error { return b.drawCells(d, covers, here[i]) })
		if err != nil {
			return err
		}
		if len(below) == 0 {
			return nil
		}
		parents := below[:0]
		for _, s := range below {
			if p, ok := s.t.Parent(); ok {
				parents = append(parents, spotted{s.m, p})
			}
		}
		// Sorted along a curve, the quarters of a tile stand side by side.
		parents = slices.Compact(parents)
		err = b.each(ctx, len(parents), func(_ context.Context, _ *desk, i int) error {
			c, err := b.sumCells(parents[i])
			if err != nil {
				return err
			}
			return b.putCells(parents[i].m, parents[i].t, c)
		})
		if err != nil {
			return err
		}
	}
}

// tilesOf appends the tiles of zoom z whose cells are known, along a curve.
func (m *maker) tilesOf(z uint8, dst []spotted) []spotted {
	m.mu.Lock()
	defer m.mu.Unlock()
	from := len(dst)
	for t := range m.cells {
		if t.Z == z {
			dst = append(dst, spotted{m, t})
		}
	}
	slices.SortFunc(dst[from:], func(a, b spotted) int { return alongTiles(a.t, b.t) })
	return dst
}

// drawCells makes a tile of cells when its zoom is asked for.
func (b *builder) drawCells(d *desk, covers *Covers, s spotted) error {
	if int(s.t.Z) < s.m.min || int(s.t.Z) > s.m.max {
		return nil
	}
	around, err := covers.around(s)
	if err != nil {
		return err
	}
	features, err := d.drawer.draw(around, s.m.ClassKey)
	if err != nil {
		return err
	}
	return b.emit(d, s.m, s.t, features, 0)
}

// coversKept is how many covers a building keeps in memory: a tile and its neighbours
// for several workers.
const coversKept = 48

// Covers keeps what was last drawn of the ground below the parcels' zooms: of as many
// tiles as it is told to, each of some 2 MB. What several tiles show is
// drawn once then. It is safe for concurrent use.
type Covers struct {
	most  int
	cells func(layerKey string, t tile.Tile) ([]byte, error)

	mu   sync.Mutex
	used *list.List // of *keptCover, the last used in front
	at   map[coverKey]*list.Element
}

type coverKey struct {
	layer string
	t     tile.Tile
}

type keptCover struct {
	key   coverKey
	once  sync.Once
	cover *cover
	err   error
}

// NewCovers returns Covers that keep at most so many tiles and take cells, as
// [BuildAll] gave them to its [Sink], from cells, which may be called by several
// goroutines. What it returns must stay as it is for as long as the Covers are used.
func NewCovers(most int, cells func(layerKey string, t tile.Tile) ([]byte, error)) *Covers {
	return &Covers{most: most, cells: cells, used: list.New(), at: map[coverKey]*list.Element{}}
}

// get returns what a tile is covered by, nil when nothing is known of it. The
// cover is shared and must not be changed.
func (c *Covers) get(key coverKey) (*cover, error) {
	k := c.kept(key)
	k.once.Do(func() {
		var data []byte
		if data, k.err = c.cells(key.layer, key.t); k.err == nil && len(data) > 0 {
			k.cover, k.err = openCover(data)
		}
	})
	return k.cover, k.err
}

func (c *Covers) kept(key coverKey) *keptCover {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.at[key]
	if e == nil {
		e = c.used.PushFront(&keptCover{key: key})
		c.at[key] = e
		if c.used.Len() > c.most {
			delete(c.at, c.used.Remove(c.used.Back()).(*keptCover).key)
		}
	} else {
		c.used.MoveToFront(e)
	}
	return e.Value.(*keptCover)
}

// around returns the covers of a tile and its neighbours.
func (c *Covers) around(s spotted) (*neighbours, error) {
	var n neighbours
	for i := range n {
		var err error
		if t, ok := beside(s.t, i%3-1, i/3-1); ok {
			if n[i], err = c.get(coverKey{s.m.Key, t}); err != nil {
				return nil, err
			}
		}
	}
	return &n, nil
}

// beside returns the tile dx columns and dy rows from t, false beyond the grid.
func beside(t tile.Tile, dx, dy int) (tile.Tile, bool) {
	n, err := tile.New(t.Grid, t.Z, t.X+uint32(dx), t.Y+uint32(dy))
	return n, err == nil
}

// sumCells returns what a tile's quarters are covered by together.
func (b *builder) sumCells(s spotted) (*cover, error) {
	sum := &cover{}
	for i, t := range s.t.Children() {
		data, err := b.sink.Cells(s.m.Key, t)
		if err == nil {
			err = sum.addStored(data, i)
		}
		if err != nil {
			return nil, err
		}
	}
	return sum, nil
}
