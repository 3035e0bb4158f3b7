package main_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gengtu/index/edition"
)

// routePatterns are the patterns of the server's route table, as its source has them: a
// route that is added is one here, too. A route that is written in a way that is not
// understood here, or a table that is made elsewhere, fails the test.
func routePatterns(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "tileserver", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	tables := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if list, ok := n.Type.(*ast.ArrayType); ok && isName(list.Elt, "route") {
					tables++
					for _, e := range n.Elts {
						out = append(out, patternOf(t, e))
					}
				} else if isName(n.Type, "route") {
					t.Errorf("%s: a route that stands in no table", file)
				}
			case *ast.AssignStmt:
				for _, to := range n.Lhs {
					if s, ok := to.(*ast.SelectorExpr); ok && s.Sel.Name == "routes" && filepath.Base(file) != "server.go" {
						t.Errorf("%s: another table of routes", file)
					}
				}
			}
			return true
		})
	}
	if tables != 1 || len(out) < 30 {
		t.Fatalf("%d tables have %d routes", tables, len(out))
	}
	return out
}

// isName tells whether an expression is a name.
func isName(e ast.Expr, name string) bool {
	x, ok := e.(*ast.Ident)
	return ok && x.Name == name
}

// patternOf is the pattern of a route in the table.
func patternOf(t *testing.T, e ast.Expr) string {
	t.Helper()
	if c, ok := e.(*ast.CompositeLit); ok {
		for _, x := range c.Elts {
			kv, isPair := x.(*ast.KeyValueExpr)
			if !isPair || !isName(kv.Key, "pattern") {
				continue
			}
			if text, isText := kv.Value.(*ast.BasicLit); isText {
				if pattern, err := strconv.Unquote(text.Value); err == nil {
					return pattern
				}
			}
		}
	}
	t.Fatal("a route has no pattern that is a literal")
	return ""
}

// thief asks a server for all that its routes may give, and for what they refuse.
type thief struct {
	s    *server
	tier string
	// look is told of each body, unpacked, and of each header, and returns how many
	// secrets it had not seen before.
	look func(data []byte) int
	// statuses are what each route answered, etags the bodies by their ETags.
	statuses map[string]map[int]int
	etags    map[string][]byte
	answers  int
}

// newThief returns a thief who hunts in all that he is given. Bytes that are the same as
// some before are not gone over again: what is in them was found then.
func newThief(s *server, tier string, h *hunt, found map[secret]bool) *thief {
	seen := map[[sha256.Size]byte]bool{}
	look := func(data []byte) int {
		sum := sha256.Sum256(data)
		if seen[sum] {
			return 0
		}
		seen[sum] = true
		before := len(found)
		h.find(data, found)
		return len(found) - before
	}
	return &thief{s: s, tier: tier, look: look, statuses: map[string]map[int]int{}, etags: map[string][]byte{}}
}

