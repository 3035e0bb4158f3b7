package tileserver

import (
	"container/list"
	"context"
	"strconv"
	"strings"
	"sync"

	"gengtu/index"
	"gengtu/styles"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/tile"
)

// pictures keeps painted tiles, the last used ones, up to a number of bytes.
// Safe for concurrent use.
type pictures struct {
	limit int64

	mu           sync.Mutex
	size         int64
	hits, misses int64
	byKey        map[pictureKey]*list.Element
	order        list.List // of *picture, the last used first
}

// pictureKey is what a tile's picture depends on within a generation.
type pictureKey struct {
	layers string // their keys, with commas
	style  string
	tile   tile.Tile
	side   int
	// parcels tells that borders are drawn: from which zoom depends on the layers that a
	// token reaches, beside those of the picture.
	parcels bool
}

// picture is a painted tile. Its bytes must not be changed.
type picture struct {
	key pictureKey
	tag string
	png []byte
}

// pictureOverhead is about what an entry takes beside its bytes: list element,
// map entry and key.
const pictureOverhead = 300

func (p *picture) bytes() int64 {
	return int64(len(p.png)+len(p.key.layers)+len(p.key.style)) + pictureOverhead
}

func newPictures(limit int64) *pictures {
	return &pictures{limit: limit, byKey: map[pictureKey]*list.Element{}}
}

// get returns the picture under key, or nil.
func (c *pictures) get(key pictureKey) *picture {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[key]
	if e == nil {
		c.misses++
		return nil
	}
	c.hits++
	c.order.MoveToFront(e)
	p, _ := e.Value.(*picture)
	return p
}

// put keeps p, and gives up what was used longest ago.
func (c *pictures) put(p *picture) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[p.key] != nil || p.bytes() > c.limit {
		return
	}
	c.byKey[p.key] = c.order.PushFront(p)
	c.size += p.bytes()
	for c.size > c.limit {
		last := c.order.Back()
		old, _ := c.order.Remove(last).(*picture)
		delete(c.byKey, old.key)
		c.size -= old.bytes()
	}
}

// paintedShare is the part of the disc of tiles made on demand that pictures take
// beside it, as a divisor.
const paintedShare = 4

// openPainted opens the store of pictures on disc, beside that of tiles; without a
// directory it keeps nothing, and makes those wait for one picture who ask for it at
// one time. In memory pictures are kept as they are sent, see [pictures].
func (s *Server) openPainted(keep stock, opt cache.StoreOptions) (*cache.Store, error) {
	opt.MemoryBytes = -1
	opt.Dir = keep.dir
	opt.DiskBytes = s.cfg.Limits.TileDisk / keep.share / paintedShare
	return cache.OpenStore(keep.cache+"-pictures", opt)
}

// paintedKey names a picture on disc, where another program may have painted it in
// another look.
func (k pictureKey) paintedKey(program string) string {
	return strings.Join([]string{program, styles.Default().Digest, k.style, strconv.Itoa(k.side), strconv.FormatBool(k.parcels), k.layers}, "\x1f")
}

// painted returns a picture from the disc, or paints it. Whoever asks waits for it to
// the end, for the one who paints reads the request: tileContext bounds the painting.
func (r *request) painted(layers []*index.Layer, key pictureKey, look *styles.Sheet) (*picture, error) {
	p, err := r.gen.painted.Get(context.Background(), key.paintedKey(r.server.cfg.Program), key.tile, func(context.Context) (cache.Part, error) {
		png, err := r.paint(layers, key, look)
		if err != nil {
			return cache.Part{}, err
		}
		return cache.Compress(png), nil
	})
	if err != nil {
		return nil, err
	}
	png, err := p.Raw()
	if err != nil {
		return nil, err
	}
	return &picture{key: key, tag: etag(png), png: png}, nil
}
