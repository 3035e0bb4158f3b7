package tileserver

import (
	"errors"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/problem"
	"gengtu/tileserver/access"
	"gengtu/tileserver/ogc"
	"gengtu/tileserver/raster"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
)

// ogcTiles are tiles of one kind under one address of OGC API: vector tiles, or pictures.
type ogcTiles struct {
	*request
	kind  string // dataType of OGC API
	media string
	layer string // "" for those of the whole edition
}

// The kinds of tiles.
const (
	vectorTiles = "vector"
	mapTiles    = "map"
)

// ogcTiles are the tiles that the path names.
func (r *request) ogcTiles(kind string) *ogcTiles {
	t := &ogcTiles{request: r, kind: kind, media: "application/vnd.mapbox-vector-tile", layer: r.params["layer"]}
	if kind == mapTiles {
		t.media = "image/png"
	}
	return t
}

// resource is the address of the tilesets within the tier.
func (t *ogcTiles) resource() string {
	at := "ogc/"
	if t.layer != "" {
		at += "collections/" + t.layer + "/"
	}
	if t.kind == mapTiles {
		at += "map/"
	}
	return at + "tiles"
}

// layers are those that the tiles are of: the path's, those of collections=, or all that
// are shown.
func (t *ogcTiles) layers() ([]*index.Layer, error) {
	names := t.layer
	if names == "" {
		// They may be named by their full addresses (20-057, /req/collections-selection).
		all := commaList(t.query("collections"))
		for i, n := range all {
			if rest, ok := strings.CutPrefix(n, t.path("ogc/collections/")); ok {
				all[i], _, _ = strings.Cut(rest, "?")
			}
		}
		names = strings.Join(all, ",")
	}
	if names == "" {
		names = tileset.All
	}
	return t.layersOf(names)
}

// ogcGrid is the grid that the path names.
func (r *request) ogcGrid() (tile.Grid, error) {
	id := r.params["grid"]
	g, ok := ogc.ParseMatrixSet(id)
	if !ok {
		return 0, problem.New("GRID_UNKNOWN", "没有瓦片矩阵集 %.40q", "no tile matrix set %.40q", id).
			Advise("有 %[1]s 和 %[2]s", "there are %[1]s and %[2]s", ogc.MatrixSetID(tile.W), ogc.MatrixSetID(tile.C))
	}
	return g, nil
}

// handleOGCMatrixSets lists the grids.
func (s *Server) handleOGCMatrixSets(r *request) error {
	if err := r.ogcDocument(); err != nil {
		return err
	}
	list := []map[string]any{}
	for _, g := range tile.Grids() {
		set := ogc.MatrixSet(g)
		list = append(list, map[string]any{"id": set.ID, "title": set.Title, "uri": set.URI, "crs": set.CRS, "links": []ogc.Link{{Href: r.address("ogc/tileMatrixSets/" + set.ID), Rel: "self", Type: mediaJSON}}})
	}
	return r.sendDocument(mediaJSON, map[string]any{"tileMatrixSets": list, "links": r.documentSelf("ogc/tileMatrixSets")})
}

// handleOGCMatrixSet defines a grid.
func (s *Server) handleOGCMatrixSet(r *request) error {
	if err := r.ogcDocument(); err != nil {
		return err
	}
	g, err := r.ogcGrid()
	if err != nil {
		return err
	}
	return r.sendDocument(mediaJSON, ogc.MatrixSet(g))
}

// handleOGCTilesets lists the vector tilesets of a layer or of the edition.
func (s *Server) handleOGCTilesets(r *request) error { return r.ogcTiles(vectorTiles).list() }

// handleOGCMapTilesets lists the tilesets of pictures.
func (s *Server) handleOGCMapTilesets(r *request) error { return r.ogcTiles(mapTiles).list() }

// handleOGCTileset describes a vector tileset.
func (s *Server) handleOGCTileset(r *request) error { return r.ogcTiles(vectorTiles).describe() }

// handleOGCMapTileset describes a tileset of pictures.
func (s *Server) handleOGCMapTileset(r *request) error { return r.ogcTiles(mapTiles).describe() }

// handleOGCTile answers with a vector tile, row before column.
func (s *Server) handleOGCTile(r *request) error { return r.ogcTiles(vectorTiles).tile() }

// handleOGCMapTile answers with a picture.
func (s *Server) handleOGCMapTile(r *request) error { return r.ogcTiles(mapTiles).tile() }

func (t *ogcTiles) list() error {
	if err := t.ogcDocument(); err != nil {
		return err
	}
	if _, err := t.layers(); err != nil {
		return err
	}
	sets := []ogc.Tileset{}
	for _, g := range tile.Grids() {
		sets = append(sets, t.tileset(g))
	}
	return t.sendDocument(mediaJSON, map[string]any{"tilesets": sets, "links": t.documentSelf(t.resource())})
}

