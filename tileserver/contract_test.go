package tileserver_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"image/png"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// tileAt is z/x/y of the tile that holds the landscape's lot 1, 1.
func tileAt(g tile.Grid, z uint8) string {
	b := lotBox(1, 1, 2, 2)
	t := g.At(geo.Position{Lon: (b.Min.Lon + b.Max.Lon) / 2, Lat: (b.Min.Lat + b.Max.Lat) / 2}, z)
	return fmt.Sprintf("%d/%d/%d", z, t.X, t.Y)
}

// data lists the addresses of the contract that answer with data, below a tier,
// with their content types.
func data() map[string]string {
	w12, c12, w14 := tileAt(tile.W, 12), tileAt(tile.C, 12), tileAt(tile.W, 14)
	wz := strings.Split(w12, "/")
	kvp := fmt.Sprintf("SERVICE=WMTS&VERSION=1.0.0&LAYER=cropland&STYLE=default&TILEMATRIXSET=w&TILEMATRIX=%s&TILECOL=%s&TILEROW=%s", wz[0], wz[1], wz[2])
	rest := fmt.Sprintf("wmts/cropland/default/w/%s/%s/%s", wz[0], wz[2], wz[1])
	const mvtType, pngType, jsonType, xml = "application/vnd.mapbox-vector-tile", "image/png", "application/json", "text/xml; charset=utf-8"
	out := map[string]string{
		"catalog": jsonType, "style.json": jsonType, "legend.json": jsonType, "legend.png": pngType,
		"tiles/all/w/" + w12 + ".mvt": mvtType, "tiles/cropland/c/" + c12 + ".mvt": mvtType, "tiles/cropland,pbf/w/" + w14 + ".mvt": mvtType,
		"tiles/all/w/" + w12 + ".png": pngType, "tiles/cropland/c/" + c12 + "@2x.png": pngType, "tiles/all/w/9/0/0.png": pngType,
		"tiles/all/w.json": jsonType, "tiles/cropland,hsf/c.json": jsonType,
		"map.png?bbox=108.7,34.3,108.71,34.31&width=200&height=100": pngType,
		"fonts/Noto%20Sans/0-255.pbf":                               "application/x-protobuf",
		"sprites/map.png":                                           pngType, "sprites/map@2x.png": pngType, "sprites/map.json": jsonType, "sprites/map@2x.json": jsonType,
		"wmts?SERVICE=WMTS&REQUEST=GetCapabilities": xml, "wmts/1.0.0/WMTSCapabilities.xml": xml,
		"wmts?REQUEST=GetTile&FORMAT=image/png&" + kvp:                                            pngType,
		"wmts?REQUEST=GetTile&FORMAT=tiles&" + kvp:                                                pngType,
		"wmts?REQUEST=GetTile&FORMAT=application/vnd.mapbox-vector-tile&" + kvp:                   mvtType,
		"wmts?REQUEST=GetFeatureInfo&FORMAT=image/png&INFOFORMAT=application/json&I=1&J=1&" + kvp: "application/json; charset=utf-8",
		rest + ".png": pngType, rest + ".mvt": mvtType, rest + "/1/1.json": "application/json; charset=utf-8",
		"cropland_w/wmts?REQUEST=GetTile&FORMAT=tiles&" + kvp: pngType, "cropland_c/wmts?SERVICE=WMTS&REQUEST=GetCapabilities": xml,
		"features/cropland/1000":  "application/geo+json",
		"features/pbf?code=pbf-1": "application/geo+json",
		"places":                  jsonType, "places?q=%E8%A5%BF": jsonType, "places?parent=6104": jsonType,
		"overlay?place=610402001": jsonType, "overlay?bbox=108.7,34.3,108.702,34.302": jsonType, "overlay?point=108.7005,34.3005": jsonType,
		"overlay?place=610402001&f=csv": "text/csv; charset=utf-8",
		"summary":                       jsonType, "summary?by=village&f=csv": "text/csv; charset=utf-8",
		"summary?f=xlsx": areas.XLSX.MediaType(), "summary?by=county&place=610402&layers=pbf": jsonType, "summary?f=csv&kind=total": "text/csv; charset=utf-8",
	}
	maps.Copy(out, foreign())
	return out
}

