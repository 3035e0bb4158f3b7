package cache_test

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/patch"
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

// After each of many changes, small and large ones, a file and its patch hold what one
// that is written at once holds, and count what was done; the file itself stays as it
// was, and is hardly larger than another once it is made whole.
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
	to := filepath.Join(dir, "tiles.db")
	m.write(t, to)
	written := 0 // files made whole
	for round := range 30 {
		base := bytesOf(t, to)
		u, err := cache.Update(to, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := cache.Updated{Now: cache.Totals{}, Put: cache.Totals{}, Gone: cache.Totals{}}
		changes := map[placed]bool{}
		for range []int{3, 20, 1, 160, 2}[round%5] {
			changes[some()] = true
		}
		drop := round == 10 // a whole layer goes, its cells too
		few := round == 29  // and in the end nearly all
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
		if !bytes.Equal(base, bytesOf(t, to)) {
			t.Fatalf("round %d: the file itself has changed", round)
		}
		if outgrown, err := patch.Outgrown(to); err != nil {
			t.Fatal(err)
		} else if outgrown || round%7 == 6 {
			written++
			made := filepath.Join(dir, "whole")
			if err := patch.Whole(t.Context(), to, nil, made); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(made, to); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(patch.Path(to)); err != nil {
				t.Fatal(err)
			}
			if got, sum := read(t, to); sum != wanted || !maps.Equal(whole, got) {
				t.Fatalf("round %d: made whole the file has the digest %s, want %s", round, sum, wanted)
			}
			// Buckets of layers that have gone take a page each, and pages of 4 KiB.
			if most := 1.1*float64(len(bytesOf(t, fresh))) + 10*4096; float64(len(bytesOf(t, to))) > most {
				t.Errorf("round %d: made whole the file has %d bytes, more than %.0f", round, len(bytesOf(t, to)), most)
			}
		}
		if err := os.Remove(fresh); err != nil {
			t.Fatal(err)
		}
	}
	if written < 4 || written > 15 {
		t.Errorf("%d files were made whole: it says little", written)
	}
}

func add(s cache.Totals, t tile.Tile, bytes int) {
	if s[t.Grid] == nil {
		s[t.Grid] = map[uint8]cache.Tally{}
	}
	sum := s[t.Grid][t.Z]
	s[t.Grid][t.Z] = cache.Tally{Tiles: sum.Tiles + 1, Bytes: sum.Bytes + int64(bytes)}
}

func bytesOf(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