// tileset describes tiles in a grid as far as lists do.
func (t *ogcTiles) tileset(g tile.Grid) ogc.Tileset {
	title := t.layer
	if title == "" {
		title = "gengtu " + string(t.tier)
	}
	set := ogc.NewTileset(g, t.kind, title)
	set.Links = append(t.documentSelf(t.resource()+"/"+ogc.MatrixSetID(g)),
		ogc.Link{Href: t.address("ogc/tileMatrixSets/" + ogc.MatrixSetID(g)), Rel: "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme", Type: mediaJSON})
	return set
}

func (t *ogcTiles) describe() error {
	if err := t.onlyParameters("f", "collections", "vintage", "generation", "tk"); err != nil {
		return err
	}
	g, err := t.ogcGrid()
	if err != nil {
		return err
	}
	layers, err := t.layers()
	if err != nil {
		return err
	}
	set := t.tileset(g)
	set.Attribution = t.attribution()
	low, high := t.minZoom(g), t.ix().Manifest.MaxZoom
	for _, l := range layers {
		lo, hi := l.Meta.Within(low, high)
		set.Layers = append(set.Layers, ogc.TilesetLayer{
			ID: l.Meta.Name, Title: t.title(l), DataType: t.kind, Dimension: 2, MinMatrix: strconv.Itoa(lo), MaxMatrix: strconv.Itoa(hi),
		})
	}
	first, last := t.zooms(g, layers)
	set.Bound(g, tileset.ExtentOf(layers), first, last)
	v := t.carried()
	if c := t.query("collections"); c != "" && t.layer == "" {
		v.Set("collections", c)
	}
	query := ""
	if len(v) > 0 {
		query = "?" + v.Encode()
	}
	set.Links = append(set.Links, ogc.Link{
		Href: t.path(t.resource()+"/"+ogc.MatrixSetID(g)) + "/{tileMatrix}/{tileRow}/{tileCol}" + query, Rel: "item", Type: t.media, Templated: true,
	})
	return t.sendDocument(mediaJSON, set)
}

// zooms are the first and the last at which any of the layers is shown.
func (t *ogcTiles) zooms(g tile.Grid, layers []*index.Layer) (first, last int) {
	low, high := t.minZoom(g), t.ix().Manifest.MaxZoom
	first, last = high, low
	for _, l := range layers {
		lo, hi := l.Meta.Within(low, high)
		first, last = min(first, lo), max(last, hi)
	}
	return first, last
}

// within tells whether a tile is within the limits that the tileset tells; layers
// without features have none.
func (t *ogcTiles) within(at tile.Tile, layers []*index.Layer) bool {
	box := tileset.ExtentOf(layers)
	if box.Empty() {
		return true
	}
	first, last := t.zooms(at.Grid, layers)
	x0, y0, x1, y1 := at.Grid.Range(box, at.Z)
	return first <= int(at.Z) && int(at.Z) <= last && x0 <= at.X && at.X <= x1 && y0 <= at.Y && at.Y <= y1
}

func (t *ogcTiles) tile() error {
	parameters := []string{"f", "collections", "vintage", "generation", "tk"}
	if t.kind == mapTiles {
		parameters = append(parameters, "style")
	}
	if err := t.onlyParameters(parameters...); err != nil {
		return err
	}
	want := map[string]string{vectorTiles: "mvt", mapTiles: "png"}[t.kind]
	if f := t.query("f"); f != "" && f != want {
		return problem.New("PARAMETER_F", "f 是 %.20[1]q，这里只有 %[2]s", "f is %.20[1]q; here is %[2]s", f, want)
	}
	layers, err := t.layers()
	if err != nil {
		return err
	}
	g, err := t.ogcGrid()
	if err != nil {
		return err
	}
	at, err := t.tileIn(g, t.params["z"], t.params["col"], t.params["row"])
	switch {
	case errors.Is(err, tile.ErrRange) && problem.Of(err) == nil:
		// Beyond the matrix there is nothing (20-057, 7.1.6).
		return problem.New("NO_TILE", "矩阵里没有这块瓦片（%v）", "the matrix has no such tile (%v)", err)
	case err != nil:
		return err
	case !t.within(at, layers):
		return problem.New("NO_TILE", "瓦片 %v 在 tileMatrixSetLimits 之外", "tile %v is beyond the tileMatrixSetLimits", at)
	case t.kind == mapTiles:
		return t.sendPNG(layers, at, raster.TileSize, t.query("style"))
	}
	return t.sendMVT(layers, at)
}

// ogcTileLinks are the links from a document to the tiles below an address.
func (r *request) ogcTileLinks(at string) []ogc.Link {
	if !r.allows(access.Tiles) {
		return nil
	}
	return []ogc.Link{
		{Href: r.address(at + "tiles"), Rel: "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector", Type: mediaJSON},
		{Href: r.address(at + "map/tiles"), Rel: "http://www.opengis.net/def/rel/ogc/1.0/tilesets-map", Type: mediaJSON},
	}
}
