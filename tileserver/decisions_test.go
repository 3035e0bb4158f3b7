package tileserver_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/access"
)

// decisions say which operation each address of a tier is: a route that is added to the
// table without one here has not been decided on. "" goes with every operation.
var decisions = map[string]access.Operation{
	"me": "", "login": "", "login/callback": "", "catalog": "", "catalog/{layer}.xml": "", "style.json": "", "legend.json": "", "legend.png": "", "fonts/{stack}/{range}.pbf": "", "sprites/{name}": "",
	"tiles/{layers}/{grid}.json": access.Tiles, "tiles/{layers}/{grid}/{z}/{x}/{y}.mvt": access.Tiles, "tiles/{layers}/{grid}/{z}/{x}/{y}.png": access.Tiles, "map.png": access.Tiles,
	"base": access.Tiles, "base/{name}/{z}/{x}/{y}": access.Tiles,
	"wmts": access.Tiles, "wmts/1.0.0/WMTSCapabilities.xml": access.Tiles, "wmts/{layer}/{style}/{grid}/{z}/{row}/{col}": access.Tiles, "wmts/{layer}/{style}/{grid}/{z}/{row}/{col}/{j}/{i}": access.Tiles, "{layergrid}/wmts": access.Tiles,
	"wmts/{layer}/{style}/{vintage}/{grid}/{z}/{row}/{col}": access.Tiles, "wmts/{layer}/{style}/{vintage}/{grid}/{z}/{row}/{col}/{j}/{i}": access.Tiles,
	"wms": access.Tiles, "{layergrid}/tianditu/wmts": access.Tiles, "DataServer": access.Tiles, "arcgis/rest/services/{layergrid}/MapServer": access.Tiles,
	"arcgis/rest/services/{layergrid}/MapServer/tile/{z}/{row}/{col}": access.Tiles, "arcgis/rest/services/{layergrid}/MapServer/WMTS/tile/1.0.0/{name}/{style}/{set}/{z}/{row}/{col}": access.Tiles,
	"iserver/services/{service}/rest/maps/{layergrid}/zxyTileImage.png": access.Tiles, "iserver/services/{service}/rest/maps/{layergrid}/zxyTileImage/{z}/{col}/{row}.png": access.Tiles,
	// What describes the service tells no more than the catalogue.
	"ogc": "", "ogc/": "", "ogc/conformance": "", "ogc/api": "", "ogc/collections": "", "ogc/collections/{layer}": "", "ogc/collections/{layer}/queryables": "", "ogc/collections/{layer}/schema": "",
	"ogc/collections/{layer}/items": access.Features, "ogc/collections/{layer}/items/{id}": access.Features, "ogc/tileMatrixSets": access.Tiles, "ogc/tileMatrixSets/{grid}": access.Tiles,
	"ogc/tiles": access.Tiles, "ogc/tiles/{grid}": access.Tiles, "ogc/tiles/{grid}/{z}/{row}/{col}": access.Tiles, "ogc/map/tiles": access.Tiles, "ogc/map/tiles/{grid}": access.Tiles, "ogc/map/tiles/{grid}/{z}/{row}/{col}": access.Tiles,
	"ogc/collections/{layer}/tiles": access.Tiles, "ogc/collections/{layer}/tiles/{grid}": access.Tiles, "ogc/collections/{layer}/tiles/{grid}/{z}/{row}/{col}": access.Tiles,
	"ogc/collections/{layer}/map/tiles": access.Tiles, "ogc/collections/{layer}/map/tiles/{grid}": access.Tiles, "ogc/collections/{layer}/map/tiles/{grid}/{z}/{row}/{col}": access.Tiles,
	"features/{layer}/{id}": access.Features, "features/{layer}/{id}/lineage": access.Features, "features/{layer}": access.Features,
	"places": access.Features, "diff": access.Features, "changes": access.Features,
	"overlay": access.Overlay, "summary": access.Overlay, "verify": access.Overlay, "keys": access.Overlay, "analyses": access.Analyses, "analyses/{id}": access.Analyses, "reconcile": access.Analyses,
	"analyses/{id}/events": access.Analyses, "analyses/{id}/{file}": access.Analyses,
}

// Each address of the table asks for the operation that was decided on, by each of its
// methods, before it looks at anything else; without a token none answers.
func TestEachRouteAsksForItsOperation(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	tokens := map[access.Operation]string{}
	for _, o := range access.Operations {
		tokens[o] = s.token(t, access.Token{Name: "only-" + string(o), Scope: &access.Scope{Operations: []access.Operation{o}}})
	}
	braces := regexp.MustCompile(`\{[a-z]+\}|\*`)
	for _, r := range tileserver.TierRoutes(s.Server) {
		rest := strings.TrimPrefix(r.Pattern, "/{tier}/")
		want, decided := decisions[rest]
		if !decided || want != r.Operation {
			t.Errorf("%s asks for %q, decided was %q (%t)", r.Pattern, r.Operation, want, decided)
			continue
		}
		path := "/secure/" + braces.ReplaceAllString(rest, "x")
		for _, method := range r.Methods {
			ask := func(token string) reply {
				return s.do(t, method, path, strings.NewReader("{}"), "Authorization", "Bearer "+token)
			}
			for o, token := range tokens {
				refused := ask(token).StatusCode == http.StatusForbidden
				if reaches := want == "" || o == want; refused == reaches {
					t.Errorf("%s %s with a token for %s: refused %t", method, path, o, refused)
				}
			}
			if a := ask(""); a.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s %s without a token: %d", method, path, a.StatusCode)
			}
		}
	}
	if r := s.get(t, "/secure/catalog?tk="+tokens[access.Tiles]); r.Header.Get("Referrer-Policy") != "same-origin" {
		t.Error("what a token in the address opens may be named to other sites")
	}
	if r := s.get(t, "/"); r.Header.Get("Referrer-Policy") != "same-origin" {
		t.Error("the viewer may be named to other sites")
	}
}
