package tileserver

import (
	"testing"

	"gengtu/index/geo"
)

// A place is in a shape by the even-odd rule over all of its rings, not by its
// box.
func TestInside(t *testing.T) {
	at := func(x, y int64) geo.Position { return geo.Position{Lon: 108e10 + x, Lat: 34e10 + y} }
	shape := geo.MultiPolygon{
		{
			{at(0, 0), at(100, 0), at(0, 100), at(0, 0)},     // a triangle
			{at(10, 10), at(10, 30), at(30, 10), at(10, 10)}, // with a hole
		},
		{{at(90, 90), at(100, 90), at(100, 100), at(90, 100), at(90, 90)}},
	}
	for p, want := range map[geo.Position]bool{
		at(5, 5): true, at(40, 40): true, at(60, 60): false, at(15, 15): false, at(25, 25): true, at(95, 95): true, at(89, 95): false, at(-1, 5): false, at(5, 101): false, at(1, 98): true,
	} {
		if got := inside(shape, p); got != want {
			t.Errorf("%v: %v, want %v", p, got, want)
		}
	}
}
