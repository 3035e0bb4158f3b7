package tileserver

import (
	"gengtu/index"
	"gengtu/tileserver/access"
	"gengtu/tileserver/ogc"
)

// handleOGC answers with the landing page (17-069r4, 7.2).
func (s *Server) handleOGC(r *request) error {
	if err := r.ogcDocument(); err != nil {
		return err
	}
	doc := ogc.Landing{Title: "gengtu 耕图 " + r.tier.Title(r.lang()), Description: r.disclaimer(), Attribution: r.attribution(), Links: append(r.documentSelf("ogc"), []ogc.Link{
		{Href: r.address("ogc/api"), Rel: "service-desc", Type: ogc.MediaOpenAPI},
		{Href: r.addressAs("ogc/api", formHTML), Rel: "service-doc", Type: mediaHTML},
		{Href: r.address("ogc/conformance"), Rel: "conformance", Type: mediaJSON},
		{Href: r.address("ogc/conformance"), Rel: "http://www.opengis.net/def/rel/ogc/1.0/conformance", Type: mediaJSON},
		{Href: r.address("ogc/collections"), Rel: "data", Type: mediaJSON},
	}...)}
	doc.Links = append(doc.Links, r.ogcTileLinks("ogc/")...)
	if r.allows(access.Tiles) {
		doc.Links = append(doc.Links, ogc.Link{Href: r.address("ogc/tileMatrixSets"), Rel: "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes", Type: mediaJSON})
	}
	return r.sendDocument(mediaJSON, doc)
}

// ogcDocument refuses what no document of OGC API takes.
func (r *request) ogcDocument() error { return r.onlyParameters("f", "vintage", "generation", "tk") }

// handleOGCConformance answers with what is conformed to.
func (s *Server) handleOGCConformance(r *request) error {
	if err := r.ogcDocument(); err != nil {
		return err
	}
	return r.sendDocument(mediaJSON, map[string]any{"conformsTo": ogc.ConformsTo()})
}

// handleOGCCollections answers with the layers, in the vintage of vintage= or the latest.
func (s *Server) handleOGCCollections(r *request) error {
	if err := r.ogcDocument(); err != nil {
		return err
	}
	doc := ogc.Collections{Links: r.documentSelf("ogc/collections"), Collections: []ogc.Collection{}}
	for _, name := range r.ix().Names() {
		if l := r.ix().Layer(name, r.query("vintage")); l != nil {
			doc.Collections = append(doc.Collections, r.ogcCollection(l))
		}
	}
	return r.sendDocument(mediaJSON, doc)
}

// handleOGCCollection answers with one layer.
func (s *Server) handleOGCCollection(r *request) error {
	if err := r.ogcDocument(); err != nil {
		return err
	}
	l, err := r.findLayer(r.params["layer"])
	if err != nil {
		return err
	}
	return r.sendDocument(mediaJSON, r.ogcCollection(l))
}

// ogcCollection describes a layer.
func (r *request) ogcCollection(l *index.Layer) ogc.Collection {
	at := "ogc/collections/" + l.Meta.Name
	c := ogc.Collection{
		ID: l.Meta.Name, Title: r.title(l), Description: r.disclaimer(), Attribution: r.attribution(), ItemType: "feature",
		CRS: []string{}, StorageCRS: "http://www.opengis.net/def/crs/EPSG/0/4490",
		Links: r.documentSelf(at),
	}
	for _, crs := range offeredCRS(l) {
		c.CRS = append(c.CRS, crs.URI)
	}
	if box := l.Extent(); !box.Empty() {
		lo, hi := box.Min.LonLat(), box.Max.LonLat()
		c.Extent.Spatial = &ogc.SpatialExtent{Box: [][]float64{{lo.Lon, lo.Lat, hi.Lon, hi.Lat}}, CRS: ogc.CRS84}
	}
	if periods := ogc.Periods(r.ix().Vintages(l.Meta.Name)); periods != nil {
		c.Extent.Temporal = &ogc.TemporalExtent{Interval: periods}
	}
	if r.allows(access.Features) && r.mayTellFeatures() == nil {
		c.Links = append(c.Links,
			ogc.Link{Href: r.address(at + "/items"), Rel: "items", Type: mediaGeoJSON, Title: "GeoJSON"},
			ogc.Link{Href: r.addressAs(at+"/items", formCSV), Rel: "items", Type: mediaTypes[formCSV], Title: "CSV"},
			ogc.Link{Href: r.addressAs(at+"/items", formHTML), Rel: "items", Type: mediaHTML, Title: "HTML"},
			ogc.Link{Href: r.address(at + "/queryables"), Rel: "http://www.opengis.net/def/rel/ogc/1.0/queryables", Type: ogc.MediaSchema},
			ogc.Link{Href: r.address(at + "/schema"), Rel: "describedby", Type: ogc.MediaSchema})
	}
	c.Links = append(c.Links, r.ogcTileLinks(at+"/")...)
	return c
}

// addressAs is address in a form, as f= names it.
func (r *request) addressAs(resource, form string) string {
	v := r.carried()
	v.Set("f", form)
	return r.path(resource) + "?" + v.Encode()
}

// handleOGCQueryables answers with what a layer's features may be chosen by, as JSON
// Schema (19-079r2, 6.2).
func (s *Server) handleOGCQueryables(r *request) error {
	l, err := r.ogcDescribed()
	if err != nil {
		return err
	}
	return r.sendDocument(ogc.MediaSchema, ogc.Queryables(r.path("ogc/collections/"+l.Meta.Name+"/queryables"), r.title(l), queryables(l)))
}

// handleOGCSchema answers with what a layer's features hold.
func (s *Server) handleOGCSchema(r *request) error {
	l, err := r.ogcDescribed()
	if err != nil {
		return err
	}
	all := queryables(l)
	for _, c := range []ogc.Queryable{{Name: "layer", Kind: ogc.Text}, {Name: "vintage", Kind: ogc.Text}, {Name: "area_mu", Title: "椭球面积 亩", Kind: ogc.Real}} {
		if l.Field(c.Name) < 0 {
			all = append(all, c)
		}
	}
	return r.sendDocument(ogc.MediaSchema, ogc.Schema(r.path("ogc/collections/"+l.Meta.Name+"/schema"), r.title(l), all))
}

// ogcDescribed is the layer whose properties are asked for.
func (r *request) ogcDescribed() (*index.Layer, error) {
	if err := r.ogcDocument(); err != nil {
		return nil, err
	}
	return r.findLayer(r.params["layer"])
}

// handleOGCAPI answers with the OpenAPI document.
func (s *Server) handleOGCAPI(r *request) error {
	if err := r.ogcDocument(); err != nil {
		return err
	}
	api := ogc.API{
		Title: "gengtu 耕图 " + r.tier.Title(r.lang()), Version: r.gen.Name(), Server: r.path("ogc"), Secured: r.tier != "public" && s.cfg.Access != nil,
		DefaultLimit: ogcItems, MaxLimit: s.cfg.Limits.Features,
	}
	for _, name := range r.ix().Names() {
		if l := r.ix().Layer(name, r.query("vintage")); l != nil {
			api.Collections = append(api.Collections, ogc.APICollection{ID: name, Title: r.title(l), Queryables: queryables(l)})
		}
	}
	return r.sendDocument(ogc.MediaOpenAPI, api.Document())
}
