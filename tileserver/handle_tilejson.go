package tileserver

import (
	"fmt"

	"gengtu/tileserver/archive"
	"gengtu/tileserver/tileset"
)

// tileJSON is TileJSON 3.0.0, with the grid's coordinate system beside it.
type tileJSON struct {
	TileJSON     string                `json:"tilejson"`
	Name         string                `json:"name"`
	Tiles        []string              `json:"tiles"`
	VectorLayers []archive.VectorLayer `json:"vector_layers"`
	Scheme       string                `json:"scheme"`
	MinZoom      int                   `json:"minzoom"`
	MaxZoom      int                   `json:"maxzoom"`
	Bounds       []float64             `json:"bounds,omitempty"`
	Center       []float64             `json:"center,omitempty"`
	Attribution  string                `json:"attribution,omitempty"`
	Version      string                `json:"version"`
	Format       string                `json:"format"`
	CRS          string                `json:"crs"`
	Generation   string                `json:"generation"`
}

func (s *Server) handleTileJSON(r *request) error {
	layers, err := r.layersOf(r.params["layers"])
	if err != nil {
		return err
	}
	g, err := r.grid()
	if err != nil {
		return err
	}
	m := r.ix().Manifest
	doc := tileJSON{
		TileJSON: "3.0.0", Name: "gengtu " + string(r.tier) + " " + r.params["layers"], Scheme: "xyz",
		MinZoom: r.minZoom(g), MaxZoom: m.MaxZoom, Version: "1.0.0", Format: "pbf", CRS: g.CRS(), Generation: r.gen.Name(),
		Attribution: r.attribution(), VectorLayers: []archive.VectorLayer{},
		Tiles: []string{r.address(fmt.Sprintf("tiles/%s/%s/{z}/{x}/{y}.mvt", r.params["layers"], g))},
	}
	low, high := doc.MinZoom, doc.MaxZoom
	doc.MinZoom, doc.MaxZoom = high, low
	for _, l := range layers {
		lo, hi := l.Meta.Within(low, high)
		doc.VectorLayers = append(doc.VectorLayers, tileset.VectorLayer(l, r.title(l), lo, hi))
		doc.MinZoom, doc.MaxZoom = min(doc.MinZoom, lo), max(doc.MaxZoom, hi)
	}
	if doc.MinZoom > doc.MaxZoom { // none of the layers is served where the token reaches
		doc.MinZoom, doc.MaxZoom = low, high
	}
	if box := tileset.ExtentOf(layers); !box.Empty() {
		lo, hi := box.Min.LonLat(), box.Max.LonLat()
		doc.Bounds = []float64{lo.Lon, lo.Lat, hi.Lon, hi.Lat}
		doc.Center = []float64{lo.Lon + (hi.Lon-lo.Lon)/2, lo.Lat + (hi.Lat-lo.Lat)/2, float64(tileset.CenterZoom(g, box, doc.MinZoom, doc.MaxZoom))}
	}
	return r.sendJSON(doc)
}
