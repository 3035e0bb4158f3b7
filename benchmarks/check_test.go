package benchmarks

import (
	"os"
	"path/filepath"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/pyramid/pyramidtest"
	"gengtu/tileserver/tile"
)

// checkEdition names an edition whose built tiles are to be judged.
const checkEdition = "BENCH_CHECK"

// Every built tile of the edition that the environment names shows its ground as
// it is. It says for each layer, grid and zoom what a stranger measures.
func TestCheckEdition(t *testing.T) {
	dir := os.Getenv(checkEdition)
	if dir == "" {
		t.Skip(checkEdition + "=EDITION judges the edition's tiles")
	}
	ix, err := index.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	tiles, err := cache.Open(filepath.Join(dir, ix.Manifest.Generation, edition.TilesFile))
	if err != nil {
		t.Fatal(err)
	}
	defer tiles.Close()
	for _, name := range []string{"cropland", "pbf", "hsf"} {
		l := ix.Layer(name, "")
		if l == nil {
			continue
		}
		features, err := pyramidtest.FeaturesOf(l)
		if err != nil {
			t.Fatal(err)
		}
		ground, err := pyramidtest.NewGround(t.Context(), features)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range tile.Grids() {
			t.Run(name+"/"+g.String(), func(t *testing.T) {
				judge(t, ix, l, tiles, pyramidtest.NewChecker(ground, g, name, l.Meta.ClassField, uint8(ix.Manifest.BuiltZooms[1])), ground, g)
			})
		}
	}
}

func judge(t *testing.T, ix *index.Index, l *index.Layer, tiles *cache.Reader, c *pyramidtest.Checker, ground *pyramidtest.Ground, g tile.Grid) {
	t.Helper()
	t.Log(pyramidtest.Header)
	for z := ix.Manifest.BuiltZooms[0]; z <= ix.Manifest.BuiltZooms[1]; z++ {
		var all []pyramidtest.Tile
		x0, y0, x1, y1 := g.Range(l.Extent(), uint8(z))
		for x := x0; x <= x1; x++ {
			for y := y0; y <= y1; y++ {
				at := tile.Tile{Grid: g, Z: uint8(z), X: x, Y: y}
				p, ok, err := tiles.Get(l.Meta.Key(), at)
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					continue
				}
				raw, err := p.Raw()
				if err != nil {
					t.Fatal(err)
				}
				// A gzip file has 18 bytes around what is packed.
				all = append(all, pyramidtest.Tile{At: at, Data: raw, Packed: len(p.Deflated) + 18})
			}
		}
		found, err := c.Zoom(t.Context(), uint8(z), all)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(found)
		for _, f := range found.Faults(pyramidtest.Asked(), ground) {
			t.Error(f)
		}
	}
}
