package raster_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gengtu/index/problem"
	"gengtu/styles"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/raster"
)

// plain is a sheet whose fills are opaque: alpha is coverage.
var plain = sheet(`
background: "#ffffff"
font: Sans
schemes: {s: [{code: "1", zh: 甲, en: A, fill: "#ff0000"}, {code: "2", zh: 乙, en: B, fill: "#0000ff"}]}
layers:
  - {name: area, zh: 面, en: Area, classes: {field: C, scheme: s}, fill: {color: "#00ff00", opacity: 1}, line: {color: "#000000", width: 0}}
  - {name: line, zh: 线, en: Line, fill: {color: "#000000", opacity: 0}, line: {color: "#000000", width: 3}}
  - {name: fine, zh: 细, en: Fine, fill: {color: "#000000", opacity: 0}, line: {color: "#000000", width: 1}}
  - {name: dash, zh: 虚, en: Dash, fill: {color: "#000000", opacity: 0}, line: {color: "#000000", width: 2, dash: [5, 3]}}
  - {name: half, zh: 半, en: Half, fill: {color: "#ffffff", opacity: 0.5}, line: {color: "#000000", width: 0}}
unknown: {fill: {color: "#808080", opacity: 1}, line: {color: "#000000", width: 0}}
`)

func sheet(text string) *styles.Sheet {
	s, err := styles.Parse([]byte(text))
	if err != nil {
		panic(err)
	}
	return s
}

// rect is a clockwise ring, x0 y0 x1 y1.
func rect(x0, y0, x1, y1 int32) mvt.Ring {
	return mvt.Ring{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}}
}

func reversed(r mvt.Ring) mvt.Ring {
	var out mvt.Ring
	for i := range r {
		out = append(out, r[len(r)-1-i])
	}
	return out
}

// layer is a layer of features of one polygon each.
func layer(name string, polygons ...mvt.Polygon) mvt.Layer {
	l := mvt.Layer{Name: name}
	for _, p := range polygons {
		l.Features = append(l.Features, mvt.Feature{Polygons: []mvt.Polygon{p}})
	}
	return l
}

// class gives the features of l the classes in turn.
func class(l mvt.Layer, codes ...string) mvt.Layer {
	for i := range l.Features {
		l.Features[i].Tags = []mvt.Tag{{Key: "C", Value: codes[i%len(codes)]}}
	}
	return l
}

func paint(t testing.TB, size int, layers ...mvt.Layer) *image.NRGBA {
	t.Helper()
	b, err := raster.Paint(layers, raster.Params{Size: size, Zoom: 14, Sheet: plain})
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, b, size)
}

func decode(t testing.TB, b []byte, size int) *image.NRGBA {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if img.Bounds() != image.Rect(0, 0, size, size) {
		t.Fatalf("got a picture of %v, want %d", img.Bounds(), size)
	}
	out := image.NewNRGBA(img.Bounds())
	for y := range size {
		for x := range size {
			out.Set(x, y, img.At(x, y))
		}
	}
	return out
}

// covered is the sum of alpha in pixels.
func covered(img *image.NRGBA) float64 {
	sum := 0.0
	for i := 3; i < len(img.Pix); i += 4 {
		sum += float64(img.Pix[i]) / 255
	}
	return sum
}

