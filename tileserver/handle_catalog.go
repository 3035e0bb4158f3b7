package tileserver

import (
	"fmt"
	"strings"

	"gengtu/index/areas"
	"gengtu/index/compare"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/tileserver/access"
	"gengtu/tileserver/catalog"
	"gengtu/tileserver/ogc"
	"gengtu/tileserver/raster"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
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
	// PatchWithheldM2 and NetWithheldM2 are what PatchM2 and NetM2 are short of.
	PatchWithheldM2 float64 `json:"patch_withheld_m2,omitempty"`
	NetWithheldM2   float64 `json:"net_withheld_m2,omitempty"`
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
	doc := map[string]any{
		"product": edition.Product, "program": s.cfg.Program, "tier": r.tier, "tier_title": r.tier.Title(r.lang()),
		"generation": r.gen.Name(), "extent": nil, "layers": s.catalogLayers(r),
		"formula": areas.Formula, "crs": "EPSG:4490", "grids": []string{"c", "w"},
		"parcel_zoom": tileset.ParcelsFrom(m), "minzoom": m.Policy.MinZoom, "maxzoom": m.MaxZoom,
		"use": m.Policy.Use, "disclaimer": m.Policy.Disclaimer, "approval": m.Policy.Approval,
		"created": m.Created, "watermark": s.cfg.Catalogue.Watermark(r.tier),
		"limits":   s.catalogLimits(m),
		"services": r.services(),
	}
	if k := s.cfg.Seal; k != nil {
		doc["receipts"] = map[string]any{"algorithm": k.Signer.Algorithm(), "key": k.Signer.Public().ID()}
	}
	if box := r.extent(); !box.Empty() {
		lo, hi := box.Min.LonLat(), box.Max.LonLat()
		doc["extent"] = []float64{lo.Lon, lo.Lat, hi.Lon, hi.Lat}
	}
	if bases := r.baseMaps(); len(bases) > 0 && r.allows(access.Tiles) {
		doc["base_maps"] = bases
	}
	tellPolicy(doc, m)
	return r.sendJSON(doc)
}

// services are the addresses of what the token reaches.
func (r *request) services() map[string]string {
	out := map[string]string{"style": r.address("style.json"), "legend": r.address("legend.json"), "legend_png": r.address("legend.png"), "me": r.address("me"), "ogc": r.address("ogc")}
	if r.allows(access.Tiles) {
		out["wmts"], out["tilejson"], out["map"] = r.address("wmts/1.0.0/WMTSCapabilities.xml"), r.address("tiles/all/w.json"), r.address("map.png")
		out["wms"] = r.capabilities("WMS", "wms")
	}
	if r.allows(access.Overlay) {
		out["overlay"], out["summary"] = r.address("overlay"), r.address("summary")
		if r.server.cfg.Seal != nil {
			out["verify"], out["keys"] = r.address("verify"), r.address("keys")
		}
	}
	if r.allows(access.Analyses) && len(r.questions()) > 0 {
		out["analyses"] = r.address("analyses")
	}
	if r.allows(access.Features) {
		out["places"] = r.address("places")
		ix := r.ix()
		if name, err := compare.DefaultLayer(ix, ix); err == nil && len(ix.Vintages(name)) > 1 {
			out["diff"] = r.address("diff")
		}
	}
	return out
}

// layerServices are the addresses of one layer.
func (r *request) layerServices(name string) map[string]string {
	out := map[string]string{}
	if r.allows(access.Tiles) {
		for _, g := range tile.Grids() {
			out["mvt_"+g.String()] = r.address(fmt.Sprintf("tiles/%s/%s/{z}/{x}/{y}.mvt", name, g))
			out["png_"+g.String()] = r.address(fmt.Sprintf("tiles/%s/%s/{z}/{x}/{y}.png", name, g))
			out["wmts_"+g.String()] = r.capabilities("WMTS", fmt.Sprintf("%s_%s/wmts", name, g))
		}
		out["tilejson"] = r.address("tiles/" + name + "/w.json")
	}
	if r.allows(access.Features) {
		out["features"] = r.address("features/" + name)
		out["items"] = r.address("ogc/collections/" + name + "/items")
		if !strings.HasPrefix(name, tileset.AnswerPrefix) && r.mayTellLineage() == nil {
			out["lineage"] = r.address("features/" + name + "/{id}/lineage")
		}
	}
	return out
}

// capabilities is the address at which a service by query, WMTS or WMS, describes itself.
func (r *request) capabilities(service, resource string) string {
	v := r.carried()
	v.Set("service", service)
	v.Set("request", "GetCapabilities")
	return r.path(resource) + "?" + v.Encode()
}

