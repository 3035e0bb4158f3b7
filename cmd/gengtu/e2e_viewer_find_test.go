package main_test

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"gengtu/index/geo"
	"gengtu/tileserver/viewer/viewertest"
)

// find types into the search box and returns what the list says.
func find(t *testing.T, b *viewertest.Tab, text string) string {
	t.Helper()
	viewertest.Eval[bool](t, b, fmt.Sprintf(`(() => {
		const box = document.querySelector('[data-testid="search"]');
		box.focus(); box.value = %q; box.dispatchEvent(new InputEvent('input', {bubbles: true}));
		return true;
	})()`, text))
	b.Until(t, `!document.querySelector('[data-testid="search-list"]').hidden`)
	return b.Text(t, "search-list")
}

// middleOf is the map's middle once it stands still.
func middleOf(t *testing.T, b *viewertest.Tab) geo.LonLat {
	t.Helper()
	b.Until(t, "!gengtu.map.isMoving()")
	at := viewertest.Eval[[2]float64](t, b, "gengtu.map.getCenter().toArray()")
	return geo.LonLat{Lon: at[0], Lat: at[1]}
}

// A parcel of the delivery is found by its BSM, its panel shows the area that the API gives,
// and the map goes there; places are those of the API; the public edition finds places and
// coordinates, and says of codes what its policy lets it.
func TestViewerFind(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Government, e.Public)
	var page struct {
		Features []struct {
			ID         json.Number
			Properties map[string]any
			AreaM2     float64 `json:"area_m2"`
		}
	}
	decode(t, s.get(t, 200, "/government/ogc/collections/cropland/items?limit=1&offset=500").Body, &page)
	parcel := page.Features[0]
	code, _ := parcel.Properties["BSM"].(string)
	var record struct {
		AreaM2   float64 `json:"area_m2"`
		Geometry struct{ Coordinates [][][2]float64 }
	}
	decode(t, s.get(t, 200, "/government/features/cropland/"+parcel.ID.String()).Body, &record)
	corner := record.Geometry.Coordinates[0][0]

	b := openViewer(t, s, "government", "map=12/34.33/108.64", viewertest.Desktop)
	if got := find(t, b, code); !strings.Contains(got, code) || !strings.Contains(got, "耕地") {
		t.Errorf("%s: %q", code, got)
	}
	b.Picture(t, "binary-find-code")
	b.Run(t, chromedp.KeyEvent(kb.Enter))
	b.Until(t, `document.querySelector('[data-testid="feature-cropland"] [data-field="area_m2"]') !== null`)
	shown := viewertest.Eval[string](t, b, `document.querySelector('[data-field="area_m2"] td').textContent`)
	if want := strconv.FormatFloat(record.AreaM2, 'f', 2, 64); strings.ReplaceAll(strings.TrimSuffix(shown, " 平方米"), ",", "") != want {
		t.Errorf("the panel shows %s, the API gives %s m²", shown, want)
	}
	if at := middleOf(t, b); math.Hypot(at.Lon-corner[0], at.Lat-corner[1]) > 0.01 {
		t.Errorf("the map is at %v, the parcel at %v", at, corner)
	}
	b.Idle(t)
	b.Picture(t, "binary-find-parcel")
	if got := find(t, b, "999999999999999999"); !strings.Contains(got, "各图层都没有编码 999999999999999999") {
		t.Errorf("an unknown code: %q", got)
	}

	var places struct{ Places []struct{ Code, Name string } }
	decode(t, s.get(t, 200, "/government/places").Body, &places)
	place := places.Places[len(places.Places)-1]
	for _, q := range []string{place.Code, place.Name} {
		if got := find(t, b, q); !strings.Contains(got, place.Code) || !strings.Contains(got, place.Name) {
			t.Errorf("%s: %q, want %s %s", q, got, place.Code, place.Name)
		}
	}
	b.Run(t, chromedp.KeyEvent(kb.Enter))
	b.Until(t, `gengtu.map.getSource('gengtu-selected')?.serialize().data.geometry !== undefined`)

	p := openViewer(t, s, "public", "map=12/34.33/108.64", viewertest.Phone)
	if got := find(t, p, code); !strings.Contains(got, "没有编码") && !strings.Contains(got, "只提供合计") {
		t.Errorf("a code in public: %q", got)
	}
	if got := find(t, p, "东经108°38′24″ 北纬34°19′48″"); !strings.Contains(got, "108.640000, 34.330000") {
		t.Errorf("a coordinate in public: %q", got)
	}
	p.Run(t, chromedp.KeyEvent(kb.Enter))
	p.Text(t, "mark-text")
	p.Idle(t)
	p.Picture(t, "binary-find-phone")
}

var footFigures = regexp.MustCompile(`-?\d+\.\d+`)

// footMetres are the northing and the easting with its zone's number at the foot.
func footMetres(t *testing.T, b *viewertest.Tab) [2]float64 {
	t.Helper()
	text := viewertest.Eval[string](t, b, `document.querySelector('[data-testid="coordinates-zone"]').textContent`)
	found := footFigures.FindAllString(text, -1)
	if len(found) != 2 {
		t.Fatalf("the foot says %q", text)
	}
	var out [2]float64
	for i, f := range found {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = v
	}
	return out
}

