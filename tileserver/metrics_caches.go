package tileserver

import (
	"sync"

	"gengtu/tileserver/cache"
)

// cacheCounts are what caches did, and what they hold now.
type cacheCounts struct {
	memory, disk, made, failed, dropped  int64 // tiles
	pictures, pictureDisk, painted       int64
	answers, assembled, unfinished       int64 // finished answers: found, put together from the file, and asked of handlers
	tileBytes, pictureBytes, answerBytes int64 // in memory
}

// add adds counts to others.
func (c *cacheCounts) add(o cacheCounts) {
	c.memory += o.memory
	c.disk += o.disk
	c.made += o.made
	c.failed += o.failed
	c.dropped += o.dropped
	c.pictures += o.pictures
	c.pictureDisk += o.pictureDisk
	c.painted += o.painted
	c.answers += o.answers
	c.assembled += o.assembled
	c.unfinished += o.unfinished
	c.tileBytes += o.tileBytes
	c.pictureBytes += o.pictureBytes
	c.answerBytes += o.answerBytes
}

// tiles adds what a store of tiles did.
func (c *cacheCounts) tiles(s cache.StoreStats) {
	c.add(cacheCounts{memory: s.MemoryHits, disk: s.DiskHits, made: s.Made - s.Failed, failed: s.Failed, dropped: s.Dropped, tileBytes: s.MemoryBytes})
}

// cacheBook adds up what the caches of all generations did, of those that have been
// closed, too, so that a counter never goes back. Safe for concurrent use.
type cacheBook struct {
	mu   sync.Mutex
	open map[*generation]struct{}
	gone cacheCounts
}

// enter takes a generation that has been opened.
func (b *cacheBook) enter(g *generation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == nil {
		b.open = map[*generation]struct{}{}
	}
	b.open[g] = struct{}{}
}

// leave keeps in mind what a generation did that is being closed.
func (b *cacheBook) leave(g *generation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.open, g)
	c := g.cacheCounts()
	c.tileBytes, c.pictureBytes, c.answerBytes = 0, 0, 0
	b.gone.add(c)
}

// sum returns what all of them did, with what those that are open hold, and how many are.
func (b *cacheBook) sum() (cacheCounts, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.gone
	for g := range b.open {
		out.add(g.cacheCounts())
	}
	return out, len(b.open)
}

// cacheCounts are those of one generation.
func (g *generation) cacheCounts() cacheCounts {
	var out cacheCounts
	out.tiles(g.tiles.Stats())
	painted := g.painted.Stats()
	out.dropped += painted.Dropped
	pictures := g.pictures.Stats()
	out.pictures, out.pictureDisk, out.painted, out.pictureBytes = pictures.Hits, painted.DiskHits, painted.Made-painted.Failed, pictures.Bytes
	g.finished.count(&out)
	return out
}