// The alpha of a picture must add up to the area of what it shows.
func TestPaintCoverage(t *testing.T) {
	tests := []struct {
		name  string
		layer mvt.Layer
		want  float64 // in tile units
	}{
		{"a rectangle off the pixel grid", layer("area", mvt.Polygon{rect(101, 203, 1507, 2911)}), 1406 * 2708},
		{"a sliver thinner than a pixel", layer("area", mvt.Polygon{rect(101, 203, 105, 4011)}), 4 * 3808},
		{"a triangle", layer("area", mvt.Polygon{{{X: 100, Y: 100}, {X: 3000, Y: 700}, {X: 900, Y: 3900}}}), 0.5 * (2900*3800 - 800*600)},
		{"a hole", layer("area", mvt.Polygon{rect(100, 100, 3100, 3100), reversed(rect(500, 500, 1500, 1500))}), 9e6 - 1e6},
		{"a hole the wrong way round", layer("area", mvt.Polygon{rect(100, 100, 3100, 3100), rect(500, 500, 1500, 1500)}), 9e6 - 1e6},
		{"a shell the wrong way round", layer("area", mvt.Polygon{reversed(rect(100, 100, 3100, 3100)), rect(500, 500, 1500, 1500)}), 9e6 - 1e6},
		{"a neighbour in the hole", layer("area",
			mvt.Polygon{rect(100, 100, 3100, 3100), reversed(rect(500, 500, 1500, 1500))}, mvt.Polygon{rect(500, 500, 1500, 1500)}), 9e6},
		{"two that overlap", layer("area", mvt.Polygon{rect(0, 0, 1000, 1000)}, mvt.Polygon{rect(500, 0, 1500, 1000)}), 1.5e6},
		{"two of two classes that overlap", class(layer("area", mvt.Polygon{rect(0, 0, 1000, 1000)}, mvt.Polygon{rect(500, 0, 1500, 1000)}), "1", "2"), 1.5e6},
		{"beyond the tile", layer("area", mvt.Polygon{rect(-80, -80, 4176, 1000)}), 4096 * 1000},
		{"all around the tile", layer("area", mvt.Polygon{rect(-80, -80, 4176, 4176)}), 4096 * 4096},
		{"beside the tile", layer("area", mvt.Polygon{rect(-80, -80, 0, 4176)}), 0},
		{"too few corners", layer("area", mvt.Polygon{{{X: 1, Y: 1}, {X: 900, Y: 1}}}), 0},
		{"a layer that the sheet does not know", layer("other", mvt.Polygon{rect(0, 0, 1000, 1000)}), 1e6},
	}
	for _, tt := range tests {
		for _, size := range []int{256, 512} {
			t.Run(fmt.Sprint(tt.name, " at ", size), func(t *testing.T) {
				scale := float64(size) / mvt.Extent
				got, want := covered(paint(t, size, tt.layer)), tt.want*scale*scale
				if math.Abs(got-want) > 0.01*want {
					t.Errorf("got %.2f pixels, want %.2f", got, want)
				}
			})
		}
	}
}

