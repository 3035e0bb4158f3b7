package viewer_test

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"gengtu/tileserver/viewer/viewertest"
)

// square is a ring inside the landscape.
const square = "[[108.61, 34.31], [108.64, 34.31], [108.64, 34.335], [108.61, 34.335]]"

// rendered is the number of features that MapLibre has drawn of a layer.
func rendered(t *testing.T, b *viewertest.Tab, layer string) int {
	t.Helper()
	return viewertest.Eval[int](t, b, fmt.Sprintf("gengtu.map.queryRenderedFeatures({layers: ['%s-fill']}).length", layer))
}

// coloured is the share of pixels in the middle of the map that are not the
// map's background.
func coloured(img image.Image) float64 {
	r := img.Bounds()
	all, other := 0, 0
	for y := r.Dy() * 3 / 10; y < r.Dy()*7/10; y++ {
		for x := r.Dx() * 4 / 10; x < r.Dx()*6/10; x++ {
			all++
			if c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA); c.R < 240 || c.B < 230 {
				other++
			}
		}
	}
	return float64(other) / float64(all)
}

// The page draws the layers at both sizes, with no word on the console and no
// request to another host; a switch takes a layer away and brings it back.
func TestMap(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	for name, v := range map[string]viewertest.View{"desktop": viewertest.Desktop, "phone": viewertest.Phone} {
		t.Run(name, func(t *testing.T) {
			b := viewertest.OpenMap(t, in, c.URL+"/", v)
			for _, layer := range []string{"cropland", "pbf", "hsf", "region"} {
				if n := rendered(t, b, layer); n == 0 {
					t.Errorf("%s: no features drawn", layer)
				}
			}
			if share := coloured(b.Picture(t, "map-"+name)); share < 0.8 {
				t.Errorf("%.0f%% of the map is drawn, want at least 80%%", 100*share)
			}
			if got := b.Text(t, "notice"); !strings.Contains(got, "审图号：陕S（2024）012号") || !strings.Contains(got, "示例数据") {
				t.Errorf("foot: %q", got)
			}
			if v.Mobile {
				b.Click(t, "layers-open")
				b.Picture(t, "layers-"+name)
			}
			if got := b.Text(t, "legend"); !strings.Contains(got, "永久基本农田") || !strings.Contains(got, "水浇地") {
				t.Errorf("legend: %q", got)
			}
			for _, layer := range []string{"cropland", "pbf", "hsf"} {
				b.Click(t, "layer-toggle-"+layer)
			}
			b.Idle(t)
			if n := rendered(t, b, "pbf"); n != 0 {
				t.Errorf("pbf switched off: %d features drawn", n)
			}
			if share := coloured(b.Picture(t, "off-"+name)); share > 0.3 {
				t.Errorf("all switched off: %.0f%% of the map is drawn", 100*share)
			}
			b.Click(t, "layer-toggle-pbf")
			b.Idle(t)
			if n := rendered(t, b, "pbf"); n == 0 {
				t.Error("pbf switched on again: no features drawn")
			}
			b.Quiet(t, c.URL)
		})
	}
}

// The tables show the figures of the answer to the last digit, and the request
// is the contract's.
func TestOverlay(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	for name, v := range map[string]viewertest.View{"desktop": viewertest.Desktop, "phone": viewertest.Phone} {
		t.Run(name, func(t *testing.T) {
			b := viewertest.OpenMap(t, in, c.URL+"/", v)
			shown := viewertest.Eval[map[string]any](t, b, "gengtu.drawPolygon("+square+")")
			c.checkRequest(t, square)
			want := roundTrip(t, figures(len(c.lastOverlay())))
			if diff := cmp.Diff(want, any(shown)); diff != "" {
				t.Fatalf("drawPolygon resolves with another answer (-want +got):\n%s", diff)
			}
			for _, l := range want.(map[string]any)["layers"].([]any) {
				l := l.(map[string]any)
				for unit, field := range map[string]string{"mu": "area_mu", "ha": "area_ha", "m2": "area_m2"} {
					checkFigure(t, b, fmt.Sprintf("overlay-area-%s-%s", l["layer"], unit), l[field].(float64))
				}
				if l["net_m2"] != nil {
					checkFigure(t, b, fmt.Sprintf("overlay-net-%s-m2", l["layer"]), l["net_m2"].(float64))
				} else if viewertest.Eval[bool](t, b, fmt.Sprintf("document.querySelector('[data-testid^=\"overlay-net-%s\"]') !== null", l["layer"])) {
					t.Errorf("%s: a net area is shown where the answer has none", l["layer"])
				}
			}
			aoi := want.(map[string]any)["aoi"].(map[string]any)
			checkFigure(t, b, "overlay-aoi-m2", aoi["area_m2"].(float64))
			checkFigure(t, b, "overlay-aoi-mu", aoi["area_mu"].(float64))
			total, wantTotal := b.Text(t, "overlay-total-m2"), grouped(aoi["area_m2"].(float64))
			if total != wantTotal {
				t.Errorf("combinations add up to %s, want the area of the shape, %s", total, wantTotal)
			}
			b.Idle(t)
			b.Picture(t, "overlay-"+name)
			b.CheckWidth(t)
			c.answerNext(figures(70_000_000))
			viewertest.Eval[any](t, b, "gengtu.drawPolygon("+square+")")
			b.Picture(t, "county-"+name)
			b.CheckWidth(t)
			b.Quiet(t, c.URL)
		})
	}
}

