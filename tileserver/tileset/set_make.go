package tileset

import (
	"context"
	"errors"

	"gengtu/index"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/load"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// setMaker makes the tiles of a [Set] that were not built.
type setMaker struct {
	maker  *Maker // makes the crowded ones, as when they are served
	out    *cache.Writer
	making func(layer string, tiles int) // or nil
	tiles  int                           // made so far
}

func (s *Set) newMaker(w *cache.Writer, opt *Options) (*setMaker, error) {
	m, err := NewMaker(s.ix, MakerOptions{Covers: s.covers, Queue: load.NewQueue(load.Processors)})
	if err != nil {
		return nil, err
	}
	return &setMaker{m, w, opt.Making, 0}, nil
}

// close ends drawings that nobody waits for any more, and waits for their end: they read
// files that are closed next.
func (m *setMaker) close() error {
	err := m.maker.Close()
	m.maker.Drain()
	return err
}

// layer makes the tiles of a layer in zooms: below its parcels' of the cells that
// the edition has, the others of its features.
func (m *setMaker) layer(ctx context.Context, l *index.Layer, zooms [2]int) error {
	src, o := newSource(l), m.maker.options(l)
	o.MinZoom, o.MaxZoom = max(zooms[0], l.Meta.ParcelZoom), zooms[1]
	for z := zooms[0]; z < min(l.Meta.ParcelZoom, zooms[1]+1); z++ {
		x0, y0, x1, y1 := tile.W.Range(l.Extent(), uint8(z))
		for y := y0; y <= y1; y++ {
			for x := x0; x <= x1; x++ {
				t := tile.Tile{Grid: tile.W, Z: uint8(z), X: x, Y: y}
				data, err := pyramid.Make(ctx, src, t, o)
				if err == nil && len(data) > 0 {
					err = m.put(l, t, data)
				}
				if err = errors.Join(err, ctx.Err()); err != nil {
					return err
				}
			}
		}
	}
	if o.MinZoom > o.MaxZoom {
		return nil
	}
	var crowded []tile.Tile
	_, err := pyramid.Build(ctx, tile.W, src, o, func(t tile.Tile, data []byte) error {
		if m.maker.mayBeCrowded(l, t) {
			crowded = append(crowded, t)
			return nil
		}
		return m.put(l, t, data)
	})
	for _, t := range crowded {
		if err != nil {
			return err
		}
		var p cache.Part
		if p, err = m.maker.uncrowded(ctx, l, t); err == nil {
			m.count(l)
			err = m.out.Put(l.Meta.Key(), t, p)
		}
	}
	return err
}

// put puts a tile that is not empty.
func (m *setMaker) put(l *index.Layer, t tile.Tile, data []byte) error {
	m.count(l)
	_, err := m.out.PutRaw(l.Meta.Key(), t, data)
	return err
}

// count tells that a tile of l is made.
func (m *setMaker) count(l *index.Layer) {
	if m.tiles++; m.making != nil {
		m.making(l.Meta.Key(), m.tiles)
	}
}