// The foot says the place under the cursor in degrees and in the zone, as the server's own
// projection has it; a click changes the form, which is kept; the scale bar is as long as
// the ground under it; a key and a menu copy.
func TestViewerFindFoot(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Public)
	b := openViewer(t, s, "public", "map=14.3/34.33/108.64", viewertest.Desktop)
	b.Run(t, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 700, 500))
	under := viewertest.Eval[[2]float64](t, b, `(() => { const box = gengtu.map.getContainer().getBoundingClientRect(); return gengtu.map.unproject([700 - box.left, 500 - box.top]).toArray(); })()`)
	at := geo.LonLat{Lon: under[0], Lat: under[1]}
	if got, want := b.Text(t, "coordinates-degrees"), fmt.Sprintf("%.6f° %.6f°", at.Lon, at.Lat); got != want {
		t.Errorf("degrees at the foot %s, want %s", got, want)
	}
	for _, code := range []int{4524, 4497} { // 3° zone 36, then by a click 6° zone 19
		zone, err := geo.EPSG(code)
		if err != nil {
			t.Fatal(err)
		}
		want, got := zone.Forward(at), footMetres(t, b)
		if math.Abs(got[0]-want.Y) > 0.0501 || math.Abs(got[1]-want.X) > 0.0501 {
			t.Errorf("EPSG:%d: the foot says %.1f, want %.2f %.2f", code, got, want.Y, want.X)
		}
		viewertest.Eval[bool](t, b, `(document.querySelector('[data-testid="coordinates-zone"]').click(), true)`)
	}
	viewertest.Eval[bool](t, b, `(document.querySelector('[data-testid="coordinates-degrees"]').click(), document.querySelector('[data-testid="coordinates-zone"]').click(), true)`)
	if got := b.Text(t, "coordinates-degrees"); !strings.Contains(got, "″E") {
		t.Errorf("after a click the foot says %q", got)
	}
	if kept := viewertest.Eval[string](t, b, "localStorage.getItem('gengtu.coordinates')"); kept != `{"dms":true,"width":6,"zoneAlone":false}` {
		t.Errorf("kept is %s", kept)
	}
	checkScale(t, b)
	checkCopying(t, b)
	b.Picture(t, "binary-foot")
}

// checkScale compares the bar with the ground between two places that far apart: both in one
// zone, whose scale differs from 1 by less than 0.04 % within 1.5° of the meridian.
func checkScale(t *testing.T, b *viewertest.Tab) {
	t.Helper()
	zone, err := geo.EPSG(4524)
	if err != nil {
		t.Fatal(err)
	}
	for _, zoom := range []float64{9, 12.7, 17} {
		viewertest.Eval[bool](t, b, fmt.Sprintf("(gengtu.map.jumpTo({zoom: %v}), true)", zoom))
		bar := viewertest.Eval[struct {
			Metres float64
			Ends   [2][2]float64
			Text   string
		}](t, b, `(() => {
			const bar = document.querySelector('[data-testid="scale"]'), map = gengtu.map, mid = map.project(map.getCenter()), half = parseFloat(bar.style.width) / 2;
			return {Metres: Number(bar.dataset.metres), Text: bar.textContent, Ends: [-half, half].map((by) => map.unproject([mid.x + by, mid.y]).toArray())};
		})()`)
		a, c := zone.Forward(geo.LonLat{Lon: bar.Ends[0][0], Lat: bar.Ends[0][1]}), zone.Forward(geo.LonLat{Lon: bar.Ends[1][0], Lat: bar.Ends[1][1]})
		if ground := math.Hypot(a.X-c.X, a.Y-c.Y); math.Abs(ground/bar.Metres-1) > 4e-4 {
			t.Errorf("zoom %v: the bar %q is %.3f m of ground", zoom, bar.Text, ground)
		}
		if long := bar.Metres >= 1000; long != strings.Contains(bar.Text, "公里") {
			t.Errorf("zoom %v: %v m is written %q", zoom, bar.Metres, bar.Text)
		}
	}
}

// checkCopying copies by the key and by the menu.
func checkCopying(t *testing.T, b *viewertest.Tab) {
	t.Helper()
	viewertest.Eval[bool](t, b, `(() => { window.copied = []; Object.defineProperty(navigator, 'clipboard', {value: {writeText: (text) => { copied.push(text); return Promise.resolve(); }}}); gengtu.map.jumpTo({center: [108.64, 34.33], zoom: 14}); gengtu.map.getCanvas().focus(); return true; })()`)
	b.Run(t, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 640, 20)) // off the map: its middle counts
	b.Run(t, chromedp.KeyEvent("c"))
	b.Until(t, "copied.length === 1")
	viewertest.Eval[bool](t, b, `(gengtu.map.getCanvas().dispatchEvent(new KeyboardEvent('keydown', {key: 'ContextMenu', bubbles: true})), true)`)
	if got := b.Text(t, "map-menu"); !strings.Contains(got, "3° 36 带 中央经线 108°") || !strings.Contains(got, "6° 19 带") {
		t.Errorf("the menu is %q", got)
	}
	b.Picture(t, "binary-menu")
	b.Run(t, chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.Enter))
	b.Until(t, "copied.length === 2")
	copied := viewertest.Eval[[]string](t, b, "copied")
	// cs2cs of 34.33 108.64 to EPSG:4524 gives 3800452.3295 36558897.0916.
	if copied[0] != "108°38′24.0000″E 34°19′48.0000″N" || copied[1] != "X 3800452.33 Y 36558897.09" {
		t.Errorf("copied are %q", copied)
	}
	b.Run(t, chromedp.MouseClickXY(700, 450, chromedp.ButtonRight))
	b.Click(t, "menu-mark")
	b.Text(t, "mark-text")
	if viewertest.Eval[bool](t, b, `document.querySelector('[data-testid="map-menu"]') !== null`) {
		t.Error("the menu is still there")
	}
}
