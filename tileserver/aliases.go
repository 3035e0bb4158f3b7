package tileserver

import (
	"encoding/json"
	"strings"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/tileserver/raster"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
)

// alias is an address form of another server's tiles: where it has what names a tile.
// Each is an element of the path by its name in the route's pattern, or a parameter of the
// query when it begins with "?".
type alias struct{ service, z, row, col string }

// aliases are the address forms of other servers that are answered as they write them.
// service is a layer and its grid, `cropland_w`; several layers and all stand there, too.
var (
	// Tianditu's short form: DataServer?T=vec_c&x=&y=&l=.
	tiandituShort = alias{service: "?T", z: "?l", row: "?y", col: "?x"}
	// ArcGIS REST: MapServer/tile/{level}/{row}/{col}.
	arcgisTile = alias{service: "layergrid", z: "z", row: "row", col: "col"}
	// The RESTful WMTS of ArcGIS; its layer, style and matrix set name nothing beside the
	// service, whose grid is the only one.
	arcgisWMTS = alias{service: "layergrid", z: "z", row: "row", col: "col"}
	// SuperMap iServer's ZXY tiles, by query and by path.
	supermapQuery = alias{service: "layergrid", z: "?z", row: "?y", col: "?x"}
	supermapPath  = alias{service: "layergrid", z: "z", row: "row", col: "col"}
)

// part returns what stands where the alias has it.
func (r *request) part(where string) string {
	if key, ok := strings.CutPrefix(where, "?"); ok {
		return r.query(key)
	}
	return r.params[where]
}

// handleAlias answers with the picture of the tile that an address form of another server
// names.
func (s *Server) handleAlias(a alias) func(*request) error {
	return func(r *request) error {
		layers, g, err := r.aliasLayers(r.part(a.service))
		if err != nil {
			return err
		}
		// The rest of the way is that of our own address.
		r.params["grid"] = g.String()
		t, err := r.tileOf(r.part(a.z), strings.TrimSuffix(r.part(a.col), ".png"), r.part(a.row))
		if err != nil {
			return err
		}
		return r.sendPNG(layers, t, raster.TileSize, r.query("style"))
	}
}

// aliasLayers reads the service of an alias.
func (r *request) aliasLayers(service string) ([]*index.Layer, tile.Grid, error) {
	if service == "" {
		return nil, 0, problem.New("PARAMETER_SERVICE", "缺少图层与网格的名字，例如 cropland_c", "the name of layer and grid is missing, such as cropland_c")
	}
	name, g, err := r.layerGrid(service)
	if err != nil {
		return nil, 0, err
	}
	layers, err := r.layersOf(name)
	return layers, g, err
}

// The numbers of ArcGIS's documents: its dpi, and its name for Web Mercator beside 3857.
const (
	arcgisDPI      = 96
	arcgisMercator = 102100
)

// mapServer is ArcGIS's description of a service of finished tiles.
type mapServer struct {
	CurrentVersion   float64          `json:"currentVersion"`
	MapName          string           `json:"mapName"`
	Description      string           `json:"serviceDescription"`
	Copyright        string           `json:"copyrightText"`
	DynamicLayers    bool             `json:"supportsDynamicLayers"`
	Layers           []mapServerLayer `json:"layers"`
	Tables           []struct{}       `json:"tables"`
	SpatialReference arcgisReference  `json:"spatialReference"`
	SingleFused      bool             `json:"singleFusedMapCache"`
	TileInfo         arcgisTiles      `json:"tileInfo"`
	InitialExtent    arcgisExtent     `json:"initialExtent"`
	FullExtent       arcgisExtent     `json:"fullExtent"`
	MinScale         float64          `json:"minScale"`
	MaxScale         float64          `json:"maxScale"`
	Units            string           `json:"units"`
	Formats          string           `json:"supportedImageFormatTypes"`
	Capabilities     string           `json:"capabilities"`
	ExportTiles      bool             `json:"exportTilesAllowed"`
}

type mapServerLayer struct {
	ID       int    `json:"id"`
	Name     string `json:"name"`
	Parent   int    `json:"parentLayerId"`
	Shown    bool   `json:"defaultVisibility"`
	SubLayer []int  `json:"subLayerIds"`
	MinScale int    `json:"minScale"`
	MaxScale int    `json:"maxScale"`
}

