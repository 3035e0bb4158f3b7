package tileserver

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/load"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/recent"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
)

// generation is one frozen state of an edition, open for serving. Its files are
// closed when the last hold on it is released.
type generation struct {
	name     string
	grades   atomic.Pointer[grades]
	ix       *index.Index
	built    *cache.Reader
	made     *cache.Store
	maker    *tileset.Maker // of tiles that were not built
	pictures *pictures
	painted  *cache.Store // pictures on disc, see request.painted
	finished *finishedTiles
	chosen   *recent.Values[string, []int32] // the features that questions have chosen, as ordinals in the order of an answer: any page costs what the first does
	memo     memo
	bytes    int64               // of its files; 0 where that is not known
	closing  func(g *generation) // is told before it is closed; may be nil

	// answer is the job whose shapes the generation has, and from the layers that these were
	// made of; "" for an edition's.
	answer string
	from   []string

	mu   sync.Mutex
	refs int
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

// stock says where a generation keeps tiles made on demand, and which part of the
// server's limits it has.
type stock struct {
	cache, dir string // the name of the cache, and its directory or ""
	share      int64  // a divisor
}

// openFiles opens the generation in gdir that m describes.
func (s *Server) openFiles(gdir string, m *edition.Manifest, keep stock) (*generation, error) {
	if err := m.CheckFile(gdir, edition.TilesFile); err != nil {
		return nil, err
	}
	ix, err := index.OpenFiles(gdir, m)
	if err != nil {
		return nil, err
	}
	built, err := cache.Open(filepath.Join(gdir, edition.TilesFile))
	if err != nil {
		return nil, errors.Join(err, ix.Close())
	}
	// Tiles that may be crowded are asked for once by each layer that is sent with them,
	// also where no tile is kept.
	limits := &s.cfg.Limits
	memory := limits.TileMemory / keep.share
	wholes := max(memory/wholesShare, leastWholes)
	if memory > wholes {
		memory -= wholes
	}
	opt := cache.StoreOptions{
		MemoryBytes: memory, DiskBytes: limits.TileDisk / keep.share, Dir: keep.dir,
		OnCorrupt: func(layerKey string, t tile.Tile) {
			s.cfg.Log.Warn("damaged tile dropped and made anew", "tier", m.Tier, "layer", layerKey, "tile", t.String())
			s.metrics.corrupt.Inc()
		},
		OnUnwritten: func(err error) {
			s.cfg.Log.Warn("tiles made on demand are not kept on disc; it is tried again", "tier", m.Tier, "error", err)
		},
	}
	made, err := cache.OpenStore(keep.cache, opt)
	if err != nil && opt.Dir != "" && problem.Of(err) == nil && !errors.Is(err, os.ErrPermission) {
		// A full disc is no reason to keep a generation from serving.
		s.cfg.Log.Warn("no file for tiles made on demand; they are kept in memory", "tier", m.Tier, "error", err)
		opt.Dir = ""
		made, err = cache.OpenStore(keep.cache, opt)
	}
	if err != nil {
		return nil, errors.Join(err, built.Close(), ix.Close())
	}
	g := &generation{closing: s.caches.leave, name: m.Generation, ix: ix, built: built, made: made, refs: 1}
	g.maker, err = tileset.NewMaker(ix, tileset.MakerOptions{Covers: pyramid.NewCovers(limits.CoverMemory/keep.share, built.Cells), WholeBytes: wholes, Queue: s.making, Hold: g.hold})
	if err != nil {
		return nil, errors.Join(err, made.Close(), built.Close(), ix.Close())
	}
	g.painted, err = s.openPainted(keep, opt)
	if err != nil {
		return nil, errors.Join(err, g.maker.Close(), made.Close(), built.Close(), ix.Close())
	}
	if g.bytes, err = sizeOf(gdir); err != nil {
		g.bytes = 0 // nothing but a metric
	}
	g.pictures, g.finished = newPictures(limits.PictureMemory/keep.share), newFinishedTiles(limits.AnswerMemory/keep.share)
	g.chosen = recent.New(chosenBytes, func(key string, list []int32) int64 { return int64(len(key) + 4*cap(list)) })
	s.caches.enter(g)
	return g, nil
}

// chosenBytes bounds the lists of features that one generation keeps.
const chosenBytes = 64 << 20

// wholesShare is the part of the memory of tiles made on demand, as a divisor, that
// those take which may be crowded; leastWholes is room for those under way.
const (
	wholesShare = 8
	leastWholes = 8 << 20
)

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
	if g.closing != nil {
		g.closing(g)
	}
	return errors.Join(g.painted.Close(), g.made.Close(), g.maker.Close(), g.built.Close(), g.ix.Close())
}

