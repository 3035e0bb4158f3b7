package tileserver

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/valyala/fasthttp"

	"gengtu/index"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/tile"
)

// The types of tiles.
const (
	mvtType = "application/vnd.mapbox-vector-tile"
	pngType = "image/png"
)

// finishedTiles keeps the bodies of answers, the last used ones, up to a number of
// bytes. They are those of one generation, for tokens that reach all of it. Safe for
// concurrent use.
type finishedTiles struct {
	limit int64

	mu   sync.Mutex
	size int64
	// Looks by what came of them: found, and put together from the file of tiles.
	hits, misses, assembled int64
	byKey                   map[finishedKey]*finished
	ring                    finished // its next was used last, its prev longest ago
	sets                    map[string]*layerSet
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
	key        finishedKey
	tag        []byte // the ETag with its quotes
	body       []byte // empty of an empty vector tile
	next, prev *finished
}

// finishedOverhead is about what an entry takes beside its bytes.
const finishedOverhead = 300

func (f *finished) bytes() int64 { return int64(cap(f.body)+len(f.key.layers)) + finishedOverhead }

// layerSet are layers that an address names together.
type layerSet struct {
	text   string
	layers []*index.Layer
	keys   []string
}

// maxSets bounds the sets of layers that are kept in mind: more than clients use that
// mean well.
const maxSets = 256

func newFinishedTiles(limit int64) *finishedTiles {
	c := &finishedTiles{limit: limit, byKey: map[finishedKey]*finished{}, sets: map[string]*layerSet{}}
	c.ring.next, c.ring.prev = &c.ring, &c.ring
	return c
}

// get returns the answer under key, or nil.
func (c *finishedTiles) get(key finishedKey) *finished {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.byKey[key]
	if f == nil {
		c.misses++
		return nil
	}
	c.hits++
	if c.ring.next != f {
		f.unlink()
		c.first(f)
	}
	return f
}

// first puts f where what was used last is.
func (c *finishedTiles) first(f *finished) {
	f.prev, f.next = &c.ring, c.ring.next
	f.next.prev, c.ring.next = f, f
}

func (f *finished) unlink() { f.prev.next, f.next.prev = f.next, f.prev }

// put keeps f, and gives up what was used longest ago.
func (c *finishedTiles) put(f *finished) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[f.key] != nil || f.bytes() > c.limit {
		return
	}
	c.byKey[f.key] = f
	c.first(f)
	c.size += f.bytes()
	for c.size > c.limit {
		old := c.ring.prev
		old.unlink()
		delete(c.byKey, old.key)
		c.size -= old.bytes()
	}
}

// count adds what c did and holds.
func (c *finishedTiles) count(to *cacheCounts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	to.answers, to.assembled, to.unfinished, to.answerBytes = c.hits, c.assembled, c.misses-c.assembled, c.size
}

// set returns the layers that a text names, or nil while that is not known.
func (c *finishedTiles) set(text string) *layerSet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sets[text]
}

// know keeps in mind which layers a text names.
func (c *finishedTiles) know(s *layerSet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sets) < maxSets {
		c.sets[s.text] = s
	}
}

// keep keeps what the general way has answered, and which layers the text names.
func (r *request) keep(key finishedKey) {
	c := r.gen.finished
	if !key.picture() && c.set(key.layers) == nil {
		if layers, err := r.layersOf(key.layers); err == nil {
			c.know(newLayerSet(key.layers, layers))
		}
	}
	res := &r.ctx.Response
	switch res.StatusCode() {
	case fasthttp.StatusOK, fasthttp.StatusNoContent:
		c.put(&finished{key: key, tag: bytes.Clone(res.Header.Peek(fasthttp.HeaderETag)), body: bytes.Clone(res.Body())})
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
	if !key.gzip || z < m.BuiltZooms[0] || z > m.BuiltZooms[1] || z < m.Policy.MinZoom || z > m.MaxZoom {
		return nil
	}
	s := g.finished.set(key.layers)
	if s == nil {
		return nil
	}
	var room [maxLayers]cache.Part
	parts, served := room[:0], false
	for i, l := range s.layers {
		if !l.Meta.ServedAt(z) {
			continue
		}
		served = true
		p, _, err := g.built.Get(s.keys[i], key.tile)
		if err != nil {
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
	g.finished.put(f)
	g.finished.mu.Lock()
	g.finished.assembled++
	g.finished.mu.Unlock()
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
