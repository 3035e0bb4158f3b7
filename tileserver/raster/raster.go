// Package raster paints the features of a tile as a picture, in the look that
// package styles gives each layer. It is pure and deterministic: the same
// features and parameters give the same bytes on every machine.
//
// Areas are painted by how much of each pixel they cover. All features of one
// class are one path, and the classes of a layer share a pixel by their
// coverage, so neighbours meet without a seam and features that overlap are not
// painted twice. The order is that of the MapLibre style: all fills, each with
// its hatching, and then all outlines, in the sheet's drawing order.
//
// Labels are written as they are given: a name belongs to a place, and a tile does
// not know whether its neighbour has room for it.
//
// The package cuts no tiles, chooses no layers and knows no request.
package raster

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"sync"

	"gengtu/index/problem"
	"gengtu/styles"
	"gengtu/tileserver/mvt"
)

// The sides of a tile's picture, in pixels: plain, and for screens with two
// pixels per CSS pixel (@2x).
const (
	TileSize   = 256
	TileSize2x = 512
)

// Params says how a tile is painted.
type Params struct {
	// Size is the side of the picture, TileSize or TileSize2x.
	Size int
	// Zoom is the tile's level. Line widths and opacities are those of style
	// zoom Zoom-1, because MapLibre's zooms count tiles of 512 CSS pixels and a
	// tile's picture has 256.
	Zoom int
	// ParcelZoom is the first level at which features are parcels rather than
	// merged shapes; below it only layers that always have outlines have them.
	ParcelZoom int
	// LineZooms are those of [Look].
	LineZooms map[string]int
	// Sheet is the look, nil for styles.Default.
	Sheet *styles.Sheet
	// Labels are written over all layers.
	Labels []Text
}

// Paint returns the PNG of a tile of layers, transparent where nothing is.
// Layers may stand in any order. Without features and labels the result equals [Empty].
// layers is not changed or kept. A size that is no tile size is a
// *problem.Problem.
func Paint(layers []mvt.Layer, p Params) ([]byte, error) {
	empty, err := Empty(p.Size)
	if err != nil || !anyFeature(layers) && len(p.Labels) == 0 {
		return empty, err
	}
	c, err := NewCanvas(p.Size, p.Size, Look{
		Sheet: p.Sheet, Zoom: float64(p.Zoom - 1), Ratio: p.Size / TileSize, Merged: p.Zoom < p.ParcelZoom, LineZooms: p.LineZooms,
	})
	if err != nil {
		return nil, err
	}
	scale := float64(p.Size) / mvt.Extent
	if err := c.Paint([]Placed{{Layers: layers, To: Affine{XX: scale, YY: scale}}}); err != nil {
		return nil, err
	}
	for _, t := range p.Labels {
		if err := c.Text(t); err != nil {
			return nil, err
		}
	}
	return c.PNG()
}

func anyFeature(layers []mvt.Layer) bool {
	for _, l := range layers {
		if len(l.Features) > 0 {
			return true
		}
	}
	return false
}

// Empty returns the PNG of a tile of size, TileSize or TileSize2x, that shows
// nothing: transparent everywhere. The bytes are shared and must not be changed.
// Another size is a *problem.Problem.
func Empty(size int) ([]byte, error) {
	switch size {
	case TileSize:
		return empty()
	case TileSize2x:
		return empty2x()
	}
	return nil, problem.New("PICTURE_SIZE", "瓦片图片边长 %d 不可用，只有 %d 和 %d",
		"a tile's picture has %d pixels a side; there are %d and %d", size, TileSize, TileSize2x)
}

var (
	empty   = sync.OnceValues(func() ([]byte, error) { return transparent(TileSize) })
	empty2x = sync.OnceValues(func() ([]byte, error) { return transparent(TileSize2x) })
)

func transparent(size int) ([]byte, error) {
	var b bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestCompression}
	err := enc.Encode(&b, image.NewPaletted(image.Rect(0, 0, size, size), color.Palette{color.NRGBA{}}))
	return b.Bytes(), err
}
