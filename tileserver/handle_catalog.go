package tileserver

import (
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/tileserver/catalog"
	"gengtu/tileserver/raster"
)

// catalogLayer is one layer of the catalogue.
type catalogLayer struct {
	Name     string        `json:"name"`
	Title    edition.Title `json:"title"`
	Vintage  string        `json:"vintage"`
	Vintages []string      `json:"vintages"`
	Features int           `json:"features"`
	Vertices int           `json:"vertices"`
	Extent   *[4]float64   `json:"extent"`
	AreaM2   float64       `json:"area_m2"`
	AreaMu   float64       `json:"area_mu"`
	PatchM2  *float64      `json:"patch_m2"`
	NetM2    *float64      `json:"net_m2"`
	// PatchComputed and NetComputed are no part of PatchM2 and NetM2.
	PatchComputed *edition.ComputedArea `json:"patch_computed,omitempty"`
	NetComputed   *edition.ComputedArea `json:"net_computed,omitempty"`
	MinZoom       int                   `json:"minzoom"`
	MaxZoom       int                   `json:"maxzoom"`
	Fields        []catalogField        `json:"fields"`
	Services      map[string]string     `json:"services"`
	// Record is what is said of the layer beside what is measured, Thumbnail the
	// address of its picture; null when it is empty.
	Record    catalog.Record `json:"record"`
	Thumbnail *string        `json:"thumbnail"`
}

type catalogField struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Title string `json:"title,omitempty"`
	Tile  bool   `json:"tile"`
}

func (s *Server) handleCatalog(r *request) error {
	m := r.ix().Manifest
	services := map[string]string{
		"style": r.address("style.json"), "legend": r.address("legend.json"), "wmts": r.address("wmts/1.0.0/WMTSCapabilities.xml"),
		"tilejson": r.address("tiles/all/w.json"), "map": r.address("map.png"), "overlay": r.address("overlay"),
		"places": r.address("places"), "summary": r.address("summary"),
	}
	if dated(r.ix()) != "" {
		services["diff"] = r.address("diff")
	}
	doc := map[string]any{
		"product": edition.Product, "program": s.cfg.Program, "tier": r.tier, "tier_title": r.tier.Title(r.lang()),
		"generation": r.gen.name, "extent": nil, "layers": s.catalogLayers(r),
		"formula": areas.Formula, "crs": "EPSG:4490", "grids": []string{"c", "w"},
		"parcel_zoom": parcelZoom(m), "maxzoom": m.MaxZoom,
		"use": m.Policy.Use, "disclaimer": m.Policy.Disclaimer, "approval": m.Policy.Approval,
		"limits":   s.catalogLimits(m),
		"services": services,
	}
	if k := s.cfg.Seal; k != nil {
		services["verify"] = r.address("verify")
		doc["receipts"] = map[string]any{"algorithm": k.Signer.Algorithm(), "key": k.Signer.Public().ID()}
	}
	if box := r.extent(); !box.Empty() {
		lo, hi := box.Min.LonLat(), box.Max.LonLat()
		doc["extent"] = []float64{lo.Lon, lo.Lat, hi.Lon, hi.Lat}
	}
	if m.Policy.GridM > 0 {
		doc["grid_m"] = m.Policy.GridM
	}
	return r.sendJSON(doc)
}

// catalogLimits names every limit that a request can meet.
func (s *Server) catalogLimits(m *edition.Manifest) map[string]any {
	l := s.cfg.Limits
	return map[string]any{
		"body_bytes": l.BodyBytes, "url_bytes": l.URLBytes, "connections": l.Connections, "connections_per_address": nullZero(l.PerIP),
		"read_seconds": l.Read.Seconds(), "write_seconds": l.Write.Seconds(), "idle_seconds": l.Idle.Seconds(),
		"aoi_vertices": l.AOIVertices, "aoi_features": l.AOIFeatures, "aoi_layers": overlay.MaxLayers,
		"aoi_max_m2": nullZero(m.Policy.MaxAOIM2), "aoi_min_m2": nullZero(m.Policy.MinAOIM2),
		"overlay_seconds": l.Overlay.Seconds(), "overlay_at_once": l.OverlayAtOnce, "overlay_vertices": l.OverlayVertices,
		"answer_items": l.AnswerItems, "list_features": l.Features, "info_features": infoFeatures,
		"tile_layers": maxLayers, "tile_seconds": l.Tile.Seconds(), "tiles_at_once": l.TilesAtOnce,
		"map_pixels": raster.MaxSide, "map_tiles": maxMapTiles, "map_at_once": l.MapAtOnce,
	}
}

// nullZero writes a limit that is not set as null.
func nullZero[T int | float64](v T) any {
	if v == 0 {
		return nil
	}
	return v
}

func (s *Server) catalogLayers(r *request) []catalogLayer {
	out := []catalogLayer{}
	for _, name := range r.ix().Names() {
		l := r.ix().Layer(name, r.query("vintage"))
		if l == nil {
			continue
		}
		m := l.Meta
		c := catalogLayer{
			Name: m.Name, Title: m.Title, Vintage: m.Vintage, Vintages: r.ix().Vintages(name), Features: m.Features,
			Vertices: m.Vertices, Extent: m.Extent, AreaM2: m.AreaM2, AreaMu: m.AreaM2 * geo.MuPerM2, PatchM2: m.PatchM2, NetM2: m.NetM2, PatchComputed: m.PatchComputed, NetComputed: m.NetComputed,
			MaxZoom: r.ix().Manifest.MaxZoom, Fields: []catalogField{}, Services: r.layerServices(l),
			Record: s.record(r.tier, name),
		}
		if picture := r.thumbnail(m); picture != "" {
			c.Thumbnail = &picture
		}
		for _, f := range m.Fields {
			c.Fields = append(c.Fields, catalogField{f.Name, string(f.Kind), f.Title, f.Tile})
		}
		out = append(out, c)
	}
	return out
}
