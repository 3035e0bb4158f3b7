package raster_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"testing"

	"gengtu/tileserver/mvt"
	"gengtu/tileserver/raster"
)

// The alpha of an outline must add up to the area of the line.
func TestStrokeCoverage(t *testing.T) {
	tests := []struct {
		name  string
		layer mvt.Layer
		want  float64 // in pixels of 16 tile units
	}{
		{"a rectangle with pointed corners", layer("line", mvt.Polygon{rect(405, 407, 1605, 1207)}), (78*53 - 72*47)},
		{"off the pixel grid", layer("line", mvt.Polygon{rect(800, 808, 2400, 2408)}), (103*103 - 97*97)},
		{"a fine line", layer("fine", mvt.Polygon{rect(800, 808, 2400, 2408)}), (101*101 - 99*99)},
		{"a hole has one too", layer("line", mvt.Polygon{rect(800, 800, 2400, 2400), rect(1200, 1200, 2000, 2000)}), (103*103 - 97*97) + (53*53 - 47*47)},
		{"a border of two is drawn once", layer("fine", mvt.Polygon{rect(808, 800, 1608, 2400)}, mvt.Polygon{rect(1608, 800, 2408, 2400)}), (101*101 - 99*99) + 99},
		{"a feature that is there twice", layer("fine", mvt.Polygon{rect(808, 800, 1608, 2400)}, mvt.Polygon{rect(808, 800, 1608, 2400)}), 51*101 - 49*99},
		{"where the tile cuts there is no border", layer("line", mvt.Polygon{rect(-64, 1600, 4160, 2400)}), 256 * 3 * 2},
		{"cut exactly at the tile's side", layer("line", mvt.Polygon{rect(0, 1600, 4096, 2400)}), 256 * 3 * 2},
		{"a line of which half is seen", layer("line", mvt.Polygon{rect(-1000, 1600, 2048, 2400)}), 128*3*2 + 1.5*50 + 1.5*56},
		{"dashes are 5 of 8", layer("dash", mvt.Polygon{rect(800, 800, 2864, 2864)}), 4 * 129 * 2 * 5 / 8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := covered(paint(t, 256, tt.layer)); math.Abs(got-tt.want) > 0.02*tt.want {
				t.Errorf("got %.1f pixels, want %.1f", got, tt.want)
			}
		})
	}
}

// Every pixel within half a width of an outline must be painted and none beyond,
// pointed corners aside: against the distance to the ring.
func TestStrokeAgainstDistance(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	rings := []mvt.Ring{
		{{X: 500, Y: 500}, {X: 3500, Y: 600}, {X: 600, Y: 800}, {X: 3000, Y: 2000}},                      // needles
		{{X: 500, Y: 2500}, {X: 700, Y: 2500}, {X: 705, Y: 2503}, {X: 711, Y: 2490}, {X: 3000, Y: 3900}}, // short edges
		{{X: 1000, Y: 1000}, {X: 1000, Y: 3000}, {X: 3000, Y: 3000}, {X: 3000, Y: 1000}},                 // the other way round
	}
	for range 5 {
		rings = append(rings, blob(r, 4+r.IntN(40), 300+r.Float64()*1200))
	}
	for n, ring := range rings {
		img := paint(t, 256, layer("line", mvt.Polygon{ring}))
		for y := 2; y < 254; y++ {
			for x := 2; x < 254; x++ {
				d := distance(ring, float64(x)+0.5, float64(y)+0.5)
				// Half the width is 1.5; a pixel's corner is 0.71 from its centre.
				a := img.NRGBAAt(x, y).A
				if d < 1.5-0.75 && a < 250 || d > 1.5*2+0.75 && a > 2 {
					t.Errorf("ring %d: %.2f pixels from the line at %d, %d alpha is %d", n, d, x, y, a)
				}
			}
		}
	}
}

// distance returns how far x, y is from ring, in pixels of 16 tile units.
func distance(ring mvt.Ring, x, y float64) float64 {
	best := math.Inf(1)
	for i, p := range ring {
		q := ring[(i+1)%len(ring)]
		ax, ay, bx, by := float64(p.X)/16, float64(p.Y)/16, float64(q.X)/16, float64(q.Y)/16
		dx, dy := bx-ax, by-ay
		s := 0.0
		if l := dx*dx + dy*dy; l > 0 {
			s = max(0, min(1, ((x-ax)*dx+(y-ay)*dy)/l))
		}
		best = min(best, math.Hypot(x-ax-s*dx, y-ay-s*dy))
	}
	return best
}

