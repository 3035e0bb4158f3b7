package cache_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"gengtu/index/problem"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/tile"
)

// A page that is damaged under a reader makes no tile look as if it never was, neither its
// own nor one beside it: what is looked up is found whole, or its loss is told.
func TestGetAfterDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tiles.db")
	w, err := cache.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[uint32]string{}
	for x := range uint32(300) {
		raw := content(uint64(x), 900)
		want[x] = string(raw)
		if err := w.Put("a@1", mustTile(t, tile.W, 9, x, 7), cache.Compress(raw)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	reader, err := cache.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	r := rand.New(rand.NewPCG(3, 4))
	lost := 0
	for range 2000 {
		junk := make([]byte, 1+r.IntN(64))
		for i := range junk {
			junk[i] = byte(r.Uint32())
		}
		at := r.IntN(len(whole) - len(junk))
		if _, err := f.WriteAt(junk, int64(at)); err != nil {
			t.Fatal(err)
		}
		for x := range uint32(300) {
			switch p, ok, err := reader.Get("a@1", mustTile(t, tile.W, 9, x, 7)); {
			case err != nil:
				lost++
			case !ok:
				t.Errorf("bytes from %d: tile %d looks as if it never was", at, x)
			default:
				if raw, err := p.Raw(); err == nil && want[x] != string(raw) {
					t.Errorf("bytes from %d: tile %d has a wrong content", at, x)
				}
			}
		}
		if _, err := f.WriteAt(whole[at:at+len(junk)], int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	if lost == 0 {
		t.Error("nothing was lost")
	}
}

// Any byte of the file may be wrong, and any length missing: reading says so, or
// gives the right content.
func TestReaderDamage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tiles.db")
	w, err := cache.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for x := range uint32(200) {
		raw := content(uint64(x), 900)
		tl := mustTile(t, tile.W, 9, x, 7)
		want[tl.String()] = string(raw)
		if err := w.Put("a@1", tl, cache.Compress(raw)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	read := func(data []byte) (found int, err error) {
		bad := filepath.Join(dir, "bad.db")
		if err := os.WriteFile(bad, data, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := cache.Open(bad)
		if err != nil {
			return 0, err
		}
		defer r.Close()
		err = r.Each(func(_ string, tl tile.Tile, p cache.Part) error {
			raw, err := p.Raw()
			if err == nil && want[tl.String()] != string(raw) {
				t.Fatalf("%s has a wrong content", tl)
			}
			found++
			return err
		})
		return found, err
	}
	if n, err := read(whole); n != 200 || err != nil {
		t.Fatalf("untouched: %d, %v", n, err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		data := bytes.Clone(whole)
		at := r.IntN(len(data))
		data[at] ^= byte(1 + r.IntN(255))
		if _, err := read(data); err != nil && problem.Of(err) == nil {
			t.Fatalf("byte %d: %v is no problem", at, err)
		}
	}
	for n := 0; n < len(whole); n += len(whole)/40 + 1 {
		// The end of the file may be room that was never used.
		if found, err := read(whole[:n]); problem.Of(err) == nil && found != 200 {
			t.Fatalf("cut to %d of %d: got %d tiles, %v", n, len(whole), found, err)
		}
	}
	if _, err := cache.Open(filepath.Join(dir, "none.db")); problem.Of(err) == nil || problem.Of(err).Code != "TILES_MISSING" {
		t.Errorf("no file: got %v", err)
	}
}
