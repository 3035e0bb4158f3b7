package tile_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gengtu/index/geo"
	"gengtu/tileserver/tile"
)

func TestNew(t *testing.T) {
	for _, c := range []struct {
		name    string
		grid    tile.Grid
		z       uint8
		x, y    uint32
		want    error
		notZoom bool
	}{
		{name: "the whole world of w", grid: tile.W},
		{name: "the eastern half of c", grid: tile.C, z: 1, x: 1},
		{name: "the last tile of w", grid: tile.W, z: 20, x: 1<<20 - 1, y: 1<<20 - 1},
		{name: "the last tile of c", grid: tile.C, z: 20, x: 1<<20 - 1, y: 1<<19 - 1},

		{name: "no grid", z: 1, want: tile.ErrGrid},
		{name: "a grid past the last", grid: 3, z: 1, want: tile.ErrGrid},
		{name: "c has no zoom 0", grid: tile.C, want: tile.ErrZoom},
		{name: "a zoom past the last", grid: tile.W, z: 21, want: tile.ErrZoom},
		{name: "a zoom that would overflow a shift", grid: tile.W, z: 255, want: tile.ErrZoom},
		{name: "column one past the last", grid: tile.W, z: 3, x: 8, want: tile.ErrRange, notZoom: true},
		{name: "row one past the last", grid: tile.W, z: 3, y: 8, want: tile.ErrRange, notZoom: true},
		{name: "row one past the last of c", grid: tile.C, z: 3, y: 4, want: tile.ErrRange, notZoom: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := tile.New(c.grid, c.z, c.x, c.y)
			if !errors.Is(err, c.want) {
				t.Fatalf("got error %v, want %v", err, c.want)
			}
			if c.notZoom && errors.Is(err, tile.ErrZoom) {
				t.Errorf("got error %v, want one that is not about the zoom", err)
			}
			if want := (tile.Tile{Grid: c.grid, Z: c.z, X: c.x, Y: c.y}); err == nil && got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	if !errors.Is(tile.ErrZoom, tile.ErrRange) {
		t.Error("ErrZoom does not wrap ErrRange")
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, z, x, y string
		want          error
	}{
		{"a tile", "14", "12889", "2475", nil},
		{"zeros", "1", "0", "0", nil},
		{"a sign", "14", "+12889", "2475", tile.ErrSyntax},
		{"a negative row", "14", "12889", "-1", tile.ErrSyntax},
		{"a leading zero", "014", "12889", "2475", tile.ErrSyntax},
		{"two zeros", "1", "00", "0", tile.ErrSyntax},
		{"an empty element", "1", "", "0", tile.ErrSyntax},
		{"a space", "1", " 0", "0", tile.ErrSyntax},
		{"a fraction", "1", "0.5", "0", tile.ErrSyntax},
		{"an exponent", "1", "1e0", "0", tile.ErrSyntax},
		{"hexadecimal", "0x1", "0", "0", tile.ErrSyntax},
		{"digits of another script", "１", "0", "0", tile.ErrSyntax},
		{"an underscore", "1", "1_0", "0", tile.ErrSyntax},
		{"a column that overflows", "1", "4294967296", "0", tile.ErrRange},
		{"a row of a hundred digits", "1", "0", fmt.Sprintf("1%0100d", 0), tile.ErrRange},
		{"a zoom that would wrap to 1", "257", "0", "0", tile.ErrZoom},
		{"a zoom that overflows", "99999999999999999999", "0", "0", tile.ErrZoom},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := tile.Parse(tile.C, c.z, c.x, c.y)
			if !errors.Is(err, c.want) {
				t.Errorf("got error %v, want %v", err, c.want)
			}
			if err != nil && len(err.Error()) > 120 {
				t.Errorf("the message has %d bytes, want at most 120", len(err.Error()))
			}
		})
	}
}

// Whatever is accepted prints to exactly what was read, so that no two paths
// name one tile.
func FuzzParse(f *testing.F) {
	for _, s := range [][3]string{
		{"14", "12889", "2475"}, {"0", "0", "0"}, {"+1", "0", "0"}, {"01", "0", "0"},
		{"1", "4294967296", "0"}, {"20", "1048575", "524287"}, {"1", "", "0"}, {"1", "0", "-0"},
	} {
		f.Add(true, s[0], s[1], s[2])
		f.Add(false, s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, c bool, z, x, y string) {
		g := tile.W
		if c {
			g = tile.C
		}
		got, err := tile.Parse(g, z, x, y)
		if err != nil {
			if !errors.Is(err, tile.ErrRange) && !errors.Is(err, tile.ErrSyntax) {
				t.Fatalf("%q/%q/%q: error %v is of no kind", z, x, y, err)
			}
			return
		}
		if s, want := got.String(), g.String()+"/"+z+"/"+x+"/"+y; s != want {
			t.Errorf("got %s, want %s", s, want)
		}
		if _, err := tile.New(g, got.Z, got.X, got.Y); err != nil {
			t.Error(err)
		}
	})
}

