package viewer_test

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"gengtu/tileserver/viewer/viewertest"
)

// Where the reader's system sets the colours, the legend keeps its own, a switch that is on
// looks other than one that is off, a tool that is in use other than the rest, and cards
// are seen against the map.
func TestForcedColours(t *testing.T) {
	b := openYears(t, newContract(t), "map=13/34.3288/108.6288", viewertest.Desktop)
	b.Run(t, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "forced-colors", Value: "active"}}})
		return err
	}))
	b.Until(t, "matchMedia('(forced-colors: active)').matches")
	b.Click(t, "layer-toggle-hsf")
	b.Click(t, "draw-polygon")
	b.Picture(t, "forced")
	colour := "((at) => getComputedStyle(document.querySelector(at)).backgroundColor)"
	looks := viewertest.Eval[[]string](t, b, "[...document.querySelectorAll('[data-testid=layer-cropland] .entries .swatch')].map((s) => getComputedStyle(s).backgroundColor)")
	if len(looks) < 4 || looks[0] == looks[1] || looks[1] == looks[2] || looks[2] == looks[3] {
		t.Errorf("the legend is %q", looks)
	}
	for what, pair := range map[string][2]string{
		"switches, on and off": {"[data-testid=layer-toggle-cropland]", "[data-testid=layer-toggle-hsf]"},
		"tools, used and not":  {"#draw-polygon", "#draw-rectangle"},
	} {
		if a, o := viewertest.Eval[string](t, b, colour+"('"+pair[0]+"')"), viewertest.Eval[string](t, b, colour+"('"+pair[1]+"')"); a == o {
			t.Errorf("%s are both %s", what, a)
		}
	}
	if got := viewertest.Eval[string](t, b, "getComputedStyle(document.getElementById('layers')).borderTopWidth"); got == "0px" {
		t.Error("a card has no border")
	}
	b.CheckWidth(t)
}
