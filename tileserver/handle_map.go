package tileserver

import (
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"math"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/styles"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/raster"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
)

// mapView is one picture of any extent, as it was asked for.
type mapView struct {
	grid          tile.Grid
	min, max      tile.World // the picture's north-west and south-east corners
	width, height int
	zoom          uint8
	layers        []*index.Layer
	look          *styles.Sheet
	background    *color.RGBA // nil is none
}

// backed is the tag of the picture with its background.
func (v *mapView) backed(tag string) string {
	if b := v.background; b != nil {
		tag += fmt.Sprintf("-%02x%02x%02x", b.R, b.G, b.B)
	}
	return tag
}

// back paints the background, if there is one, under what has been painted.
func (v *mapView) back(img *image.RGBA) {
	b := v.background
	if b == nil {
		return
	}
	under := [4]uint32{uint32(b.R), uint32(b.G), uint32(b.B), 0xFF}
	for i := 0; i+3 < len(img.Pix); i += 4 {
		left := 0xFF - uint32(img.Pix[i+3]) // what is premultiplied needs no more
		for k, u := range under {
			img.Pix[i+k] += uint8((u*left + 127) / 0xFF)
		}
	}
}

// maxMapTiles bounds the tiles of one map. At the zoom that [mapZoom] chooses a
// tile has at least 256/√2 pixels a side, so that 4096 pixels meet 24 of them at
// most, and one more where the picture begins between two.
const maxMapTiles = 25 * 25

// Bounds of a picture's pixels: painting takes time that grows with how far the
// land is enlarged. The least side is 1/16 of a unit of the last zoom's tiles, 2
// mm, and no pixel is more than 16 times as long as wide.
const (
	leastPixel    = 1.0 / mvt.Extent / (1 << tileset.MaxZoom) / 16
	mostStretched = 16
)

// defaultMapWidth is the width of a picture for which none is asked, in pixels.
const defaultMapWidth = 1024

// handleMap answers with a picture of bbox=, in crs= EPSG:4490 (the default) or
// EPSG:3857, in the projection of that system.
func (s *Server) handleMap(r *request) error {
	v, err := r.mapView()
	if err != nil {
		return err
	}
	return s.sendMap(r, v)
}

// sendMap paints a picture and answers with it.
func (s *Server) sendMap(r *request, v *mapView) error {
	done, err := s.maps.Take(r.asker())
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := s.tileContext()
	defer cancel()
	tiles, tag, err := r.mapTiles(ctx, v)
	if err != nil {
		return err
	}
	imprint, err := r.imprint(v.width, v.height)
	if err != nil {
		return err
	}
	tag = etag([]byte(tag + strings.Join(imprint, "\n")))
	if r.fresh(v.backed(tag), plainly) {
		return nil
	}
	left, top := v.begins()
	look := raster.Look{Sheet: v.look, Left: left, Top: top, Zoom: v.styleZoom(), Ratio: 1, Merged: int(v.zoom) < tileset.ParcelsFrom(r.ix().Manifest), LineZooms: lineZooms(v.layers)}
	canvas, err := raster.NewCanvas(v.width, v.height, look)
	if err != nil {
		return err
	}
	if err := canvas.Paint(tiles); err != nil {
		return err
	}
	labels, err := r.mapLabels(v)
	if err != nil {
		return err
	}
	for _, t := range labels {
		if err := canvas.Text(t); err != nil {
			return err
		}
	}
	if err := printImprint(canvas, imprint); err != nil {
		return err
	}
	v.back(canvas.Image())
	png, err := canvas.PNG()
	if err != nil {
		return err
	}
	return r.body("image/png", png, plainly)
}