func TestPaintColors(t *testing.T) {
	img := paint(t, 256, class(layer("area", mvt.Polygon{rect(0, 0, 1600, 4096)}, mvt.Polygon{rect(1600, 0, 3200, 4096)}), "1x", "9"),
		layer("half", mvt.Polygon{rect(0, 1600, 4096, 4096)}))
	tests := []struct {
		name string
		x, y int
		want color.NRGBA
	}{
		{"a class by the beginning of its code", 50, 50, color.NRGBA{255, 0, 0, 255}},
		{"the layer's own colour", 150, 50, color.NRGBA{0, 255, 0, 255}},
		{"nothing", 250, 50, color.NRGBA{}},
		{"half white over red", 50, 200, color.NRGBA{255, 128, 128, 255}},
		{"half white over nothing", 250, 200, color.NRGBA{255, 255, 255, 128}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := img.NRGBAAt(tt.x, tt.y); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// fan is a picture of n parcels that share every border corner by corner, all
// around a point, and fill the tile.
func fan(n int) []mvt.Polygon {
	r := rand.New(rand.NewPCG(7, 7))
	var rim []mvt.Point
	for i := range n {
		a := 2 * math.Pi * (float64(i) + 0.5*r.Float64()) / float64(n)
		rim = append(rim, mvt.Point{X: int32(2048 + 6000*math.Cos(a)), Y: int32(2048 + 6000*math.Sin(a))})
	}
	middle := mvt.Point{X: 1907, Y: 2171}
	var out []mvt.Polygon
	for i := range n {
		out = append(out, mvt.Polygon{{middle, rim[i], rim[(i+1)%n]}})
	}
	return out
}

// Neighbours that share a border, of one class or of several, must leave no
// light line between them.
func TestPaintSeams(t *testing.T) {
	for _, codes := range [][]string{{"1"}, {"1", "2", "3"}} {
		for _, n := range []int{7, 13, 40} {
			for _, size := range []int{256, 512} {
				img := paint(t, size, class(layer("area", fan(n)...), codes...))
				for i := 3; i < len(img.Pix); i += 4 {
					if img.Pix[i] != 255 {
						t.Fatalf("%d parcels of %v at %d: alpha %d at %d, %d", n, codes, size, img.Pix[i], i/4%size, i/4/size)
					}
				}
			}
		}
	}
}

// Tiles that touch on a canvas must not show where, whatever the scale, and
// neither must the blocks that a large canvas is painted in.
func TestCanvasSeams(t *testing.T) {
	for _, side := range []float64{97.3, 256, 511.7} {
		c, err := raster.NewCanvas(1100, 900, raster.Look{Sheet: plain, Zoom: 13, Ratio: 1})
		if err != nil {
			t.Fatal(err)
		}
		scale := side / mvt.Extent
		var tiles []raster.Placed
		for y := -0.31 * side; y < 900; y += side {
			for x := -0.37 * side; x < 1100; x += side {
				tiles = append(tiles, raster.Placed{
					Layers: []mvt.Layer{class(layer("area", mvt.Polygon{rect(-64, -64, 2111, 4160)}, mvt.Polygon{rect(2111, -64, 4160, 4160)}), "1", "2")},
					To:     raster.Affine{XX: scale, YY: scale, X0: x, Y0: y},
				})
			}
		}
		if err := c.Paint(tiles); err != nil {
			t.Fatal(err)
		}
		img := c.Image()
		for i := 3; i < len(img.Pix); i += 4 {
			if img.Pix[i] != 255 {
				t.Fatalf("side %v: alpha %d at %d, %d", side, img.Pix[i], i/4%1100, i/4/1100)
			}
		}
	}
}

// A tile must not paint over its square, where its neighbours are.
func TestCanvasKeepsTilesApart(t *testing.T) {
	c, err := raster.NewCanvas(300, 300, raster.Look{Sheet: plain, Zoom: 13, Ratio: 1})
	if err != nil {
		t.Fatal(err)
	}
	tile := raster.Placed{
		Layers: []mvt.Layer{layer("area", mvt.Polygon{{{X: -900, Y: -80}, {X: 4700, Y: -80}, {X: 4176, Y: 4176}, {X: -300, Y: 4500}}})},
		To:     raster.Affine{XX: 100.0 / mvt.Extent, YY: 100.0 / mvt.Extent, X0: 100.5, Y0: 100},
	}
	if err := c.Paint([]raster.Placed{tile}); err != nil {
		t.Fatal(err)
	}
	for y := range 300 {
		for x := range 300 {
			want := 0.0
			if y >= 100 && y < 200 {
				want = 255 * max(0, min(float64(x)-99.5, 1, 200.5-float64(x)))
			}
			if got := float64(c.Image().RGBAAt(x, y).A); math.Abs(got-want) > 1 {
				t.Fatalf("alpha %v at %d, %d, want %v", got, x, y, want)
			}
		}
	}
}

// Against a filler that asks 16 × 16 points of each pixel by the winding number.
func TestPaintAgainstSamples(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	for n := range 6 {
		var polys []mvt.Polygon
		for range 5 {
			polys = append(polys, mvt.Polygon{blob(r, 3+r.IntN(20), 100+r.Float64()*900)})
		}
		img := paint(t, 256, layer("area", polys...))
		worst := 0.0
		for y := 0; y < 256; y += 3 {
			for x := 0; x < 256; x += 3 {
				hits := 0
				for s := range 256 {
					px, py := float64(x)+(float64(s%16)+0.5)/16, float64(y)+(float64(s/16)+0.5)/16
					for _, p := range polys {
						if inside(p[0], px*16, py*16) {
							hits++
							break
						}
					}
				}
				worst = max(worst, math.Abs(float64(img.NRGBAAt(x, y).A)/255-float64(hits)/256))
			}
		}
		// Where two shapes cross inside a pixel their shares are added.
		if worst > 0.3 {
			t.Errorf("picture %d: alpha is off by %.2f", n, worst)
		}
	}
}

// blob is a clockwise star-shaped ring.
func blob(r *rand.Rand, corners int, radius float64) mvt.Ring {
	cx, cy := r.Float64()*4096, r.Float64()*4096
	var out mvt.Ring
	for i := range corners {
		a, d := 2*math.Pi*float64(i)/float64(corners), radius*(0.6+0.4*r.Float64())
		out = append(out, mvt.Point{X: int32(cx + d*math.Cos(a)), Y: int32(cy + d*math.Sin(a))})
	}
	return out
}

// inside tells by the even-odd rule whether x, y lies in ring.
func inside(ring mvt.Ring, x, y float64) bool {
	in := false
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		if (float64(a.Y) > y) != (float64(b.Y) > y) &&
			x < float64(a.X)+(y-float64(a.Y))*float64(b.X-a.X)/float64(b.Y-a.Y) {
			in = !in
		}
	}
	return in
}

// Outlines that do not wait for parcels begin where the layer's features are large enough,
// at style zooms: that of a tile is one below its level.
func TestPaintLineZooms(t *testing.T) {
	l := layer("region", mvt.Polygon{rect(1000, 1000, 3000, 3000)})
	for _, c := range []struct {
		zoom, from int
		lined      bool
	}{{10, 0, true}, {10, 9, true}, {9, 9, false}, {10, 10, false}, {11, 10, true}} {
		b, err := raster.Paint([]mvt.Layer{l}, raster.Params{Size: 256, Zoom: c.zoom, ParcelZoom: 14, LineZooms: map[string]int{"region": c.from}})
		if err != nil {
			t.Fatal(err)
		}
		if got := covered(decode(t, b, 256)) > 0; got != c.lined {
			t.Errorf("a tile of level %d, lines from zoom %d: outlined %v", c.zoom, c.from, got)
		}
	}
}

func TestPaintIsDeterministic(t *testing.T) {
	layers := parcels(200)
	p := raster.Params{Size: 256, Zoom: 15}
	want, err := raster.Paint(layers, p)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 3 {
				if got, err := raster.Paint(layers, p); err != nil || !bytes.Equal(got, want) {
					t.Errorf("the bytes differ (%v)", err)
				}
			}
		})
	}
	wg.Wait()
	turned := []mvt.Layer{layers[2], layers[0], layers[1]}
	if got, err := raster.Paint(turned, p); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the order of layers changes the picture (%v)", err)
	}
}