// All tiles of low zooms and random ones of the deep zooms: the ground of a
// tile leads back to it, its children make it up, and neighbours share borders.
func TestTilesFitTogether(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, g := range tile.Grids() {
		for z := g.MinZoom(); z <= tile.MaxZoom; z++ {
			cols, rows := g.Size(z)
			if z <= 7 {
				for x := range cols {
					for y := range rows {
						checkTile(t, tile.Tile{Grid: g, Z: z, X: x, Y: y})
					}
				}
				continue
			}
			for _, x := range []uint32{0, 1, cols - 2, cols - 1} {
				for _, y := range []uint32{0, 1, rows/2 - 1, rows / 2, rows - 2, rows - 1} {
					checkTile(t, tile.Tile{Grid: g, Z: z, X: x, Y: y})
				}
			}
			for range 500 {
				checkTile(t, tile.Tile{Grid: g, Z: z, X: rng.Uint32N(cols), Y: rng.Uint32N(rows)})
			}
		}
	}
}

func checkTile(t *testing.T, a tile.Tile) {
	t.Helper()
	box := a.Box()
	if box.Empty() {
		t.Fatalf("%v: box %v is empty", a, box)
	}
	x0, y0, x1, y1 := a.Grid.Range(box, a.Z)
	if x0 != a.X || x1 != a.X || y0 != a.Y || y1 != a.Y {
		t.Errorf("%v: the range of its box is [%d %d]x[%d %d]", a, x0, x1, y0, y1)
	}
	middle := geo.Position{Lon: (box.Min.Lon + box.Max.Lon) / 2, Lat: (box.Min.Lat + box.Max.Lat) / 2}
	if got := a.Grid.At(middle, a.Z); got != a {
		t.Errorf("%v: its middle lies in %v", a, got)
	}
	cols, rows := a.Grid.Size(a.Z)
	if east := (tile.Tile{Grid: a.Grid, Z: a.Z, X: a.X + 1, Y: a.Y}); a.X+1 < cols && east.Box().Min.Lon != box.Max.Lon {
		t.Errorf("%v: its east border is not its neighbour's west border", a)
	}
	if south := (tile.Tile{Grid: a.Grid, Z: a.Z, X: a.X, Y: a.Y + 1}); a.Y+1 < rows && south.Box().Max.Lat != box.Min.Lat {
		t.Errorf("%v: its south border is not its neighbour's north border", a)
	}
	if a.Z == tile.MaxZoom {
		return
	}
	union := geo.EmptyBox()
	for i, c := range a.Children() {
		if p, ok := c.Parent(); !ok || p != a {
			t.Errorf("%v: the parent of its child %v is %v", a, c, p)
		}
		if want := a.Origin(); i == 0 && c.Origin() != want {
			t.Errorf("%v: its first child starts at %v, want %v", a, c.Origin(), want)
		}
		union = union.Union(c.Box())
	}
	if union != box {
		t.Errorf("%v: its children cover %v, want %v", a, union, box)
	}
}

func TestParentOfTheLowestZoom(t *testing.T) {
	for _, a := range []tile.Tile{{Grid: tile.W}, {Grid: tile.C, Z: 1, X: 1}} {
		if p, ok := a.Parent(); ok {
			t.Errorf("%v has the parent %v, want none", a, p)
		}
	}
}

// The outermost borders are the world's.
func TestBoxOfTheWorld(t *testing.T) {
	b := tile.Tile{Grid: tile.C, Z: 1, X: 1}.Box()
	if want := (geo.Box{Min: geo.Position{Lon: 0, Lat: -90e10}, Max: geo.Position{Lon: 180e10, Lat: 90e10}}); b != want {
		t.Errorf("the eastern half of c is %v, want %v", b, want)
	}
	b = tile.Tile{Grid: tile.W}.Box()
	top := int64(math.Round(tile.MaxLat * geo.Unit))
	if want := (geo.Box{Min: geo.Position{Lon: -180e10, Lat: -top}, Max: geo.Position{Lon: 180e10, Lat: top}}); b != want {
		t.Errorf("the world of w is %v, want %v", b, want)
	}
}