// generations are the open generations of one edition: the one in force, and
// others that requests have pinned or that were in force before.
type generations struct {
	dir  string
	open func(name string) (*generation, error)

	opening singleflight.Group
	mu      sync.Mutex
	now     *generation
	since   time.Time     // when now was put in force
	others  []*generation // the one that was used least recently first
}

// maxOthers bounds how many generations beside the one in force are held open;
// each holds its R-tree and its tiles in memory.
const maxOthers = 2

// current returns the name of the generation in force, "" when all is closed.
func (g *generations) current() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.now == nil {
		return ""
	}
	return g.now.name
}

// take returns the generation in force, acquired.
func (g *generations) take() (*generation, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.now == nil || !g.now.acquire() {
		return nil, errServing
	}
	return g.now, nil
}

// enforce puts the generation of that name in force, opening it when it is not
// open. Requests that hold the one before finish with it.
func (g *generations) enforce(name string) error {
	next, err := g.find(name)
	if err != nil {
		return err
	}
	g.mu.Lock()
	// The hold that find took is the one of g.now from here on.
	if old := g.now; old != nil {
		g.others = append(g.others, old)
	}
	g.now, g.since = next, time.Now()
	dropped := g.evict()
	g.mu.Unlock()
	letGo(dropped)
	return nil
}

// pin returns the generation of that name, acquired, opening it when it is kept
// on disc but not open.
func (g *generations) pin(name string) (*generation, error) {
	if !generationLike(name) {
		return nil, problem.New("PARAMETER_GENERATION", "%.40q 不是一代的名字", "%.40q names no generation", name)
	}
	switch g.current() {
	case "":
		return nil, errServing
	case name:
		if p := g.held(name); p != nil {
			return p, nil
		}
	}
	if !g.kept(name) {
		return nil, errGone
	}
	p, err := g.find(name)
	if err != nil && !g.kept(name) {
		return nil, errGone // removed while it was being opened
	}
	return p, err
}

// find returns a generation that is open or on disc, acquired. Callers that want
// one at one time open it once; none of them keeps others waiting.
func (g *generations) find(name string) (*generation, error) {
	if p := g.held(name); p != nil {
		return p, nil
	}
	v, err, _ := g.opening.Do(name, func() (any, error) {
		if p := g.held(name); p != nil {
			return p, p.release()
		}
		p, err := g.open(name)
		if err != nil {
			return nil, err
		}
		g.mu.Lock()
		g.others = append(g.others, p)
		dropped := g.evict()
		g.mu.Unlock()
		letGo(dropped)
		return p, nil
	})
	if err != nil {
		return nil, err
	}
	if p, ok := v.(*generation); ok && p.acquire() {
		return p, nil
	}
	return nil, load.ErrBusy // more generations are asked for at once than are held
}

// held returns the generation of that name, acquired, when it is open.
func (g *generations) held(name string) *generation {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.now != nil && g.now.name == name && g.now.acquire() {
		return g.now
	}
	for i, p := range g.others {
		if p.name == name && p.acquire() {
			g.others = append(slices.Delete(g.others, i, i+1), p)
			return p
		}
	}
	return nil
}

// evict takes off the list what is held twice and what is beyond maxOthers, and
// returns it.
func (g *generations) evict() []*generation {
	var dropped []*generation
	g.others = slices.DeleteFunc(g.others, func(p *generation) bool {
		if p != g.now {
			return false
		}
		dropped = append(dropped, p)
		return true
	})
	if n := len(g.others) - maxOthers; n > 0 {
		dropped = append(dropped, g.others[:n]...)
		g.others = slices.Delete(g.others, 0, n)
	}
	return dropped
}

// letGo releases generations. Nobody waits for their files to be closed, and a
// failure to close what was only read loses nothing.
func letGo(dropped []*generation) {
	for _, p := range dropped {
		_ = p.release()
	}
}

// prune gives up the generations that are no longer kept on disc.
func (g *generations) prune() {
	g.mu.Lock()
	var dropped []*generation
	g.others = slices.DeleteFunc(g.others, func(p *generation) bool {
		if g.kept(p.name) {
			return false
		}
		dropped = append(dropped, p)
		return true
	})
	g.mu.Unlock()
	letGo(dropped)
}

// generationLike tells whether name has the form of a generation's name, so
// that no other path can be made from it.
func generationLike(name string) bool {
	return len(name) == 17 && name[0] == 'g' && strings.Trim(name[1:], "0123456789abcdef") == ""
}

func (g *generations) kept(name string) bool {
	_, err := os.Stat(filepath.Join(edition.Path(g.dir, name), edition.ManifestFile))
	return err == nil
}

func (g *generations) close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	var errs []error
	if g.now != nil {
		errs = append(errs, g.now.release())
	}
	for _, p := range g.others {
		errs = append(errs, p.release())
	}
	g.now, g.others = nil, nil
	return errors.Join(errs...)
}

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
