package tileserver

import (
	"context"

	"gengtu/index"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/tile"
)

// known returns one layer's tile of a zoom that was built; false for other zooms.
// An empty tile is a part without data. The bytes are valid while the generation
// is held.
func (g *generation) known(l *index.Layer, t tile.Tile) (cache.Part, bool, error) {
	m := g.ix.Manifest
	if z := int(t.Z); z < m.BuiltZooms[0] || z > m.BuiltZooms[1] {
		return cache.Part{}, false, nil
	}
	p, _, err := g.built.Get(l.Meta.Key(), t)
	return p, true, err
}

// make returns a tile of a zoom that was not built: a kept one, or a new one.
func (g *generation) make(ctx context.Context, l *index.Layer, t tile.Tile) (cache.Part, error) {
	return g.made.Get(ctx, l.Meta.Key(), t, func(ctx context.Context) (cache.Part, error) {
		// The store goes on when the one who asked has gone: the files must stay.
		release, err := g.hold()
		if err != nil {
			return cache.Part{}, err
		}
		defer release()
		return g.maker.Make(ctx, l, t)
	})
}

// hold keeps g open until release, for what may go on when the request that began it is over.
func (g *generation) hold() (release func(), err error) {
	if !g.acquire() {
		return nil, errServing
	}
	return func() { _ = g.release() }, nil // only read
}