// foreign are the addresses of WMS and those that other servers' clients write, with the
// types of their answers.
func foreign() map[string]string {
	at := strings.Split(tileAt(tile.W, 12), "/")
	z, col, row := at[0], at[1], at[2]
	const mapServer, maps = "arcgis/rest/services/cropland_w/MapServer", "iserver/services/map-farm/rest/maps/cropland_w/zxyTileImage"
	const getMap = "REQUEST=GetMap&LAYERS=cropland,pbf&STYLES=&FORMAT=image/png&WIDTH=200&HEIGHT=100"
	return map[string]string{
		"wms?SERVICE=WMS&REQUEST=GetCapabilities":                                "text/xml; charset=utf-8",
		"wms?SERVICE=WMS&REQUEST=GetCapabilities&VERSION=1.1.1":                  "application/vnd.ogc.wms_xml; charset=utf-8",
		"wms?VERSION=1.3.0&CRS=EPSG:4490&BBOX=34.3,108.7,34.31,108.71&" + getMap: "image/png",
		"wms?VERSION=1.1.1&SRS=EPSG:4490&BBOX=108.7,34.3,108.71,34.31&" + getMap: "image/png",
		"wms?VERSION=1.3.0&CRS=CRS:84&BBOX=108.7,34.3,108.71,34.31&I=100&J=50&QUERY_LAYERS=cropland&INFO_FORMAT=application/json&" + strings.Replace(getMap, "GetMap", "GetFeatureInfo", 1): "application/json; charset=utf-8",

		fmt.Sprintf("wmts/cropland/default/default/w/%s/%s/%s.png", z, row, col):      "image/png",
		fmt.Sprintf("wmts/cropland/default/default/w/%s/%s/%s/1/1.json", z, row, col): "application/json; charset=utf-8",
		"cropland_w/tianditu/wmts?SERVICE=WMTS&REQUEST=GetCapabilities":               "text/xml; charset=utf-8",
		fmt.Sprintf("DataServer?T=cropland_w&x=%s&y=%s&l=%s", col, row, z):            "image/png",
		mapServer + "?f=json":                                "application/json",
		fmt.Sprintf(mapServer+"/tile/%s/%s/%s", z, row, col): "image/png",
		fmt.Sprintf(mapServer+"/WMTS/tile/1.0.0/cropland_w/default/default028mm/%s/%s/%s.png", z, row, col): "image/png",
		fmt.Sprintf(maps+".png?z=%s&x=%s&y=%s&width=256&height=256", z, col, row):                           "image/png",
		fmt.Sprintf(maps+"/%s/%s/%s.png", z, col, row):                                                      "image/png",
	}
}

// Every address of data, in every tier: status, type, headers, HEAD as GET
// without a body, 304, immutable when it is pinned.
func TestContractData(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Government, edition.Public)
	for _, tier := range edition.Tiers {
		for address, contentType := range data() {
			full := "/" + string(tier) + "/" + address
			if tier == edition.Public && strings.HasPrefix(address, "overlay?place") {
				continue // its own test
			}
			var head []string
			if tier != edition.Public {
				head = s.bearer(tier)
			}
			r := s.get(t, full, head...)
			if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != contentType || len(r.body) == 0 {
				t.Errorf("%s: %d %q with %d bytes: %.200s", full, r.StatusCode, r.Header.Get("Content-Type"), len(r.body), r.body)
				continue
			}
			checkHeaders(t, s, tier, full, r)
			checkRevalidation(t, s, full, r, head)
		}
	}
}