type arcgisReference struct {
	WKID   int `json:"wkid"`
	Latest int `json:"latestWkid"`
}

type arcgisTiles struct {
	Rows        int             `json:"rows"`
	Cols        int             `json:"cols"`
	DPI         int             `json:"dpi"`
	Format      string          `json:"format"`
	Compression int             `json:"compressionQuality"`
	Origin      arcgisPoint     `json:"origin"`
	Reference   arcgisReference `json:"spatialReference"`
	LODs        []arcgisLOD     `json:"lods"`
}

type arcgisPoint struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

type arcgisLOD struct {
	Level      uint8   `json:"level"`
	Resolution float64 `json:"resolution"`
	Scale      float64 `json:"scale"`
}

type arcgisExtent struct {
	XMin      float64         `json:"xmin"`
	YMin      float64         `json:"ymin"`
	XMax      float64         `json:"xmax"`
	YMax      float64         `json:"ymax"`
	Reference arcgisReference `json:"spatialReference"`
}

// titles are those of layers, of which all may be none that a token reaches.
func (r *request) titles(layers []*index.Layer) string {
	out := make([]string, len(layers))
	for i, l := range layers {
		out[i] = r.title(l)
	}
	return strings.Join(out, ", ")
}

// handleMapServer answers with ArcGIS's description of a layer in a grid, whose tiles lie
// below it.
func (s *Server) handleMapServer(r *request) error {
	if f := r.query("f"); f != "json" && f != "pjson" {
		return problem.New("PARAMETER_F", "f 是 %.20q，这里只有 json", "f is %.20q; there is json here", f)
	}
	layers, g, err := r.aliasLayers(r.params["layergrid"])
	if err != nil {
		return err
	}
	reference := arcgisReference{g.EPSG(), g.EPSG()}
	doc := mapServer{
		CurrentVersion: 10.91, MapName: r.params["layergrid"], Description: r.titles(layers), Copyright: r.disclaimer(), SingleFused: true,
		Tables: []struct{}{}, Units: "esriDecimalDegrees", Formats: "PNG", Capabilities: "Map,TilesOnly",
	}
	if g == tile.W {
		reference.WKID, doc.Units = arcgisMercator, "esriMeters"
	}
	box, lo, hi := geo.EmptyBox(), tileset.MaxZoom, 0
	for i, l := range layers {
		box = box.Union(l.Extent())
		least, most := l.Meta.Within(r.minZoom(g), r.ix().Manifest.MaxZoom)
		lo, hi = min(lo, least), max(hi, most)
		doc.Layers = append(doc.Layers, mapServerLayer{ID: i, Name: l.Meta.Name, Parent: -1, Shown: true})
	}
	world := g.Resolution(0) * tile.PixelsPerTile // the plane's width in its unit
	origin := arcgisPoint{X: -world / 2, Y: world / 2}
	if g == tile.C {
		origin.Y = 90
	}
	doc.SpatialReference = reference
	doc.TileInfo = arcgisTiles{Rows: tile.PixelsPerTile, Cols: tile.PixelsPerTile, DPI: arcgisDPI, Format: "PNG", Origin: origin, Reference: reference, LODs: []arcgisLOD{}}
	for z := uint8(lo); int(z) <= hi; z++ {
		doc.TileInfo.LODs = append(doc.TileInfo.LODs, arcgisLOD{z, g.Resolution(z), tile.ScaleDenominator96(z)})
	}
	if n := len(doc.TileInfo.LODs); n > 0 {
		doc.MinScale, doc.MaxScale = doc.TileInfo.LODs[0].Scale, doc.TileInfo.LODs[n-1].Scale
	}
	var nw, se tile.World
	if !box.Empty() {
		nw, se = g.Project(geo.Position{Lon: box.Min.Lon, Lat: box.Max.Lat}), g.Project(geo.Position{Lon: box.Max.Lon, Lat: box.Min.Lat})
	}
	doc.FullExtent = arcgisExtent{
		XMin: origin.X + nw.X*world, YMax: origin.Y - nw.Y*world, XMax: origin.X + se.X*world, YMin: origin.Y - se.Y*world, Reference: reference,
	}
	doc.InitialExtent = doc.FullExtent
	data, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	return r.send("application/json", data)
}
