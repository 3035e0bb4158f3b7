package tile_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gengtu/index/geo"
	"gengtu/tileserver/tile"
)

// The published table of tile matrices: pixels of 0.28 mm and of 1/96 inch,
// resolution of c in degrees and of w in metres, zooms 1 to 20.
var matrices = []struct {
	ogc, tianditu, c, w float64
}{
	{279541132.0143589, 295829355.45456564, 0.703125, 78271.51696402048},
	{139770566.00717944, 147914677.72728282, 0.3515625, 39135.75848201024},
	{69885283.00358972, 73957338.86364141, 0.17578125, 19567.87924100512},
	{34942641.50179486, 36978669.431820706, 0.087890625, 9783.93962050256},
	{17471320.75089743, 18489334.715910353, 0.0439453125, 4891.96981025128},
	{8735660.375448715, 9244667.357955176, 0.02197265625, 2445.98490512564},
	{4367830.1877243575, 4622333.678977588, 0.010986328125, 1222.99245256282},
	{2183915.0938621787, 2311166.839488794, 0.0054931640625, 611.49622628141},
	{1091957.5469310894, 1155583.419744397, 0.00274658203125, 305.748113140705},
	{545978.7734655447, 577791.7098721985, 0.001373291015625, 152.8740565703525},
	{272989.38673277234, 288895.85493609926, 0.0006866455078125, 76.43702828517625},
	{136494.69336638617, 144447.92746804963, 0.00034332275390625, 38.21851414258813},
	{68247.34668319309, 72223.96373402482, 0.000171661376953125, 19.109257071294063},
	{34123.67334159654, 36111.98186701241, 8.58306884765625e-05, 9.554628535647032},
	{17061.83667079827, 18055.990933506204, 4.291534423828125e-05, 4.777314267823516},
	{8530.918335399136, 9027.995466753102, 2.1457672119140625e-05, 2.388657133911758},
	{4265.459167699568, 4513.997733376551, 1.0728836059570312e-05, 1.194328566955879},
	{2132.729583849784, 2256.9988666882755, 5.364418029785156e-06, 0.5971642834779395},
	{1066.364791924892, 1128.4994333441377, 2.682209014892578e-06, 0.29858214173896974},
	{533.182395962446, 564.2497166720689, 1.341104507446289e-06, 0.14929107086948487},
}

func TestMatrices(t *testing.T) {
	near := func(what string, z uint8, got, want float64) {
		t.Helper()
		// The table has 16 digits, and its makers multiplied in another order.
		if math.Abs(got-want) > 4e-16*want {
			t.Errorf("zoom %d: %s is %v, want %v", z, what, got, want)
		}
	}
	for i, m := range matrices {
		z := uint8(i + 1)
		near("the denominator", z, tile.ScaleDenominator(z), m.ogc)
		near("the denominator at 96 dpi", z, tile.ScaleDenominator96(z), m.tianditu)
		near("the resolution of c", z, tile.C.Resolution(z), m.c)
		near("the resolution of w", z, tile.W.Resolution(z), m.w)
		cols, rows := tile.C.Size(z)
		if cols != 1<<z || rows*2 != cols {
			t.Errorf("zoom %d: c has %d columns and %d rows", z, cols, rows)
		}
		if cols, rows = tile.W.Size(z); cols != 1<<z || rows != cols {
			t.Errorf("zoom %d: w has %d columns and %d rows", z, cols, rows)
		}
	}
	near("the denominator", 0, tile.ScaleDenominator(0), 559082264.0287178)
	for _, z := range []struct {
		grid tile.Grid
		zoom uint8
	}{{tile.C, 0}, {tile.C, 21}, {tile.W, 21}, {0, 1}, {tile.W, 255}} {
		if cols, rows := z.grid.Size(z.zoom); cols != 0 || rows != 0 {
			t.Errorf("%v has %d x %d tiles at zoom %d, want none", z.grid, cols, rows, z.zoom)
		}
	}
}

