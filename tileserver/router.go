package tileserver

import (
	"strings"

	"github.com/valyala/fasthttp"
)

// route ties a method and a pattern of path elements to a handler. An element
// in braces takes any one element; `*` at the end takes the rest. Elements of
// the form {y}.mvt take what stands before the ending.
type route struct {
	name    string // for metrics; never a path
	methods string
	pattern string
	handle  func(*request) error
	// open routes need no edition and no token.
	open bool
}

// routes lists every address, the more particular before the more general.
func (s *Server) routeTable() []route {
	return []route{
		{"viewer", "GET", "/", s.handleViewer, true},
		{"viewer", "GET", "/viewer/*", s.handleViewer, true},
		{"health", "GET", "/health", s.handleHealth, true},
		{"ready", "GET", "/ready", s.handleReady, true},
		{"metrics", "GET", "/metrics", s.handleMetrics, true},
		{"catalog", "GET", "/{tier}/catalog", s.handleCatalog, false},
		{"tilejson", "GET", "/{tier}/tiles/{layers}/{grid}.json", s.handleTileJSON, false},
		{"mvt", "GET", "/{tier}/tiles/{layers}/{grid}/{z}/{x}/{y}.mvt", s.handleMVT, false},
		{"png", "GET", "/{tier}/tiles/{layers}/{grid}/{z}/{x}/{y}.png", s.handlePNG, false},
		{"map", "GET", "/{tier}/map.png", s.handleLater, false},
		{"style", "GET", "/{tier}/style.json", s.handleStyle, false},
		{"legend", "GET", "/{tier}/legend.json", s.handleLegend, false},
		{"fonts", "GET", "/{tier}/fonts/{stack}/{range}.pbf", s.handleFonts, false},
		{"sprites", "GET", "/{tier}/sprites/*", s.handleSprites, false},
		{"wmts", "GET", "/{tier}/wmts", s.handleWMTS, false},
		{"wmts", "GET", "/{tier}/wmts/1.0.0/WMTSCapabilities.xml", s.handleCapabilities, false},
		{"wmts", "GET", "/{tier}/wmts/{layer}/{style}/{grid}/{z}/{row}/{col}", s.handleWMTSTile, false},
		{"wmts", "GET", "/{tier}/wmts/{layer}/{style}/{grid}/{z}/{row}/{col}/{j}/{i}", s.handleWMTSInfo, false},
		{"ogc", "GET", "/{tier}/ogc", s.handleLater, false},
		{"ogc", "GET", "/{tier}/ogc/*", s.handleLater, false},
		{"feature", "GET", "/{tier}/features/{layer}/{id}", s.handleFeature, false},
		{"feature", "GET", "/{tier}/features/{layer}", s.handleFeatures, false},
		{"places", "GET", "/{tier}/places", s.handlePlaces, false},
		{"overlay", "GET POST", "/{tier}/overlay", s.handleOverlay, false},
		{"summary", "GET", "/{tier}/summary", s.handleSummary, false},
		{"analyses", "GET POST", "/{tier}/analyses", s.handleLater, false},
		{"analyses", "GET POST", "/{tier}/analyses/*", s.handleLater, false},
		{"wmts", "GET", "/{tier}/{layergrid}/wmts", s.handleTianditu, false},
	}
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

// find returns the route for a method and path. Known tells whether the path
// has a route by another method, which allow then lists.
func (s *Server) find(method, path string) (r *route, p params, allow string) {
	if method == fasthttp.MethodHead {
		method = fasthttp.MethodGet
	}
	for i := range s.routes {
		c := &s.routes[i]
		m, ok := match(c.pattern, path)
		if !ok {
			continue
		}
		if strings.Contains(c.methods, method) {
			return c, m, ""
		}
		allow = c.methods
	}
	return nil, nil, allow
}