func checkHeaders(t *testing.T, s *service, tier edition.Tier, at string, r reply) {
	t.Helper()
	h := r.Header
	wantCache, wantOrigin := "private, no-cache", ""
	if tier == edition.Public {
		wantCache, wantOrigin = "public, max-age=300", "*"
	}
	if h.Get("Cache-Control") != wantCache || h.Get("Access-Control-Allow-Origin") != wantOrigin {
		t.Errorf("%s: Cache-Control %q, origin %q", at, h.Get("Cache-Control"), h.Get("Access-Control-Allow-Origin"))
	}
	if h.Get("Gengtu-Generation") != s.generations[tier] || h.Get("X-Request-Id") == "" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s: headers %v", at, h)
	}
	if etag := h.Get("ETag"); len(etag) < 4 || etag[0] != '"' || etag[len(etag)-1] != '"' {
		t.Errorf("%s: ETag %q", at, etag)
	}
	if tier != edition.Public && !strings.Contains(h.Get("Vary"), "Origin") {
		t.Errorf("%s: Vary %q", at, h.Get("Vary"))
	}
}

// checkRevalidation asks for r again by HEAD, by its ETag, compressed, and
// pinned.
func checkRevalidation(t *testing.T, s *service, at string, r reply, head []string) {
	t.Helper()
	if hr := s.do(t, http.MethodHead, at, nil, head...); hr.StatusCode != http.StatusOK || len(hr.body) != 0 || hr.ContentLength != int64(len(r.body)) ||
		hr.Header.Get("ETag") != r.Header.Get("ETag") || hr.Header.Get("Content-Type") != r.Header.Get("Content-Type") {
		t.Errorf("%s: HEAD gives %d, %d bytes of %d announced, headers %v", at, hr.StatusCode, len(hr.body), hr.ContentLength, hr.Header)
	}
	for _, tag := range []string{r.Header.Get("ETag"), "W/" + r.Header.Get("ETag"), `"x", ` + r.Header.Get("ETag"), "*"} {
		c := s.get(t, at, append(head, "If-None-Match", tag)...)
		if c.StatusCode != http.StatusNotModified || len(c.body) != 0 || c.Header.Get("ETag") != r.Header.Get("ETag") || c.Header.Get("Cache-Control") != r.Header.Get("Cache-Control") {
			t.Errorf("%s: If-None-Match %s gives %d %v", at, tag, c.StatusCode, c.Header)
		}
	}
	z := s.get(t, at, append(head, "Accept-Encoding", "gzip, br")...)
	if z.Header.Get("Content-Encoding") == "gzip" {
		plain, err := gunzip(z.body)
		if err != nil || !bytes.Equal(plain, r.body) || z.Header.Get("ETag") == r.Header.Get("ETag") || !strings.Contains(z.Header.Get("Vary"), "Accept-Encoding") {
			t.Errorf("%s: compressed it is %d bytes, error %v, headers %v", at, len(plain), err, z.Header)
		}
		if c := s.get(t, at, append(head, "Accept-Encoding", "gzip", "If-None-Match", z.Header.Get("ETag"))...); c.StatusCode != http.StatusNotModified {
			t.Errorf("%s: the compressed one's ETag gives %d", at, c.StatusCode)
		}
	} else if !bytes.Equal(z.body, r.body) {
		t.Errorf("%s: another answer with Accept-Encoding", at)
	}
	sep := "?"
	if strings.Contains(at, "?") {
		sep = "&"
	}
	p := s.get(t, at+sep+"generation="+r.Header.Get("Gengtu-Generation"), head...)
	if who, _, _ := strings.Cut(r.Header.Get("Cache-Control"), ","); p.StatusCode != http.StatusOK || p.Header.Get("Cache-Control") != who+", max-age=31536000, immutable" {
		t.Errorf("%s: pinned it is %d %q", at, p.StatusCode, p.Header.Get("Cache-Control"))
	}
}

