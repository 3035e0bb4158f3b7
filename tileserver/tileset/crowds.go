package tileset

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// LargeTileBytes is the size in gzip that no tile should have. Tiles of parcels that
// would are generalised, see [pyramid.Crowding].
const LargeTileBytes = 500_000

// gzipBytes is more than a gzip stream has beside its parts.
const gzipBytes = 64

// LargeTile is a tile, of the layers that are sent together, and its size in gzip.
type LargeTile struct {
	Tile  tile.Tile
	Bytes int
}

// crew is the layers that are sent together when nothing else is asked for: those
// that `all` stands for, of one vintage or the latest, or a layer by itself.
type crew struct{ layers []*edition.Layer }

// crews divides the layers of ix into crews. Each layer is of one.
func crews(ix *index.Index) []crew {
	m := ix.Manifest
	var latest crew
	old := map[string]*crew{} // by vintage
	var vintages []string
	var out []crew
	shown := ShownLayers(m)
	for i := range m.Layers {
		l := &m.Layers[i]
		switch {
		case !slices.Contains(shown, l.Name):
			out = append(out, crew{[]*edition.Layer{l}})
		case ix.Layer(l.Name, "").Meta.Key() == l.Key():
			latest.layers = append(latest.layers, l)
		case old[l.Vintage] == nil:
			old[l.Vintage] = &crew{}
			vintages = append(vintages, l.Vintage)
			fallthrough
		default:
			old[l.Vintage].layers = append(old[l.Vintage].layers, l)
		}
	}
	for _, v := range vintages {
		out = append(out, *old[v])
	}
	return append(out, latest)
}

// parcelsAt tells whether l is drawn as parcels in t.
func parcelsAt(l *edition.Layer, t tile.Tile) bool {
	return int(t.Z) >= max(l.ParcelZoom, int(t.Grid.MinZoom()))
}

// smallShare is the part of the bytes that a tile may have, as a divisor, below which a
// layer is left as it is.
const smallShare = 32

// budgets returns how many bytes each layer of c may have of tile t, 0 for as many as it
// has, when the tile with everything has those sizes. What is drawn as parcels gives up
// the same share of its bytes.
func (c crew) budgets(t tile.Tile, sizes []int) []int {
	const limit = LargeTileBytes - gzipBytes
	sum, large := 0, 0
	out := make([]int, len(sizes))
	for i, n := range sizes {
		if sum += n; parcelsAt(c.layers[i], t) && n > limit/smallShare {
			large += n
		}
	}
	if sum <= limit {
		return out
	}
	left := max(limit-(sum-large), 1)
	for i, n := range sizes {
		if parcelsAt(c.layers[i], t) && n > limit/smallShare {
			out[i] = max(int(int64(n)*int64(left)/int64(large)), 1)
		}
	}
	return out
}

// packedBytes is the size of a tile's data as they are sent.
func packedBytes(data []byte) int { return len(cache.Compress(data).Deflated) }

// tally adds up what the layers of each crew have of a tile.
type tally struct {
	crews []crew
	crew  map[string]int // by layer key

	mu   sync.Mutex
	sums []map[tile.Tile]int // by crew; of one layer only what is large
}

func newTally(ix *index.Index) *tally {
	a := &tally{crews: crews(ix), crew: map[string]int{}}
	for i, c := range a.crews {
		a.sums = append(a.sums, map[tile.Tile]int{})
		for _, l := range c.layers {
			a.crew[l.Key()] = i
		}
	}
	return a
}

// add counts n bytes of tile t of a layer.
func (a *tally) add(key string, t tile.Tile, n int) {
	i := a.crew[key]
	if len(a.crews[i].layers) == 1 && n <= LargeTileBytes-gzipBytes {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sums[i][t] += n
}

// large returns the tiles that are larger than they should be, the largest first.
func (a *tally) large() []LargeTile {
	var out []LargeTile
	for _, sums := range a.sums {
		for t, n := range sums {
			if n > LargeTileBytes-gzipBytes {
				out = append(out, LargeTile{t, n})
			}
		}
	}
	slices.SortFunc(out, func(a, b LargeTile) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Tile.String(), b.Tile.String()))
	})
	return out
}

// budgets returns the budgets of the crowded tiles, by layer key. sizes gives a layer's
// part of a tile.
func (a *tally) budgets(sizes func(key string, t tile.Tile) int) map[string]map[tile.Tile]int {
	out := map[string]map[tile.Tile]int{}
	for i, c := range a.crews {
		for t, n := range a.sums[i] {
			if n <= LargeTileBytes-gzipBytes {
				continue
			}
			parts := make([]int, len(c.layers))
			for k, l := range c.layers {
				parts[k] = sizes(l.Key(), t)
			}
			for k, budget := range c.budgets(t, parts) {
				if key := c.layers[k].Key(); budget > 0 {
					if out[key] == nil {
						out[key] = map[tile.Tile]int{}
					}
					out[key][t] = budget
				}
			}
		}
	}
	return out
}

// relieve makes the crowded tiles of what was built smaller, and counts them anew.
func (s *buildSink) relieve(ctx context.Context, p pyramid.Plan) error {
	crowded := map[tile.Tile]bool{}
	for _, l := range s.large() {
		crowded[l.Tile] = true
	}
	if len(crowded) == 0 {
		return nil
	}
	sizes := s.Sizes(crowded)
	again := &reliefSink{buildSink: s, put: map[tile.Tile]bool{}}
	relief := pyramid.Relief{Packed: packedBytes, Budgets: s.budgets(func(key string, t tile.Tile) int { return sizes[key][t] })}
	if _, err := pyramid.Relieve(ctx, p, relief, again); err != nil {
		return err
	}
	sizes = s.Sizes(again.put)
	for i, c := range s.crews {
		for t := range again.put {
			delete(s.sums[i], t)
			for _, l := range c.layers {
				if n := sizes[l.Key()][t]; n > 0 {
					s.add(l.Key(), t, n)
				}
			}
		}
	}
	return nil
}

// reliefSink takes tiles that take the place of others.
type reliefSink struct {
	*buildSink
	mu  sync.Mutex
	put map[tile.Tile]bool
}

func (s *reliefSink) PutTile(key string, t tile.Tile, data []byte) error {
	if !s.serves(key, t) {
		return nil
	}
	s.mu.Lock()
	s.put[t] = true
	s.mu.Unlock()
	return s.Replace(key, t, data)
}
