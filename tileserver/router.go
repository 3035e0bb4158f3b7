package tileserver

import (
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"gengtu/tileserver/access"
)

// route ties a method and a pattern of path elements to a handler. An element
// in braces takes any one element; `*` at the end takes the rest. Elements of
// the form {y}.mvt take what stands before the ending.
type route struct {
	name    string // for metrics; never a path
	methods []string
	pattern string
	handle  func(*request) error
	// op is what a token must reach; [looking] goes with every operation.
	op access.Operation
	// open routes need no edition and no token.
	open bool
	// login routes are asked before there is a token, where the tier has an issuer to log
	// in at; else they are as if they were not there.
	login bool
	// faults makes the errors of a protocol that has reports of its own those; nil
	// is problem+json.
	faults func(*request)
}

// routeTable lists every address, the more particular before the more general.
func (s *Server) routeTable() []route {
	get := []string{fasthttp.MethodGet}
	both := []string{fasthttp.MethodGet, fasthttp.MethodPost}
	return []route{
		{name: "viewer", methods: get, pattern: "/", handle: s.handleViewer, open: true},
		{name: "viewer", methods: get, pattern: "/viewer/*", handle: s.handleViewer, open: true},
		{name: "health", methods: get, pattern: "/health", handle: s.handleHealth, open: true},
		{name: "ready", methods: get, pattern: "/ready", handle: s.handleReady, open: true},
		{name: "metrics", methods: get, pattern: "/metrics", handle: s.handleMetrics, open: true},
		{name: "me", op: looking, methods: get, pattern: "/{tier}/me", handle: s.handleMe},
		{name: "login", op: looking, login: true, methods: get, pattern: "/{tier}/login", handle: s.handleLogin},
		{name: "login", op: looking, login: true, methods: get, pattern: "/{tier}/login/callback", handle: s.handleLoggedIn},
		{name: "catalog", op: looking, methods: get, pattern: "/{tier}/catalog", handle: s.handleCatalog},
		{name: "catalog", op: looking, methods: get, pattern: "/{tier}/catalog/{layer}.xml", handle: s.handleRecord},
		{name: "tilejson", op: access.Tiles, methods: get, pattern: "/{tier}/tiles/{layers}/{grid}.json", handle: s.handleTileJSON},
		{name: "mvt", op: access.Tiles, methods: get, pattern: "/{tier}/tiles/{layers}/{grid}/{z}/{x}/{y}.mvt", handle: s.handleMVT},
		{name: "png", op: access.Tiles, methods: get, pattern: "/{tier}/tiles/{layers}/{grid}/{z}/{x}/{y}.png", handle: s.handlePNG},
		{name: "map", op: access.Tiles, methods: get, pattern: "/{tier}/map.png", handle: s.handleMap},
		{name: "style", op: looking, methods: get, pattern: "/{tier}/style.json", handle: s.handleStyle},
		{name: "legend", op: looking, methods: get, pattern: "/{tier}/legend.json", handle: s.handleLegend},
		{name: "legend", op: looking, methods: get, pattern: "/{tier}/legend.png", handle: s.handleLegendPNG},
		{name: "fonts", op: looking, methods: get, pattern: "/{tier}/fonts/{stack}/{range}.pbf", handle: s.handleFonts},
		{name: "sprites", op: looking, methods: get, pattern: "/{tier}/sprites/{name}", handle: s.handleSprites},
		{name: "wmts", op: access.Tiles, methods: get, pattern: "/{tier}/wmts", handle: s.handleWMTS, faults: (*request).wmtsFaults},
		{name: "wmts", op: access.Tiles, methods: get, pattern: "/{tier}/wmts/1.0.0/WMTSCapabilities.xml", handle: s.handleCapabilities},
		{name: "wmts", op: access.Tiles, methods: get, pattern: "/{tier}/wmts/{layer}/{style}/{grid}/{z}/{row}/{col}", handle: s.handleWMTSTile},
		{name: "wmts", op: access.Tiles, methods: get, pattern: "/{tier}/wmts/{layer}/{style}/{grid}/{z}/{row}/{col}/{j}/{i}", handle: s.handleWMTSInfo},
		{name: "wmts", op: access.Tiles, methods: get, pattern: "/{tier}/wmts/{layer}/{style}/{vintage}/{grid}/{z}/{row}/{col}", handle: s.handleWMTSTile},
		{name: "wmts", op: access.Tiles, methods: get, pattern: "/{tier}/wmts/{layer}/{style}/{vintage}/{grid}/{z}/{row}/{col}/{j}/{i}", handle: s.handleWMTSInfo},
		{name: "wms", op: access.Tiles, methods: get, pattern: "/{tier}/wms", handle: s.handleWMS, faults: (*request).wmsFaults},
		{name: "base", op: access.Tiles, methods: get, pattern: "/{tier}/base", handle: s.handleBase},
		{name: "base", op: access.Tiles, methods: get, pattern: "/{tier}/base/{name}/{z}/{x}/{y}", handle: s.handleBaseTile},
		{name: "ogc", op: looking, methods: get, pattern: "/{tier}/ogc", handle: s.handleOGC},
		{name: "ogc", op: looking, methods: get, pattern: "/{tier}/ogc/", handle: s.handleOGC}, // as clients write it that put names behind it
		{name: "ogc", op: looking, methods: get, pattern: "/{tier}/ogc/conformance", handle: s.handleOGCConformance},
		{name: "ogc", op: looking, methods: get, pattern: "/{tier}/ogc/api", handle: s.handleOGCAPI},
		{name: "ogc", op: looking, methods: get, pattern: "/{tier}/ogc/collections", handle: s.handleOGCCollections},
		{name: "ogc", op: looking, methods: get, pattern: "/{tier}/ogc/collections/{layer}", handle: s.handleOGCCollection},
		{name: "ogc", op: looking, methods: get, pattern: "/{tier}/ogc/collections/{layer}/queryables", handle: s.handleOGCQueryables},
		{name: "ogc", op: looking, methods: get, pattern: "/{tier}/ogc/collections/{layer}/schema", handle: s.handleOGCSchema},
		{name: "items", op: access.Features, methods: get, pattern: "/{tier}/ogc/collections/{layer}/items", handle: s.handleOGCItems},
		{name: "items", op: access.Features, methods: get, pattern: "/{tier}/ogc/collections/{layer}/items/{id}", handle: s.handleOGCItem},
		{name: "ogc", op: access.Tiles, methods: get, pattern: "/{tier}/ogc/tiles", handle: s.handleOGCTilesets},
		{name: "ogc", op: access.Tiles, methods: get, pattern: "/{tier}/ogc/tiles/{grid}", handle: s.handleOGCTileset},
		{name: "mvt", op: access.Tiles, methods: get, pattern: "/{tier}/ogc/tiles/{grid}/{z}/{row}/{col}", handle: s.handleOGCTile},
		{name: "ogc", op: access.Tiles, methods: get, pattern: "/{tier}/ogc/map/tiles", handle: s.handleOGCMapTilesets},
		{name: "ogc", op: access.Tiles, methods: get, pattern: "/{tier}/ogc/map/tiles/{grid}", handle: s.handleOGCMapTileset},
		{name: "png", op: access.Tiles, methods: get, pattern: "/{tier}/ogc/map/tiles/{grid}/{z}/{row}/{col}", handle: s.handleOGCMapTile},
		{name: "ogc", op: access.Tiles, methods: get, pattern: "/{tier}/ogc/collections/{layer}/tiles", handle: s.handleOGCTilesets},
		{name: "ogc", op: access.Tiles, methods: get, pattern: "/{tier}/ogc/collections/{layer}/tiles/{grid}", handle: s.handleOGCTileset},
		{name: "mvt", op: access.Tiles, methods: get, pattern: "/{tier}/ogc/collections/{layer}/tiles/{grid}/{z}/{row}/{col}", handle: s.handleOGCTile},
		{name: "ogc", op: access.Tiles, methods: get, pattern: "/{tier}/ogc/collections/{layer}/map/tiles", handle: s.handleOGCMapTilesets},
		{name: "ogc", op: access.Tiles, methods: get, pattern: "/{tier}/ogc/collections/{layer}/map/tiles/{grid}", handle: s.handleOGCMapTileset},
		{name: "png", op: access.Tiles, methods: get, pattern: "/{tier}/ogc/collections/{layer}/map/tiles/{grid}/{z}/{row}/{col}", handle: s.handleOGCMapTile},
		{name: "ogc", op: access.Tiles, methods: get, pattern: "/{tier}/ogc/tileMatrixSets", handle: s.handleOGCMatrixSets},
		{name: "ogc", op: access.Tiles, methods: get, pattern: "/{tier}/ogc/tileMatrixSets/{grid}", handle: s.handleOGCMatrixSet},
		{name: "feature", op: access.Features, methods: get, pattern: "/{tier}/features/{layer}/{id}", handle: s.handleFeature},
		{name: "lineage", op: access.Features, methods: get, pattern: "/{tier}/features/{layer}/{id}/lineage", handle: s.handleLineage},
		{name: "feature", op: access.Features, methods: get, pattern: "/{tier}/features/{layer}", handle: s.handleFeatures},
		{name: "places", op: access.Features, methods: get, pattern: "/{tier}/places", handle: s.handlePlaces},
		{name: "overlay", op: access.Overlay, methods: both, pattern: "/{tier}/overlay", handle: s.handleOverlay},
		{name: "summary", op: access.Overlay, methods: get, pattern: "/{tier}/summary", handle: s.handleSummary},
		{name: "diff", op: access.Features, methods: get, pattern: "/{tier}/diff", handle: s.handleDiff},
		{name: "changes", op: access.Features, methods: get, pattern: "/{tier}/changes", handle: s.handleChanges},
		{name: "keys", op: access.Overlay, methods: get, pattern: "/{tier}/keys", handle: s.handleKeys},
		{name: "verify", op: access.Overlay, methods: []string{fasthttp.MethodPost}, pattern: "/{tier}/verify", handle: s.handleVerify},
		{name: "analyses", op: access.Analyses, methods: []string{fasthttp.MethodPost}, pattern: "/{tier}/analyses", handle: s.handleAsk},
		{name: "reconcile", op: access.Analyses, methods: []string{fasthttp.MethodPost}, pattern: "/{tier}/reconcile", handle: s.handleReconcile},
		{name: "analysis", op: access.Analyses, methods: get, pattern: "/{tier}/analyses", handle: s.handleAnalyses},
		{name: "analysis", op: access.Analyses, methods: get, pattern: "/{tier}/analyses/{id}", handle: s.handleAnalysis},
		{name: "analysis", op: access.Analyses, methods: []string{fasthttp.MethodDelete}, pattern: "/{tier}/analyses/{id}", handle: s.handleCancel},
		{name: "events", op: access.Analyses, methods: get, pattern: "/{tier}/analyses/{id}/events", handle: s.handleEvents},
		{name: "result", op: access.Analyses, methods: get, pattern: "/{tier}/analyses/{id}/{file}", handle: s.handleResult},
		{name: "wmts", op: access.Tiles, methods: get, pattern: "/{tier}/{layergrid}/wmts", handle: s.handleTianditu, faults: (*request).wmtsFaults},
		{name: "wmts", op: access.Tiles, methods: get, pattern: "/{tier}/{layergrid}/tianditu/wmts", handle: s.handleTianditu96, faults: (*request).wmtsFaults},
		{name: "alias", op: access.Tiles, methods: get, pattern: "/{tier}/DataServer", handle: s.handleAlias(tiandituShort)},
		{name: "alias", op: access.Tiles, methods: get, pattern: "/{tier}/arcgis/rest/services/{layergrid}/MapServer", handle: s.handleMapServer},
		{name: "alias", op: access.Tiles, methods: get, pattern: "/{tier}/arcgis/rest/services/{layergrid}/MapServer/tile/{z}/{row}/{col}", handle: s.handleAlias(arcgisTile)},
		{name: "alias", op: access.Tiles, methods: get, pattern: "/{tier}/arcgis/rest/services/{layergrid}/MapServer/WMTS/tile/1.0.0/{name}/{style}/{set}/{z}/{row}/{col}", handle: s.handleAlias(arcgisWMTS)},
		{name: "alias", op: access.Tiles, methods: get, pattern: "/{tier}/iserver/services/{service}/rest/maps/{layergrid}/zxyTileImage.png", handle: s.handleAlias(supermapQuery)},
		{name: "alias", op: access.Tiles, methods: get, pattern: "/{tier}/iserver/services/{service}/rest/maps/{layergrid}/zxyTileImage/{z}/{col}/{row}.png", handle: s.handleAlias(supermapPath)},
	}
}