func gunzip(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func TestContractOpenAddresses(t *testing.T) {
	s := serve(t, nil, edition.Public)
	for address, contentType := range map[string]string{
		"/": "text/html; charset=utf-8", "/viewer/LICENCES.txt": "text/plain; charset=utf-8", "/health": "text/plain; charset=utf-8",
		"/ready": "text/plain; charset=utf-8", "/metrics": "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
	} {
		r := s.get(t, address)
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != contentType || len(r.body) == 0 {
			t.Errorf("%s: %d %q, want %q", address, r.StatusCode, r.Header.Get("Content-Type"), contentType)
		}
		if h := s.do(t, http.MethodHead, address, nil); h.StatusCode != http.StatusOK || len(h.body) != 0 {
			t.Errorf("HEAD %s: %d, %d bytes", address, h.StatusCode, len(h.body))
		}
		w := s.post(t, address, "")
		wantProblem(t, "POST "+address, w, http.StatusMethodNotAllowed, "method")
		if w.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("POST %s: Allow %q", address, w.Header.Get("Allow"))
		}
	}
	page := s.get(t, "/")
	if c := s.get(t, "/", "If-None-Match", page.Header.Get("ETag")); c.StatusCode != http.StatusNotModified {
		t.Errorf("the page with its ETag gives %d", c.StatusCode)
	}
	// All that the page names lasts; the page itself is asked for anew, and names what is new.
	named := regexp.MustCompile(`(?:src|href)="(viewer/[^"]+)"`).FindAllSubmatch(page.body, -1)
	if len(named) < 4 || page.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("the page names %d files, its Cache-Control is %q", len(named), page.Header.Get("Cache-Control"))
	}
	for _, m := range named {
		r := s.get(t, "/"+string(m[1]), "Accept-Encoding", "gzip")
		if got := r.Header.Get("Cache-Control"); r.StatusCode != http.StatusOK || got != "public, max-age=31536000, immutable" || r.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s: %d, Cache-Control %q, Content-Encoding %q", m[1], r.StatusCode, got, r.Header.Get("Content-Encoding"))
		}
		worker := strings.ReplaceAll(string(m[1]), "maplibre-gl.mjs", "maplibre-gl-worker.mjs")
		if w := s.get(t, "/"+worker); worker != string(m[1]) && (w.Header.Get("Cache-Control") != "no-cache" || w.Header.Get("Content-Security-Policy") == "") {
			t.Errorf("%s, whose policy comes with it: %q, %q", worker, w.Header.Get("Cache-Control"), w.Header.Get("Content-Security-Policy"))
		}
	}
	if csp := page.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("the page's policy is %q", csp)
	}
}

// A zoom that is not there is told by both ends of the range, which differ between the
// grids and the tiers, and by what to do.
func TestNoZoom(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	for address, zooms := range map[string]string{
		"/public/tiles/all/c/0/0/0.mvt": "1 to 14", "/public/tiles/all/w/15/0/0.mvt": "0 to 14", "/public/tiles/all/w/99/0/0.png": "0 to 14",
		"/secure/tiles/all/c/4294967296/0/0.mvt?tk=" + s.tokens[edition.Secure]: "1 to 18",
	} {
		r := s.get(t, address, "Accept-Language", "en")
		wantProblem(t, address, r, http.StatusNotFound, "no_zoom")
		if body := string(r.body); !strings.Contains(body, "its zooms are "+zooms) || !strings.Contains(body, "ask for zooms "+zooms) {
			t.Errorf("%s: %s", address, body)
		}
	}
}