// tellPolicy says what the policy makes of positions and answers; what it does not say is
// left out.
func tellPolicy(doc map[string]any, m *edition.Manifest) {
	p := &m.Policy
	if p.Name != "" {
		doc["policy"] = map[string]string{"name": p.Name, "digest": p.Digest}
	}
	if p.GridM > 0 {
		doc["grid_m"] = p.GridM
	}
	if p.PrecisionM > 0 {
		doc["precision_m"] = p.PrecisionM
	}
	if p.RoundM2 > 0 {
		doc["rounded_to_m2"] = p.RoundM2
	}
	if p.Groups != nil {
		doc["groups"] = p.Groups
	}
	if p.Analyses != nil {
		doc["analyses"] = p.Analyses
	}
	if p.TotalsOnly {
		doc["totals_only"] = true
	}
}

// catalogLimits names every limit that a request can meet.
func (s *Server) catalogLimits(m *edition.Manifest) map[string]any {
	l := s.cfg.Limits
	return map[string]any{
		"body_bytes": l.BodyBytes, "url_bytes": l.URLBytes, "connections": l.Connections, "connections_per_address": nullZero(l.PerIP), "body_memory": l.BodyMemory, "send_memory": l.SendMemory,
		"requests_per_second_per_address": nullZero(l.AddressRate.PerSecond), "requests_per_second_per_token": nullZero(l.TokenRate.PerSecond),
		"read_seconds": l.Read.Seconds(), "write_seconds": l.Write.Seconds(), "idle_seconds": l.Idle.Seconds(),
		"aoi_vertices": l.AOIVertices, "aoi_features": l.AOIFeatures, "aoi_layers": overlay.MaxLayers,
		"aoi_max_m2": nullZero(m.Policy.MaxAOIM2), "aoi_min_m2": nullZero(m.Policy.MinAOIM2),
		"overlay_seconds": l.Overlay.Seconds(), "overlay_at_once": l.OverlayAtOnce, "overlay_vertices": l.OverlayVertices,
		"answer_items": l.AnswerItems, "list_features": l.Features, "info_features": infoFeatures,
		"tile_layers": maxLayers, "tile_seconds": l.Tile.Seconds(), "tiles_at_once": l.TilesAtOnce,
		"map_pixels": raster.MaxSide, "map_tiles": maxMapTiles, "map_at_once": l.MapAtOnce,
		"scope_wait_seconds": l.ScopedWait.Seconds(),
		"analysis_seconds":   l.Job.Seconds(), "analyses_at_once": l.JobsAtOnce, "analyses_waiting": l.JobsWaiting, "analyses_of_one": l.JobsOfOne,
		"analyses_kept": l.JobsKept, "analyses_bytes": l.JobsBytes, "analyses_kept_seconds": l.JobsFor.Seconds(), "analysis_streams": l.JobStreams,
		"answer_layers_listed": maxListedAnswers,
		"sort_features":        maxSorted, "page_bytes": ogcPageBytes, "page_html_bytes": ogcHTMLBytes, "page_features": ogcItems, "filter_bytes": ogc.MaxFilterBytes, "filter_conditions": ogc.MaxFilterParts, "filter_depth": ogc.MaxFilterDepth,
		"list_memory": chosenBytes,
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
			Vertices: m.Vertices, Extent: m.Extent, AreaM2: m.AreaM2, AreaMu: m.AreaM2 * geo.MuPerM2, PatchM2: m.PatchM2, NetM2: m.NetM2, PatchWithheldM2: m.PatchWithheldM2, NetWithheldM2: m.NetWithheldM2, PatchComputed: m.PatchComputed, NetComputed: m.NetComputed,
			Fields: []catalogField{}, Services: r.layerServices(name), Record: s.cfg.Catalogue.Of(r.tier, name),
		}
		c.Services["metadata"] = r.address("catalog/" + name + ".xml")
		if picture := r.thumbnail(m); picture != "" {
			c.Thumbnail = &picture
		}
		c.MinZoom, c.MaxZoom = m.Within(r.minZoom(tile.W), r.ix().Manifest.MaxZoom)
		c.round(r.policy().RoundM2)
		for _, f := range m.Fields {
			c.Fields = append(c.Fields, catalogField{f.Name, string(f.Kind), f.Title, f.Tile})
		}
		out = append(out, c)
	}
	return out
}

// round rounds the layer's sums as the policy wants answers rounded.
func (c *catalogLayer) round(step float64) {
	c.AreaM2 = areas.RoundedTo(step, c.AreaM2)
	c.AreaMu = c.AreaM2 * geo.MuPerM2
	for _, m2 := range []**float64{&c.PatchM2, &c.NetM2} {
		if *m2 != nil {
			v := areas.RoundedTo(step, **m2) // the manifest keeps its own
			*m2 = &v
		}
	}
	for _, sum := range []**edition.ComputedArea{&c.PatchComputed, &c.NetComputed} {
		if *sum != nil {
			*sum = &edition.ComputedArea{Features: (*sum).Features, M2: areas.RoundedTo(step, (*sum).M2)}
		}
	}
}
