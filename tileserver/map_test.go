package tileserver_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math"
	"net/http"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/geo"
)

// mapOf asks for a map and returns its picture.
func mapOf(t *testing.T, s *service, query string) image.Image {
	t.Helper()
	r := s.get(t, "/public/map.png?"+query)
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "image/png" {
		t.Fatalf("%s: %d %.300s", query, r.StatusCode, r.body)
	}
	img, err := png.Decode(bytes.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func painted(img image.Image, x, y int) bool {
	_, _, _, a := img.At(x, y).RGBA()
	return a > 0x1000
}

// In both systems, and at every size and zoom, a map is painted where the land
// lies in it and nowhere else.
func TestMapIsWhereTheLandIs(t *testing.T) {
	s := serve(t, nil, edition.Public)
	land := lotBox(0, 0, 4, 4) // of pbf
	mercator, err := geo.EPSG(3857)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name          string
		code          int
		lotsAround    int
		width, height int
	}{
		{"close", 4490, 2, 300, 300}, {"close", 3857, 2, 300, 300}, {"wide", 4490, 40, 500, 400}, {"wide", 3857, 40, 400, 500},
		{"stretched", 4490, 5, 600, 100}, {"stretched", 3857, 5, 100, 600}, {"enlarged beyond the last zoom", 4490, 1, 2000, 2000},
	} {
		at := func(p geo.Position) geo.XY {
			if c.code == 4490 {
				l := p.LonLat()
				return geo.XY{X: l.Lon, Y: l.Lat}
			}
			return mercator.Forward(p.LonLat())
		}
		view := lotBox(-c.lotsAround, -c.lotsAround, 4+c.lotsAround, 4+c.lotsAround)
		lo, hi := at(view.Min), at(view.Max)
		img := mapOf(t, s, fmt.Sprintf("bbox=%.10f,%.10f,%.10f,%.10f&crs=EPSG:%d&width=%d&height=%d&layers=pbf", lo.X, lo.Y, hi.X, hi.Y, c.code, c.width, c.height))
		if img.Bounds().Dx() != c.width || img.Bounds().Dy() != c.height {
			t.Errorf("%s in %d is %v", c.name, c.code, img.Bounds())
			continue
		}
		sw, ne := at(land.Min), at(land.Max)
		px := func(x float64) float64 { return (x - lo.X) / (hi.X - lo.X) * float64(c.width) }
		py := func(y float64) float64 { return (hi.Y - y) / (hi.Y - lo.Y) * float64(c.height) }
		left, right, top, bottom := px(sw.X), px(ne.X), py(ne.Y), py(sw.Y)
		// Tiles of public stop at zoom 14: their unit is 1/4096 of a tile; and
		// outlines are some pixels wide.
		margin := 3.5
		wrong := 0
		for y := range c.height {
			for x := range c.width {
				if x > c.width-250 && y > c.height-70 {
					continue // the imprint's corner
				}
				fx, fy := float64(x)+0.5, float64(y)+0.5
				d := math.Min(math.Min(fx-left, right-fx), math.Min(fy-top, bottom-fy)) // inside is positive
				if math.Abs(d) > margin && painted(img, x, y) != (d > 0) {
					wrong++
				}
			}
		}
		if wrong > 0 {
			t.Errorf("%s in %d: %d pixels are painted wrongly", c.name, c.code, wrong)
		}
	}
}

// A map that meets many tiles has no seams: within the land every pixel is
// painted alike.
func TestMapHasNoSeams(t *testing.T) {
	s := serve(t, nil, edition.Public)
	view := lotBox(1, 1, 3, 3) // within pbf, apart from its borders
	lo, hi := view.Min.LonLat(), view.Max.LonLat()
	img := mapOf(t, s, fmt.Sprintf("bbox=%v,%v,%v,%v&width=1500&height=1500&layers=hsf,pbf", lo.Lon, lo.Lat, hi.Lon, hi.Lat))
	if _, n := s.PictureBytes(); n != 0 {
		t.Error("a map fills the tiles' memory")
	}
	want := img.At(100, 1400)
	for x := range 400 {
		if got := img.At(x+100, 1400); got != want || !painted(img, x+100, 1400) {
			t.Fatalf("at %d the map is %v, elsewhere %v", x+100, got, want)
		}
	}
}

func TestMapParameters(t *testing.T) {
	s := serve(t, nil, edition.Public)
	const box = "bbox=108.7,34.3,108.71,34.305"
	for query, want := range map[string]image.Point{
		box: {X: 1024, Y: 512}, box + "&width=100": {X: 100, Y: 50}, box + "&height=100": {X: 200, Y: 100}, box + "&width=512&height=4096": {X: 512, Y: 4096},
		box + "&style=default&layers=cropland,region&crs=EPSG:4326": {X: 1024, Y: 512}, "bbox=-180,-90,180,90&width=4096": {X: 4096, Y: 2048},
		"bbox=-20037508,-20037508,20037508,20037508&crs=EPSG:3857&width=1&height=1": {X: 1, Y: 1},
		"bbox=108.7,34.3,108.700031,34.300031":                                      {X: 1024, Y: 1024},
		"bbox=108.7,34.3,108.7001,34.3001&width=4096&height=256":                    {X: 4096, Y: 256},
	} {
		if got := mapOf(t, s, query).Bounds().Size(); got != want {
			t.Errorf("%s is %v, want %v", query, got, want)
		}
	}
	for query, code := range map[string]string{
		"": "parameter_bbox", "bbox=1,2,3": "parameter_number", "bbox=109,34,108,35": "parameter_bbox", "bbox=108,34,109,91": "crs_mismatch", "bbox=108,34,108,35": "parameter_bbox", "bbox=108.7,34.3,108.700000000001,89": "parameter_size",
		"bbox=108.7,34.3,108.70003,34.30003&width=4096": "parameter_size", box + "&width=10&height=4096": "parameter_size", "bbox=0,34.3,180,34.300001&width=4096&height=4096": "parameter_size",
		box + "&crs=EPSG:4526": "crs_unknown", box + "&crs=EPSG:3857": "crs_mismatch", box + "&crs=x": "crs_unknown",
		box + "&width=4097": "parameter_size", box + "&width=0": "parameter_size", box + "&height=-1": "parameter_size", box + "&height=1e3": "parameter_size",
		box + "&style=night": "parameter_style", box + "&layers=pbf,pbf": "parameter_layers",
	} {
		wantProblem(t, query, s.get(t, "/public/map.png?"+query), http.StatusBadRequest, code)
	}
	wantProblem(t, "an unknown layer", s.get(t, "/public/map.png?"+box+"&layers=dltb"), http.StatusNotFound, "no_layer")
	// Another extent, size or layer is another picture, and says so.
	tags := map[string]string{}
	for _, query := range []string{box, box + "&width=100", "bbox=108.7,34.3,108.71,34.306", box + "&layers=pbf", "bbox=108.701,34.301,108.702,34.302"} {
		tag := s.get(t, "/public/map.png?"+query).Header.Get("ETag")
		if other, seen := tags[tag]; seen {
			t.Errorf("%s and %s have one ETag", query, other)
		}
		tags[tag] = query
	}
}