// What the contract answers with other statuses, and with which code.
func TestContractErrors(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	for _, c := range []struct {
		name, address string
		status        int
		code          string
	}{
		{"a column outside its matrix", "/public/tiles/all/w/5/32/0.mvt", 400, "tile_range"},
		{"a row outside its matrix", "/public/tiles/all/w/5/0/32.png", 400, "tile_range"},
		{"a row outside the c matrix, which is half as high", "/public/tiles/all/c/5/0/16.mvt", 400, "tile_range"},
		{"a column of 2^32", "/public/tiles/all/w/5/4294967296/0.mvt", 400, "tile_range"},
		{"a column that is no number", "/public/tiles/all/w/5/x/0.mvt", 400, "parameter_tile"},
		{"a column with a sign", "/public/tiles/all/w/5/-1/0.mvt", 400, "parameter_tile"},
		{"a zoom that no grid has", "/public/tiles/all/w/99/0/0.mvt", 404, "no_zoom"},
		{"a zoom beyond the edition's", "/public/tiles/all/w/15/0/0.mvt", 404, "no_zoom"},
		{"zoom 0 of c", "/public/tiles/all/c/0/0/0.mvt", 404, "no_zoom"},
		{"an unknown layer", "/public/tiles/roads/w/5/0/0.mvt", 404, "no_layer"},
		{"an unknown layer among known ones", "/public/tiles/pbf,roads/w/5/0/0.png", 404, "no_layer"},
		{"a layer of another tier", "/public/tiles/dltb/w/5/0/0.mvt", 404, "no_layer"},
		{"an unknown grid", "/public/tiles/all/m/5/0/0.mvt", 404, "grid_unknown"},
		{"an unknown grid's TileJSON", "/public/tiles/all/W.json", 404, "grid_unknown"},
		{"a layer named twice", "/public/tiles/pbf,pbf/w/5/0/0.mvt", 400, "parameter_layers"},
		{"more layers than allowed", "/public/tiles/" + strings.Repeat("pbf,", 16) + "pbf/w/5/0/0.mvt", 400, "parameter_layers"},
		{"an unknown vintage", "/public/tiles/cropland/w/5/0/0.mvt?vintage=1999", 404, "no_vintage"},
		{"an unknown vintage of all layers", "/public/tiles/all/w/5/0/0.mvt?vintage=1999", 404, "no_vintage"},
		{"another picture size", "/public/tiles/all/w/5/0/0@3x.png", 400, "parameter_tile"},
		{"another ending", "/public/tiles/all/w/5/0/0.jpg", 404, "not_found"},
		{"a path without anything", "/public/nothing", 404, "not_found"},
		{"a tier that is not served", "/government/catalog", 404, "not_found"},
		{"no tier", "/private/catalog", 404, "not_found"},
		{"a tier alone", "/public", 404, "not_found"},
		{"a path beside the tiers", "/nothing", 404, "not_found"},
		{"an unknown file of the viewer", "/viewer/nothing.js", 404, "not_found"},
		{"a generation's name that is none", "/public/catalog?generation=../..", 400, "parameter_generation"},
		{"a generation that is not kept", "/public/catalog?generation=g0000000000000000", 410, "generation_gone"},
		{"an id that is no number", "/public/features/pbf/x", 400, "parameter_id"},
		{"an unknown id", "/public/features/pbf/78", 404, "no_feature"},
		{"an unknown code", "/public/features/pbf?code=9", 404, "no_feature"},
		{"no code", "/public/features/pbf", 400, "parameter_code"},
		{"a code in a layer twice", "/public/features/pbf,pbf?code=pbf-1", 400, "parameter_layers"},
		{"a code in an unknown layer among known ones", "/public/features/pbf,roads?code=pbf-1", 404, "no_layer"},
		{"no code in several layers", "/public/features/pbf,cropland", 400, "parameter_code"},
		{"features of an unknown layer", "/public/features/roads?code=1", 404, "no_layer"},
		{"a glyph range that is none", "/public/fonts/a/0-200.pbf", 400, "parameter_range"},
		{"a glyph range in the middle of one", "/public/fonts/a/1-256.pbf", 400, "glyph_range"},
		{"a glyph range without an end", "/public/fonts/a/0.pbf", 400, "parameter_range"},
		{"a font stack that is too long", "/public/fonts/" + strings.Repeat("a", 600) + "/0-255.pbf", 400, "font_stack"},
		{"an unknown sprite", "/public/sprites/m@2xap.png", 404, "not_found"},
		{"a summary by nothing", "/public/summary?by=street", 400, "parameter_by"},
		{"a summary in another form", "/public/summary?f=pdf", 400, "parameter_f"},
		{"a summary of another vintage", "/public/summary?vintage=1999", 404, "no_vintage"},
		{"a summary by another kind", "/public/summary?f=csv&kind=colour", 400, "parameter_kind"},
		{"a summary of no place", "/public/summary?place=61x", 400, "parameter_place"},
		{"a summary of a place that is not there", "/public/summary?place=99", 404, "no_place"},
		{"a summary of an unknown layer", "/public/summary?layers=roads", 404, "no_layer"},
		{"another table", "/public/summary?table=acre", 400, "parameter_table"},
		{"a hectare table without land classes", "/public/summary?table=hectare", 404, "no_layer"},
		{"a hectare table of two layers", "/public/summary?table=hectare&layers=pbf,hsf", 400, "parameter_layers"},
		{"an analysis that is not there", "/public/analyses/1/result.json", 404, "no_job"},
		{"a REST tile outside its matrix", "/public/wmts/pbf/default/w/5/0/32.png", 404, "wmts_tile_range"},
		{"a REST tile of an unknown layer", "/public/wmts/roads/default/w/5/0/0.png", 404, "wmts_value"},
		{"a Tianditu address without a grid", "/public/cropland/wmts", 404, ""},
		{"a secure path without a token", "/secure/catalog", 401, "token_missing"},
		{"a secure path that is not there, without a token", "/secure/nothing", 401, "token_missing"},
		{"a secure path with a token that was never issued", "/secure/catalog?tk=abc", 401, "token_invalid"},
		{"a secure path with a token of another tier", "/secure/catalog?tk=" + s.tokens[edition.Government], 403, "token_refused"},
	} {
		r := s.get(t, c.address)
		if c.code == "" {
			if r.StatusCode != c.status || !strings.Contains(r.Header.Get("Content-Type"), "xml") {
				t.Errorf("%s: %d %s", c.name, r.StatusCode, r.body)
			}
			continue
		}
		wantProblem(t, c.name, r, c.status, c.code)
		if strings.HasPrefix(c.address, "/public/") && r.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: other origins cannot read it", c.name)
		}
		if auth := r.Header.Get("WWW-Authenticate"); (auth != "") != (c.status == 401) {
			t.Errorf("%s: WWW-Authenticate %q", c.name, auth)
		}
		h := s.do(t, http.MethodHead, c.address, nil)
		if h.StatusCode != c.status || len(h.body) > 0 || h.ContentLength != int64(len(r.body)) {
			t.Errorf("%s: HEAD gives %d, %d bytes of %d", c.name, h.StatusCode, len(h.body), h.ContentLength)
		}
	}
}

