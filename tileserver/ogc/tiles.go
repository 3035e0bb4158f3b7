package ogc

import (
	"fmt"
	"strconv"

	"gengtu/index/geo"
	"gengtu/tileserver/tile"
)

// WebMercatorQuad is the identifier that the grid w has in OGC's register of tile matrix
// sets; c is in no register, and keeps its name.
const WebMercatorQuad = "WebMercatorQuad"

// quadZooms is how many zooms OGC's definition of WebMercatorQuad has (17-083r4, D.1).
const quadZooms = 25

// MatrixSetID is the identifier of a grid.
func MatrixSetID(g tile.Grid) string {
	if g == tile.W {
		return WebMercatorQuad
	}
	return g.String()
}

// ParseMatrixSet finds the grid of an identifier; false when it is none. w goes by its
// own name, too.
func ParseMatrixSet(id string) (tile.Grid, bool) {
	if id == WebMercatorQuad {
		return tile.W, true
	}
	g, err := tile.ParseGrid(id)
	return g, err == nil
}

// matrixSetURI names a grid for good.
func matrixSetURI(g tile.Grid) string {
	if g == tile.W {
		return "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
	}
	return "urn:x-gengtu:def:tilematrixset:c"
}

func crsURI(g tile.Grid) string {
	return fmt.Sprintf("http://www.opengis.net/def/crs/EPSG/0/%d", g.EPSG())
}

// TileMatrixSet is a grid (17-083r4, 7.1).
type TileMatrixSet struct {
	ID           string       `json:"id"`
	Title        string       `json:"title"`
	URI          string       `json:"uri"`
	CRS          string       `json:"crs"`
	Axes         []string     `json:"orderedAxes"`
	ScaleSet     string       `json:"wellKnownScaleSet,omitempty"`
	TileMatrices []TileMatrix `json:"tileMatrices"`
}

// TileMatrix is a zoom of a grid.
type TileMatrix struct {
	ID               string     `json:"id"`
	ScaleDenominator float64    `json:"scaleDenominator"`
	CellSize         float64    `json:"cellSize"`
	Corner           string     `json:"cornerOfOrigin"`
	Origin           [2]float64 `json:"pointOfOrigin"`
	TileWidth        int        `json:"tileWidth"`
	TileHeight       int        `json:"tileHeight"`
	MatrixWidth      int        `json:"matrixWidth"`
	MatrixHeight     int        `json:"matrixHeight"`
}

// mercatorEdge is the half width of Web Mercator's square in metres, π·6378137, in the
// digits of OGC's definition.
const mercatorEdge = 20037508.3427892

// MatrixSet is the definition of a grid: of w OGC's whole one, of c the zooms that there are.
func MatrixSet(g tile.Grid) TileMatrixSet {
	s := TileMatrixSet{ID: MatrixSetID(g), URI: matrixSetURI(g), CRS: crsURI(g)}
	first, last, origin := int(g.MinZoom()), int(tile.MaxZoom), [2]float64{90, -180}
	if g == tile.W {
		s.Title, s.Axes, s.ScaleSet = "Google Maps Compatible for the World", []string{"E", "N"}, "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible"
		last, origin = quadZooms-1, [2]float64{-mercatorEdge, mercatorEdge}
	} else {
		s.Title, s.Axes = "CGCS2000 longitude and latitude, as Tianditu's c", []string{"Lat", "Lon"}
	}
	// Both halve from one zoom to the next.
	scale, cell := tile.ScaleDenominator(g.MinZoom()), g.Resolution(g.MinZoom())
	width, height := g.Size(g.MinZoom())
	for z := first; z <= last; z++ {
		n := z - first
		s.TileMatrices = append(s.TileMatrices, TileMatrix{
			ID: strconv.Itoa(z), ScaleDenominator: scale / float64(int(1)<<n), CellSize: cell / float64(int(1)<<n), Corner: "topLeft", Origin: origin,
			TileWidth: tile.PixelsPerTile, TileHeight: tile.PixelsPerTile, MatrixWidth: int(width) << n, MatrixHeight: int(height) << n,
		})
	}
	return s
}

// Tileset describes the tiles of some layers in one grid (17-083r4, 8).
type Tileset struct {
	Title       string         `json:"title"`
	Attribution string         `json:"attribution,omitempty"`
	DataType    string         `json:"dataType"`
	CRS         string         `json:"crs"`
	MatrixSet   string         `json:"tileMatrixSetURI"`
	Limits      []MatrixLimits `json:"tileMatrixSetLimits,omitempty"`
	Box         *TilesetBox    `json:"boundingBox,omitempty"`
	Layers      []TilesetLayer `json:"layers,omitempty"`
	Links       []Link         `json:"links"`
}

// MatrixLimits are the tiles of a zoom in which there may be something.
type MatrixLimits struct {
	Matrix string `json:"tileMatrix"`
	MinRow uint32 `json:"minTileRow"`
	MaxRow uint32 `json:"maxTileRow"`
	MinCol uint32 `json:"minTileCol"`
	MaxCol uint32 `json:"maxTileCol"`
}

// TilesetBox is a box, longitude first.
type TilesetBox struct {
	LowerLeft  [2]float64 `json:"lowerLeft"`
	UpperRight [2]float64 `json:"upperRight"`
	CRS        string     `json:"crs"`
}

// TilesetLayer is a layer of a tileset.
type TilesetLayer struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	DataType  string `json:"dataType"`
	Dimension int    `json:"geometryDimension"`
	MinMatrix string `json:"minTileMatrix"`
	MaxMatrix string `json:"maxTileMatrix"`
}

// NewTileset describes tiles of a kind, vector or map, without limits and layers.
func NewTileset(g tile.Grid, kind, title string) Tileset {
	return Tileset{Title: title, DataType: kind, CRS: crsURI(g), MatrixSet: matrixSetURI(g)}
}

// Bound tells where the tiles of zooms lo to hi lie that a box meets.
func (t *Tileset) Bound(g tile.Grid, box geo.Box, lo, hi int) {
	if box.Empty() {
		return
	}
	a, b := box.Min.LonLat(), box.Max.LonLat()
	t.Box = &TilesetBox{[2]float64{a.Lon, a.Lat}, [2]float64{b.Lon, b.Lat}, CRS84}
	for z := lo; z <= hi; z++ {
		x0, y0, x1, y1 := g.Range(box, uint8(z))
		if x0 <= x1 && y0 <= y1 {
			t.Limits = append(t.Limits, MatrixLimits{strconv.Itoa(z), y0, y1, x0, x1})
		}
	}
}
