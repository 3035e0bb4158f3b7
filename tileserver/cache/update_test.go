package cache_test

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/tileserver/cache"
	"gengtu/tileserver/tile"
)

// placed is a tile of a layer.
type placed struct {
	layer string
	t     tile.Tile
}

// model is what a file of tiles should hold.
type model struct {
	tiles map[placed]cache.Part
	cells map[placed][]byte
}

// write makes the file that holds m, as a full build does.
func (m *model) write(t *testing.T, path string) {
	t.Helper()
	w, err := cache.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for k, p := range m.tiles {
		if err := w.Put(k.layer, k.t, p); err != nil {
			t.Fatal(err)
		}
	}
	for k, data := range m.cells {
		if err := w.PutCells(k.layer, k.t, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// read returns what a file holds, and its digest.
func read(t *testing.T, path string) (map[string]string, string) {
	t.Helper()
	r, err := cache.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out := map[string]string{}
	err = r.Each(func(layer string, at tile.Tile, p cache.Part) error {
		out["tile "+layer+" "+at.String()] = string(p.Deflated)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = r.EachCells(func(layer string, at tile.Tile, data []byte) error {
		out["cells "+layer+" "+at.String()] = string(data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.CheckContent(); err != nil {
		t.Error(err)
	}
	sum, err := r.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return out, sum
}

// After each of many changes, small and large ones, a file holds what one that is
// written at once holds, counts what was done, and is not much larger.
func TestUpdater(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(4, 4))
	layers := []string{"a@1", "b@1", "b@2"}
	some := func() placed {
		z := uint8(5 + rng.IntN(3))
		g := tile.Grids()[rng.IntN(2)]
		return placed{layers[rng.IntN(3)], tile.Tile{Grid: g, Z: z, X: uint32(rng.IntN(6)), Y: uint32(rng.IntN(6))}}
	}
	m := model{map[placed]cache.Part{}, map[placed][]byte{}}
	for range 250 {
		m.tiles[some()] = cache.Compress(content(uint64(rng.IntN(150)), 200+rng.IntN(6_000)))
		m.cells[some()] = content(uint64(rng.IntN(150)), 100+rng.IntN(3000))
	}
	at := filepath.Join(dir, "0")
	m.write(t, at)
	largest := 0.0
	for round := range 15 {
		before, err := os.ReadFile(at)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, "next")
		if err := os.WriteFile(to, before, 0o644); err != nil {
			t.Fatal(err)
		}
		u, err := cache.Update(to)
		if err != nil {
			t.Fatal(err)
		}
		want := cache.Updated{Now: cache.Totals{}, Put: cache.Totals{}, Gone: cache.Totals{}}
		changes := map[placed]bool{}
		for range []int{3, 20, 160}[round%3] {
			changes[some()] = true
		}
		drop := round == 10 // a whole layer goes, its cells too
		few := round == 14  // and in the end nearly all
		drop = drop || few
		for _, k := range slices.Concat(slices.Collect(maps.Keys(m.tiles)), slices.Collect(maps.Keys(m.cells))) {
			if k.layer == "b@2" && drop || few && (k.layer != "a@1" || k.t.X > 1) {
				changes[k] = true
			}
		}
		for k := range changes {
			old := m.tiles[k]
			var p cache.Part
			var cells []byte
			switch n := rng.IntN(4); {
			case n == 0 || drop:
			case n == 1:
				p = old // the same again
			case n == 2: // what another tile has
				p = m.tiles[some()]
			default:
				p = cache.Compress(content(rng.Uint64(), 200+rng.IntN(6_000)))
			}
			if rng.IntN(2) == 0 && !drop {
				cells = content(rng.Uint64(), 100+rng.IntN(3000))
			}
			if err := u.Put(k.layer, k.t, p); err != nil {
				t.Fatal(err)
			}
			if err := u.PutCells(k.layer, k.t, cells); err != nil {
				t.Fatal(err)
			}
			delete(m.tiles, k)
			delete(m.cells, k)
			if !p.Empty() {
				m.tiles[k] = p
				add(want.Put, k.t, len(p.Deflated))
			} else if !old.Empty() {
				add(want.Gone, k.t, len(old.Deflated))
			}
			if len(cells) > 0 {
				m.cells[k] = cells
			}
		}
		for k, p := range m.tiles {
			add(want.Now, k.t, len(p.Deflated))
		}
		done, err := u.Close()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(&want, done); d != "" {
			t.Fatalf("round %d (-want +got):\n%s", round, d)
		}
		fresh := filepath.Join(dir, "fresh")
		m.write(t, fresh)
		got, sum := read(t, to)
		whole, wanted := read(t, fresh)
		if d := cmp.Diff(whole, got); d != "" || sum != wanted {
			t.Fatalf("round %d: digest %s, want %s; (-whole +updated)\n%.2000s", round, sum, wanted, d)
		}
		if round == 10 {
			r, err := cache.Open(to)
			if err != nil {
				t.Fatal(err)
			}
			if n := r.Layers(); len(n) != 2 {
				t.Errorf("layers %v", n)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
		largest = max(largest, size(t, to)/size(t, fresh))
		if err := os.Remove(fresh); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(to, at); err != nil {
			t.Fatal(err)
		}
	}
	// A quarter of the pages may be free, and pages are not all full.
	if largest > 1.6 {
		t.Errorf("a file is %.2f times as large as one written at once", largest)
	}
}

func add(s cache.Totals, t tile.Tile, bytes int) {
	if s[t.Grid] == nil {
		s[t.Grid] = map[uint8]cache.Tally{}
	}
	sum := s[t.Grid][t.Z]
	s[t.Grid][t.Z] = cache.Tally{Tiles: sum.Tiles + 1, Bytes: sum.Bytes + int64(bytes)}
}

func size(t *testing.T, path string) float64 {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return float64(st.Size())
}