func TestContractMethods(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	for _, c := range []struct{ method, address, allow string }{
		{"POST", "/public/catalog", "GET, HEAD, OPTIONS"}, {"DELETE", "/public/overlay", "GET, HEAD, POST, OPTIONS"},
		{"PUT", "/public/tiles/all/w/5/0/0.mvt", "GET, HEAD, OPTIONS"}, {"PUT", "/public/analyses", "POST, GET, HEAD, OPTIONS"}, {"POST", "/public/analyses/1", "GET, HEAD, DELETE, OPTIONS"},
		{"GE", "/public/catalog", "GET, HEAD, OPTIONS"}, {"T P", "/public/overlay", ""}, {"TRACE", "/public/catalog", "GET, HEAD, OPTIONS"},
		{"POST", "/public/wmts", "GET, HEAD, OPTIONS"},
	} {
		if strings.Contains(c.method, " ") {
			continue
		}
		r := s.do(t, c.method, c.address, nil)
		wantProblem(t, c.method+" "+c.address, r, http.StatusMethodNotAllowed, "method")
		if r.Header.Get("Allow") != c.allow {
			t.Errorf("%s %s: Allow %q, want %q", c.method, c.address, r.Header.Get("Allow"), c.allow)
		}
	}
	wantProblem(t, "another method without a token", s.post(t, "/secure/catalog", ""), http.StatusUnauthorized, "token_missing")
	wantProblem(t, "an analysis", s.post(t, "/public/analyses", "{}"), http.StatusNotFound, "analyze_unknown")
}

