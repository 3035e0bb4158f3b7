package tileset

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/load"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// Maker makes single tiles of one generation, those that [Build] would make, of any zoom.
// It keeps none but what it needs for the layers that are sent together. Safe for concurrent
// use.
type Maker struct {
	ix     *index.Index
	covers *pyramid.Covers
	wholes *cache.Store // tiles that may be crowded, with everything, see uncrowded
	queue  *load.Queue
	hold   func() (release func(), err error)

	mu      sync.Mutex
	sources map[string]*source // by layer key
}

// MakerOptions say what a [Maker] makes tiles with.
type MakerOptions struct {
	// Covers are what tiles of low zooms are drawn from; nil: from features.
	Covers *pyramid.Covers
	// WholeBytes bounds the memory for tiles that may be crowded; 0 means
	// [cache.DefaultMemoryBytes].
	WholeBytes int64
	// Queue is where tiles wait to be made.
	Queue *load.Queue
	// Hold keeps the index open until release: a tile is made to its end, also when the one
	// who asked for it has gone. nil where whoever closes the index calls [Maker.Drain] before.
	Hold func() (release func(), err error)
}

// NewMaker returns a maker of tiles of ix.
func NewMaker(ix *index.Index, opt MakerOptions) (*Maker, error) {
	wholes, err := cache.OpenStore("wholes", cache.StoreOptions{MemoryBytes: opt.WholeBytes})
	if err != nil {
		return nil, err
	}
	if opt.Hold == nil {
		opt.Hold = func() (func(), error) { return func() {}, nil }
	}
	return &Maker{ix: ix, covers: opt.Covers, wholes: wholes, queue: opt.Queue, hold: opt.Hold, sources: map[string]*source{}}, nil
}

// Make makes the tile t of the layer l, which is empty where nothing lies in it. It waits
// for its turn in the queue until ctx ends. Errors are those of [load.Queue.Enter] and of
// Hold, and what is wrong with the features.
func (m *Maker) Make(ctx context.Context, l *index.Layer, t tile.Tile) (cache.Part, error) {
	if m.mayBeCrowded(l, t) {
		return m.uncrowded(ctx, l, t)
	}
	return m.draw(ctx, l, t, nil)
}

// WholeBytes is the memory that tiles take which may be crowded.
func (m *Maker) WholeBytes() int64 { return m.wholes.Stats().MemoryBytes }

// Close gives up what the maker keeps, and ends drawings that nobody waits for any more; they
// may take a moment, see [Maker.Drain].
func (m *Maker) Close() error { return m.wholes.Close() }

// Drain waits until nothing is made in the queue, and lets nothing be made from then on.
func (m *Maker) Drain() { m.queue.Drain() }

// draw makes a layer's tile when there is a place for it. Whoever has one waits for no
// other.
func (m *Maker) draw(ctx context.Context, l *index.Layer, t tile.Tile, crowding *pyramid.Crowding) (cache.Part, error) {
	release, err := m.hold()
	if err != nil {
		return cache.Part{}, err
	}
	defer release()
	leave, err := m.queue.Enter(ctx)
	if err != nil {
		return cache.Part{}, err
	}
	defer leave()
	opt := m.options(l)
	opt.Crowding = crowding
	data, err := pyramid.Make(ctx, m.source(l), t, opt)
	if err != nil {
		return cache.Part{}, err
	}
	return cache.CompressTile(l.Meta.Key(), t, data)
}

// source returns what l's features are read with; its memory serves tile after tile.
func (m *Maker) source(l *index.Layer) *source {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sources[l.Meta.Key()]
	if s == nil {
		s = newSource(l)
		m.sources[l.Meta.Key()] = s
	}
	return s
}

func (m *Maker) options(l *index.Layer) pyramid.Options {
	return pyramid.Options{ParcelZoom: l.Meta.ParcelZoom, ClassKey: l.Meta.ClassField, RoundM2: m.ix.Manifest.Policy.RoundM2, Covers: m.covers, Key: l.Meta.Key()}
}

// crewOf returns the crew of a layer, and which of its layers that is.
func (m *Maker) crewOf(l *index.Layer) (crew, int) {
	for _, c := range crews(m.ix) {
		for i, meta := range c.layers {
			if meta.Key() == l.Meta.Key() {
				return c, i
			}
		}
	}
	return crew{[]*edition.Layer{l.Meta}}, 0
}

// cellsBytes is about the most that a layer has of a tile where it is drawn as cells.
const cellsBytes = 250_000

// mayBeCrowded tells whether t, of a zoom that was not built, may be crowded. Features
// that do not cross one another take less in a tile than where they are stored, so most
// tiles are not.
func (m *Maker) mayBeCrowded(l *index.Layer, t tile.Tile) bool {
	c, _ := m.crewOf(l)
	parcels, cells := int64(0), int64(0)
	for _, meta := range c.layers {
		l := m.ix.Layer(meta.Name, meta.Vintage)
		l.Search(t.Box(), func(i int) bool {
			if !parcelsAt(meta, t) {
				cells += cellsBytes
				return false
			}
			parcels += int64(l.Size(i))
			return parcels <= LargeTileBytes
		})
	}
	// What gives up bytes has more than a small share.
	return parcels > LargeTileBytes/smallShare && parcels+cells > LargeTileBytes
}

// uncrowded makes a layer's tile of a zoom that was not built. The layers that are sent
// with it are made as well to know whether it is crowded; who asks for them next finds
// them. Tiles beside it are not looked at: what it shows of them in its margin is what
// they show when they are not crowded.
func (m *Maker) uncrowded(ctx context.Context, l *index.Layer, t tile.Tile) (cache.Part, error) {
	c, own := m.crewOf(l)
	parts, sizes := make([]cache.Part, len(c.layers)), make([]int, len(c.layers))
	group, drawing := errgroup.WithContext(ctx)
	for i, meta := range c.layers {
		group.Go(func() (err error) {
			parts[i], err = m.wholes.Get(drawing, meta.Key(), t, func(ctx context.Context) (cache.Part, error) {
				return m.draw(ctx, m.ix.Layer(meta.Name, meta.Vintage), t, nil)
			})
			sizes[i] = len(parts[i].Deflated)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return cache.Part{}, err
	}
	budget := c.budgets(t, sizes)[own]
	if budget == 0 {
		return parts[own], nil
	}
	return m.draw(ctx, l, t, &pyramid.Crowding{Packed: packedBytes, Budget: func(_ context.Context, at tile.Tile) (int, error) {
		if at != t {
			return 0, nil
		}
		return budget, nil
	}})
}
