package tileserver

import (
	"fmt"

	"gengtu/index/geo"
)

// tileJSON is TileJSON 3.0.0, with the grid's coordinate system beside it.
type tileJSON struct {
	TileJSON     string        `json:"tilejson"`
	Name         string        `json:"name"`
	Tiles        []string      `json:"tiles"`
	VectorLayers []vectorLayer `json:"vector_layers"`
	Scheme       string        `json:"scheme"`
	MinZoom      int           `json:"minzoom"`
	MaxZoom      int           `json:"maxzoom"`
	Bounds       []float64     `json:"bounds,omitempty"`
	Center       []float64     `json:"center,omitempty"`
	Attribution  string        `json:"attribution,omitempty"`
	Version      string        `json:"version"`
	Format       string        `json:"format"`
	CRS          string        `json:"crs"`
	Generation   string        `json:"generation"`
}

type vectorLayer struct {
	ID          string            `json:"id"`
	Description string            `json:"description"`
	MinZoom     int               `json:"minzoom"`
	MaxZoom     int               `json:"maxzoom"`
	Fields      map[string]string `json:"fields"`
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
		MinZoom: int(g.MinZoom()), MaxZoom: m.MaxZoom, Version: "1.0.0", Format: "pbf", CRS: g.CRS(), Generation: r.gen.name,
		Attribution: r.attribution(), VectorLayers: []vectorLayer{},
		Tiles: []string{r.address(fmt.Sprintf("tiles/%s/%s/{z}/{x}/{y}.mvt", r.params["layers"], g))},
	}
	box := geo.EmptyBox()
	for _, l := range layers {
		box = box.Union(l.Extent())
		v := vectorLayer{ID: l.Meta.Name, Description: r.title(l), MinZoom: doc.MinZoom, MaxZoom: doc.MaxZoom, Fields: map[string]string{}}
		for _, f := range l.Meta.Fields {
			if f.Tile {
				v.Fields[f.Name] = tileJSONType(string(f.Kind))
			}
		}
		doc.VectorLayers = append(doc.VectorLayers, v)
	}
	if !box.Empty() {
		lo, hi := box.Min.LonLat(), box.Max.LonLat()
		doc.Bounds = []float64{lo.Lon, lo.Lat, hi.Lon, hi.Lat}
		doc.Center = []float64{(lo.Lon + hi.Lon) / 2, (lo.Lat + hi.Lat) / 2, float64(min(13, m.MaxZoom))}
	}
	return r.sendJSON(doc)
}

func tileJSONType(kind string) string {
	switch kind {
	case "integer", "real":
		return "Number"
	case "bool":
		return "Boolean"
	}
	return "String"
}