// Browsers ask by OPTIONS before they send a token, for what is there and for
// what is not, for what is kept and for what is gone.
func TestContractOptions(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	for _, c := range []struct{ address, origin, allowed string }{
		{"/public/catalog", "https://anybody.example", "*"},
		{"/public/catalog", "", "*"},
		{"/public/nothing/at/all", "https://anybody.example", "*"},
		{"/public/catalog?generation=g0000000000000000", "https://anybody.example", "*"},
		{"/secure/overlay", origin, origin},
		{"/secure/nothing", origin, origin},
		{"/secure/overlay", "https://anybody.example", ""},
	} {
		headers := []string{"Access-Control-Request-Method", "GET"}
		if c.origin != "" {
			headers = append(headers, "Origin", c.origin)
		}
		r := s.do(t, http.MethodOptions, c.address, nil, headers...)
		if r.StatusCode != http.StatusNoContent || r.Header.Get("Access-Control-Allow-Origin") != c.allowed || r.Header.Get("Allow") == "" {
			t.Errorf("%s from %q: %d %v", c.address, c.origin, r.StatusCode, r.Header)
		}
		if got := r.Header.Get("Access-Control-Allow-Headers"); (c.allowed != "") != strings.Contains(got, "Authorization") {
			t.Errorf("%s from %q: allowed headers %q", c.address, c.origin, got)
		}
	}
	if r := s.do(t, http.MethodOptions, "/government/catalog", nil); r.StatusCode != http.StatusNotFound {
		t.Errorf("a tier that is not served answers OPTIONS with %d", r.StatusCode)
	}
	r := s.get(t, "/secure/catalog", append(s.bearer(edition.Secure), "Origin", origin)...)
	if r.Header.Get("Access-Control-Allow-Origin") != origin || !strings.Contains(r.Header.Get("Access-Control-Expose-Headers"), "Gengtu-Generation") {
		t.Errorf("GET from a listed origin: %v", r.Header)
	}
	r = s.get(t, "/secure/catalog", append(s.bearer(edition.Secure), "Origin", "https://anybody.example")...)
	if r.StatusCode != http.StatusOK || r.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("GET from another origin: %d %v", r.StatusCode, r.Header)
	}
}

// An empty vector tile is 204 with an ETag; an empty picture is a transparent
// picture.
func TestContractEmptyTiles(t *testing.T) {
	s := serve(t, nil, edition.Public)
	for _, address := range []string{"/public/tiles/all/w/12/0/0.mvt", "/public/tiles/pbf/c/14/0/0.mvt", "/public/tiles/all/w/0/0/0.mvt?vintage=2023"} {
		r := s.get(t, address, "Accept-Encoding", "gzip")
		if address == "/public/tiles/all/w/0/0/0.mvt?vintage=2023" {
			if r.StatusCode != http.StatusOK {
				t.Errorf("%s: %d", address, r.StatusCode)
			}
			continue
		}
		if r.StatusCode != http.StatusNoContent || len(r.body) > 0 || r.Header.Get("ETag") == "" || r.Header.Get("Content-Encoding") != "" || r.Header.Get("Cache-Control") != "public, max-age=300" {
			t.Errorf("%s: %d %v", address, r.StatusCode, r.Header)
		}
		if c := s.get(t, address, "If-None-Match", r.Header.Get("ETag")); c.StatusCode != http.StatusNotModified {
			t.Errorf("%s with its ETag: %d", address, c.StatusCode)
		}
	}
	for address, side := range map[string]int{"/public/tiles/all/w/12/0/0.png": 256, "/public/tiles/pbf/c/14/0/0@2x.png": 512} {
		r := s.get(t, address)
		img, err := png.Decode(bytes.NewReader(r.body))
		if err != nil || r.StatusCode != http.StatusOK || img.Bounds().Dx() != side || img.Bounds().Dy() != side {
			t.Errorf("%s: %d %v", address, r.StatusCode, err)
			continue
		}
		for y := range side {
			for x := range side {
				if _, _, _, a := img.At(x, y).RGBA(); a != 0 {
					t.Fatalf("%s is not transparent at %d, %d", address, x, y)
				}
			}
		}
	}
}

