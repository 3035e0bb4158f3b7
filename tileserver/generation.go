package tileserver

import (
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"

	"gengtu/index"
	"gengtu/index/disk"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/live"
	"gengtu/tileserver/recent"
	"gengtu/tileserver/tileset"
)

// generation is one frozen state of an edition, open for serving: its features, its tiles,
// and what was found for requests and is the same for others.
type generation struct {
	live.Hold
	ix       *index.Index
	tiles    *tileset.Shelf
	pictures *pictures
	painted  *cache.Store // pictures on disc, see request.painted
	finished *finishedTiles
	chosen   *recent.Values[string, []int32] // the features that questions have chosen, as ordinals in the order of an answer: any page costs what the first does
	memo     memo
	grades   atomic.Pointer[grades]
	bytes    int64 // of its files; 0 where that is not known

	// answer is the job whose shapes the generation has, and from the layers that these were
	// made of; "" for an edition's.
	answer string
	from   []string
}

// openGeneration opens a generation of the edition at dir, whose tier must be
// tier. The checksum of its tiles is compared first, as index.Open does with the
// features: a file that is cut short would be mapped into memory all the same,
// and reading it would end the process.
func (s *Server) openGeneration(dir, name string, tier edition.Tier) (*generation, error) {
	m, err := edition.ReadManifest(edition.Path(dir, name))
	if err != nil {
		return nil, err
	}
	if m.Tier != tier {
		return nil, problem.New("TIER_CHANGED", "目录里的版别从 %s 变成了 %s", "the directory's tier changed from %s to %s", tier, m.Tier).In(dir)
	}
	if m.Generation != name {
		return nil, problem.New("MANIFEST_BROKEN", "%s 的清单写的是 %.40q", "the manifest of %s says that it is %.40q", name, m.Generation).In(dir)
	}
	return s.openFiles(edition.Path(dir, name), m, stock{cache: string(tier) + "-" + name, dir: s.cfg.CacheDir, share: 1})
}

// Index is what the generation has, whoever asks.
func (g *generation) Index() *index.Index { return g.ix }

// stock says where a generation keeps tiles made on demand, and which part of the
// server's limits it has.
type stock struct {
	cache, dir string // the name of the cache, and its directory or ""
	share      int64  // a divisor
}

// smallShare is the share of a generation of what one token reaches, or of one answer.
const smallShare = 16

// openFiles opens the generation in gdir that m describes, held once.
func (s *Server) openFiles(gdir string, m *edition.Manifest, keep stock) (*generation, error) {
	if err := m.CheckFile(gdir, edition.TilesFile); err != nil {
		return nil, err
	}
	ix, err := index.OpenFiles(gdir, m)
	if err != nil {
		return nil, err
	}
	limits := &s.cfg.Limits
	g := &generation{
		ix: ix, pictures: newPictures(limits.PictureMemory / keep.share), finished: newFinishedTiles(limits.AnswerMemory / keep.share),
		chosen: recent.New(chosenBytes, func(key string, list []int32) int64 { return int64(len(key) + 4*cap(list)) }),
	}
	g.tiles, err = tileset.OpenShelf(filepath.Join(gdir, edition.TilesFile), ix, tileset.ShelfOptions{
		Name: keep.cache, Dir: keep.dir, MemoryBytes: limits.TileMemory / keep.share, DiskBytes: limits.TileDisk / keep.share, CoverBytes: limits.CoverMemory / keep.share,
		Queue: s.making, Hold: g.Keep, Log: s.cfg.Log.With("tier", m.Tier), Damaged: s.metrics.corrupt.Inc,
	})
	if err != nil {
		return nil, errors.Join(err, ix.Close())
	}
	if g.painted, err = g.tiles.OpenStore(paintedSuffix, -1, limits.TileDisk/keep.share/paintedShare); err != nil {
		return nil, errors.Join(err, g.tiles.Close(), ix.Close())
	}
	if g.bytes, err = disk.Size(gdir); err != nil {
		g.bytes = 0 // nothing but a metric
	}
	g.Begin(m.Generation, func() error {
		s.caches.leave(g)
		return errors.Join(g.painted.Close(), g.tiles.Close(), ix.Close())
	})
	s.caches.enter(g)
	return g, nil
}

// chosenBytes bounds the lists of features that one generation keeps.
const chosenBytes = 64 << 20

// memo keeps what is the same for every request of a generation. The zero value
// is empty.
type memo struct {
	mu sync.Mutex
	m  map[string]any
}

// maxMemo bounds the entries of a memo; keys come from requests.
const maxMemo = 64

// remember returns what m has under key, or what find returns, which is kept
// unless it is an error. It may be found twice when two ask at once.
func remember[T any](m *memo, key string, find func() (T, error)) (T, error) {
	m.mu.Lock()
	v, ok := m.m[key].(T)
	m.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := find()
	if err != nil {
		return v, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.m == nil || len(m.m) >= maxMemo {
		m.m = map[string]any{}
	}
	m.m[key] = v
	return v, nil
}