// tileRoute is the route of tiles, or of their pictures.
func (s *Server) tileRoute(picture bool) *route {
	if picture {
		return s.pngRoute
	}
	return s.mvtRoute
}

// routeNamed returns the route of a name that one route has.
func routeNamed(routes []route, name string) *route {
	return &routes[slices.IndexFunc(routes, func(rt route) bool { return rt.name == name })]
}

// params are the values of a pattern's braces.
type params map[string]string

// match returns the values of pattern's braces in path, or false.
func match(pattern, path string) (params, bool) {
	var out params
	for {
		pe, prest, pmore := strings.Cut(strings.TrimPrefix(pattern, "/"), "/")
		e, rest, more := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		if pe == "*" {
			if out == nil {
				out = params{}
			}
			out["*"] = strings.TrimPrefix(path, "/")
			return out, true
		}
		if open := strings.IndexByte(pe, '{'); open >= 0 {
			end := strings.IndexByte(pe, '}')
			ending := pe[end+1:]
			if len(e) <= len(ending) || !strings.HasSuffix(e, ending) {
				return nil, false
			}
			if out == nil {
				out = params{}
			}
			out[pe[open+1:end]] = e[:len(e)-len(ending)]
		} else if pe != e {
			return nil, false
		}
		if pmore != more {
			return nil, false
		}
		if !more {
			return out, true
		}
		pattern, path = prest, rest
	}
}

// find returns the route for a method and path and the values of its braces. The
// route is nil when the path has none for the method, or is asked for OPTIONS;
// allowed are the methods that the path has. A path without any route may have
// a tier all the same, which params then hold.
func (s *Server) find(method, path string) (r *route, p params, allowed []string) {
	if method == fasthttp.MethodHead {
		method = fasthttp.MethodGet
	}
	pattern := ""
	for i := range s.routes {
		c := &s.routes[i]
		m, ok := match(c.pattern, path)
		if !ok {
			continue
		}
		if slices.Contains(c.methods, method) {
			return c, m, c.methods
		}
		// The first pattern is the most particular one.
		if allowed == nil {
			p = m
		}
		if c.pattern == pattern || allowed == nil {
			pattern, allowed = c.pattern, append(slices.Clip(allowed), c.methods...)
		}
	}
	if allowed == nil {
		p, _ = match("/{tier}/*", path)
	}
	return nil, p, allowed
}
