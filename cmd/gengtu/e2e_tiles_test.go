package main_test

import (
	"fmt"
	"net/http"
	"testing"

	"gengtu/index"
	"gengtu/tileserver/pyramid/pyramidtest"
	"gengtu/tileserver/tile"
)

// What the server sends is true: built tiles and tiles made on demand, judged
// against the features of the edition by a checker that knows nothing of either.
func TestServedTilesAreTrue(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure)
	ix, err := index.Open(e.Secure, "")
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	for _, name := range []string{"cropland", "pbf", "hsf"} {
		l := ix.Layer(name, "")
		features, err := pyramidtest.FeaturesOf(l)
		if err != nil {
			t.Fatal(err)
		}
		ground, err := pyramidtest.NewGround(t.Context(), features)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range tile.Grids() {
			c := pyramidtest.NewChecker(ground, g, name, l.Meta.ClassField, 16)
			for _, z := range []uint8{2, 6, 9, 12, 13, 14, 16} {
				t.Run(fmt.Sprintf("%s/%s/z%d", name, g, z), func(t *testing.T) {
					found, err := c.Zoom(t.Context(), z, s.tilesOf(t, l, g, z))
					if err != nil {
						t.Fatal(err)
					}
					for _, f := range found.Faults(pyramidtest.Asked(), ground) {
						t.Error(f)
					}
				})
			}
		}
	}
}

// tilesOf asks for every tile of a layer at a zoom, and for those around, which
// have to be empty.
func (s *server) tilesOf(t *testing.T, l *index.Layer, g tile.Grid, z uint8) []pyramidtest.Tile {
	t.Helper()
	var out []pyramidtest.Tile
	cols, rows := g.Size(z)
	x0, y0, x1, y1 := g.Range(l.Extent(), z)
	for x := max(x0, 1) - 1; x <= min(x1+1, cols-1); x++ {
		for y := max(y0, 1) - 1; y <= min(y1+1, rows-1); y++ {
			at := tile.Tile{Grid: g, Z: z, X: x, Y: y}
			a := s.do(t, http.MethodGet, "/secure/tiles/"+l.Meta.Name+"/"+at.String()+".mvt", nil, "Accept-Encoding", "identity")
			if a.Status == http.StatusNoContent {
				continue
			}
			if a.Status != http.StatusOK {
				t.Fatalf("%s: status %d\n%.300s", at, a.Status, a.Body)
			}
			if x < x0 || x > x1 || y < y0 || y > y1 {
				t.Errorf("%s lies outside the layer and has %d bytes", at, len(a.Body))
			}
			out = append(out, pyramidtest.Tile{At: at, Data: a.Body})
		}
	}
	return out
}