// A tile holds the layers asked for, by their names, with the tier's fields and
// no others; `all` holds no dltb.
func TestContractTileContent(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	z := tileAt(tile.W, 14)
	names := func(address string, head ...string) (string, map[string]bool) {
		layers, err := mvt.Decode(s.get(t, address, head...).body)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		keys := map[string]bool{}
		for _, l := range layers {
			out = append(out, l.Name)
			for _, f := range l.Features {
				for _, tag := range f.Tags {
					keys[l.Name+"."+tag.Key] = true
				}
			}
		}
		return strings.Join(out, ","), keys
	}
	got, keys := names("/secure/tiles/all/w/"+z+".mvt", s.bearer(edition.Secure)...)
	if got != "cropland,pbf,hsf,region" || !keys["cropland.DLBM"] || keys["cropland.QSDWMC"] || keys["cropland.BSM"] {
		t.Errorf("secure: all is %s with %v", got, keys)
	}
	if got, _ := names("/secure/tiles/dltb,cropland/w/"+z+".mvt", s.bearer(edition.Secure)...); got != "dltb,cropland" {
		t.Errorf("secure: dltb,cropland is %s", got)
	}
	got, keys = names("/public/tiles/all/w/" + z + ".mvt")
	for k := range keys {
		if strings.HasPrefix(k, "cropland.") && k != "cropland.count" && k != "cropland.area_m2" && k != "cropland.net_m2" {
			t.Errorf("public: cropland carries %s", k)
		}
	}
	if got != "cropland,pbf,hsf,region" {
		t.Errorf("public: all is %s", got)
	}
	// The vintage before has a row of lots less at the north.
	all := s.get(t, "/secure/features/cropland/1060", s.bearer(edition.Secure)...)
	before := s.get(t, "/secure/features/cropland/1060?vintage=2023", s.bearer(edition.Secure)...)
	if all.StatusCode != http.StatusOK || before.StatusCode != http.StatusNotFound {
		t.Errorf("feature 1060 of 2024 gives %d, of 2023 %d", all.StatusCode, before.StatusCode)
	}
}

// The language is the one that the request prefers; the text differs, the code
// does not.
func TestContractLanguages(t *testing.T) {
	s := serve(t, nil, edition.Public)
	for header, want := range map[string]string{
		"": "English", "en": "English", "zh-CN,zh;q=0.9,en;q=0.8": "Chinese", "en; q=0.3, zh; q=0.7": "Chinese", "fr, en;q=0.5": "English",
		"zh;q=0": "English", "zh;q=nan, en;q=0.1": "English", "zh;q=7": "English", "fr": "English", "ZH-Hant": "Chinese", "enm": "English",
	} {
		r := s.get(t, "/public/tiles/roads/w/5/0/0.mvt", "Accept-Language", header)
		d := wantProblem(t, header, r, 404, "no_layer")
		got := "English"
		if strings.Contains(d.Detail, "没有图层") && d.Title == "没有" {
			got = "Chinese"
		}
		if got != want || !strings.Contains(r.Header.Get("Vary"), "Accept-Language") {
			t.Errorf("%q gives %s: %s", header, got, r.body)
		}
	}
	zh, en := s.get(t, "/public/tiles/all/w.json", "Accept-Language", "zh"), s.get(t, "/public/tiles/all/w.json")
	if !bytes.Contains(zh.body, []byte("永久基本农田")) || !bytes.Contains(en.body, []byte("permanent basic")) || !strings.Contains(en.Header.Get("Vary"), "Accept-Language") {
		t.Errorf("TileJSON in Chinese %s, in English %s", zh.body, en.body)
	}
}
