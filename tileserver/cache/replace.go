package cache

import "gengtu/tileserver/tile"

// Replace enters raw, a tile that is not compressed and not empty, as tile t of the
// layer layerKey in place of what was put before. Of several the last one stays. Errors
// are those of [Writer.Put].
func (w *Writer) Replace(layerKey string, t tile.Tile, raw []byte) error {
	p, err := CompressTile(layerKey, t, raw)
	if err != nil {
		return err
	}
	return w.put(layerKey, putTile{key: tileKey(t), instead: true}, p)
}

// Sizes returns how many bytes the parts of those tiles have that were put last, by layer
// key. Nothing may be put while it runs.
func (w *Writer) Sizes(of map[tile.Tile]bool) map[string]map[tile.Tile]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := map[[keyBytes]byte]tile.Tile{}
	for t := range of {
		asked[tileKey(t)] = t
	}
	names := make([]string, len(w.layers))
	out := map[string]map[tile.Tile]int{}
	for n, i := range w.layers {
		names[i], out[n] = n, map[tile.Tile]int{}
	}
	for i := range w.tiles {
		if t, ok := asked[w.tiles[i].key]; ok {
			out[names[w.tiles[i].layer]][t] = int(w.tiles[i].content.place.n) - recordHead
		}
	}
	return out
}
