package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"gengtu/benchmarks/suite"
	"gengtu/tileserver/viewer/viewertest"
)

// The side of the compared pictures in CSS pixels, and the world's radius in metres
// (EPSG:3857).
const (
	comparedSide = 512
	worldRadius  = 6378137.0
)

// rendering is what MapLibre makes of the style at one place.
const rendering = `(async () => {
	const { Map, setWorkerUrl } = await import('/viewer/%[1]s/maplibre-gl.mjs');
	setWorkerUrl(new URL('/viewer/%[1]s/maplibre-gl-worker.mjs', location.href).href);
	document.querySelector('#compared')?.remove();
	const box = document.createElement('div');
	box.id = 'compared';
	Object.assign(box.style, {position: 'fixed', left: 0, top: 0, width: '512px', height: '512px', zIndex: 99999});
	document.body.append(box);
	const [lon, lat, zoom, style, layers] = %[2]s;
	const map = new Map({container: box, style, center: [lon, lat], zoom, attributionControl: false, fadeDuration: 0, localIdeographFontFamily: false});
	await new Promise((resolve, reject) => { map.once('load', resolve); map.on('error', (e) => reject(e.error)); });
	const shown = layers.split(',');
	for (const l of map.getStyle().layers) if (l.id !== 'background' && !shown.includes(l.id.split('-')[0])) map.setLayoutProperty(l.id, 'visibility', 'none');
	await new Promise((resolve) => { map.once('idle', resolve); map.triggerRepaint(); });
	return true;
})()`

// Our pictures look as MapLibre makes style.json look: at five places and zooms, in
// two styles: at most 3 % of the pixels are of a clearly different colour (more than
// 48 of 255 in a channel), the mean difference of all channels is below 3, and what is
// painted at all is the same to 2 %. Where outlines are thinner than half a pixel
// (13.2) the mean is below 5: MapLibre spreads them over two pixels. The
// zooms are those at which both draw merged shapes or both parcels: between, a tile's
// picture has the next level. High-standard farmland is compared at whole zooms alone:
// between them MapLibre stretches the hatching.
func TestPicturesAgainstMapLibre(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Government)
	tok := s.tokens["government"]
	var catalog struct{ Extent [4]float64 }
	decode(t, s.get(t, 200, "/government/catalog?tk="+url.QueryEscape(tok)).Body, &catalog)
	p := viewertest.Open(t, viewertest.Browser(t), s.URL+"/health", viewertest.View{Width: comparedSide, Height: comparedSide, Lang: "zh-CN"}) // a page without a map of its own
	x := catalog.Extent
	for i, view := range []struct {
		east, north, zoom float64
		style, layers     string
		clear, mean       float64
	}{
		{.5, .5, 11, "default", "cropland,pbf", .03, 3}, {.3, .6, 13.2, "slope", "cropland,pbf", .03, 5}, {.6, .4, 14.5, "default", "cropland,pbf", .03, 3},
		{.4, .4, 16, "default", "cropland,pbf,hsf", .03, 3}, {.55, .6, 17.4, "slope", "cropland,pbf", .03, 3},
	} {
		lon, lat := onPixel(x[0]+(x[2]-x[0])*view.east, x[1]+(x[3]-x[1])*view.north, view.zoom)
		name := fmt.Sprintf("maplibre-%d-%s", i, view.style)
		style := fmt.Sprintf("%s/government/style.json?style=%s&tk=%s", s.URL, view.style, url.QueryEscape(tok))
		theirs := maplibre(t, p, name, []any{lon, lat, view.zoom, style, view.layers})
		ours := onGround(t, name+"-ours", s.get(t, 200, mapAround(lon, lat, view.zoom, view.style, tok, view.layers)).Body)
		d := comparePictures(theirs, ours)
		t.Logf("z%v %s: %.2f %% of the pixels differ clearly, %.2f on the mean, painted %.4f of theirs", view.zoom, view.style, d.clear*100, d.mean, d.painted)
		suite.Count(t, "pictures-maplibre", d.clear*100, "percent")
		if d.clear > view.clear || d.mean > view.mean || math.Abs(d.painted-1) > 0.02 {
			t.Errorf("z%v %s: the pictures differ: %+v", view.zoom, view.style, d)
		}
	}
	// Names are placed by rules of one kind, not alike: kept to be looked at.
	if os.Getenv("SCREENSHOTS") != "" {
		lon, lat := (x[0]+x[2])/2, (x[1]+x[3])/2
		maplibre(t, p, "maplibre-names", []any{lon, lat, 13, fmt.Sprintf("%s/government/style.json?tk=%s", s.URL, url.QueryEscape(tok)), "cropland,pbf,hsf,region"})
		onGround(t, "maplibre-names-ours", s.get(t, 200, mapAround(lon, lat, 13, "", tok, "all")).Body)
	}
}