// mapView reads what picture is asked for.
func (r *request) mapView() (*mapView, error) {
	v := &mapView{}
	names := r.query("layers")
	if names == "" {
		names = tileset.All
	}
	var err error
	if v.layers, err = r.layersOf(names); err != nil {
		return nil, err
	}
	if v.look, err = r.sheetOf(r.query("style"), v.layers); err != nil {
		return nil, err
	}
	ratio, err := v.place(r.query("bbox"), r.query("crs"))
	if err != nil {
		return nil, err
	}
	if err := v.size(r.query("width"), r.query("height"), ratio); err != nil {
		return nil, err
	}
	if err := v.checkPixels(); err != nil {
		return nil, err
	}
	v.zoom = v.mapZoom(r.minZoom(v.grid), r.ix().Manifest.MaxZoom)
	return v, nil
}

// place reads bbox and crs, and returns the box's height over its width.
func (v *mapView) place(bbox, crsName string) (float64, error) {
	crs, err := areas.ParseCRS(crsName)
	if err != nil {
		return 0, err
	}
	switch {
	case crs.Geographic():
		v.grid = tile.C
	case crs.EPSG() == tile.W.EPSG():
		v.grid = tile.W
	default:
		return 0, problem.New("CRS_UNKNOWN", "地图不能用 %s", "maps are not made in %s", crs).
			Advise("可用 EPSG:4490、4326 和 3857", "there are EPSG:4490, 4326 and 3857")
	}
	if bbox == "" {
		return 0, problem.New("PARAMETER_BBOX", "缺少 bbox=", "bbox= is missing").
			Advise("最小经度,最小纬度,最大经度,最大纬度", "min x, min y, max x, max y; x is longitude or easting")
	}
	n, err := boxNumbers(bbox)
	if err != nil {
		return 0, err
	}
	corner := func(x, y float64) (tile.World, error) {
		if err := crs.Check(geo.XY{X: x, Y: y}); err != nil {
			return tile.World{}, problem.New("CRS_MISMATCH", "坐标与坐标系不符（%v）", "the coordinates do not fit the coordinate system (%v)", err).Because(err)
		}
		return v.grid.Project(geo.PositionOf(crs.Inverse(geo.XY{X: x, Y: y}))), nil
	}
	if v.min, err = corner(n[0], n[3]); err != nil {
		return 0, err
	}
	if v.max, err = corner(n[2], n[1]); err != nil {
		return 0, err
	}
	return (n[3] - n[1]) / (n[2] - n[0]), nil
}