func TestEmpty(t *testing.T) {
	for _, size := range []int{256, 512} {
		b, err := raster.Empty(size)
		if err != nil {
			t.Fatal(err)
		}
		if got := covered(decode(t, b, size)); got != 0 || len(b) > 400 {
			t.Errorf("size %d: %v pixels covered, %d bytes", size, got, len(b))
		}
		for _, layers := range [][]mvt.Layer{nil, {{Name: "pbf"}}} {
			if got, err := raster.Paint(layers, raster.Params{Size: size}); err != nil || !bytes.Equal(got, b) {
				t.Errorf("size %d: %v is not painted as empty (%v)", size, layers, err)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	_, size := raster.Paint(nil, raster.Params{Size: 300})
	_, none := raster.NewCanvas(0, 10, raster.Look{Ratio: 1})
	_, large := raster.NewCanvas(10, raster.MaxSide+1, raster.Look{Ratio: 1})
	_, ratio := raster.NewCanvas(10, 10, raster.Look{Ratio: 3})
	c, err := raster.NewCanvas(10, 10, raster.Look{Ratio: 1})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, code string
		err        error
	}{
		{"a tile of another size", "PICTURE_SIZE", size},
		{"no width", "PICTURE_SIZE", none},
		{"too high", "PICTURE_SIZE", large},
		{"three pixels per pixel", "PICTURE_RATIO", ratio},
		{"a place that is no number", "PICTURE_PLACE", c.Paint([]raster.Placed{{To: raster.Affine{XX: math.NaN(), YY: 1}}})},
		{"a tile without size", "PICTURE_PLACE", c.Paint([]raster.Placed{{To: raster.Affine{}}})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var p *problem.Problem
			if !errors.As(tt.err, &p) || p.Code != tt.code {
				t.Errorf("got %v, want %s", tt.err, tt.code)
			}
		})
	}
}

// Coordinates at the ends of their type must cost no time and paint right.
func TestPaintFarCoordinates(t *testing.T) {
	const far = math.MaxInt32
	start := time.Now()
	polys := []mvt.Polygon{{rect(-far, -far, far, far)}}
	for range 200 {
		polys = append(polys, mvt.Polygon{{{X: -far, Y: -far}, {X: far, Y: far}, {X: far, Y: far - 1}, {X: 17, Y: far}}})
	}
	for _, name := range []string{"area", "line", "dash"} {
		img := paint(t, 512, layer(name, polys...))
		if name == "area" && covered(img) != 512*512 {
			t.Errorf("got %v pixels, want all", covered(img))
		}
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

// GDAL, another decoder, must see the same pixels.
func TestPaintReadByGDAL(t *testing.T) {
	if _, err := exec.LookPath("gdal_translate"); err != nil {
		t.Fatal("gdal_translate is missing: apt-get install gdal-bin")
	}
	b, err := raster.Paint(parcels(100), raster.Params{Size: 256, Zoom: 15})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	in, out := filepath.Join(dir, "tile.png"), filepath.Join(dir, "tile.raw")
	if err := os.WriteFile(in, b, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("gdal_translate", "-q", "-of", "ENVI", "-co", "INTERLEAVE=BIP", "-expand", "rgba", in, out)
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if want := decode(t, b, 256).Pix; !bytes.Equal(got, want) {
		t.Error("GDAL reads other pixels")
	}
}

// The pixels of a picture of everything, by the hash of what is decoded. It
// changes with the sheet and the painter; UPDATE_GOLDEN=1 renews it.
func TestPaintGolden(t *testing.T) {
	var got bytes.Buffer
	for _, p := range []raster.Params{{Size: 256, Zoom: 11, ParcelZoom: 13}, {Size: 256, Zoom: 15, ParcelZoom: 13}, {Size: 512, Zoom: 17}} {
		b, err := raster.Paint(parcels(150), p)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "zoom %d, %d pixels: %x\n", p.Zoom, p.Size, sha256.Sum256(decode(t, b, p.Size).Pix))
	}
	const file = "testdata/parcels.golden"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}