// onPixel moves a place to the nearest corner of a pixel of MapLibre's plane, so that
// both paint on the same pixels.
func onPixel(lon, lat, zoom float64) (float64, float64) {
	world := 512 * math.Exp2(zoom)
	x := math.Round((lon+180)/360*world) / world
	y := math.Round((1-math.Asinh(math.Tan(lat*math.Pi/180))/math.Pi)/2*world) / world
	return x*360 - 180, math.Atan(math.Sinh(math.Pi*(1-2*y))) * 180 / math.Pi
}

// mapAround is the address of the map that MapLibre shows around a place.
func mapAround(lon, lat, zoom float64, style, token, layers string) string {
	half := math.Pi * worldRadius / math.Exp2(zoom)
	mx := lon * math.Pi / 180 * worldRadius
	my := math.Asinh(math.Tan(lat*math.Pi/180)) * worldRadius
	return fmt.Sprintf("/government/map.png?crs=EPSG:3857&width=%d&height=%d&bbox=%.4f,%.4f,%.4f,%.4f&layers=%s&style=%s&tk=%s",
		comparedSide, comparedSide, mx-half, my-half, mx+half, my+half, layers, style, url.QueryEscape(token))
}

// maplibre returns MapLibre's picture of a view: longitude, latitude, zoom, the style's
// address and the layers shown.
func maplibre(t *testing.T, p *viewertest.Tab, name string, view []any) *image.RGBA {
	t.Helper()
	arguments, err := json.Marshal(view)
	if err != nil {
		t.Fatal(err)
	}
	viewertest.Eval[bool](t, p, fmt.Sprintf(rendering, filepath.Base(mapLibre(t)), arguments))
	data, err := chromedp.Run(p, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	return onGround(t, name, data)
}

// mapLibre is the folder of the page's own copy of MapLibre, whose name has its version.
func mapLibre(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join("..", "..", "tileserver", "viewer", "web", "maplibre-*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the page has %q of MapLibre, %v", found, err)
	}
	return found[0]
}

// onGround returns a PNG over the map's background, and keeps it when SCREENSHOTS
// names a directory.
func onGround(t *testing.T, name string, data []byte) *image.RGBA {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out := image.NewRGBA(image.Rect(0, 0, comparedSide, comparedSide))
	draw.Draw(out, out.Rect, image.NewUniform(mapGround), image.Point{}, draw.Src)
	draw.Draw(out, out.Rect, img, img.Bounds().Min, draw.Over)
	return out
}

// mapGround is the background of style.json.
var mapGround = color.RGBA{0xfb, 0xfa, 0xf6, 0xff}

// difference is how two pictures differ: the share of clearly different pixels, the
// mean of the differences of channels, and what b paints over what a paints.
type difference struct{ clear, mean, painted float64 }

// comparePictures leaves out the rows at the lower edge, where a map has its imprint.
func comparePictures(a, b *image.RGBA) difference {
	var d difference
	n, paintedA, paintedB := 0.0, 0.0, 0.0
	for y := range comparedSide - 40 {
		for x := range comparedSide {
			p, q := a.RGBAAt(x, y), b.RGBAAt(x, y)
			far := func(p, q color.RGBA) (most, sum int) {
				for _, v := range [3][2]uint8{{p.R, q.R}, {p.G, q.G}, {p.B, q.B}} {
					one := max(int(v[0])-int(v[1]), int(v[1])-int(v[0]))
					most, sum = max(most, one), sum+one
				}
				return most, sum
			}
			most, sum := far(p, q)
			if most > 48 {
				d.clear++
			}
			d.mean += float64(sum) / 3
			if most, _ := far(p, mapGround); most > 12 {
				paintedA++
			}
			if most, _ := far(q, mapGround); most > 12 {
				paintedB++
			}
			n++
		}
	}
	return difference{d.clear / n, d.mean / n, paintedB / max(paintedA, 1)}
}
