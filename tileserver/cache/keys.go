package cache

import (
	"bytes"
	"fmt"

	"gengtu/tileserver/tile"
)

// Tiles calls visit for every tile of the layer layerKey in grid g at zoom z, in
// the order of x, y, without reading what the tiles hold. The first error ends it
// and is returned as it is. A layer that the file does not have gives no tile.
func (r *Reader) Tiles(layerKey string, g tile.Grid, z uint8, visit func(t tile.Tile) error) error {
	layer := r.layers[layerKey]
	if layer == nil {
		return nil
	}
	prefix := []byte{byte(g), z}
	c := layer.Cursor()
	var key []byte
	next := func() error { key, _ = c.Next(); return nil }
	err := guarded(func() error { key, _ = c.Seek(prefix); return nil })
	for ; err == nil && bytes.HasPrefix(key, prefix); err = guarded(next) {
		var t tile.Tile
		if err = guarded(func() (err error) { t, err = tileOf(key); return err }); err != nil {
			break
		}
		if err := visit(t); err != nil {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("%s, layer %s: %w", r.path, layerKey, err)
	}
	return nil
}
