package tileserver_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/tileserver"
	"gengtu/tileserver/tile"
)

// vintageRow says how an address answers to vintage=.
type vintageRow struct {
	pattern, address string
	// same answers do not depend on the vintage.
	same bool
	// report is the code with which a protocol's own report refuses, with 400; "" is a
	// problem.
	report string
}

func vintageRows() []vintageRow {
	z := tileAt(tile.W, 12)
	parts := strings.Split(z, "/")
	rest := fmt.Sprintf("default/w/%s/%s/%s", parts[0], parts[2], parts[1])
	swapped := fmt.Sprintf("w/%s/%s/%s", parts[0], parts[2], parts[1])
	kvp := func(layer, request string) string {
		return fmt.Sprintf("SERVICE=WMTS&REQUEST=%s&VERSION=1.0.0%s&STYLE=default&TILEMATRIXSET=w&TILEMATRIX=%s&TILEROW=%s&TILECOL=%s", request, layer, parts[0], parts[2], parts[1])
	}
	// In the last row of lots, which 2023 does not have.
	at := geo.LonLat{Lon: float64(corner.Lon)/geo.Unit + 0.0015, Lat: float64(corner.Lat)/geo.Unit + 0.0075}
	here := tile.W.At(geo.PositionOf(at), 14)
	w, o, span := tile.W.Project(geo.PositionOf(at)), here.Origin(), tile.Span(here.Z)
	info := fmt.Sprintf("wmts/cropland/default/w/14/%d/%d/%d/%d.json", here.Y, here.X, int((w.Y-o.Y)/span*256), int((w.X-o.X)/span*256))
	box := fmt.Sprintf("%f,%f,%f,%f", at.Lon-0.001, at.Lat-0.001, at.Lon+0.001, at.Lat+0.001)
	return []vintageRow{
		{pattern: "/{tier}/catalog", address: "catalog"},
		{pattern: "/{tier}/tiles/{layers}/{grid}.json", address: "tiles/cropland/w.json"},
		{pattern: "/{tier}/tiles/{layers}/{grid}.json", address: "tiles/all/c.json"},
		{pattern: "/{tier}/tiles/{layers}/{grid}/{z}/{x}/{y}.mvt", address: "tiles/cropland/w/" + z + ".mvt"},
		{pattern: "/{tier}/tiles/{layers}/{grid}/{z}/{x}/{y}.mvt", address: "tiles/all/w/" + z + ".mvt"},
		{pattern: "/{tier}/tiles/{layers}/{grid}/{z}/{x}/{y}.png", address: "tiles/all/w/" + z + ".png"},
		{pattern: "/{tier}/map.png", address: "map.png?width=200&bbox=" + box},
		{pattern: "/{tier}/me", address: "me", same: true},
		{pattern: "/{tier}/style.json", address: "style.json"},
		{pattern: "/{tier}/legend.json", address: "legend.json"},
		{pattern: "/{tier}/legend.png", address: "legend.png"},
		{pattern: "/{tier}/fonts/{stack}/{range}.pbf", address: "fonts/gengtu/0-255.pbf", same: true},
		{pattern: "/{tier}/sprites/{name}", address: "sprites/map.json", same: true},
		{pattern: "/{tier}/wmts", address: "wmts?SERVICE=WMTS&REQUEST=GetCapabilities", report: "InvalidParameterValue"},
		{pattern: "/{tier}/wmts", address: "wmts?" + kvp("&LAYER=cropland", "GetTile") + "&FORMAT=tiles", report: "InvalidParameterValue"},
		{pattern: "/{tier}/wmts/1.0.0/WMTSCapabilities.xml", address: "wmts/1.0.0/WMTSCapabilities.xml"},
		{pattern: "/{tier}/wmts/{layer}/{style}/{grid}/{z}/{row}/{col}", address: "wmts/cropland/" + rest + ".mvt"},
		{pattern: "/{tier}/wmts/{layer}/{style}/{grid}/{z}/{row}/{col}/{j}/{i}", address: info},
		{pattern: "/{tier}/{layergrid}/wmts", address: "cropland_w/wmts?" + kvp("&LAYER=cropland", "GetTile") + "&FORMAT=tiles", report: "InvalidParameterValue"},
		{pattern: "/{tier}/wmts/{layer}/{style}/{vintage}/{grid}/{z}/{row}/{col}", address: "wmts/cropland/default/" + rest + ".mvt"},
		{pattern: "/{tier}/wmts/{layer}/{style}/{vintage}/{grid}/{z}/{row}/{col}/{j}/{i}", address: strings.Replace(info, "default", "default/default", 1)},
		{pattern: "/{tier}/{layergrid}/tianditu/wmts", address: "cropland_w/tianditu/wmts?" + kvp("&LAYER=cropland", "GetTile") + "&FORMAT=tiles", report: "InvalidParameterValue"},
		{pattern: "/{tier}/wms", address: "wms?SERVICE=WMS&REQUEST=GetCapabilities", report: "InvalidDimensionValue"},
		{pattern: "/{tier}/wms", address: "wms?VERSION=1.1.1&REQUEST=GetMap&SRS=EPSG:4490&FORMAT=image/png&WIDTH=200&HEIGHT=200&LAYERS=cropland&STYLES=&BBOX=" + box, report: "InvalidDimensionValue"},
		{pattern: "/{tier}/DataServer", address: fmt.Sprintf("DataServer?T=cropland_w&l=%s&y=%s&x=%s", parts[0], parts[2], parts[1])},
		{pattern: "/{tier}/arcgis/rest/services/{layergrid}/MapServer", address: "arcgis/rest/services/cropland_w/MapServer?f=json"},
		{pattern: "/{tier}/arcgis/rest/services/{layergrid}/MapServer/tile/{z}/{row}/{col}", address: fmt.Sprintf("arcgis/rest/services/cropland_w/MapServer/tile/%s/%s/%s", parts[0], parts[2], parts[1])},
		{
			pattern: "/{tier}/arcgis/rest/services/{layergrid}/MapServer/WMTS/tile/1.0.0/{name}/{style}/{set}/{z}/{row}/{col}",
			address: fmt.Sprintf("arcgis/rest/services/cropland_w/MapServer/WMTS/tile/1.0.0/cropland_w/default/default028mm/%s/%s/%s.png", parts[0], parts[2], parts[1]),
		},
		{pattern: "/{tier}/iserver/services/{service}/rest/maps/{layergrid}/zxyTileImage.png", address: fmt.Sprintf("iserver/services/map-farm/rest/maps/cropland_w/zxyTileImage.png?z=%s&y=%s&x=%s", parts[0], parts[2], parts[1])},
		{pattern: "/{tier}/iserver/services/{service}/rest/maps/{layergrid}/zxyTileImage/{z}/{col}/{row}.png", address: fmt.Sprintf("iserver/services/map-farm/rest/maps/cropland_w/zxyTileImage/%s/%s/%s.png", parts[0], parts[1], parts[2])},
		{pattern: "/{tier}/features/{layer}/{id}", address: "features/cropland/1001"},
		{pattern: "/{tier}/features/{layer}/{id}/lineage", address: "features/cropland/1001/lineage"},
		{pattern: "/{tier}/features/{layer}", address: "features/cropland?code=" + bsm(3, 3)},
		{pattern: "/{tier}/places", address: "places", same: true}, // the places of a year without any are the latest's
		{pattern: "/{tier}/overlay", address: "overlay?layers=cropland&bbox=" + box},
		{pattern: "/{tier}/overlay", address: "overlay?bbox=" + box},
		{pattern: "/{tier}/base", address: "base", same: true},
		{pattern: "/{tier}/summary", address: "summary?by=village"},
		{pattern: "/{tier}/summary", address: "summary?f=csv"},
		{pattern: "/{tier}/diff", address: "diff?layer=cropland", same: true}, // names its own
		{pattern: "/{tier}/catalog/{layer}.xml", address: "catalog/cropland.xml"},
		{pattern: "/{tier}/ogc", address: "ogc", same: true},
		{pattern: "/{tier}/ogc/", address: "ogc/", same: true},
		{pattern: "/{tier}/ogc/conformance", address: "ogc/conformance", same: true},
		{pattern: "/{tier}/ogc/api", address: "ogc/api"},
		{pattern: "/{tier}/ogc/collections", address: "ogc/collections"},
		{pattern: "/{tier}/ogc/collections/{layer}", address: "ogc/collections/cropland"},
		{pattern: "/{tier}/ogc/collections/{layer}/queryables", address: "ogc/collections/cropland/queryables", same: true},
		{pattern: "/{tier}/ogc/collections/{layer}/schema", address: "ogc/collections/cropland/schema", same: true},
		{pattern: "/{tier}/ogc/collections/{layer}/items", address: "ogc/collections/cropland/items"},
		{pattern: "/{tier}/ogc/collections/{layer}/items/{id}", address: "ogc/collections/cropland/items/1001"},
		{pattern: "/{tier}/ogc/tileMatrixSets", address: "ogc/tileMatrixSets", same: true},
		{pattern: "/{tier}/ogc/tileMatrixSets/{grid}", address: "ogc/tileMatrixSets/c", same: true},
		{pattern: "/{tier}/ogc/tiles", address: "ogc/tiles", same: true},
		{pattern: "/{tier}/ogc/tiles/{grid}", address: "ogc/tiles/w"},
		{pattern: "/{tier}/ogc/tiles/{grid}/{z}/{row}/{col}", address: "ogc/tiles/" + swapped},
		{pattern: "/{tier}/ogc/map/tiles", address: "ogc/map/tiles", same: true},
		{pattern: "/{tier}/ogc/map/tiles/{grid}", address: "ogc/map/tiles/w"},
		{pattern: "/{tier}/ogc/map/tiles/{grid}/{z}/{row}/{col}", address: "ogc/map/tiles/" + swapped},
		{pattern: "/{tier}/ogc/collections/{layer}/tiles", address: "ogc/collections/cropland/tiles", same: true},
		{pattern: "/{tier}/ogc/collections/{layer}/tiles/{grid}", address: "ogc/collections/cropland/tiles/w"},
		{pattern: "/{tier}/ogc/collections/{layer}/tiles/{grid}/{z}/{row}/{col}", address: "ogc/collections/cropland/tiles/" + swapped},
		{pattern: "/{tier}/ogc/collections/{layer}/map/tiles", address: "ogc/collections/cropland/map/tiles", same: true},
		{pattern: "/{tier}/ogc/collections/{layer}/map/tiles/{grid}", address: "ogc/collections/cropland/map/tiles/w"},
		{pattern: "/{tier}/ogc/collections/{layer}/map/tiles/{grid}/{z}/{row}/{col}", address: "ogc/collections/cropland/map/tiles/" + swapped},
	}
}

