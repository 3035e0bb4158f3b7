package raster_test

import (
	"image"
	"image/draw"
	"math/rand/v2"
	"testing"

	"gengtu/styles"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/raster"
)

// Two parcels that share a border leave no light line over white: no pixel along it is
// lighter than both, in any channel, whatever their classes and the border's slant.
// Outlines are left out, for they would hide one.
func TestNoHairlines(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for n := range 60 {
		// A border from the upper to the lower edge, with corners.
		var border []mvt.Point
		for y := int32(-200); y < mvt.Extent+200; y += 300 + r.Int32N(500) {
			border = append(border, mvt.Point{X: 1000 + r.Int32N(2000), Y: y})
		}
		border = append(border, mvt.Point{X: 1500 + r.Int32N(1000), Y: mvt.Extent + 300})
		west := append(mvt.Ring{{X: -300, Y: mvt.Extent + 300}, {X: -300, Y: -200}}, border...)
		east := mvt.Ring{{X: mvt.Extent + 300, Y: -200}, {X: mvt.Extent + 300, Y: mvt.Extent + 300}}
		for i := range border {
			east = append(east, border[len(border)-1-i])
		}
		codes := []string{"1", []string{"1", "2"}[n%2]}
		out, err := raster.Paint([]mvt.Layer{class(layer("area", mvt.Polygon{west}, mvt.Polygon{east}), codes...)}, raster.Params{Size: 256, Zoom: 15, Sheet: plain})
		if err != nil {
			t.Fatal(err)
		}
		img := image.NewRGBA(image.Rect(0, 0, 256, 256))
		draw.Draw(img, img.Rect, image.White, image.Point{}, draw.Src)
		draw.Draw(img, img.Rect, decode(t, out, 256), image.Point{}, draw.Over)
		a, b := fillOf(plain.Layer("area"), codes[0]), fillOf(plain.Layer("area"), codes[1])
		for y := range 256 {
			for x := range 256 {
				p := img.RGBAAt(x, y)
				if p.R > max(a.R, b.R)+1 && max(a.R, b.R) < 255 || p.G > max(a.G, b.G)+1 || p.B > max(a.B, b.B)+1 && max(a.B, b.B) < 255 {
					t.Fatalf("border %d, classes %v: the pixel at %d, %d is %v, lighter than %v and %v", n, codes, x, y, p, a, b)
				}
			}
		}
	}
}

// fillOf is the fill colour of a feature of l whose class field holds code.
func fillOf(l styles.Layer, code string) styles.Color {
	if i := l.ClassOf(code); i >= 0 {
		return l.Classes[i].Fill
	}
	return l.Fill.Color
}
