package tileserver

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/tileserver/access"
	"gengtu/tileserver/catalog"
)

// thumbnailSide is the longer side of a layer's picture in the catalogue, in pixels.
const thumbnailSide = 256

// record is what the tier's table says of a layer.
func (s *Server) record(tier edition.Tier, layer string) catalog.Record {
	if t := s.cfg.Catalogue[tier]; t != nil {
		return t.Of(tier, layer)
	}
	return s.catalogue.Of(tier, layer)
}

// thumbnail is the address of a picture of the whole layer, "" of one that is empty, or
// of which the token reaches no picture.
func (r *request) thumbnail(l *edition.Layer) string {
	e := l.Extent
	if !r.allows(access.Tiles) || e == nil || e[0] >= e[2] || e[1] >= e[3] {
		return ""
	}
	v := r.carried()
	v.Set("bbox", fmt.Sprintf("%.7f,%.7f,%.7f,%.7f", e[0], e[1], e[2], e[3]))
	v.Set("layers", l.Name)
	side := "width"
	if e[3]-e[1] > e[2]-e[0] {
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
		Record: s.record(r.tier, l.Meta.Name), Layer: l.Meta, Generation: r.gen.name, Created: m.Created, Policy: m.Policy, Thumbnail: r.thumbnail(l.Meta),
	}
	services := r.layerServices(l.Meta.Name)
	for _, name := range slices.Sorted(maps.Keys(services)) {
		sheet.Services = append(sheet.Services, catalog.Service{Name: name, Protocol: protocolOf(name), URL: services[name]})
	}
	return r.send("application/xml; charset=utf-8", sheet.ISO())
}

// protocolOf names the protocol of a service of a layer.
func protocolOf(service string) string {
	if strings.HasPrefix(service, "wmts") {
		return "OGC:WMTS"
	}
	return "WWW:LINK-1.0-http--link"
}