var (
	datedFirst = regexp.MustCompile(`\?vintage=20[0-9]{2}(&amp;|&|\\u0026)`)
	dated      = regexp.MustCompile(`(\?|&amp;|&|\\u0026)vintage=20[0-9]{2}`)
)

// dimensions are what capabilities have of vintages where their address names none.
var dimensions = regexp.MustCompile(`(?s) *<Dimension.*?</Dimension>\n|\{vintage\}/`)

// content is a body without the addresses' own vintage, and without the dimension.
func content(body []byte) string {
	body = dimensions.ReplaceAll(body, nil)
	return dated.ReplaceAllString(datedFirst.ReplaceAllString(string(body), "?"), "")
}

// Every address takes vintage=: without it the latest answers, with another one what
// that year was, and one that is nowhere is refused with the names of those there are.
func TestVintageEverywhere(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	head := s.bearer(edition.Secure)
	rows := vintageRows()
	for _, row := range rows {
		get := func(vintage string) reply {
			address := "/secure/" + row.address
			if vintage != "" {
				sign := "?"
				if strings.Contains(address, "?") {
					sign = "&"
				}
				address += sign + "vintage=" + vintage
			}
			return s.get(t, address, head...)
		}
		latest, same, before := get(""), get("2024"), get("2023")
		for _, r := range []reply{latest, same, before} {
			if r.StatusCode != http.StatusOK {
				t.Errorf("%s: %d %.300s", r.Request.URL, r.StatusCode, r.body)
			}
		}
		if content(latest.body) != content(same.body) {
			t.Errorf("%s: the default is not the latest vintage:\n%.600s\n%.600s", row.address, content(latest.body), content(same.body))
		}
		if (content(before.body) == content(same.body)) != row.same {
			t.Errorf("%s: 2023 and 2024 are the same: %t, want %t", row.address, !row.same, row.same)
		}
		unknown := get("1999")
		if row.report != "" {
			if text := string(unknown.body); unknown.StatusCode != http.StatusBadRequest || !strings.Contains(text, row.report) || !strings.Contains(text, "2024 2023") {
				t.Errorf("%s of an unknown vintage: %d %s", row.address, unknown.StatusCode, text)
			}
			continue
		}
		if d := wantProblem(t, row.address, unknown, http.StatusNotFound, "no_vintage"); !strings.Contains(d.Advice+d.Detail, "2024 2023") {
			t.Errorf("%s: the problem does not name those there are: %+v", row.address, d)
		}
	}
	for _, pattern := range tileserver.Patterns(s.Server) {
		later := strings.Contains(pattern, "/ogc") || strings.Contains(pattern, "/analyses") || pattern == "/{tier}/reconcile" // its operands name theirs
		if pattern == "/{tier}/changes" || pattern == "/{tier}/verify" || pattern == "/{tier}/keys" || strings.HasPrefix(pattern, "/{tier}/base/") || strings.HasPrefix(pattern, "/{tier}/login") {
			continue // about generations, about what it is given, about others' maps, or before there is a token
		}
		if strings.HasPrefix(pattern, "/{tier}") && !later && !slices.ContainsFunc(rows, func(r vintageRow) bool { return r.pattern == pattern }) {
			t.Errorf("no row for %s", pattern)
		}
	}
}

