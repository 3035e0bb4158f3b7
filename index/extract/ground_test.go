package extract_test

import (
	"testing"

	"gengtu/index/extract"
	"gengtu/index/geo"
)

// Which shapes and places lie in a scope is as the corners of the land's boxes have it:
// boxes are held where they are inside of the scope's, whatever touches its border.
func TestGround(t *testing.T) {
	from := land(t)
	whole := map[string]geo.Box{"610402001": lot(0, 0, 4, side), "610402002": lot(4, 0, 4, side), "610402": lot(0, 0, side, side)}
	for code, b := range villages {
		whole[code] = b
	}
	inside := func(in, out geo.Box) bool {
		return in.Min.Lon >= out.Min.Lon && in.Min.Lat >= out.Min.Lat && in.Max.Lon <= out.Max.Lon && in.Max.Lat <= out.Max.Lat
	}
	check := func(name string, scope extract.Scope, ground geo.Box) {
		t.Helper()
		g, err := extract.GroundOf(t.Context(), from, scope, "2024")
		if err != nil {
			t.Fatal(err)
		}
		for x := range side {
			for y := range side {
				for _, size := range []int{1, 2, 4, 5, side} {
					b := lot(x, y, size, size)
					if got := g.Holds(geo.MultiPolygon{b.Polygon()}); got != inside(b, ground) {
						t.Errorf("%s: lots from %d %d, %d wide: %t", name, x, y, size, got)
					}
				}
			}
		}
		for code, b := range whole {
			if got := g.Place(code); got != inside(b, ground) {
				t.Errorf("%s: place %s: %t", name, code, got)
			}
			if group := code + "01"; len(code) == 12 && g.Place(group) != inside(b, ground) {
				t.Errorf("%s: a group of %s: %t", name, code, g.Place(group))
			}
		}
		for _, code := range []string{"", "99", "999999"} {
			if g.Place(code) {
				t.Errorf("%s: %q lies in it", name, code)
			}
		}
		if got := g.Place("6104"); got != inside(whole["610402"], ground) && len(scope.Places) == 0 {
			t.Errorf("%s: a place without an outline: %t", name, got)
		}
	}
	for code, b := range whole {
		check(code, extract.Scope{Places: []string{code}}, b)
		check("area of "+code, extract.Scope{Area: geo.MultiPolygon{b.Polygon()}}, b)
	}
	for _, b := range []geo.Box{lot(0, 0, 5, 5), lot(1, 1, 2, 2), lot(0, 3, side, 4), lot(-1, -1, 6, 10)} {
		check("a box", extract.Scope{Area: geo.MultiPolygon{b.Polygon()}}, b)
	}
	g, err := extract.GroundOf(t.Context(), from, extract.Scope{Places: []string{"999999"}}, "")
	if err != nil || g.Holds(geo.MultiPolygon{lot(0, 0, 1, 1).Polygon()}) {
		t.Errorf("a place that no region tells of: %v", err)
	}
}
