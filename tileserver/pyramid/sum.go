package pyramid

import (
	"container/list"
	"context"
	"slices"
	"sync"
	"unsafe"

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
	covers := NewCovers(coverBytes(b.plan), b.sink.Cells)
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
	features, err := d.drawer.draw(around, s.m.telling())
	if err != nil {
		return err
	}
	return b.emit(d, s.m, s.t, features, 0)
}

// Covers keeps what was last drawn of the ground below the parcels' zooms, within the
// memory that it is told to. What several tiles show is drawn once then. It is safe for
// concurrent use.
type Covers struct {
	most  int64 // bytes
	cells func(layerKey string, t tile.Tile) ([]byte, error)

	mu   sync.Mutex
	held int64
	used *list.List // of *keptCover, the last used in front
	at   map[coverKey]*list.Element
}

type coverKey struct {
	layer string
	t     tile.Tile
}

type keptCover struct {
	key   coverKey
	bytes int64 // counted in held
	once  sync.Once
	cover *cover
	err   error
}

// NewCovers returns Covers that keep about mostBytes, but those of a tile and its
// neighbours at least, and take cells, as [BuildAll] gave them to its [Sink], from
// cells, which may be called by several goroutines. What it returns must stay as it is
// for as long as the Covers are used.
func NewCovers(mostBytes int64, cells func(layerKey string, t tile.Tile) ([]byte, error)) *Covers {
	return &Covers{most: mostBytes, cells: cells, used: list.New(), at: map[coverKey]*list.Element{}}
}

// leastCovers are a tile and its neighbours.
const leastCovers = 9

// coverBytes is what a building's covers may take.
func coverBytes(p *Plan) int64 { return p.MemoryBytes / 4 }

// get returns what a tile is covered by, nil when nothing is known of it. The
// cover is shared and must not be changed.
func (c *Covers) get(key coverKey) (*cover, error) {
	k := c.kept(key)
	k.once.Do(func() {
		var data []byte
		if data, k.err = c.cells(key.layer, key.t); k.err == nil && len(data) > 0 {
			k.cover, k.err = openCover(data)
		}
		c.count(k, int64(len(data)))
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
	} else {
		c.used.MoveToFront(e)
	}
	return e.Value.(*keptCover)
}

// count counts what k takes, of whose stored bytes there are so many, when all of it is
// drawn, and gives up what was not used for longest.
func (c *Covers) count(k *keptCover, stored int64) {
	const entry = 256
	bytes := stored + entry
	if k.cover != nil {
		bytes += k.cover.drawnBytes()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at[k.key] == nil || c.at[k.key].Value != k {
		return // given up already
	}
	k.bytes = bytes
	for c.held += bytes; c.held > c.most && c.used.Len() > leastCovers; {
		last := c.used.Remove(c.used.Back()).(*keptCover)
		delete(c.at, last.key)
		c.held -= last.bytes
	}
}

// drawnBytes is what c takes when all its blocks are read and drawn.
func (c *cover) drawnBytes() int64 {
	const ofBlock, ofSheet = int64(unsafe.Sizeof(block{})), 2 * blockCells * blockCells
	n := int64(0)
	drawn := [tileBlocks * tileBlocks]bool{}
	for _, k := range c.classes {
		for i := range drawn {
			if k.total(i) > 0 {
				n += ofBlock
				drawn[i] = true
			}
		}
	}
	for _, d := range drawn {
		if d {
			n += ofSheet
		}
	}
	return n
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
