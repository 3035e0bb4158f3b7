package tileserver

import (
	"fmt"
	"maps"
	"slices"

	"gengtu/index/edition"
	"gengtu/tileserver/access"
	"gengtu/tileserver/catalog"
)

// thumbnailSide is the longer side of a layer's picture in the catalogue, in pixels.
const thumbnailSide = 256

// thumbnailMargin is how much of the layer's width and height is left around it.
const thumbnailMargin = 0.04

// thumbnail is the address of a picture of the whole layer, with the borders of places
// for orientation where there are some; "" of a layer that is empty, or of which the
// token reaches no picture.
func (r *request) thumbnail(l *edition.Layer) string {
	e := l.Extent
	if !r.allows(access.Tiles) || e == nil || e[0] >= e[2] || e[1] >= e[3] {
		return ""
	}
	v := r.carried()
	dx, dy := (e[2]-e[0])*thumbnailMargin, (e[3]-e[1])*thumbnailMargin
	v.Set("bbox", fmt.Sprintf("%.7f,%.7f,%.7f,%.7f", max(e[0]-dx, -180), max(e[1]-dy, -90), min(e[2]+dx, 180), min(e[3]+dy, 90)))
	layers := l.Name
	// A picture has one vintage for all of its layers: places of another are not in it.
	if places := r.ix().Layer(edition.Region, r.query("vintage")); l.Name != edition.Region && places != nil {
		layers += "," + edition.Region
	}
	v.Set("layers", layers)
	side := "width"
	if dy > dx {
		side = "height"
	}
	v.Set(side, fmt.Sprint(thumbnailSide))
	return r.path("map.png") + "?" + v.Encode()
}

// handleRecord answers with the metadata of a layer as ISO 19115, in the XML of ISO
// 19139.
func (s *Server) handleRecord(r *request) error {
	l, err := r.findLayer(r.params["layer"])
	if err != nil {
		return err
	}
	m := r.ix().Manifest
	sheet := catalog.Sheet{
		Record: s.cfg.Catalogue.Of(r.tier, l.Meta.Name), Layer: l.Meta, Generation: r.gen.Name(), Created: m.Created, Policy: m.Policy, Thumbnail: r.thumbnail(l.Meta),
	}
	services := r.layerServices(l.Meta.Name)
	for _, name := range slices.Sorted(maps.Keys(services)) {
		// A catalogue follows what it is given: no patterns, and nothing that wants more.
		if p, answers := protocols[name]; answers {
			sheet.Services = append(sheet.Services, catalog.Service{Name: name, Protocol: p, URL: services[name]})
		}
	}
	r.pinned = false // the tables change without a new generation
	return r.send("application/xml; charset=utf-8", sheet.ISO())
}

// protocols are those of the services of a layer whose addresses answer as they are.
var protocols = map[string]string{"wmts_c": "OGC:WMTS", "wmts_w": "OGC:WMTS", "tilejson": "WWW:LINK-1.0-http--link"}
