package cache_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/problem"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/tile"
)

func TestStoreMakesOnce(t *testing.T) {
	s, err := cache.OpenStore("g1", cache.StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tl := mustTile(t, tile.W, 14, 100, 100)
	var made atomic.Int32
	release := make(chan struct{})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			p, err := s.Get(t.Context(), "a@1", tl, compressed(func(context.Context) ([]byte, error) {
				made.Add(1)
				<-release
				return []byte("tile"), nil
			}))
			if raw, rawErr := p.Raw(); err != nil || rawErr != nil || string(raw) != "tile" {
				t.Errorf("got %q, %v, %v", raw, err, rawErr)
			}
		})
	}
	// Who stops waiting gets an answer at once, and the others still theirs.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Get(ctx, "a@1", tl, compressed(func(context.Context) ([]byte, error) { <-release; return []byte("tile"), nil })); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
	close(release)
	wg.Wait()
	if made.Load() > 1 {
		t.Errorf("made %d times", made.Load())
	}
}

func TestStoreErrors(t *testing.T) {
	s, err := cache.OpenStore("g1", cache.StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tl := mustTile(t, tile.W, 14, 100, 100)
	boom := errors.New("boom")
	if _, err := s.Get(t.Context(), "a@1", tl, compressed(func(context.Context) ([]byte, error) { return nil, boom })); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Get(t.Context(), "a@1", tl, compressed(func(context.Context) ([]byte, error) { panic("boom") })); err == nil {
		t.Error("a panic was lost")
	}
	p, err := s.Get(t.Context(), "a@1", tl, compressed(func(context.Context) ([]byte, error) { return nil, nil }))
	if err != nil || !p.Empty() {
		t.Errorf("got %v, %v, want an empty tile", p, err)
	}
	if got := s.Stats(); got.Made != 3 || got.Failed != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestStoreMemoryLimit(t *testing.T) {
	const limit = 100_000
	s, err := cache.OpenStore("g1", cache.StoreOptions{MemoryBytes: limit})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	get := func(x uint32, n int) {
		if _, err := s.Get(t.Context(), "a@1", mustTile(t, tile.W, 14, x, 0), compressed(func(context.Context) ([]byte, error) {
			return content(uint64(x), n), nil
		})); err != nil {
			t.Fatal(err)
		}
		if got := s.Stats().MemoryBytes; got > limit {
			t.Fatalf("%d bytes in memory, the limit is %d", got, limit)
		}
	}
	for x := range uint32(200) {
		get(x, 3000)
	}
	get(500, 1<<20) // larger than all
	before := s.Stats().Made
	get(199, 3000)
	if s.Stats().Made != before {
		t.Error("the last tile was made again")
	}
	get(0, 3000)
	if s.Stats().Made != before+1 {
		t.Error("the first tile was not forgotten")
	}
}

func TestStoreDisk(t *testing.T) {
	dir := t.TempDir()
	var damaged atomic.Int32
	opt := cache.StoreOptions{Dir: dir, MemoryBytes: -1, OnCorrupt: func(string, tile.Tile) { damaged.Add(1) }}
	get := func(s *cache.Store, x uint32) {
		t.Helper()
		p, err := s.Get(t.Context(), "a@1", mustTile(t, tile.W, 14, x, 0), compressed(func(context.Context) ([]byte, error) {
			return content(uint64(x), 3000), nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		if raw, err := p.Raw(); err != nil || !bytes.Equal(raw, content(uint64(x), 3000)) {
			t.Fatalf("tile %d: %v", x, err)
		}
	}
	all := func(want cache.StoreStats) {
		t.Helper()
		s, err := cache.OpenStore("g1", opt)
		if err != nil {
			t.Fatal(err)
		}
		for x := range uint32(100) {
			get(s, x)
		}
		if d := cmp.Diff(want, s.Stats()); d != "" {
			t.Error(d)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	all(cache.StoreStats{Made: 100})
	all(cache.StoreStats{DiskHits: 100})

	// A byte inside one record is turned: the tile is dropped, told of, made again.
	path := filepath.Join(dir, "g1.cache.db")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, cache.Compress(content(42, 3000)).Deflated)
	if at < 0 {
		t.Fatal("tile 42 is not in the file")
	}
	data[at+100] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	all(cache.StoreStats{DiskHits: 99, Made: 1, Corrupt: 1})
	if damaged.Load() != 1 {
		t.Errorf("told of %d damaged tiles, want 1", damaged.Load())
	}
	all(cache.StoreStats{DiskHits: 100})

	// A file that is none is replaced.
	if err := os.WriteFile(path, data[:3000], 0o600); err != nil {
		t.Fatal(err)
	}
	all(cache.StoreStats{Made: 100})

	// Another process, or here another store, has the file.
	s, err := cache.OpenStore("g1", opt)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := cache.OpenStore("g1", opt); problem.Of(err) == nil || problem.Of(err).Code != "CACHE_IN_USE" {
		t.Errorf("got %v, want CACHE_IN_USE", err)
	}
	if _, err := cache.OpenStore("../g1", opt); err == nil {
		t.Error("a name that leaves the directory was taken")
	}
}

func TestStoreDiskLimit(t *testing.T) {
	dir := t.TempDir()
	const limit = 1_000_000
	opt := cache.StoreOptions{Dir: dir, MemoryBytes: -1, DiskBytes: limit}
	for round := range uint32(5) {
		s, err := cache.OpenStore("g1", opt)
		if err != nil {
			t.Fatal(err)
		}
		for x := range uint32(1000) {
			if _, err := s.Get(t.Context(), "a@1", mustTile(t, tile.W, 14, x+round*1000, 0), compressed(func(context.Context) ([]byte, error) {
				return content(uint64(x), 3000), nil
			})); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "g1.cache.db"))
	if err != nil {
		t.Fatal(err)
	}
	// A batch comes in before the oldest go, and pages are not full.
	if info.Size() > 5*limit {
		t.Errorf("the file has %d bytes for a limit of %d", info.Size(), limit)
	}
}

// compressed makes parts of what f returns.
func compressed(f func(context.Context) ([]byte, error)) func(context.Context) (cache.Part, error) {
	return func(ctx context.Context) (cache.Part, error) {
		raw, err := f(ctx)
		return cache.Compress(raw), err
	}
}