// The addresses of 35.60 N, 103.21 E as they were computed for Tianditu.
func TestAt(t *testing.T) {
	p := geo.PositionOf(geo.LonLat{Lon: 103.21, Lat: 35.60})
	for _, want := range []tile.Tile{
		{Grid: tile.C, Z: 10, X: 805, Y: 154}, {Grid: tile.C, Z: 14, X: 12889, Y: 2475}, {Grid: tile.C, Z: 18, X: 206227, Y: 39612},
		{Grid: tile.W, Z: 10, X: 805, Y: 403}, {Grid: tile.W, Z: 14, X: 12889, Y: 6456}, {Grid: tile.W, Z: 18, X: 206227, Y: 103299},
	} {
		if got := want.Grid.At(p, want.Z); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if got := tile.C.At(p, 0); got != (tile.Tile{}) {
		t.Errorf("at a zoom that c does not have: got %v, want no tile", got)
	}
}

// A tile is half-open: its north-west corner is its own, one unit before
// belongs to the neighbours. In c every corner down to zoom 13 is a position.
func TestAtIsExactOnBorders(t *testing.T) {
	for z := uint8(1); z <= 13; z++ {
		cols, rows := tile.C.Size(z)
		for i := range uint32(64) {
			x, y := 1+i*((cols-1)/64), 1+i*((rows-1)/64)
			if x >= cols || y >= rows {
				continue
			}
			corner := geo.Position{
				Lon: -180e10 + int64(x)*(360e10>>z),
				Lat: 90e10 - int64(y)*(360e10>>z),
			}
			if got := tile.C.At(corner, z); got.X != x || got.Y != y {
				t.Errorf("zoom %d: corner %d/%d lies in %v", z, x, y, got)
			}
			before := geo.Position{Lon: corner.Lon - 1, Lat: corner.Lat + 1}
			if got := tile.C.At(before, z); got.X != x-1 || got.Y != y-1 {
				t.Errorf("zoom %d: one unit north-west of corner %d/%d lies in %v", z, x, y, got)
			}
		}
	}
}

func TestRange(t *testing.T) {
	deg := func(minLon, minLat, maxLon, maxLat float64) geo.Box {
		return geo.Box{
			Min: geo.PositionOf(geo.LonLat{Lon: minLon, Lat: minLat}),
			Max: geo.PositionOf(geo.LonLat{Lon: maxLon, Lat: maxLat}),
		}
	}
	for _, c := range []struct {
		name string
		grid tile.Grid
		z    uint8
		box  geo.Box
		want [4]uint32
	}{
		{"the whole of c", tile.C, 2, deg(-180, -90, 180, 90), [4]uint32{0, 0, 3, 1}},
		{"the whole of w, poles included", tile.W, 2, deg(-180, -90, 180, 90), [4]uint32{0, 0, 3, 3}},
		{"beyond the world", tile.C, 2, deg(-400, -400, 400, 400), [4]uint32{0, 0, 3, 1}},
		{"only beyond the mercator square", tile.W, 2, deg(1, 86, 2, 89), [4]uint32{2, 0, 2, 0}},
		{"a box up to a border does not touch the next tile", tile.C, 2, deg(1, 1, 90, 89), [4]uint32{2, 0, 2, 0}},
		{"a box over a border", tile.C, 2, deg(89, -1, 91, 1), [4]uint32{2, 0, 3, 1}},
		{"a point", tile.C, 2, deg(90, 0, 90, 0), [4]uint32{3, 1, 3, 1}},
		{"the south pole", tile.C, 2, deg(180, -90, 180, -90), [4]uint32{3, 1, 3, 1}},
		{"an empty box", tile.C, 2, geo.EmptyBox(), [4]uint32{1, 1, 0, 0}},
		{"a zoom that is not there", tile.C, 0, deg(0, 0, 1, 1), [4]uint32{1, 1, 0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x0, y0, x1, y1 := c.grid.Range(c.box, c.z)
			if got := [4]uint32{x0, y0, x1, y1}; got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// The oracle asks every tile of the zoom whether its box shares more than a
// border with the box.
func TestRangeAgainstAllTiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	const z = 5
	for range 300 {
		lon, lat := rng.Int64N(350e10)-180e10, rng.Int64N(160e10)-84e10
		b := geo.Box{
			Min: geo.Position{Lon: lon, Lat: lat},
			Max: geo.Position{Lon: lon + 3 + rng.Int64N(30e10), Lat: min(lat+3+rng.Int64N(30e10), 85e10)},
		}
		for _, g := range tile.Grids() {
			x0, y0, x1, y1 := g.Range(b, z)
			cols, rows := g.Size(z)
			for x := range cols {
				for y := range rows {
					c := tile.Tile{Grid: g, Z: z, X: x, Y: y}.Box()
					shared := min(b.Max.Lon, c.Max.Lon)-max(b.Min.Lon, c.Min.Lon) > 1 &&
						min(b.Max.Lat, c.Max.Lat)-max(b.Min.Lat, c.Min.Lat) > 1
					if got := x0 <= x && x <= x1 && y0 <= y && y <= y1; got != shared {
						t.Fatalf("box %v: tile %v/%d/%d/%d in range: %v, shares ground: %v", b, g, z, x, y, got, shared)
					}
				}
			}
		}
	}
}

func TestParseGrid(t *testing.T) {
	for _, g := range tile.Grids() {
		if got, err := tile.ParseGrid(g.String()); err != nil || got != g {
			t.Errorf("%v: got %v, %v", g, got, err)
		}
	}
	for _, s := range []string{"", "W", "C", "m", "wc", "c "} {
		if g, err := tile.ParseGrid(s); !errors.Is(err, tile.ErrGrid) {
			t.Errorf("%q: got %v, %v, want ErrGrid", s, g, err)
		}
	}
}

func TestGridNames(t *testing.T) {
	for _, c := range []struct {
		grid              tile.Grid
		epsg              int
		name, crs, corner string
	}{
		{tile.C, 4490, "c", "urn:ogc:def:crs:EPSG::4490", "90 -180"},
		{tile.W, 3857, "w", "urn:ogc:def:crs:EPSG::3857", "-20037508.3427892 20037508.3427892"},
		{0, 0, "", "urn:ogc:def:crs:EPSG::0", ""},
	} {
		if c.grid.EPSG() != c.epsg || c.grid.String() != c.name || c.grid.CRS() != c.crs || c.grid.TopLeftCorner() != c.corner {
			t.Errorf("got %d %q %q %q, want %+v", c.grid.EPSG(), c.grid.String(), c.grid.CRS(), c.grid.TopLeftCorner(), c)
		}
	}
}