// until waits until an address answers so: a server looks for new tokens four times a
// second, and makes the edition of a scope when it is first asked for.
func (h *thief) until(t *testing.T, status int, path string) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		a := h.s.do(t, "GET", "/"+h.tier+path, nil)
		if a.Status == status {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %s answers %d\n%.300s", h.tier, path, a.Status, a.Body)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// ask sends a request of a route.
func (h *thief) ask(t *testing.T, pattern, method, path string, body []byte, headers ...string) answer {
	t.Helper()
	a := h.s.do(t, method, path, body, headers...)
	if a.Header.Get("Content-Encoding") == "gzip" && len(a.Body) > 0 {
		a.Body = gunzipped(t, a.Body)
	}
	if strings.Contains(a.Header.Get("Content-Type"), "spreadsheetml") {
		a.Body = unpackedSheet(t, a.Body)
	}
	if h.statuses[pattern] == nil {
		h.statuses[pattern] = map[int]int{}
	}
	h.statuses[pattern][a.Status]++
	h.answers++
	if tag := a.Header.Get("ETag"); tag != "" && method == http.MethodGet && a.Status == 200 {
		h.etags[tag] = a.Body
	}
	n := h.look(a.Body)
	for k, v := range a.Header {
		n += h.look([]byte(k + ": " + strings.Join(v, "\n")))
	}
	if n > 0 { // the total at the end tells whether they count
		t.Logf("%d secrets, or what looks like them, in %s %s (%d)", n, method, path, a.Status)
	}
	return a
}

// gunzipped returns what a gzip stream holds.
func gunzipped(t *testing.T, packed []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// target is what there is in an edition to ask about.
type target struct {
	layer, other, code, featureCode, stack string
	generation, before                     string // the one in force, and the oldest kept
	id                                     uint64
	box                                    [4]float64
	secure                                 string // the generation of the secure edition
}

// targetOf looks at what the tier serves.
func (h *thief) targetOf(t *testing.T, dir, secure string) *target {
	t.Helper()
	x := &target{layer: "pbf", other: "hsf", generation: generationOf(t, dir), secure: secure}
	kept, err := edition.History(dir)
	if err != nil {
		t.Fatal(err)
	}
	x.before = kept[len(kept)-1].Generation
	var catalog struct{ Extent [4]float64 }
	decode(t, h.s.get(t, 200, "/"+h.tier+"/catalog").Body, &catalog)
	x.box = catalog.Extent
	var list struct{ Places []struct{ Code string } }
	decode(t, h.s.get(t, 200, "/"+h.tier+"/places").Body, &list)
	x.code = list.Places[0].Code
	ids, _ := idsOf(t, dir)
	for _, key := range slices.Sorted(maps.Keys(ids)) {
		if strings.HasPrefix(key, "pbf@") {
			x.id = h.reachable(t, ids[key])
		}
	}
	var feature struct{ Properties map[string]any }
	decode(t, h.s.get(t, 200, fmt.Sprintf("/%s/features/pbf/%d", h.tier, x.id)).Body, &feature)
	for _, field := range []string{"YJJBNTTBBH", "BSM"} {
		if v, ok := feature.Properties[field].(string); ok {
			x.featureCode = v
		}
	}
	stack := regexp.MustCompile(`"text-font":\["([^"]+)"`).FindSubmatch(h.s.get(t, 200, "/"+h.tier+"/style.json").Body)
	if stack == nil {
		t.Fatal("the style names no font")
	}
	x.stack = string(stack[1])
	return x
}

// reachable is the first of some features of pbf that the thief's token reaches.
func (h *thief) reachable(t *testing.T, ids []uint64) uint64 {
	t.Helper()
	for _, id := range ids {
		if h.s.do(t, "GET", fmt.Sprintf("/%s/features/pbf/%d", h.tier, id), nil).Status == 200 {
			return id
		}
	}
	return ids[0]
}

// tileAt is the tile of a grid in the middle of the edition.
func (x *target) tileAt(grid string, z int) (col, row int) {
	lon, lat := (x.box[0]+x.box[2])/2, (x.box[1]+x.box[3])/2
	col, row, _, _ = tileRange(grid, z, [4]float64{lon, lat, lon, lat})
	return col, row
}

// around is a box of some hundred metres in the middle.
func (x *target) around() string {
	lon, lat := (x.box[0]+x.box[2])/2, (x.box[1]+x.box[3])/2
	return fmt.Sprintf("%.6f,%.6f,%.6f,%.6f", lon-.004, lat-.004, lon+.004, lat+.004)
}

// questions are addresses of each pattern: of what is there, and of what is not or is
// asked for wrongly. A pattern that is not here has not been thought of.
func (x *target) questions() map[string][]string {
	wx, wy := x.tileAt("w", 13)
	cx, cy := x.tileAt("c", 13)
	kvp := "?SERVICE=WMTS&VERSION=1.0.0&STYLE=default&TILEMATRIXSET=w&FORMAT=image/png&LAYER=" + x.layer + fmt.Sprintf("&TILEMATRIX=13&TILEROW=%d&TILECOL=%d", wy, wx)
	wms := "?SERVICE=WMS&VERSION=1.1.1&SRS=EPSG:4490&STYLES=&FORMAT=image/png&WIDTH=64&HEIGHT=64&BBOX=" + x.around()
	at := func(format string, n ...any) string { return fmt.Sprintf(format, n...) }
	return map[string][]string{
		"/": {"/"}, "/viewer/*": {"/viewer/api.js", "/viewer/nothing.js", "/viewer/../go.mod"}, "/health": {"/health"}, "/ready": {"/ready"}, "/metrics": {"/metrics"},
		"/{tier}/catalog":                         {"/catalog"},
		"/{tier}/me":                              {"/me"},
		"/{tier}/login":                           {"/login", "/login?issuer=2"},
		"/{tier}/login/callback":                  {"/login/callback?code=1&state=2", "/login/callback"},
		"/{tier}/catalog/{layer}.xml":             {"/catalog/" + x.layer + ".xml", "/catalog/dltb.xml", "/catalog/secret.xml"},
		"/{tier}/verify":                          {"/verify"},
		"/{tier}/keys":                            {"/keys"},
		"/{tier}/base":                            {"/base"},
		"/{tier}/base/{name}/{z}/{x}/{y}":         {"/base/vec/5/26/12"},
		"/{tier}/tiles/{layers}/{grid}.json":      {"/tiles/all/w.json", "/tiles/" + x.layer + "/c.json", "/tiles/dltb/w.json", "/tiles/secret/w.json", "/tiles/all/q.json"},
		"/{tier}/map.png":                         {"/map.png?width=64&height=64&bbox=" + x.around(), "/map.png?width=64&height=64&layers=dltb&bbox=" + x.around(), "/map.png", "/map.png?width=99999&height=9&bbox=" + x.around()},
		"/{tier}/style.json":                      {"/style.json"},
		"/{tier}/legend.json":                     {"/legend.json"},
		"/{tier}/legend.png":                      {"/legend.png", "/legend.png?layer=" + x.layer, "/legend.png?layer=dltb", "/legend.png?style=no"},
		"/{tier}/fonts/{stack}/{range}.pbf":       {"/fonts/" + x.stack + "/0-255.pbf", "/fonts/None/0-255.pbf", "/fonts/" + x.stack + "/1-2.pbf"},
		"/{tier}/sprites/{name}":                  {"/sprites/map.json", "/sprites/map@2x.png", "/sprites/no.png"},
		"/{tier}/wmts/1.0.0/WMTSCapabilities.xml": {"/wmts/1.0.0/WMTSCapabilities.xml"},
		"/{tier}/wmts":                            {"/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "/wmts" + kvp + "&REQUEST=GetTile", "/wmts" + kvp + "&REQUEST=GetFeatureInfo&I=9&J=9&INFOFORMAT=application/json", "/wmts", "/wmts" + kvp + "&REQUEST=Guess"},
		"/{tier}/{layergrid}/wmts":                {"/" + x.layer + "_w/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "/" + x.layer + "_w/wmts" + kvp + "&REQUEST=GetTile", "/dltb_w/wmts" + kvp + "&REQUEST=GetTile", "/nothing_w/wmts"},
		"/{tier}/tiles/{layers}/{grid}/{z}/{x}/{y}.mvt": {
			at("/tiles/all/w/13/%d/%d.mvt", wx, wy), at("/tiles/%s/c/13/%d/%d.mvt", x.layer, cx, cy), at("/tiles/dltb/w/13/%d/%d.mvt", wx, wy), at("/tiles/secret/w/13/%d/%d.mvt", wx, wy),
			at("/tiles/all/w/17/%d/%d.mvt", wx<<4, wy<<4), "/tiles/all/w/13/0/0.mvt", "/tiles/all/w/3/9/9.mvt", "/tiles/all/w/30/0/0.mvt", "/tiles/all/w/x/y/z.mvt",
		},
		"/{tier}/tiles/{layers}/{grid}/{z}/{x}/{y}.png": {at("/tiles/all/w/13/%d/%d.png", wx, wy), at("/tiles/%s/c/13/%d/%d@2x.png", x.layer, cx, cy), at("/tiles/dltb/w/13/%d/%d.png", wx, wy), "/tiles/all/w/3/9/9.png"},
		"/{tier}/wmts/{layer}/{style}/{grid}/{z}/{row}/{col}": {
			at("/wmts/%s/default/w/13/%d/%d.png", x.layer, wy, wx), at("/wmts/%s/default/c/13/%d/%d.mvt", x.layer, cy, cx), at("/wmts/dltb/default/w/13/%d/%d.mvt", wy, wx), "/wmts/x/y/w/1/0/0.png",
		},
		"/{tier}/wmts/{layer}/{style}/{grid}/{z}/{row}/{col}/{j}/{i}": {at("/wmts/%s/default/w/13/%d/%d/128/128.json", x.layer, wy, wx), at("/wmts/%s/default/w/13/%d/%d/128/128.html", x.other, wy, wx), at("/wmts/dltb/default/w/13/%d/%d/1/1.json", wy, wx), at("/wmts/%s/default/w/13/%d/%d/999/1.json", x.layer, wy, wx)},
		"/{tier}/ogc": {"/ogc"}, "/{tier}/ogc/": {"/ogc/"}, "/{tier}/ogc/conformance": {"/ogc/conformance"}, "/{tier}/ogc/api": {"/ogc/api"}, "/{tier}/ogc/collections": {"/ogc/collections"},
		"/{tier}/ogc/collections/{layer}":            {"/ogc/collections/" + x.layer, "/ogc/collections/dltb", "/ogc/collections/secret"},
		"/{tier}/ogc/collections/{layer}/queryables": {"/ogc/collections/" + x.layer + "/queryables", "/ogc/collections/dltb/queryables"},
		"/{tier}/ogc/collections/{layer}/schema":     {"/ogc/collections/" + x.layer + "/schema", "/ogc/collections/dltb/schema"},
		"/{tier}/ogc/collections/{layer}/items":      x.items(),
		"/{tier}/ogc/collections/{layer}/items/{id}": {at("/ogc/collections/%s/items/%d", x.layer, x.id), at("/ogc/collections/%s/items/%d?crs=http://www.opengis.net/def/crs/EPSG/0/3857", x.layer, x.id), "/ogc/collections/" + x.layer + "/items/1", "/ogc/collections/dltb/items/1", "/ogc/collections/" + x.layer + "/items/x"},
		"/{tier}/ogc/tileMatrixSets":                 {"/ogc/tileMatrixSets"}, "/{tier}/ogc/tileMatrixSets/{grid}": {"/ogc/tileMatrixSets/c", "/ogc/tileMatrixSets/q"},
		"/{tier}/ogc/tiles": {"/ogc/tiles", "/ogc/tiles?collections=dltb"}, "/{tier}/ogc/tiles/{grid}": {"/ogc/tiles/w", "/ogc/tiles/c?collections=" + x.layer, "/ogc/tiles/q"},
		"/{tier}/ogc/map/tiles": {"/ogc/map/tiles"}, "/{tier}/ogc/map/tiles/{grid}": {"/ogc/map/tiles/c", "/ogc/map/tiles/w?collections=secret"},
		"/{tier}/ogc/tiles/{grid}/{z}/{row}/{col}":                         {at("/ogc/tiles/w/13/%d/%d", wy, wx), at("/ogc/tiles/c/13/%d/%d?collections=dltb", cy, cx), "/ogc/tiles/w/3/9/9", "/ogc/tiles/w/x/y/z"},
		"/{tier}/ogc/map/tiles/{grid}/{z}/{row}/{col}":                     {at("/ogc/map/tiles/WebMercatorQuad/13/%d/%d", wy, wx), "/ogc/map/tiles/w/30/0/0"},
		"/{tier}/ogc/collections/{layer}/tiles":                            {"/ogc/collections/" + x.layer + "/tiles", "/ogc/collections/dltb/tiles"},
		"/{tier}/ogc/collections/{layer}/tiles/{grid}":                     {"/ogc/collections/" + x.layer + "/tiles/c", "/ogc/collections/dltb/tiles/w"},
		"/{tier}/ogc/collections/{layer}/map/tiles":                        {"/ogc/collections/" + x.layer + "/map/tiles", "/ogc/collections/secret/map/tiles"},
		"/{tier}/ogc/collections/{layer}/map/tiles/{grid}":                 {"/ogc/collections/" + x.layer + "/map/tiles/w"},
		"/{tier}/ogc/collections/{layer}/tiles/{grid}/{z}/{row}/{col}":     {at("/ogc/collections/%s/tiles/w/13/%d/%d", x.layer, wy, wx), at("/ogc/collections/dltb/tiles/w/13/%d/%d", wy, wx)},
		"/{tier}/ogc/collections/{layer}/map/tiles/{grid}/{z}/{row}/{col}": {at("/ogc/collections/%s/map/tiles/c/13/%d/%d", x.layer, cy, cx)},
		"/{tier}/analyses": {"/analyses"}, "/{tier}/reconcile": {"/reconcile"}, "/{tier}/analyses/{id}": {"/analyses/1", "/analyses/" + strings.Repeat("0", 24)}, "/{tier}/analyses/{id}/events": {"/analyses/1/events", "/analyses/1/events?after=x"},
		"/{tier}/analyses/{id}/{file}": {"/analyses/1/result.json", "/analyses/1/result.geojson?table=x", "/analyses/1/x"},
		"/{tier}/wmts/{layer}/{style}/{vintage}/{grid}/{z}/{row}/{col}": {
			at("/wmts/%s/default/default/w/13/%d/%d.png", x.layer, wy, wx), at("/wmts/%s/default/2024/c/13/%d/%d.mvt", x.layer, cy, cx), at("/wmts/dltb/default/default/w/13/%d/%d.mvt", wy, wx), at("/wmts/%s/default/1066/w/13/%d/%d.png", x.layer, wy, wx),
		},
		"/{tier}/wmts/{layer}/{style}/{vintage}/{grid}/{z}/{row}/{col}/{j}/{i}": {at("/wmts/%s/default/default/w/13/%d/%d/128/128.json", x.layer, wy, wx), at("/wmts/dltb/default/default/w/13/%d/%d/1/1.json", wy, wx)},
		"/{tier}/wms": {
			"/wms?SERVICE=WMS&REQUEST=GetCapabilities", "/wms?SERVICE=WMS&REQUEST=GetCapabilities&VERSION=1.1.1", "/wms" + wms + "&REQUEST=GetMap&LAYERS=" + x.layer, "/wms" + wms + "&REQUEST=GetMap&LAYERS=dltb", "/wms" + wms + "&REQUEST=GetMap&LAYERS=dltb&EXCEPTIONS=INIMAGE",
			"/wms" + wms + "&REQUEST=GetFeatureInfo&X=32&Y=32&FEATURE_COUNT=10&INFO_FORMAT=application/json&LAYERS=" + x.layer + "&QUERY_LAYERS=" + x.layer, "/wms" + wms + "&REQUEST=GetFeatureInfo&X=32&Y=32&INFO_FORMAT=text/html&LAYERS=dltb&QUERY_LAYERS=dltb", "/wms", "/wms" + wms + "&REQUEST=Guess",
		},
		"/{tier}/{layergrid}/tianditu/wmts":                                       {"/" + x.layer + "_w/tianditu/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "/" + x.layer + "_w/tianditu/wmts" + kvp + "&REQUEST=GetTile", "/dltb_w/tianditu/wmts" + kvp + "&REQUEST=GetTile"},
		"/{tier}/DataServer":                                                      {at("/DataServer?T=%s_c&l=13&x=%d&y=%d", x.layer, cx, cy), at("/DataServer?T=dltb_w&l=13&x=%d&y=%d", wx, wy), "/DataServer"},
		"/{tier}/arcgis/rest/services/{layergrid}/MapServer":                      {"/arcgis/rest/services/" + x.layer + "_w/MapServer?f=json", "/arcgis/rest/services/all_c/MapServer?f=json", "/arcgis/rest/services/dltb_w/MapServer?f=json", "/arcgis/rest/services/" + x.layer + "_w/MapServer"},
		"/{tier}/arcgis/rest/services/{layergrid}/MapServer/tile/{z}/{row}/{col}": {at("/arcgis/rest/services/%s_w/MapServer/tile/13/%d/%d", x.layer, wy, wx), at("/arcgis/rest/services/dltb_w/MapServer/tile/13/%d/%d", wy, wx)},
		"/{tier}/arcgis/rest/services/{layergrid}/MapServer/WMTS/tile/1.0.0/{name}/{style}/{set}/{z}/{row}/{col}": {at("/arcgis/rest/services/%s_w/MapServer/WMTS/tile/1.0.0/n/default/default028mm/13/%d/%d.png", x.layer, wy, wx), at("/arcgis/rest/services/dltb_w/MapServer/WMTS/tile/1.0.0/n/default/s/13/%d/%d.png", wy, wx)},
		"/{tier}/iserver/services/{service}/rest/maps/{layergrid}/zxyTileImage.png":                               {at("/iserver/services/m/rest/maps/%s_w/zxyTileImage.png?z=13&x=%d&y=%d", x.layer, wx, wy), at("/iserver/services/m/rest/maps/dltb_w/zxyTileImage.png?z=13&x=%d&y=%d", wx, wy)},
		"/{tier}/iserver/services/{service}/rest/maps/{layergrid}/zxyTileImage/{z}/{col}/{row}.png":               {at("/iserver/services/m/rest/maps/%s_w/zxyTileImage/13/%d/%d.png", x.layer, wx, wy), at("/iserver/services/m/rest/maps/dltb_w/zxyTileImage/13/%d/%d.png", wx, wy)},
		"/{tier}/features/{layer}/{id}":         {at("/features/%s/%d", x.layer, x.id), "/features/" + x.layer + "/1", "/features/dltb/1", "/features/secret/1", "/features/" + x.layer + "/x"},
		"/{tier}/features/{layer}/{id}/lineage": {at("/features/%s/%d/lineage", x.layer, x.id), "/features/dltb/1/lineage"},
		"/{tier}/features/{layer}":              {"/features/" + x.layer + "?code=" + x.featureCode, "/features/" + x.layer + "?code=610402200500000000", "/features/" + x.layer, "/features/secret?code=1"},
		"/{tier}/places":                        {"/places", "/places?q=村", "/places?q=" + x.code[:4] + "&f=geojson", "/places?parent=" + x.code[:6], "/places?parent=99", "/places?f=x"},
		"/{tier}/overlay": {
			"/overlay?bbox=" + x.around(), "/overlay?bbox=" + x.around() + "&f=csv", "/overlay?bbox=" + x.around() + "&f=xlsx", "/overlay?bbox=" + x.around() + "&f=html", "/overlay?bbox=" + x.around() + "&f=ndjson",
			"/overlay?bbox=" + x.around() + "&return=features", "/overlay?bbox=" + x.around() + "&return=features&f=geojson", "/overlay?bbox=" + x.around() + "&group_by=DLBM", "/overlay?bbox=" + x.around() + "&group_by=ZRRMC", "/overlay?bbox=" + x.around() + "&layers=dltb&survey=true",
			"/overlay?place=" + x.code, "/overlay?place=99", at("/overlay?point=%.7f,%.7f", (x.box[0]+x.box[2])/2+1e-5, (x.box[1]+x.box[3])/2+1e-5), "/overlay?bbox=1,2", "/overlay?bbox=500000,3700000,600000,3800000", "/overlay?bbox=" + x.around() + "&layers=secret", "/overlay",
		},
		"/{tier}/summary": {"/summary", "/summary?by=village&f=csv", "/summary?by=county&f=xlsx", "/summary?by=group", "/summary?table=hectare", "/summary?kind=owner&f=csv", "/summary?layers=dltb", "/summary?by=x", "/summary?place=99"},
		"/{tier}/changes": {"/changes?since=" + x.before, "/changes?since=" + x.before + "&return=features", "/changes?since=" + x.before + "&list=false", "/changes?since=" + x.generation, "/changes", "/changes?since=g0000000000000000&layer=" + x.layer},
		"/{tier}/diff":    {"/diff?layer=" + x.layer + "&from=" + x.before + "&to=" + x.generation, "/diff?layer=" + x.layer + "&f=geojson&from=" + x.before + "&to=" + x.generation, "/diff?layer=" + x.layer, "/diff?layer=" + x.layer + "&f=csv", "/diff?layer=" + x.layer + "&f=geojson", "/diff?layer=" + x.layer + "&by=XMMC", "/diff?layer=dltb&f=xlsx", "/diff?layer=secret", "/diff"},
	}
}

// items are questions for lists of features.
func (x *target) items() []string {
	at := "/ogc/collections/" + x.layer + "/items"
	filter := func(text string) string { return at + "?limit=1000&filter=" + url.QueryEscape(text) }
	return []string{
		at + "?limit=1000", at + "?limit=1000&f=csv", at + "?limit=3&offset=2&crs=http://www.opengis.net/def/crs/EPSG/0/4490", at + "?limit=1000&bbox=" + x.around(), at + "?sortby=-area_m2&properties=area_m2", at + "?datetime=2024", at + "?ZRRMC=x", at + "?properties=ZRRMC",
		at + "?sortby=ZRRMC", filter("ZRRMC LIKE '%'"), filter("area_m2 > 5000"), filter("S_WITHIN(geometry, BBOX(" + x.around() + "))"), filter("S_INTERSECTS(geometry, POINT(108.6 34.3)) OR ZRRMC IS NULL"), filter("("),
		"/ogc/collections/dltb/items", "/ogc/collections/region/items", "/ogc/collections/secret/items", at + "?f=html",
	}
}

// bodies are what is posted to overlay.
func (x *target) bodies() [][]byte {
	ring := func(d float64) string {
		lon, lat := (x.box[0]+x.box[2])/2, (x.box[1]+x.box[3])/2
		return fmt.Sprintf(`{"type":"Polygon","coordinates":[[[%.7f,%.7f],[%.7f,%.7f],[%.7f,%.7f],[%.7f,%.7f]]]}`, lon-d, lat-d, lon+d, lat-d, lon, lat+d, lon-d, lat-d)
	}
	many := `{"type":"FeatureCollection","features":[` + strings.Repeat(`{"type":"Feature","geometry":null,"properties":null},`, 10_000) + `{"type":"Feature","geometry":null,"properties":null}]}`
	return [][]byte{
		[]byte(`{"geometry":` + ring(.003) + `}`), []byte(`{"geometry":` + ring(.003) + `,"return":"features"}`), []byte(`{"geometry":` + ring(.003) + `,"group_by":{"pbf":["ZRRMC"]}}`),
		[]byte(`{"type":"FeatureCollection","features":[{"type":"Feature","id":1,"geometry":` + ring(.001) + `,"properties":{}},{"type":"Feature","geometry":` + ring(3) + `,"properties":{}}]}`),
		[]byte(`{"geometry":` + ring(3) + `}`), []byte(`{"geometry":{"type":"Point","coordinates":[1,2]}}`), []byte(`{"place":"` + x.code + `"}`), []byte(`{"geometry"`), []byte(many), nil,
	}
}

// forgotten are the patterns without a question, and questions of no pattern.
func forgotten(patterns []string, questions map[string][]string) (out []string) {
	for _, pattern := range patterns {
		if len(questions[pattern]) == 0 {
			out = append(out, pattern)
		}
	}
	for pattern := range questions {
		if !slices.Contains(patterns, pattern) {
			out = append(out, pattern)
		}
	}
	return out
}

// stealPictures asks for the viewer's files, for what the catalogue says that there is of
// each layer, and for the sprites.
func (h *thief) stealPictures(t *testing.T) {
	t.Helper()
	assets, err := filepath.Glob(filepath.Join("..", "..", "tileserver", "viewer", "web", "*.*"))
	if err != nil || len(assets) < 10 {
		t.Fatalf("%d files of the viewer, %v", len(assets), err)
	}
	for _, file := range assets {
		h.ask(t, "/viewer/*", "GET", "/viewer/"+filepath.Base(file), nil)
	}
	for _, name := range []string{"map.json", "map.png", "map@2x.json", "map@2x.png"} {
		h.ask(t, "/{tier}/sprites/{name}", "GET", "/"+h.tier+"/sprites/"+name, nil)
	}
	var catalog struct {
		Layers []struct{ Name, Thumbnail string }
	}
	decode(t, h.s.get(t, 200, "/"+h.tier+"/catalog").Body, &catalog)
	for _, l := range catalog.Layers {
		h.ask(t, "/{tier}/catalog/{layer}.xml", "GET", "/"+h.tier+"/catalog/"+l.Name+".xml", nil)
		picture := h.ask(t, "/{tier}/map.png", "GET", strings.TrimPrefix(l.Thumbnail, h.s.URL), nil)
		if picture.Status != 200 || !bytes.HasPrefix(picture.Body, []byte("\x89PNG")) {
			t.Errorf("%s: the picture %s of %s answers %d", h.tier, l.Thumbnail, l.Name, picture.Status)
		}
	}
}

// steal goes over the route table.
func (h *thief) steal(t *testing.T, x *target) {
	t.Helper()
	questions, patterns := x.questions(), routePatterns(t)
	if f := forgotten(patterns, questions); len(f) > 0 || len(patterns) < 20 {
		t.Errorf("the routes and questions() do not agree on %q: write there what they may answer", f)
	}
	for _, pattern := range patterns {
		paths := questions[pattern]
		for i, path := range paths {
			if strings.HasPrefix(pattern, "/{tier}") {
				path = "/" + h.tier + path
			}
			h.ask(t, pattern, "GET", path, nil, "Accept-Encoding", "identity")
			h.ask(t, pattern, "GET", path, nil, "Accept-Encoding", "gzip", "Accept-Language", "zh", "Origin", "https://thief.example")
			if i > 0 {
				continue
			}
			for _, q := range []string{"vintage=1999", "generation=g0000000000000000", "generation=" + x.secure, "generation=" + x.generation, "tk=gt_wrong", "x=" + strings.Repeat("y", 20_000)} {
				h.ask(t, pattern, "GET", withQuery(path, q), nil)
			}
			for _, method := range []string{"HEAD", "PUT", "DELETE", "OPTIONS"} {
				h.ask(t, pattern, method, path, []byte("{}"))
			}
			h.ask(t, pattern, "GET", path, nil, "If-None-Match", "*")
			h.ask(t, pattern, "GET", path, nil, "Accept", "text/x-none")
			h.ask(t, pattern, "GET", path, nil, "Authorization", "Bearer gt_wrong")
			h.ask(t, pattern, "POST", path, []byte("{}"))
		}
	}
	if !h.s.faulty {
		h.stealPictures(t)
		h.stealAnalyses(t)
	}
	const overlay = "/{tier}/overlay"
	for _, body := range x.bodies() {
		for _, form := range []string{"", "?f=csv", "?f=html"} {
			h.ask(t, overlay, "POST", "/"+h.tier+"/overlay"+form, body)
		}
	}
	h.ask(t, overlay, "POST", "/"+h.tier+"/overlay", []byte("x"), "Content-Encoding", "br")
	h.ask(t, overlay, "POST", "/"+h.tier+"/overlay", []byte("x"), "Content-Encoding", "gzip")
	h.ask(t, overlay, "POST", "/"+h.tier+"/overlay", bytes.Repeat([]byte(" "), 17<<20))
	sealed := h.ask(t, overlay, "GET", "/"+h.tier+"/overlay?receipt=1&bbox="+x.around(), nil)
	h.ask(t, "/{tier}/verify", "POST", "/"+h.tier+"/verify", sealed.Body)
	h.ask(t, "", "GET", "/"+h.tier+"/nothing", nil)
	h.ask(t, "", "GET", "/nothing", nil)
	h.ask(t, "", "GET", "/metrics", nil)
}
