package tileset_test

import (
	"crypto/sha256"
	"math"
	"os"
	"path/filepath"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/indextest"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
)

// squares stores n squares of about side metres at latitude lat and some large ones.
func squares(t *testing.T, name string, n, large int, side, lat float64) *index.Index {
	t.Helper()
	l := indextest.Layer{Meta: edition.Layer{Name: name, Vintage: "2024"}}
	for i := range n + large {
		s := side
		if i >= n {
			s *= 40
		}
		metre := 360e10 / (2 * math.Pi * 6378137)
		at := geo.Position{Lon: 1084e9 + int64(float64(i)*side*42*metre), Lat: int64(lat * geo.Unit)}
		up, right := int64(s*metre), int64(s*metre/math.Cos(lat*math.Pi/180))
		g := geo.MultiPolygon{geo.Box{Min: at, Max: geo.Position{Lon: at.Lon + right, Lat: at.Lat + up}}.Polygon()}
		l.Features = append(l.Features, index.Feature{ID: uint64(i + 1), Geometry: g, Box: g.Box(), AreaM2: geo.Area(g), Patch: index.NoArea, Net: index.NoArea})
	}
	return indextest.New(t, &edition.Manifest{Tier: edition.Secure, MaxZoom: tileset.MaxZoom}, l)
}

// The parcel zoom is the first at which a square of median size is 8 pixels wide,
// measured on the square itself, whatever a few large ones are.
func TestParcelZoom(t *testing.T) {
	for _, c := range []struct{ side, lat float64 }{{30, 34}, {64, 34}, {90, 34}, {90, 1}, {90, 53}, {2000, 34}, {3, 34}} {
		ix := squares(t, "pbf", 31, 10, c.side, c.lat)
		l := ix.Layer("pbf", "")
		got := tileset.ParcelZoom(l)
		// The narrowest of the small ones on the plane, in pixels of tiles of 512.
		box := l.Box(0)
		for i := range l.Len() {
			if b := l.Box(i); b.Max.Lat-b.Min.Lat < box.Max.Lat-box.Min.Lat {
				box = b
			}
		}
		width := tile.W.Project(box.Max).X - tile.W.Project(box.Min).X
		at := func(z int) float64 { return math.Ldexp(width*512, z) }
		if at(got) < 8*0.99 && got < tileset.MaxZoom || at(got-1) > 8*1.01 {
			t.Errorf("%v m at %v°: zoom %d, where a parcel has %.1f pixels, and %.1f before", c.side, c.lat, got, at(got), at(got-1))
		}
	}
	if got := tileset.ParcelZoom(squares(t, "region", 5, 0, 2000, 34).Layer("region", "")); got != pyramid.ParcelsAlways {
		t.Errorf("places: got %d", got)
	}
}

// A building chooses the parcel zoom where none is set, and keeps to it where one
// is; it leaves cells of every zoom below it, in both grids, and the file is the
// same for any number of workers.
func TestBuildTiles(t *testing.T) {
	ix := squares(t, "pbf", 40, 5, 90, 34)
	meta := &ix.Manifest.Layers[0]
	if meta.ParcelZoom != 0 {
		t.Fatalf("the parcel zoom is %d beforehand", meta.ParcelZoom)
	}
	var sums [3][sha256.Size]byte
	for i, workers := range []int{1, 2, 5} {
		path := filepath.Join(t.TempDir(), "tiles.db")
		built, err := tileset.Build(t.Context(), ix, path, tileset.BuildOptions{MinZoom: 12, MaxZoom: 13, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		if len(built.Large) != 0 || built.Counts["w"]["13"] == 0 || built.Counts["c"]["12"] == 0 || built.Counts["w"]["11"] != 0 {
			t.Errorf("got %+v", built)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = sha256.Sum256(data)
		if sums[i] != sums[0] {
			t.Errorf("%d workers make another file", workers)
		}
		r, err := cache.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range tile.Grids() {
			for z := g.MinZoom(); z < 16; z++ {
				data, err := r.Cells(meta.Key(), g.At(geo.Position{Lon: 10840001e5, Lat: 340001e6}, z))
				if (len(data) > 0) != (int(z) < meta.ParcelZoom) || err != nil {
					t.Errorf("%s %d: %d bytes of cells, %v", g, z, len(data), err)
				}
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if i == 0 && meta.ParcelZoom != tileset.ParcelZoom(ix.Layer("pbf", "")) {
			t.Errorf("the parcel zoom %d was not chosen", meta.ParcelZoom)
		}
	}
}