// A layer that lacks the vintage is no part of `all`, of the catalogue and of the
// defaults of an overlay; asked for by name it is refused.
func TestVintageOfSomeLayers(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	head := s.bearer(edition.Secure)
	doc := decode[struct {
		Layers []struct{ Name, Vintage string }
	}](t, s.get(t, "/secure/catalog?vintage=2023", head...))
	if len(doc.Layers) != 1 || doc.Layers[0].Name != "cropland" || doc.Layers[0].Vintage != "2023" {
		t.Errorf("the catalogue of 2023 has %+v", doc.Layers)
	}
	for _, address := range []string{"/secure/tiles/pbf/w/14/0/0.mvt?vintage=2023", "/secure/tiles/cropland,pbf/w.json?vintage=2023", "/secure/features/pbf/77?vintage=2023", "/secure/overlay?layers=pbf&bbox=108.7,34.3,108.71,34.31&vintage=2023"} {
		if d := wantProblem(t, address, s.get(t, address, head...), http.StatusNotFound, "no_vintage"); !strings.Contains(d.Advice+d.Detail, "2024") {
			t.Errorf("%s: %+v", address, d)
		}
	}
	// A feature of another year is told where it is.
	d := wantProblem(t, "feature", s.get(t, "/secure/features/cropland/1060?vintage=2023", head...), http.StatusNotFound, "no_feature")
	if !strings.Contains(d.Advice+d.Detail, "2024") {
		t.Errorf("a feature of 2024 in 2023: %+v", d)
	}
}
