package main_test

import (
	"testing"

	"gengtu/tileserver/viewer/viewertest"
)

// openViewer opens the page of a server in a tab of its own, at a tier and an address
// after its #, and waits for the map. The tab complains at the end of the test when the
// page said anything or asked another host.
func openViewer(t *testing.T, s *server, tier, hash string, v viewertest.View) *viewertest.Tab {
	t.Helper()
	address := s.URL + "/?tier=" + tier + "#"
	if token := s.tokens[tier]; token != "" {
		address += "tk=" + token + "&"
	}
	b := viewertest.OpenMap(t, viewertest.Browser(t), address+hash, v)
	t.Cleanup(func() { b.Quiet(t, s.URL) })
	return b
}

// The page of the binary draws the delivery, and its panel shows the figures that the
// API gives for the same shape.
func TestViewerMeasures(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Government, e.Public)
	b := openViewer(t, s, "government", "map=13/34.33/108.64", viewertest.Desktop)
	ring := "[[108.63,34.32],[108.65,34.32],[108.65,34.335],[108.63,34.335],[108.63,34.32]]"
	viewertest.Eval[any](t, b, "gengtu.drawPolygon("+ring+")")
	var want struct {
		Layers []struct {
			Layer  string  `json:"layer"`
			AreaM2 float64 `json:"area_m2"`
			AreaMu float64 `json:"area_mu"`
		} `json:"layers"`
	}
	a := s.do(t, "POST", "/government/overlay", []byte(`{"geometry":{"type":"Polygon","coordinates":[`+ring+`]},"layers":["cropland","pbf","hsf"],"combinations":true}`),
		"Authorization", "Bearer "+s.tokens["government"], "Content-Type", "application/json")
	decode(t, a.Body, &want)
	if len(want.Layers) != 3 || want.Layers[0].AreaM2 == 0 {
		t.Fatalf("the API answers %s", a.Body)
	}
	for _, l := range want.Layers {
		for unit, figure := range map[string]float64{"m2": l.AreaM2, "mu": l.AreaMu} {
			at := "overlay-area-" + l.Layer + "-" + unit
			if got := viewertest.Eval[float64](t, b, `Number(document.querySelector('[data-testid="`+at+`"]').value)`); got != figure {
				t.Errorf("%s: the page has %v, the API %v", at, got, figure)
			}
		}
	}
	b.Picture(t, "binary-measure")
}