// A line at constant width must have constant weight, whatever its slope and
// however many corners it has on its way.
func TestStrokeIsEven(t *testing.T) {
	for _, steps := range []int32{1, 3, 50, 190} {
		ring := mvt.Ring{{X: 300, Y: 4000}, {X: 200, Y: 4000}}
		for i := range steps + 1 {
			ring = append(ring, mvt.Point{X: 200 + 3700*i/steps, Y: 300 + 1700*i/steps})
		}
		img := paint(t, 256, layer("fine", mvt.Polygon{ring}))
		// A column holds width / cos of the slope.
		want := math.Hypot(3700, 1700) / 3700
		for x := 30; x < 200; x++ {
			sum := 0.0
			for y := range 140 {
				if cut := 15 + float64(x-12)*1700/3700; math.Abs(float64(y)-cut) < 20 {
					sum += float64(img.NRGBAAt(x, y).A) / 255
				}
			}
			// Corners on whole tile units bend the line.
			if math.Abs(sum-want) > 0.12 {
				t.Errorf("%d steps: column %d holds %.3f, want %.3f", steps, x, sum, want)
			}
		}
	}
}

// With more colours than a palette holds, areas keep their exact colour and
// borders one that the eye takes for it.
func TestPNGOfManyColors(t *testing.T) {
	c, err := raster.NewCanvas(256, 256, raster.Look{Zoom: 14, Ratio: 1})
	if err != nil {
		t.Fatal(err)
	}
	scale := 256.0 / mvt.Extent
	if err := c.Paint([]raster.Placed{{Layers: parcels(300), To: raster.Affine{XX: scale, YY: scale}}}); err != nil {
		t.Fatal(err)
	}
	b, err := c.PNG()
	if err != nil {
		t.Fatal(err)
	}
	got, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[[4]uint8]int{}
	img := c.Image()
	for i := 0; i < len(img.Pix); i += 4 {
		counts[[4]uint8(img.Pix[i:])]++
	}
	if len(counts) <= 256 {
		t.Fatalf("only %d colours", len(counts))
	}
	sum, worst, frequent := 0.0, 0.0, 0
	for y := range 256 {
		for x := range 256 {
			want := [4]uint8(img.Pix[img.PixOffset(x, y):])
			r, g, b, a := got.At(x, y).RGBA()
			d := 0.0
			for i, v := range [4]uint32{r, g, b, a} {
				d = max(d, math.Abs(float64(v)/257-float64(want[i])))
			}
			sum, worst = sum+d, max(worst, d)
			if counts[want] > 300 {
				frequent++
				// One step is lost where alpha is divided out and multiplied in again.
				if d > 1.01 {
					t.Fatalf("%v at %d, %d is off by %.1f", want, x, y, d)
				}
			}
		}
	}
	t.Logf("%d colours, mean error %.2f, worst %.0f", len(counts), sum/65536, worst)
	if sum/65536 > 1.5 || worst > 96 || frequent == 0 {
		t.Errorf("mean error %.2f, worst %.0f of 255", sum/65536, worst)
	}
}

// Whatever a tile holds, a picture of the right size comes out, in time.
func FuzzPaint(f *testing.F) {
	f.Add(uint8(15), []byte{0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 9, 0, 9})
	f.Add(uint8(3), bytes.Repeat([]byte{0x7f, 0xff, 0xff, 0xff, 0x80, 0, 0, 0}, 8))
	f.Fuzz(func(t *testing.T, zoom uint8, data []byte) {
		var ring mvt.Ring
		for len(data) >= 8 && len(ring) < 200 {
			ring = append(ring, mvt.Point{X: int32(binary.BigEndian.Uint32(data)), Y: int32(binary.BigEndian.Uint32(data[4:]))})
			data = data[8:]
		}
		half := len(ring) / 2
		poly := mvt.Polygon{ring[:half], ring[half:]}
		b, err := raster.Paint([]mvt.Layer{layer("region", poly), layer("hsf", poly), class(layer("dltb", poly), "01")},
			raster.Params{Size: 256, Zoom: int(zoom)})
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil || img.Bounds() != image.Rect(0, 0, 256, 256) {
			t.Fatal(err)
		}
	})
}