// answerNext makes the next overlay be answered with value.
func (c *contract) answerNext(value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next = value
}

// checkFigure compares an element's text and its raw value with a number.
func checkFigure(t *testing.T, b *viewertest.Tab, testid string, want float64) {
	t.Helper()
	if got := b.Text(t, testid); got != grouped(want) {
		t.Errorf("%s: got %s, want %s", testid, got, grouped(want))
	}
	raw := viewertest.Eval[float64](t, b, fmt.Sprintf("Number(document.querySelector(%q).value)", viewertest.ID(testid)))
	if raw != want {
		t.Errorf("%s: value got %v, want %v", testid, raw, want)
	}
}

// grouped writes a number with two decimals and commas.
func grouped(n float64) string {
	whole, fraction, _ := strings.Cut(fmt.Sprintf("%.2f", n), ".")
	var b strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String() + "." + fraction
}

func roundTrip(t *testing.T, value any) any {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func (c *contract) lastOverlay() json.RawMessage {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.overlays) == 0 {
		return nil
	}
	return c.overlays[len(c.overlays)-1]
}

// checkRequest compares the last overlay request with the contract's form; open
// is the ring without its last point.
func (c *contract) checkRequest(t *testing.T, open string) {
	t.Helper()
	var ring [][]float64
	if err := json.Unmarshal([]byte(open), &ring); err != nil {
		t.Fatal(err)
	}
	want := roundTrip(t, map[string]any{
		"geometry": map[string]any{"type": "Polygon", "coordinates": []any{append(ring, ring[0])}},
		"layers":   []string{"cropland", "pbf", "hsf"}, "combinations": true,
		"group_by": map[string]any{"cropland": []string{"DLBM"}},
	})
	var got any
	if err := json.Unmarshal(c.lastOverlay(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("overlay request (-want +got):\n%s", diff)
	}
}

// A click shows the fields of what lies there, with the whole record.
func TestFeature(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	b := viewertest.OpenMap(t, in, c.URL+"/#map=15.5/34.3258/108.6300", viewertest.Desktop)
	b.Run(t, chromedp.MouseClickXY(720, 470))
	b.Until(t, `document.querySelector('[data-field="ZLDWMC"]') !== null`)
	got := b.Text(t, "feature-panel")
	for _, want := range []string{"地类编码", "DLBM", "图斑地类面积", "坐落单位名称", "东渠村", "集体土地所有权", "平方米", "自定义字段"} {
		if !strings.Contains(got, want) {
			t.Errorf("fields: %q is missing in\n%s", want, got)
		}
	}
	b.Idle(t)
	b.Picture(t, "feature-desktop")

	// What is clicked does not vanish under the card, and the zoom stays.
	b.Run(t, chromedp.Click(viewertest.ID("side-close")), chromedp.MouseClickXY(1150, 500))
	b.Until(t, `!gengtu.map.isMoving() && document.querySelector('[data-testid=feature-region]') !== null`)
	b.Idle(t)
	moved := viewertest.Eval[[]float64](t, b, "[gengtu.map.getZoom(), gengtu.map.getCenter().lng]")
	if moved[0] != 15.5 || moved[1] <= 108.63 {
		t.Errorf("after a click under the card: zoom and longitude %v, want 15.5 and a map moved west", moved)
	}

	// Merged shapes have no record to ask for.
	viewertest.Eval[bool](t, b, "(gengtu.map.jumpTo({center: [108.63, 34.3288], zoom: 10.5}), true)")
	b.Idle(t)
	before := len(c.asked("/features/"))
	b.Run(t, chromedp.MouseClickXY(640, 410))
	b.Until(t, `document.querySelector('[data-field="count"]') !== null`)
	if got := b.Text(t, "feature-panel"); !strings.Contains(got, "合并图斑数") || !strings.Contains(got, "1,234") || !strings.Contains(got, "7,001,234.25 平方米") {
		t.Errorf("a merged shape: %q", got)
	}
	if after := len(c.asked("/features/")); after != before {
		t.Errorf("%d records were asked for of merged shapes", after-before)
	}
	b.Quiet(t, c.URL)
}

// asked returns the requests whose address contains part.
func (c *contract) asked(part string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []string
	for _, r := range c.requests {
		if strings.Contains(r, part) {
			found = append(found, r)
		}
	}
	return found
}
