package tileserver_test

import (
	"math"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/indextest"
	"gengtu/tileserver"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
)

// villages stores 30 squares of about side metres on one latitude.
func villages(t *testing.T, name string, side float64) *index.Layer {
	t.Helper()
	l := indextest.Layer{Meta: edition.Layer{Name: name, Vintage: "2024"}}
	const metre, lat = 360e10 / (2 * math.Pi * 6378137), 34
	for i := range 30 {
		at := geo.Position{Lon: 1084e9 + int64(float64(i)*side*42*metre), Lat: lat * geo.Unit}
		up, right := int64(side*metre), int64(side*metre/math.Cos(lat*math.Pi/180))
		g := geo.MultiPolygon{geo.Box{Min: at, Max: geo.Position{Lon: at.Lon + right, Lat: at.Lat + up}}.Polygon()}
		l.Features = append(l.Features, index.Feature{ID: uint64(i + 1), Geometry: g, Box: g.Box(), AreaM2: geo.Area(g), Patch: index.NoArea, Net: index.NoArea})
	}
	return indextest.New(t, &edition.Manifest{Tier: edition.Secure, MaxZoom: tileset.MaxZoom}, l).Layer(name, "")
}

// A style outlines places from the zoom at which they are 24 pixels wide of a tile of 512,
// measured on their squares; a legible net of few large ones is there at once.
func TestStyleOutlinesPlacesOfSomeSize(t *testing.T) {
	for _, side := range []float64{300, 1700, 20000} {
		l := villages(t, "region", side)
		got, box := tileserver.LineZoom(l), l.Box(0)
		width := tile.W.Project(box.Max).X - tile.W.Project(box.Min).X
		at := func(z int) float64 { return math.Ldexp(width*512, z) }
		if at(got) < 24*0.99 || at(got-1) > 24*1.01 {
			t.Errorf("%v m: zoom %d, where a place has %.1f pixels, and %.1f before", side, got, at(got), at(got-1))
		}
	}
	if got := tileserver.LineZoom(villages(t, "pbf", 90)); got != 0 {
		t.Errorf("parcels: got %d", got)
	}
}