// parcels is a picture of everything: n parcels of about 36 corners that share
// their borders, permanent basic farmland over most of them, and a few large
// blocks across.
func parcels(n int) []mvt.Layer {
	r := rand.New(rand.NewPCG(5, 5))
	side := int(math.Ceil(math.Sqrt(float64(n))))
	const parts = 9 // of each border
	// The corners of a grid that reaches over the tile, and their borders bent.
	step := float64(mvt.Extent+100) / float64(side)
	bend := func(x, y float64) mvt.Point {
		return mvt.Point{X: int32(x - 50 + (r.Float64()-0.5)*step/9), Y: int32(y - 50 + (r.Float64()-0.5)*step/9)}
	}
	row, col := map[[2]int][]mvt.Point{}, map[[2]int][]mvt.Point{}
	corner := map[[2]int]mvt.Point{}
	for y := range side + 1 {
		for x := range side + 1 {
			corner[[2]int{x, y}] = bend(float64(x)*step, float64(y)*step)
			for k := 1; k < parts; k++ {
				row[[2]int{x, y}] = append(row[[2]int{x, y}], bend((float64(x)+float64(k)/parts)*step, float64(y)*step))
				col[[2]int{x, y}] = append(col[[2]int{x, y}], bend(float64(x)*step, (float64(y)+float64(k)/parts)*step))
			}
		}
	}
	crop, pbf := mvt.Layer{Name: "cropland"}, mvt.Layer{Name: "pbf"}
	for i := range n {
		x, y := i%side, i/side
		ring := append(mvt.Ring{corner[[2]int{x, y}]}, row[[2]int{x, y}]...)
		ring = append(append(ring, corner[[2]int{x + 1, y}]), col[[2]int{x + 1, y}]...)
		ring = append(append(ring, corner[[2]int{x + 1, y + 1}]), reversed(row[[2]int{x, y + 1}])...)
		ring = append(append(ring, corner[[2]int{x, y + 1}]), reversed(col[[2]int{x, y}])...)
		f := mvt.Feature{ID: uint64(i + 1), Polygons: []mvt.Polygon{{ring}},
			Tags: []mvt.Tag{{Key: "DLBM", Value: []string{"0101", "0102", "0103"}[r.IntN(3)]}}}
		crop.Features = append(crop.Features, f)
		if r.IntN(5) > 0 {
			pbf.Features = append(pbf.Features, f)
		}
	}
	return []mvt.Layer{crop, pbf, layer("hsf", mvt.Polygon{blob(r, 60, 2000)}, mvt.Polygon{blob(r, 60, 1000)})}
}

// Outlines in a picture of several tiles are those of one tile of the same ground: what
// lies in the margins of two tiles is not drawn twice, and none of it is missing.
func TestOutlinesAcrossTiles(t *testing.T) {
	const side, px = mvt.Extent, 100.0 // of a small tile, in units and pixels
	r := rand.New(rand.NewPCG(7, 8))
	var rings []mvt.Ring
	for range 30 {
		ring := blob(r, 12, 300+r.Float64()*1500) // around the middle of a tile
		dx, dy := int32(r.IntN(side)), int32(r.IntN(side))
		for i, p := range ring { // even, so that half of it is whole
			ring[i] = mvt.Point{X: (p.X + dx) &^ 1, Y: (p.Y + dy) &^ 1}
		}
		rings = append(rings, ring)
	}
	at := func(move func(mvt.Point) mvt.Point) mvt.Layer {
		var polygons []mvt.Polygon
		for _, ring := range rings {
			var moved mvt.Ring
			for _, p := range ring {
				moved = append(moved, move(p))
			}
			polygons = append(polygons, mvt.Polygon{moved})
		}
		return layer("fine", polygons...)
	}
	picture := func(tiles []raster.Placed) *image.RGBA {
		c, err := raster.NewCanvas(2*px, 2*px, raster.Look{Sheet: plain, Zoom: 14, Ratio: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Paint(tiles); err != nil {
			t.Fatal(err)
		}
		return c.Image()
	}
	var four []raster.Placed
	for i := range int32(4) {
		x, y := i%2, i/2
		four = append(four, raster.Placed{
			Layers: []mvt.Layer{at(func(p mvt.Point) mvt.Point { return mvt.Point{X: p.X - x*side, Y: p.Y - y*side} })},
			To:     raster.Affine{XX: px / side, YY: px / side, X0: float64(x) * px, Y0: float64(y) * px},
		})
	}
	one := []raster.Placed{{
		Layers: []mvt.Layer{at(func(p mvt.Point) mvt.Point { return mvt.Point{X: p.X / 2, Y: p.Y / 2} })}, To: raster.Affine{XX: 2 * px / side, YY: 2 * px / side},
	}}
	got, want := picture(four), picture(one)
	painted := 0
	for i := 3; i < len(want.Pix); i += 4 {
		if want.Pix[i] > 0 {
			painted++
		}
		// Where a line meets the tiles' common corner its cut ends show a little.
		if d := int(got.Pix[i]) - int(want.Pix[i]); max(d, -d) > 32 {
			t.Errorf("at %d, %d alpha is %d, want %d", i/4%(2*px), i/4/(2*px), got.Pix[i], want.Pix[i])
		}
	}
	if painted < 2000 {
		t.Errorf("only %d pixels are painted", painted)
	}
}
