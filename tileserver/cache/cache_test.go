package cache_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/tileserver/cache"
	"gengtu/tileserver/tile"
)

// content returns n bytes that compress somewhat, another for each seed.
func content(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.IntN(20))
	}
	return out
}

func mustTile(t testing.TB, g tile.Grid, z uint8, x, y uint32) tile.Tile {
	t.Helper()
	out, err := tile.New(g, z, x, y)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

type row struct {
	Layer string
	Tile  string
	Raw   string
}

func TestWriterReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tiles.db")
	w, err := cache.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	var want []row
	same := cache.Compress([]byte("the same everywhere"))
	for _, layer := range []string{"cropland@2023", "cropland@2024", "pbf@2024"} {
		for _, g := range []tile.Grid{tile.W, tile.C} {
			for z := uint8(5); z < 8; z++ {
				for x := uint32(10); x < 13; x++ {
					p := same
					if x == 11 {
						p = cache.Compress(fmt.Appendf(nil, "%s %d %d %d", layer, g, z, x))
					}
					raw, err := p.Raw()
					if err != nil {
						t.Fatal(err)
					}
					tl := mustTile(t, g, z, x, 3)
					want = append(want, row{layer, tl.String(), string(raw)})
					if err := w.Put(layer, tl, p); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	if err := w.Put("pbf@2024", mustTile(t, tile.W, 5, 0, 0), cache.Part{}); err != nil {
		t.Fatal(err)
	}
	counts, err := w.Counts()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[tile.Grid]map[uint8]int{tile.W: {5: 9, 6: 9, 7: 9}, tile.C: {5: 9, 6: 9, 7: 9}}, counts); d != "" {
		t.Error(d)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	r, err := cache.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	second, err := cache.Open(path)
	if err != nil {
		t.Fatalf("a second reader: %v", err)
	}
	defer second.Close()
	var got []row
	err = r.Each(func(layer string, tl tile.Tile, p cache.Part) error {
		raw, err := p.Raw()
		got = append(got, row{layer, tl.String(), string(raw)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"cropland@2023", "cropland@2024", "pbf@2024"}, r.Layers()); d != "" {
		t.Error(d)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				p, ok, err := r.Get("pbf@2024", mustTile(t, tile.C, 6, 11, 3))
				if raw, rawErr := p.Raw(); err != nil || !ok || rawErr != nil || string(raw) != "pbf@2024 2 6 11" {
					t.Errorf("got %q, %v, %v, %v", raw, ok, err, rawErr)
					return
				}
			}
		})
	}
	wg.Wait()
	for _, c := range []struct {
		layer string
		x     uint32
	}{{"pbf@2023", 11}, {"pbf@2024", 14}} {
		if _, ok, err := r.Get(c.layer, mustTile(t, tile.C, 6, c.x, 3)); ok || err != nil {
			t.Errorf("%v: got %v, %v, want none", c, ok, err)
		}
	}
}

// A content that many tiles have takes its room once.
func TestWriterStoresContentOnce(t *testing.T) {
	size := func(distinct bool) int64 {
		path := filepath.Join(t.TempDir(), "tiles.db")
		w, err := cache.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		for x := range uint32(300) {
			seed := uint64(0)
			if distinct {
				seed = uint64(x)
			}
			if err := w.Put("a@1", mustTile(t, tile.W, 12, x, 0), cache.Compress(content(seed, 20000))); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if once, all := size(false), size(true); once > all/10 {
		t.Errorf("300 equal tiles take %d bytes, 300 different ones %d", once, all)
	}
}

func TestWriterRefuses(t *testing.T) {
	dir := t.TempDir()
	w, err := cache.Create(filepath.Join(dir, "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cache.Create(filepath.Join(dir, "a.db")); !errors.Is(err, os.ErrExist) {
		t.Errorf("a file that exists: got %v", err)
	}
	for _, text := range []string{"one", "one", "two"} {
		if err := w.Put("a@1", mustTile(t, tile.W, 3, 1, 1), cache.Compress([]byte(text))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Counts(); !errors.Is(err, cache.ErrTwice) {
		t.Errorf("a tile put twice: got %v", err)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("after Abort: %v, %v", left, err)
	}
}

// Equal tiles are stored once, whoever puts them, and the file does not depend on
// the order or on who compressed.
func TestWriterIsDeterministic(t *testing.T) {
	dir := t.TempDir()
	type put struct {
		layer string
		t     tile.Tile
		raw   []byte
	}
	var puts []put
	for x := range uint32(300) {
		for _, layer := range []string{"b@1", "a@1"} {
			puts = append(puts, put{layer, mustTile(t, tile.Grids()[x%2], 11, x, x%7), content(uint64(x%40), 200+int(x%40)*300)})
		}
	}
	var want []byte
	r := rand.New(rand.NewPCG(8, 8))
	for round := range 4 {
		path := filepath.Join(dir, fmt.Sprint(round))
		w, err := cache.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		r.Shuffle(len(puts), func(i, j int) { puts[i], puts[j] = puts[j], puts[i] })
		var wg sync.WaitGroup
		for k := range 4 {
			wg.Go(func() {
				for i := k; i < len(puts); i += 4 {
					p := &puts[i]
					var err error
					if round < 3 {
						_, err = w.PutRaw(p.layer, p.t, p.raw)
					} else {
						err = w.Put(p.layer, p.t, cache.Compress(p.raw))
					}
					if err == nil {
						err = w.PutCells(p.layer, p.t, p.raw[:100])
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		if !bytes.Equal(got, want) {
			t.Errorf("round %d: the file is another one", round)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 4 {
		t.Errorf("%d files are left, want 4: %v", len(left), err)
	}
	path := filepath.Join(dir, "0")
	reader, err := cache.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for _, p := range puts {
		part, ok, err := reader.Get(p.layer, p.t)
		raw, rawErr := part.Raw()
		if !ok || err != nil || rawErr != nil || !bytes.Equal(raw, p.raw) {
			t.Fatalf("%s %s: %v, %v, %v", p.layer, p.t, ok, err, rawErr)
		}
		if cells, err := reader.Cells(p.layer, p.t); err != nil || !bytes.Equal(cells, p.raw[:100]) {
			t.Fatalf("%s %s: cells %x, %v", p.layer, p.t, cells, err)
		}
	}
	n := 0
	err = reader.EachCells(func(layer string, tl tile.Tile, data []byte) error {
		want, err := reader.Cells(layer, tl)
		if !bytes.Equal(want, data) {
			t.Errorf("%s %s: cells %x", layer, tl, data)
		}
		n++
		return err
	})
	if n != len(puts) || err != nil {
		t.Errorf("%d cells, %v", n, err)
	}
	if cells, err := reader.Cells("a@1", mustTile(t, tile.W, 3, 0, 0)); cells != nil || err != nil {
		t.Errorf("cells that nobody put: %x, %v", cells, err)
	}
	if cells, err := reader.Cells("c@1", puts[0].t); cells != nil || err != nil {
		t.Errorf("cells of no layer: %x, %v", cells, err)
	}
}

// Cells can be read while others are put, and the last of a tile's count.
func TestWriterCells(t *testing.T) {
	w, err := cache.Create(filepath.Join(t.TempDir(), "tiles.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Abort(); err != nil {
			t.Error(err)
		}
	}()
	tl := mustTile(t, tile.W, 5, 1, 2)
	// More than the spool keeps in memory lies between them.
	for i := range 40 {
		if err := w.PutCells("a@1", tl, content(uint64(i), 50_000)); err != nil {
			t.Fatal(err)
		}
		if err := w.PutCells("a@1", mustTile(t, tile.W, 6, uint32(i), 0), content(uint64(i), 10)); err != nil {
			t.Fatal(err)
		}
		if got, err := w.Cells("a@1", tl); err != nil || !bytes.Equal(got, content(uint64(i), 50_000)) {
			t.Fatalf("round %d: %d bytes, %v", i, len(got), err)
		}
		if got, err := w.Cells("a@1", mustTile(t, tile.W, 6, 0, 0)); err != nil || !bytes.Equal(got, content(0, 10)) {
			t.Fatalf("round %d: %d bytes, %v", i, len(got), err)
		}
	}
	if got, err := w.Cells("b@1", tl); got != nil || err != nil {
		t.Errorf("cells of no layer: %x, %v", got, err)
	}
}
