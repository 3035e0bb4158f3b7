package tileserver

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
	"github.com/valyala/fasthttp"

	"gengtu/index"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/recent"
	"gengtu/tileserver/tile"
)

// The types of tiles.
const (
	mvtType = "application/vnd.mapbox-vector-tile"
	pngType = "image/png"
)

// finishedTiles are the bodies of answers that were sent last. They are those of one
// generation, for tokens that reach all of it. Safe for concurrent use.
type finishedTiles struct {
	kept      *recent.Values[finishedKey, *finished]
	sets      *recent.Values[string, *layerSet] // by what stands in addresses
	assembled atomic.Int64                      // that kept had not, and were put together from the file of tiles
}

// finishedKey is what the body of an answer depends on within a generation.
type finishedKey struct {
	layers string // as they stand in the address
	tile   tile.Tile
	side   int  // of a picture, pixels; 0 of a vector tile
	gzip   bool // of a vector tile: it goes out compressed
}

// finished is an answer. Nothing of it may be changed.
type finished struct {
	key  finishedKey
	tag  []byte // the ETag with its quotes
	body []byte // empty of an empty vector tile
}

// layerSet are layers that an address names together.
type layerSet struct {
	text   string
	layers []*index.Layer
	keys   []string
}

// setsBytes bounds the sets of layers that are kept in mind: more than clients use.
const setsBytes = 256 << 10

func newFinishedTiles(limit int64) *finishedTiles {
	return &finishedTiles{
		kept: recent.New(limit, func(k finishedKey, f *finished) int64 { return int64(cap(f.body) + len(k.layers)) }),
		sets: recent.New(setsBytes, func(text string, s *layerSet) int64 { return int64(len(text) + len(s.layers)*setLayerBytes) }),
	}
}

// setLayerBytes is about what a layer of a set takes.
const setLayerBytes = 64

// count adds what c did and holds.
func (c *finishedTiles) count(to *cacheCounts) {
	kept, assembled := c.kept.Stats(), c.assembled.Load()
	to.answers, to.assembled, to.unfinished, to.answerBytes = kept.Hits, assembled, max(kept.Misses-assembled, 0), kept.Bytes
}

// keep keeps what the general way has answered, and which layers the text names.
func (r *request) keep(key finishedKey) {
	c := r.gen.finished
	if _, known := c.sets.Get(key.layers); !known && !key.picture() {
		if layers, err := r.layersOf(key.layers); err == nil {
			c.sets.Put(key.layers, newLayerSet(key.layers, layers))
		}
	}
	res := &r.ctx.Response
	switch res.StatusCode() {
	case fasthttp.StatusOK, fasthttp.StatusNoContent:
		c.kept.Put(key, &finished{key: key, tag: bytes.Clone(res.Header.Peek(fasthttp.HeaderETag)), body: bytes.Clone(res.Body())})
	}
}

func (k *finishedKey) picture() bool { return k.side > 0 }

func newLayerSet(text string, layers []*index.Layer) *layerSet {
	s := &layerSet{text: text, layers: slices.Clone(layers)}
	for _, l := range layers {
		s.keys = append(s.keys, l.Meta.Key())
	}
	return s
}

// assemble makes the answer of a vector tile that was built from the file of tiles, and
// keeps it. It returns nil where another way must be gone: the tile is a picture, has to
// be made or inflated, or something is wrong.
func (g *generation) assemble(key finishedKey) *finished {
	m := g.ix.Manifest
	z := int(key.tile.Z)
	if !key.gzip || z < m.Policy.MinZoom || z > m.MaxZoom {
		return nil
	}
	s, ok := g.finished.sets.Get(key.layers)
	if !ok {
		return nil
	}
	var room [maxLayers]cache.Part
	parts, served := room[:0], false
	for i, l := range s.layers {
		if !l.Meta.ServedAt(z) {
			continue
		}
		served = true
		p, built, err := g.tiles.Built(s.keys[i], key.tile)
		if err != nil || !built {
			return nil
		}
		if !p.Empty() {
			parts = append(parts, p)
		}
	}
	if !served || len(parts) == 0 { // without layers, or as good as without
		return nil
	}
	key.layers = s.text
	f := &finished{key: key}
	all := appendGzipTag(make([]byte, 0, tagBytes+cache.GzipLen(parts)), parts)
	n := len(all)
	all = cache.AppendGzip(all, parts)
	f.tag, f.body = all[:n:n], all[n:]
	g.finished.kept.Put(key, f)
	g.finished.assembled.Add(1)
	return f
}

// tagBytes is the length of the ETag of a tile that is sent compressed.
const tagBytes = len(`""`) + 2*8 + len(gzipped)

// appendGzipTag appends what partsTag and fresh make the ETag of parts.
func appendGzipTag(dst []byte, parts []cache.Part) []byte {
	var room [8 * maxLayers]byte
	b := room[:0]
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, p.CRC)
		b = binary.BigEndian.AppendUint32(b, p.RawLen)
	}
	var sum [8]byte
	binary.BigEndian.PutUint64(sum[:], xxhash.Sum64(b))
	dst = hex.AppendEncode(append(dst, '"'), sum[:])
	return append(append(dst, gzipped...), '"')
}
