package tileserver

import (
	"container/list"
	"sync"

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
