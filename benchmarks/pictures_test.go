package benchmarks

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/pyramid/pyramidtest"
	"gengtu/tileserver/raster"
	"gengtu/tileserver/tile"
)

// The pictures are of an edition's tiles and, beside them, of an MBTiles file that
// tippecanoe made by default of the same layers.
const (
	picturesOf     = "BENCH_PICTURES"
	picturesBeside = "BENCH_PICTURES_BESIDE"
	picturesDir    = "../tileserver/pyramid/pictures"
	picturesPage   = "../tileserver/pyramid/PICTURES.md"
)

// The sides of one half of a picture in pixels, and what is between the two.
const (
	pictureWidth, pictureHeight, pictureGap = 320, 300, 8
	pictureBytes                            = 60_000
)

// views are the zooms with how often a tile's 512 pixels are enlarged: a county is
// a spot at z6.
var views = []struct {
	zoom  uint8
	times int
}{{6, 4}, {8, 2}, {10, 1}, {12, 1}, {14, 1}}

// painting is one program's tiles.
type painting struct {
	name  string
	tiles map[uint8][]pyramidtest.Tile // of cropland alone
}

// TestPictures paints the corner of a county at five zooms, ours and tippecanoe's
// side by side, and writes the page that says what each shows of the true area.
func TestPictures(t *testing.T) {
	dir, beside := os.Getenv(picturesOf), os.Getenv(picturesBeside)
	if dir == "" || beside == "" {
		t.Skip(picturesOf + "=EDITION and " + picturesBeside + "=FILE.mbtiles paint the pictures")
	}
	ix, err := index.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	l := ix.Layer("cropland", "")
	both := []painting{ours(t, filepath.Join(dir, ix.Manifest.Generation, edition.TilesFile), l.Meta.Key()), theirs(t, beside)}
	features, err := pyramidtest.FeaturesOf(l)
	if err != nil {
		t.Fatal(err)
	}
	ground, err := pyramidtest.NewGround(t.Context(), features)
	if err != nil {
		t.Fatal(err)
	}
	c := pyramidtest.NewChecker(ground, tile.W, "cropland", l.Meta.ClassField, 14)
	if err := os.MkdirAll(picturesDir, 0o755); err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	page.WriteString(pageHead)
	for _, v := range views {
		picture := side(t, both, l.Extent(), v.zoom, v.times)
		name := fmt.Sprintf("z%d.png", v.zoom)
		if len(picture) > pictureBytes {
			t.Errorf("%s has %d bytes", name, len(picture))
		}
		if err := os.WriteFile(filepath.Join(picturesDir, name), picture, 0o644); err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, p := range both {
			if len(p.tiles[v.zoom]) == 0 {
				t.Fatalf("%s has no tiles of zoom %d", p.name, v.zoom)
			}
			z, err := c.Zoom(t.Context(), v.zoom, p.tiles[v.zoom])
			if err != nil {
				t.Fatal(err)
			}
			t.Log(p.name, z)
			said = append(said, fmt.Sprintf("%.4f", z.Ratio()))
		}
		enlarged := ""
		if v.times > 1 {
			enlarged = fmt.Sprintf(", enlarged %d times", v.times)
		}
		fmt.Fprintf(&page, "\n## Zoom %d%s\n\n![zoom %d: gengtu on the left, tippecanoe on the right](pictures/%s)\n\n| | gengtu | tippecanoe |\n|---|---|---|\n| drawn ÷ true area of cropland | **%s** | **%s** |\n",
			v.zoom, enlarged, v.zoom, name, said[0], said[1])
	}
	if err := os.WriteFile(picturesPage, []byte(page.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

const pageHead = `# What the map shows from zoom to zoom

The north-west corner of one county's cropland, on the left from gengtu's tiles, on the
right from those of tippecanoe 2.82.0 as it is usually run (-Z5 -z14
--drop-densest-as-needed), of the same layers with the same fields. Both are decoded and
painted by the same painter in the same colours: paddy, irrigated and dry land. Under
each stands what the tiles of the whole county draw, each shape's ground inside its
tile added up on the ellipsoid, divided by the true area, ground counted once
(pyramidtest).

The pictures and this page are written by the command under "Pictures" in
[benchmarks/README.md](../../benchmarks/README.md).
`

// ours reads the built tiles of cropland.
func ours(t *testing.T, path, key string) painting {
	t.Helper()
	r, err := cache.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := painting{"gengtu", map[uint8][]pyramidtest.Tile{}}
	err = r.Each(func(layer string, at tile.Tile, part cache.Part) error {
		if layer != key || at.Grid != tile.W {
			return nil
		}
		data, err := part.Raw()
		p.tiles[at.Z] = append(p.tiles[at.Z], pyramidtest.Tile{At: at, Data: bytes.Clone(data)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// theirs reads cropland from an MBTiles file.
func theirs(t *testing.T, path string) painting {
	t.Helper()
	var zooms []string
	for _, v := range views {
		zooms = append(zooms, strconv.Itoa(int(v.zoom)))
	}
	p := painting{"tippecanoe", map[uint8][]pyramidtest.Tile{}}
	eachOf(t, path, strings.Join(zooms, ","), func(at tile.Tile, data []byte) {
		layers, err := mvt.Decode(unzipped(t, data))
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		for i := range layers {
			if layers[i].Name != "cropland" {
				continue
			}
			data, err := mvt.Append(nil, &layers[i])
			if err != nil {
				t.Fatal(err)
			}
			p.tiles[at.Z] = append(p.tiles[at.Z], pyramidtest.Tile{At: at, Data: data})
		}
	})
	return p
}

// side paints both halves of a picture around the north-west part of extent.
func side(t *testing.T, both []painting, extent geo.Box, zoom uint8, times int) []byte {
	t.Helper()
	out := image.NewRGBA(image.Rect(0, 0, 2*pictureWidth+pictureGap, pictureHeight))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.Gray{0x99}), image.Point{}, draw.Src)
	perTile := float64(512 * times)
	n := math.Ldexp(perTile, int(zoom)) // pixels of the world
	// A place inside the county that stands in the same part of each picture.
	at := tile.W.Project(geo.Position{Lon: extent.Min.Lon + (extent.Max.Lon-extent.Min.Lon)*3/10, Lat: extent.Max.Lat - (extent.Max.Lat-extent.Min.Lat)*3/10})
	left, top := at.X*n-pictureWidth*0.4, at.Y*n-pictureHeight*0.4
	for k, p := range both {
		c, err := raster.NewCanvas(pictureWidth, pictureHeight, raster.Look{Zoom: float64(zoom), Ratio: 1, Merged: zoom < builtParcels})
		if err != nil {
			t.Fatal(err)
		}
		var placed []raster.Placed
		for _, tl := range p.tiles[zoom] {
			layers, err := mvt.Decode(tl.Data)
			if err != nil {
				t.Fatal(err)
			}
			s := perTile / mvt.Extent
			placed = append(placed, raster.Placed{Layers: layers, To: raster.Affine{XX: s, X0: float64(tl.At.X)*perTile - left, YY: s, Y0: float64(tl.At.Y)*perTile - top}})
		}
		if err := c.Paint(placed); err != nil {
			t.Fatal(err)
		}
		r := image.Rect(0, 0, pictureWidth, pictureHeight).Add(image.Pt(k*(pictureWidth+pictureGap), 0))
		draw.Draw(out, r, image.White, image.Point{}, draw.Src)
		draw.Draw(out, r, c.Image(), image.Point{}, draw.Over)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, fewColours(out)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// fewColours rounds colours so that at most 256 are left, in the order in which
// they are met: a smaller file.
func fewColours(in *image.RGBA) image.Image {
	for bits := 8; ; bits-- {
		mask := uint8(0xff << (8 - bits))
		seen := map[color.RGBA]uint8{}
		out := image.NewPaletted(in.Bounds(), nil)
		for i := 0; i < len(in.Pix); i += 4 {
			// White stays white.
			c := color.RGBA{in.Pix[i] & mask, in.Pix[i+1] & mask, in.Pix[i+2] & mask, 0xff}
			if in.Pix[i] == 0xff && in.Pix[i+1] == 0xff && in.Pix[i+2] == 0xff {
				c = color.RGBA{0xff, 0xff, 0xff, 0xff}
			}
			k, ok := seen[c]
			if !ok {
				if len(out.Palette) == 256 {
					break
				}
				k = uint8(len(out.Palette))
				seen[c] = k
				out.Palette = append(out.Palette, c)
			}
			out.Pix[i/4] = k
			if i+4 == len(in.Pix) {
				return out
			}
		}
	}
}
