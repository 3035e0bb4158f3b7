package tileserver

import (
	"errors"
	"os"
	"path/filepath"
	"sync"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/tile"
)

// generation is one frozen state of an edition, open for serving.
type generation struct {
	name  string
	ix    *index.Index
	built *cache.Reader
	made  *cache.Store
	mu    sync.Mutex
	refs  int
	memo  sync.Map // documents that are the same for every request
}

func (s *Server) openGeneration(dir, name string) (*generation, error) {
	ix, err := index.Open(dir, name)
	if err != nil {
		return nil, err
	}
	built, err := cache.Open(filepath.Join(ix.Dir, edition.TilesFile))
	if err != nil {
		return nil, errors.Join(err, ix.Close())
	}
	opt := cache.StoreOptions{
		MemoryBytes: s.cfg.Limits.TileMemory, DiskBytes: s.cfg.Limits.TileDisk, Dir: s.cfg.CacheDir,
		OnCorrupt: func(layerKey string, t tile.Tile) {
			s.cfg.Log.Warn("damaged tile dropped and made anew", "tier", ix.Manifest.Tier, "layer", layerKey, "tile", t.String())
			s.metrics.corrupt.Inc()
		},
	}
	made, err := cache.OpenStore(string(ix.Manifest.Tier)+"-"+name, opt)
	if err != nil {
		return nil, errors.Join(err, built.Close(), ix.Close())
	}
	return &generation{name: name, ix: ix, built: built, made: made, refs: 1}, nil
}

// acquire keeps g open until release; false when it is closed already.
func (g *generation) acquire() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refs == 0 {
		return false
	}
	g.refs++
	return true
}

func (g *generation) release() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refs--
	if g.refs > 0 {
		return nil
	}
	return errors.Join(g.made.Close(), g.built.Close(), g.ix.Close())
}

// generations are the open generations of one edition: the current one, and
// older ones that requests have pinned, at most maxPinned.
type generations struct {
	open   func(name string) (*generation, error)
	mu     sync.RWMutex
	now    *generation
	pinned []*generation // oldest use first
}

// maxPinned bounds how many older generations are held open.
const maxPinned = 2

func (g *generations) current() *generation {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.now
}

// swap puts next in force. Requests that hold the generation before it finish
// with it.
func (g *generations) swap(next *generation) {
	g.mu.Lock()
	old := g.now
	g.now = next
	g.mu.Unlock()
	if old != nil {
		// The last request closes it; a failure to close what was only read
		// loses nothing.
		_ = old.release()
	}
}

// take returns the current generation, acquired.
func (g *generations) take() *generation {
	for {
		now := g.current()
		if now.acquire() {
			return now
		}
	}
}

// pin returns the generation of that name, acquired, opening it when it is
// kept on disc but not open.
func (g *generations) pin(dir, name string) (*generation, error) {
	now := g.take()
	if now.name == name {
		return now, nil
	}
	_ = now.release() // never the last hold: generations keeps one
	if !keptOnDisc(dir, name) {
		return nil, errGone
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.pinned {
		if p.name == name && p.acquire() {
			return p, nil
		}
	}
	p, err := g.open(name)
	if err != nil {
		return nil, errors.Join(errGone, err)
	}
	if len(g.pinned) == maxPinned {
		_ = g.pinned[0].release()
		g.pinned = append(g.pinned[:0], g.pinned[1:]...)
	}
	g.pinned = append(g.pinned, p)
	p.acquire()
	return p, nil
}

func keptOnDisc(dir, name string) bool {
	if name != filepath.Base(name) || len(name) != 17 || name[0] != 'g' {
		return false
	}
	_, err := os.Stat(filepath.Join(edition.Path(dir, name), edition.ManifestFile))
	return err == nil
}

func (g *generations) close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	var errs []error
	if g.now != nil {
		errs = append(errs, g.now.release())
		g.now = nil
	}
	for _, p := range g.pinned {
		errs = append(errs, p.release())
	}
	g.pinned = nil
	return errors.Join(errs...)
}