// size reads width and height in pixels; one that is missing follows from the
// other and the box.
func (v *mapView) size(width, height string, ratio float64) error {
	side := func(text, name string) (int, error) {
		if text == "" {
			return 0, nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > raster.MaxSide {
			return 0, problem.New("PARAMETER_SIZE", "%s 是 %.20q，应在 1 到 %d 之间", "%s is %.20q, it must be from 1 to %d", name, text, raster.MaxSide)
		}
		return n, nil
	}
	var err error
	if v.width, err = side(width, "width"); err != nil {
		return err
	}
	if v.height, err = side(height, "height"); err != nil {
		return err
	}
	fit := func(pixels float64) int { return int(min(max(math.Round(pixels), 1), raster.MaxSide)) }
	switch {
	case v.width == 0 && v.height == 0:
		v.width = defaultMapWidth
		v.height = fit(defaultMapWidth * ratio)
	case v.width == 0:
		v.width = fit(float64(v.height) / ratio)
	case v.height == 0:
		v.height = fit(float64(v.width) * ratio)
	}
	return nil
}

// pixel returns the sides of a pixel in World units.
func (v *mapView) pixel() (width, height float64) {
	return (v.max.X - v.min.X) / float64(v.width), (v.max.Y - v.min.Y) / float64(v.height)
}

func (v *mapView) checkPixels() error {
	w, h := v.pixel()
	// The box's sides are rounded to fixed units of the plane.
	const most = mostStretched * (1 + 1e-6)
	switch {
	case !(min(w, h) >= leastPixel):
		return problem.New("PARAMETER_SIZE", "一个像素不到 2 毫米", "a pixel is less than 2 mm").
			Advise("扩大 bbox，或减小 width 和 height", "take a larger bbox, or a smaller width and height")
	case w > h*most || h > w*most:
		return problem.New("PARAMETER_SIZE", "像素的长是宽的 %d 倍以上", "pixels are more than %d times as long as wide", mostStretched).
			Advise("width 与 height 之比应与 bbox 相近，或只给其中一个", "width and height should have the box's proportions; or give one of them")
	}
	return nil
}

// mapZoom returns the zoom whose pixels are nearest in size to the longer
// sides of the picture's, as far as there are tiles.
func (v *mapView) mapZoom(lowest, highest int) uint8 {
	w, h := v.pixel()
	z := math.Round(-math.Log2(max(w, h) * tile.PixelsPerTile))
	return uint8(min(max(z, float64(lowest)), float64(min(highest, tileset.MaxZoom))))
}

// begins says at which pixel of its plane the picture begins, for hatching to go on
// from one picture to the next. A box that is written with a few digits tells the size
// of a pixel too badly for a number of millions of them: the size is taken to 1/4096
// of a zoom, so that pictures of one scale agree on it.
func (v *mapView) begins() (left, top int) {
	w, h := v.pixel()
	number := func(at, pixel float64) int {
		return int(math.Round(at * math.Exp2(-math.Round(math.Log2(pixel)*4096)/4096)))
	}
	return number(v.min.X, w), number(v.min.Y, h)
}

// styleZoom is the zoom that line widths are taken at: MapLibre's, whose tiles
// have 512 pixels.
func (v *mapView) styleZoom() float64 {
	w, _ := v.pixel()
	return -math.Log2(w * 512)
}

// mapTiles returns the tiles of the picture in their places, and a tag of what
// they and the picture are made from.
func (r *request) mapTiles(ctx context.Context, v *mapView) ([]raster.Placed, string, error) {
	span := tile.Span(v.zoom)
	cols, rows := v.grid.Size(v.zoom)
	number := func(w float64, count uint32) uint32 { return uint32(min(max(math.Floor(w/span), 0), float64(count-1))) }
	x0, x1 := number(v.min.X, cols), number(math.Nextafter(v.max.X, 0), cols)
	y0, y1 := number(v.min.Y, rows), number(math.Nextafter(v.max.Y, 0), rows)
	if n := uint64(x1-x0+1) * uint64(y1-y0+1); n > maxMapTiles {
		return nil, "", problem.New("TOO_LARGE_MAP", "这张图要 %d 块瓦片，上限 %d", "the map takes %d tiles, the limit is %d", n, maxMapTiles)
	}
	w, h := v.pixel()
	scaleX, scaleY := 1/w, 1/h
	// Another program may paint otherwise, and names stand where another generation
	// may have others.
	made := []byte(r.server.cfg.Program + v.look.Name + r.gen.Name())
	var out []raster.Placed
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			t, err := tile.New(v.grid, v.zoom, x, y)
			if err != nil {
				return nil, "", err
			}
			parts, err := r.parts(ctx, v.layers, t)
			if err != nil {
				return nil, "", err
			}
			made = append(made, partsTag(parts)...)
			content, err := decodeTile(parts)
			if err != nil {
				return nil, "", err
			}
			if len(content) == 0 {
				continue
			}
			o := t.Origin()
			out = append(out, raster.Placed{Layers: content, To: raster.Affine{
				XX: span / mvt.Extent * scaleX, X0: (o.X - v.min.X) * scaleX,
				YY: span / mvt.Extent * scaleY, Y0: (o.Y - v.min.Y) * scaleY,
			}})
		}
	}
	for _, f := range []float64{v.min.X, v.min.Y, v.max.X, v.max.Y, float64(v.width), float64(v.height)} {
		made = binary.BigEndian.AppendUint64(made, math.Float64bits(f))
	}
	return out, etag(made), nil
}
