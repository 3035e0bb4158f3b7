package tileserver_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/styles"
	"gengtu/tileserver"
	"gengtu/tileserver/glyph"
	"gengtu/tileserver/raster"
	"gengtu/tileserver/tile"
)

// pictureOf asks for a picture of the government edition.
func pictureOf(t *testing.T, s *service, address string) *image.NRGBA {
	t.Helper()
	r := s.get(t, "/government/"+address, "Authorization", "Bearer "+s.tokens[edition.Government])
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "image/png" {
		t.Fatalf("%s: %d %.300s", address, r.StatusCode, r.body)
	}
	img, err := png.Decode(bytes.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	out := image.NewNRGBA(img.Bounds())
	draw.Draw(out, out.Rect, img, image.Point{}, draw.Src)
	return out
}

// mosaic is the land at one zoom, put together from tiles, with the pixel of the
// grid at its corner.
func mosaic(t *testing.T, s *service, g tile.Grid, z uint8, at2x string, side int) (all *image.NRGBA, x, y float64) {
	t.Helper()
	x0, y0, x1, y1 := g.Range(lotBox(0, 0, lots, lots), z)
	x0, y0, x1, y1 = x0-1, y0-1, x1+1, y1+1
	all = image.NewNRGBA(image.Rect(0, 0, int(x1-x0+1)*side, int(y1-y0+1)*side))
	for row := y0; row <= y1; row++ {
		for col := x0; col <= x1; col++ {
			img := pictureOf(t, s, fmt.Sprintf("tiles/region/%s/%d/%d/%d%s.png", g, z, col, row, at2x))
			draw.Draw(all, img.Rect.Add(image.Pt(int(col-x0)*side, int(row-y0)*side)), img, image.Point{}, draw.Src)
		}
	}
	return all, float64(x0) * float64(side), float64(y0) * float64(side)
}

// Names stand whole where the borders of tiles run through them, at the place that
// /places gives for them, in both grids and sizes, and apart from each other. The
// oracle writes each name on a canvas of its own.
func TestLabelsCrossTiles(t *testing.T) {
	s := serve(t, nil, edition.Government)
	var list struct {
		Places []struct {
			Code, Name string
			Label      [2]float64
		}
	}
	if err := json.Unmarshal(s.get(t, "/government/places", "Authorization", "Bearer "+s.tokens[edition.Government]).body, &list); err != nil {
		t.Fatal(err)
	}
	label := styles.Default().Layer("region").Label
	crossing, stood := 0, map[string]bool{}
	for _, g := range tile.Grids() {
		for _, z := range []uint8{11, 15, 17} {
			for at2x, side := range map[string]int{"": 256, "@2x": 512} {
				img, left, top := mosaic(t, s, g, z, at2x, side)
				var boxes []image.Rectangle
				for _, p := range list.Places {
					if !label.ShownAt(len(p.Code), float64(z)-1) {
						continue
					}
					ems, err := glyph.Width(p.Name)
					if err != nil {
						t.Fatal(err)
					}
					ratio := float64(side) / 256
					size := label.Size.At(float64(z)-1) * ratio
					at := g.Project(geo.PositionOf(geo.LonLat{Lon: p.Label[0], Lat: p.Label[1]}))
					all := float64(side) / tile.Span(z)
					x, y := at.X*all-left, at.Y*all-top
					box := image.Rect(int(x-ems*size/2), int(y-size/2), int(math.Ceil(x+ems*size/2)), int(math.Ceil(y+size/2)))
					share := inked(t, img, raster.Text{String: p.Name, X: x - ems*size/2, Y: y, Size: size})
					if share < 0.5 {
						continue // no room for it
					}
					if share < 0.99 {
						t.Errorf("%s z%d%s: of %s %.0f %% is written", g, z, at2x, p.Name, share*100)
					}
					stood[p.Name] = true
					if box.Min.X/side != box.Max.X/side || box.Min.Y/side != box.Max.Y/side {
						crossing++
					}
					for _, b := range boxes {
						if b.Overlaps(box) {
							t.Errorf("%s z%d%s: %s stands over another name", g, z, at2x, p.Name)
						}
					}
					boxes = append(boxes, box)
				}
			}
		}
	}
	if crossing < 5 || len(stood) < len(list.Places) {
		t.Errorf("%d names cross borders, %d of %d stand anywhere", crossing, len(stood), len(list.Places))
	}
}

// inked returns the share of the pixels that text covers as a whole which are dark
// on img.
func inked(t *testing.T, img *image.NRGBA, text raster.Text) float64 {
	t.Helper()
	left, top := math.Floor(text.X)-4, math.Floor(text.Y-text.Size)
	text.X, text.Y = text.X-left, text.Y-top
	c, err := raster.NewCanvas(int(text.Size*8), int(text.Size*2), raster.Look{Ratio: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Text(text); err != nil {
		t.Fatal(err)
	}
	ink, dark := 0, 0
	for y := range c.Image().Rect.Max.Y {
		for x := range c.Image().Rect.Max.X {
			if c.Image().RGBAAt(x, y).A < 200 {
				continue
			}
			ink++
			if p := img.NRGBAAt(x+int(left), y+int(top)); p.A > 200 && int(p.R)+int(p.G)+int(p.B) < 330 {
				dark++
			}
		}
	}
	if ink < 10 {
		t.Fatalf("%s has %d pixels of ink", text.String, ink)
	}
	return float64(dark) / float64(ink)
}

// colours counts the colours of the middles of lots on a tile picture.
func lotColours(img *image.NRGBA, g tile.Grid, at tile.Tile) map[color.NRGBA]int {
	out := map[color.NRGBA]int{}
	o := at.Origin()
	for y := range lots {
		for x := range lots {
			b := lotBox(x, y, x+1, y+1)
			w := g.Project(geo.Position{Lon: b.Min.Lon + lot/2, Lat: b.Min.Lat + lot/2})
			px, py := int((w.X-o.X)/tile.Span(at.Z)*256), int((w.Y-o.Y)/tile.Span(at.Z)*256)
			if (image.Point{px, py}).In(img.Rect) {
				out[img.NRGBAAt(px, py)]++
			}
		}
	}
	return out
}

// A named style paints its own colours, in tiles by path and by WMTS, on maps, in
// style.json and in the legend; one that the layer's tiles have no field for is
// refused.
func TestNamedStyles(t *testing.T) {
	s := serve(t, nil, edition.Government, edition.Public)
	at := tile.W.At(lotBox(3, 3, 4, 4).Min, 14)
	address := fmt.Sprintf("tiles/cropland/w/14/%d/%d.png", at.X, at.Y)
	for style, want := range map[string]int{"": 3, "default": 3, "plain": 1} {
		got := lotColours(pictureOf(t, s, address+"?style="+style), tile.W, at)
		if len(got) != want {
			t.Errorf("style %q: the lots have the colours %v, want %d", style, got, want)
		}
		if style == "" {
			continue
		}
		rest := fmt.Sprintf("wmts/cropland/%s/w/14/%d/%d.png", style, at.Y, at.X)
		if got := lotColours(pictureOf(t, s, rest), tile.W, at); len(got) != want {
			t.Errorf("%s: the lots have the colours %v, want %d", rest, got, want)
		}
	}
	bearer := []string{"Authorization", "Bearer " + s.tokens[edition.Government]}
	for _, address := range []string{address + "?style=slope", "style.json?style=slope", "legend.json?style=none", "legend.png?style=rank", "map.png?bbox=108.7,34.3,108.71,34.31&style=slope"} {
		wantProblem(t, address, s.get(t, "/government/"+address, bearer...), http.StatusBadRequest, "parameter_style")
	}
	if r := s.get(t, fmt.Sprintf("/public/%s?style=plain", address)); r.StatusCode != http.StatusBadRequest {
		t.Errorf("public cropland has no classes to leave out: %d", r.StatusCode)
	}
	var styled struct {
		Layers []struct {
			ID    string
			Paint map[string]any
		}
	}
	if err := json.Unmarshal(s.get(t, "/government/style.json?style=plain", bearer...).body, &styled); err != nil {
		t.Fatal(err)
	}
	for _, l := range styled.Layers {
		if fill, ok := l.Paint["fill-color"].(string); l.ID == "cropland-fill" && (!ok || fill != styles.Default().Layer("cropland").Fill.Color.String()) {
			t.Errorf("style.json?style=plain paints cropland %v", l.Paint["fill-color"])
		}
	}
}

// The legend has a swatch of each colour that the map has, painted alike, and is of
// the size that it says.
func TestLegendShowsTheMap(t *testing.T) {
	s := serve(t, nil, edition.Government)
	at := tile.W.At(lotBox(3, 3, 4, 4).Min, 17)
	ofMap := lotColours(pictureOf(t, s, fmt.Sprintf("tiles/cropland/w/17/%d/%d.png", at.X, at.Y)), tile.W, at)
	ground := image.NewUniform(color.NRGBA{0xfb, 0xfa, 0xf6, 0xff})
	legend := pictureOf(t, s, "legend.png?layer=cropland")
	seen := map[color.NRGBA]int{}
	for i := 0; i < len(legend.Pix); i += 4 {
		seen[color.NRGBA{legend.Pix[i], legend.Pix[i+1], legend.Pix[i+2], legend.Pix[i+3]}]++
	}
	if len(ofMap) < 2 {
		t.Fatalf("the tile shows %v", ofMap)
	}
	for c := range ofMap {
		over := image.NewRGBA(image.Rect(0, 0, 1, 1))
		draw.Draw(over, over.Rect, ground, image.Point{}, draw.Src)
		draw.Draw(over, over.Rect, image.NewUniform(c), image.Point{}, draw.Over)
		found := 0
		for l, n := range seen {
			p := over.RGBAAt(0, 0)
			if max(diff(l.R, p.R), diff(l.G, p.G), diff(l.B, p.B)) <= 2 {
				found += n
			}
		}
		if found < 200 {
			t.Errorf("the map's %v is on %d pixels of the legend", c, found)
		}
	}
}

func diff(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }

// A map shows the policy's words in its lower right corner, and one too small for
// them does not; a tile never does.
func TestImprint(t *testing.T) {
	s := serve(t, nil, edition.Government)
	// East of all land.
	dark := func(address string) (n, outside int) {
		img := pictureOf(t, s, address)
		for y := range img.Rect.Max.Y {
			for x := range img.Rect.Max.X {
				if p := img.NRGBAAt(x, y); p.A > 200 && int(p.R)+int(p.G)+int(p.B) < 300 {
					n++
					if x < img.Rect.Max.X-120 || y < img.Rect.Max.Y-45 {
						outside++
					}
				}
			}
		}
		return n, outside
	}
	const box = "bbox=108.8,34.3,108.81,34.31"
	if n, outside := dark("map.png?width=400&" + box); n < 100 || outside > 0 {
		t.Errorf("the imprint has %d dark pixels, %d of them elsewhere", n, outside)
	}
	if n, _ := dark("map.png?width=60&height=40&" + box); n > 0 {
		t.Errorf("a small map has %d dark pixels", n)
	}
	tag := func(lang string) string {
		return s.get(t, "/government/map.png?width=400&"+box, "Authorization", "Bearer "+s.tokens[edition.Government], "Accept-Language", lang).Header.Get("ETag")
	}
	if tag("zh") == tag("en") {
		t.Error("the imprint in another language has the same tag")
	}
}

// Hatching goes on from one map to the next beside it: the right half of a map is
// painted as a map of that half is.
func TestMapHatchGoesOn(t *testing.T) {
	s := serve(t, nil, edition.Government)
	const address = "map.png?crs=EPSG:4490&layers=hsf&height=300&bbox="
	whole := pictureOf(t, s, address+"108.7021,34.3021,108.7061,34.3051&width=400")
	half := pictureOf(t, s, address+"108.70413,34.3021,108.7061,34.3051&width=197")
	hatched, other := 0, 0
	for y := range 300 - 40 {
		for x := 3; x < 197; x++ {
			a, b := whole.NRGBAAt(x+203, y), half.NRGBAAt(x, y)
			if a.A > 100 {
				hatched++
			}
			if max(diff(a.R, b.R), diff(a.A, b.A)) > 24 {
				other++
			}
		}
	}
	if hatched < 1000 || other > hatched/20 {
		t.Errorf("of %d hatched pixels %d are others on the map beside", hatched, other)
	}
}

// A painted tile outlives the process where there is a --cache directory: the next
// server sends it, with its tag, without painting.
func TestPicturesOnDisc(t *testing.T) {
	dir := t.TempDir()
	keep := func(c *tileserver.Config) { c.CacheDir = dir }
	first := serve(t, keep, edition.Public)
	at := tile.W.At(lotBox(3, 3, 4, 4).Min, 14)
	address := fmt.Sprintf("/public/tiles/all/w/14/%d/%d", at.X, at.Y)
	var tags []string
	for _, end := range []string{".png", "@2x.png"} {
		tags = append(tags, first.get(t, address+end).Header.Get("ETag"))
	}
	first.stop()
	again := serve(t, func(c *tileserver.Config) { keep(c); c.Editions = []string{first.dirs[edition.Public]} }, edition.Public)
	for i, end := range []string{".png", "@2x.png", ".png?"} {
		r := again.get(t, address+end)
		if r.StatusCode != http.StatusOK || r.Header.Get("ETag") != tags[i%2] {
			t.Errorf("%s: %d %s, want %s", end, r.StatusCode, r.Header.Get("ETag"), tags[i%2])
		}
		if _, err := png.Decode(bytes.NewReader(r.body)); err != nil {
			t.Errorf("%s: %v", end, err)
		}
	}
	metrics := string(again.get(t, "/metrics").body)
	for _, want := range []string{`cache="pictures",result="disk"} 2`, `cache="pictures",result="made"} 0`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics do not say %s:\n%s", want, lines(metrics, "pictures"))
		}
	}
}

// lines are those of text that hold part.
func lines(text, part string) string {
	var out []string
	for l := range strings.Lines(text) {
		if strings.Contains(l, part) {
			out = append(out, l)
		}
	}
	return strings.Join(out, "")
}

// Where no file for what is made on demand can be written, of tiles or of pictures, the
// generation is served all the same, from memory, and the log says so.
func TestServeWithoutCacheFiles(t *testing.T) {
	dir := t.TempDir()
	keep := func(c *tileserver.Config) { c.CacheDir = dir }
	first := serve(t, keep, edition.Public)
	first.stop()
	files, err := filepath.Glob(filepath.Join(dir, "public-*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v: not the files of tiles and pictures", files, err)
	}
	for _, f := range files { // a directory that is not empty stands for a disc that takes nothing
		if err := errors.Join(os.Remove(f), os.MkdirAll(filepath.Join(f, "in the way"), 0o700)); err != nil {
			t.Fatal(err)
		}
	}
	again := serve(t, func(c *tileserver.Config) { keep(c); c.Editions = []string{first.dirs[edition.Public]} }, edition.Public)
	at := tile.W.At(lotBox(3, 3, 4, 4).Min, 14)
	for _, end := range []string{".mvt", ".png"} {
		if r := again.get(t, fmt.Sprintf("/public/tiles/all/w/14/%d/%d%s", at.X, at.Y, end)); r.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", end, r.StatusCode, r.body)
		}
	}
	if n := strings.Count(again.log.String(), "no file for tiles made on demand"); n != 2 {
		t.Errorf("the log says it %d times of two files", n)
	}
}
