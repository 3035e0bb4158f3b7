package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gengtu/tileserver/mvt"
)

// The first cells of the table of addresses.
const (
	rowViewer   = "GET `/`"
	rowHealth   = "GET `/health`, `/ready`, `/metrics`"
	rowCatalog  = "GET `/{tier}/catalog`"
	rowMVT      = "GET `/{tier}/tiles/{layers}/{grid}/{z}/{x}/{y}.mvt`"
	rowPNG      = "GET `/{tier}/tiles/{layers}/{grid}/{z}/{x}/{y}.png`"
	rowTileJSON = "GET `/{tier}/tiles/{layers}/{grid}.json`"
	rowMap      = "GET `/{tier}/map.png?bbox=&crs=&width=&height=&layers=&style=`"
	rowStyle    = "GET `/{tier}/style.json`, `/{tier}/legend.json`, `/{tier}/fonts/…`, `/{tier}/sprites/…`"
	rowWMTS     = "GET `/{tier}/wmts?…` (KVP), `/{tier}/wmts/1.0.0/WMTSCapabilities.xml`, `/{tier}/wmts/{layer}/{style}/{grid}/{z}/{row}/{col}.{png\\|mvt}`"
	rowTianditu = "GET `/{tier}/{layer}_{c\\|w}/wmts?…&tk=`"
	rowOGC      = "GET `/{tier}/ogc/…`"
	rowFeatures = "GET `/{tier}/features/{layer}/{id}`, `/{tier}/features/{layer}?code=`"
	rowPlaces   = "GET `/{tier}/places?q=&parent=`"
	rowOverlay  = "POST `/{tier}/overlay`; GET `/{tier}/overlay?place=\\|bbox=\\|point=&layers=&f=json\\|csv`"
	rowSummary  = "GET `/{tier}/summary?by=township&vintage=&f=json\\|csv\\|xlsx`"
	rowAnalyses = "POST `/{tier}/analyses`, GET `/{tier}/analyses/{id}`, `…/{id}/events` (SSE), `…/{id}/result.{json,csv,xlsx,geojson,html}`"
)

// The media types of answers.
const (
	formJSON, formGeoJSON, formPNG, formMVT = "application/json", "application/geo+json", "image/png", "application/vnd.mapbox-vector-tile"
	formXML, formCSV, formHTML, formText    = "text/xml", "text/csv", "text/html", "text/plain"
	formSheet                               = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

// get is a case of an address that answers.
func get(line, name, path, form string, holds func(*testing.T, *told)) contractCase {
	return contractCase{line: line, name: name, method: http.MethodGet, path: path, status: http.StatusOK, form: form, holds: holds}
}

// refuse is a case of an address that is refused.
func refuse(line, name, path string, status int, fault string) contractCase {
	return contractCase{line: line, name: name, method: http.MethodGet, path: path, status: status, fault: fault}
}

// addresses are the cases of each line of addresses.
func (w *contract) addresses(t *testing.T) []contractCase {
	t.Helper()
	p := w.middle(t)
	return slices.Concat(w.open(), w.tiles(p), w.drawn(p), w.wmts(p), w.found(t), w.measured(p), w.analysed(t))
}

// spot is a place in the middle of a project of the delivery.
type spot struct {
	bsm      string
	lon, lat float64
}

// middle is in the middle of a project, whose shape is close to a rectangle.
func (w *contract) middle(t *testing.T) spot {
	t.Helper()
	p := w.projects[1][0]
	var rings [][][2]float64
	decode(t, p.Geometry.Coordinates, &rings)
	least, most := rings[0][0], rings[0][0]
	for _, at := range rings[0] {
		for i := range at {
			least[i], most[i] = min(least[i], at[i]), max(most[i], at[i])
		}
	}
	return spot{p.bsm(), (least[0] + most[0]) / 2, (least[1] + most[1]) / 2}
}

// at is the spot's tile in a grid, and its pixel there of 256.
func (p spot) at(grid string, z int) (x, y, i, j int) {
	side := math.Exp2(float64(z))
	fx, fy := (p.lon+180)/360*side, (90-p.lat)/360*side
	if grid == "w" {
		fy = (1 - math.Asinh(math.Tan(p.lat*math.Pi/180))/math.Pi) / 2 * side
	}
	return int(fx), int(fy), int((fx - math.Floor(fx)) * 256), int((fy - math.Floor(fy)) * 256)
}

// tile writes the address of the spot's tile of a grid.
func (p spot) tile(layers, grid string, z int) string {
	x, y, _, _ := p.at(grid, z)
	return fmt.Sprintf("/tiles/%s/%s/%d/%d/%d", layers, grid, z, x, y)
}

// open are the cases of addresses that belong to no tier, and of the catalogue.
func (w *contract) open() []contractCase {
	body := func(want string) func(*testing.T, *told) {
		return func(t *testing.T, a *told) { holdsBytes(t, a.Body, want) }
	}
	post := func(path string) contractCase {
		c := refuse(rowHealth, "by POST", path, 405, "METHOD")
		c.method = http.MethodPost
		return c
	}
	return []contractCase{
		get(rowViewer, "the page", "/", formHTML, body("<html")),
		refuse(rowViewer, "a file that the page has not", "/viewer/nothing.js", 404, "NOT_FOUND"),
		get(rowHealth, "alive", "/health", formText, body("ok")), get(rowHealth, "ready", "/ready", formText, body("ok")), get(rowHealth, "Prometheus", "/metrics", formText, w.metered),
		post("/health"), post("/ready"), post("/metrics"),
		get(rowCatalog, "secure", "/secure/catalog", formJSON, w.catalogue), get(rowCatalog, "public", "/public/catalog", formJSON, w.publicCatalogue),
		refuse(rowCatalog, "a year that no layer has", "/public/catalog?vintage=1999", 404, "NO_VINTAGE"),
	}
}

// metered fails when a metric has another name, or a label a path, a token or a place.
func (w *contract) metered(t *testing.T, a *told) {
	n := 0
	for line := range strings.Lines(string(a.Body)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		n++
		if !strings.HasPrefix(line, "gengtu_") || strings.Contains(line, `="/`) || strings.Contains(line, w.three.tokens["secure"]) || strings.Contains(line, "610402") {
			t.Errorf("a metric: %s", line)
		}
	}
	if n < 20 {
		t.Errorf("%d metrics", n)
	}
}

// catalogue holds the secure catalogue against the delivery.
func (w *contract) catalogue(t *testing.T, a *told) {
	var c map[string]any
	decode(t, a.Body, &c)
	membersOf(t, "the catalogue", c, "generation", "extent", "limits", "disclaimer", "layers")
	want := map[string]int{"cropland": croplandFeatures, "pbf": pbfFeatures, "hsf": hsfFeatures, "region": villages, "dltb": 10_000}
	layers, _ := c["layers"].([]any)
	for _, l := range layers {
		layer, _ := l.(map[string]any)
		membersOf(t, "a layer", layer, "name", "title", "vintage", "vintages", "features", "area_m2", "patch_m2", "net_m2", "fields", "extent", "services")
		name, _ := layer["name"].(string)
		if strings.HasPrefix(name, "a-") {
			continue // the shapes of an analysis, for whoever asked
		}
		if layer["features"] != float64(want[name]) || layer["vintage"] != "2024" {
			t.Errorf("%s@%v has %v features, want %d", name, layer["vintage"], layer["features"], want[name])
		}
		if name == "cropland" && (layer["patch_m2"] != croplandPatch || layer["net_m2"] != croplandNet) {
			t.Errorf("cropland has %v and %v m²", layer["patch_m2"], layer["net_m2"])
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("the catalogue has no %v", want)
	}
}

// publicCatalogue fails when it tells of other tiers, or of what they hold.
func (w *contract) publicCatalogue(t *testing.T, a *told) {
	for _, word := range []string{"secure", "government", "dltb", "DLBM", "GBZNT", "ZRRMC", generationOf(t, w.e.Secure), generationOf(t, w.e.Government)} {
		if bytes.Contains(a.Body, []byte(word)) {
			t.Errorf("the public catalogue tells of %s", word)
		}
	}
	holdsBytes(t, a.Body, `"limits"`, `"generation":"`+generationOf(t, w.e.Public)+`"`, `"features":`+strconv.Itoa(pbfFeatures))
}

// tiles are the cases of tiles, in both grids, of vectors and of pictures.
func (w *contract) tiles(p spot) []contractCase {
	empty := contractCase{line: rowMVT, name: "empty", method: http.MethodGet, path: "/secure/tiles/all/w/13/0/0.mvt", status: http.StatusNoContent}
	layers := func(want ...string) func(*testing.T, *told) {
		return func(t *testing.T, a *told) { w.layersOf(t, a.Body, p.bsm, want) }
	}
	return []contractCase{
		get(rowMVT, "all, without dltb", "/secure"+p.tile("all", "w", 15)+".mvt", formMVT, layers("cropland", "hsf", "pbf", "region")),
		get(rowMVT, "dltb by name", "/secure"+p.tile("dltb,hsf", "w", 15)+".mvt", formMVT, layers("dltb", "hsf")),
		get(rowMVT, "in grid c", "/government"+p.tile("hsf", "c", 15)+".mvt", formMVT, layers("hsf")),
		get(rowMVT, "public", "/public"+p.tile("hsf", "w", 12)+".mvt", formMVT, nil),
		empty,
		refuse(rowMVT, "a column outside the matrix", "/secure/tiles/all/w/5/32/0.mvt", 400, "TILE_RANGE"),
		refuse(rowMVT, "a row outside grid c, which is half as high", "/secure/tiles/all/c/5/0/16.mvt", 400, "TILE_RANGE"),
		{line: rowMVT, name: "the last row of grid c", method: http.MethodGet, path: "/secure/tiles/all/c/5/0/15.mvt", status: http.StatusNoContent},
		refuse(rowMVT, "zoom 0 of grid c", "/secure/tiles/all/c/0/0/0.mvt", 404, "NO_ZOOM"),
		refuse(rowMVT, "a zoom beyond the policy's", "/public"+p.tile("hsf", "w", 17)+".mvt", 404, "NO_ZOOM"),
		refuse(rowMVT, "a layer that there is not", "/secure/tiles/roads/w/5/0/0.mvt", 404, "NO_LAYER"),
		refuse(rowMVT, "dltb, which public has not", "/public/tiles/dltb/w/5/0/0.mvt", 404, "NO_LAYER"),
		refuse(rowMVT, "a grid that is none", "/secure/tiles/all/q/5/0/0.mvt", 404, "GRID_UNKNOWN"),

		get(rowPNG, "256 px", "/public"+p.tile("all", "w", 12)+".png", formPNG, picture(256, 256, true)),
		get(rowPNG, "512 px", "/secure"+p.tile("cropland", "c", 13)+"@2x.png", formPNG, picture(512, 512, true)),
		get(rowPNG, "empty, a transparent picture", "/public/tiles/all/w/13/0/0.png", formPNG, picture(256, 256, false)),
		refuse(rowPNG, "a row outside the matrix", "/public/tiles/all/w/5/0/32.png", 400, "TILE_RANGE"),
		refuse(rowPNG, "a size that is none", "/public/tiles/all/w/5/0/0@3x.png", 400, "PARAMETER_TILE"),

		get(rowTileJSON, "of a layer", "/public/tiles/pbf/w.json", formJSON, func(t *testing.T, a *told) {
			holdsBytes(t, a.Body, `"tilejson":"3.0.0"`, `"`+publicURL+`/public/tiles/pbf/w/{z}/{x}/{y}.mvt"`, `"id":"pbf"`)
		}),
		refuse(rowTileJSON, "a layer that there is not", "/public/tiles/roads/w.json", 404, "NO_LAYER"),
	}
}

// layersOf fails unless a tile has those layers and no others, and the project with the key
// among its projects.
func (w *contract) layersOf(t *testing.T, tile []byte, bsm string, want []string) {
	t.Helper()
	layers, err := mvt.Decode(tile)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range layers {
		names = append(names, l.Name)
	}
	slices.Sort(names)
	if !slices.Equal(names, want) {
		t.Errorf("layers %v, want %v", names, want)
	}
	if !bytes.Contains(tile, []byte(bsm)) {
		t.Errorf("project %s is not in the tile", bsm)
	}
}

// picture fails unless an answer is a picture of a size, with something on it or nothing.
func picture(width, height int, something bool) func(*testing.T, *told) {
	return func(t *testing.T, a *told) {
		t.Helper()
		img, err := png.Decode(bytes.NewReader(a.Body))
		if err != nil {
			t.Fatal(err)
		}
		b, drawn := img.Bounds(), false
		for x := b.Min.X; x < b.Max.X; x++ {
			for y := b.Min.Y; y < b.Max.Y; y++ {
				if _, _, _, opaque := img.At(x, y).RGBA(); opaque > 0 {
					drawn = true
				}
			}
		}
		if b.Dx() != width || b.Dy() != height || drawn != something {
			t.Errorf("%d × %d, drawn upon: %v", b.Dx(), b.Dy(), drawn)
		}
	}
}

// drawn are the cases of maps, and of what a map needs.
func (w *contract) drawn(p spot) []contractCase {
	at := fmt.Sprintf("bbox=%.6f,%.6f,%.6f,%.6f", p.lon-.01, p.lat-.005, p.lon+.01, p.lat+.005)
	parse := func(want ...string) func(*testing.T, *told) {
		return func(t *testing.T, a *told) {
			if !json.Valid(a.Body) {
				t.Errorf("no JSON: %.200s", a.Body)
			}
			holdsBytes(t, a.Body, want...)
		}
	}
	return []contractCase{
		get(rowMap, "an extent", "/secure/map.png?"+at+"&crs=EPSG:4490&width=300&height=150&layers=cropland,hsf&style=default", formPNG, picture(300, 150, true)),
		refuse(rowMap, "without an extent", "/secure/map.png?width=300&height=150", 400, "PARAMETER_BBOX"),
		refuse(rowMap, "a style that is none", "/secure/map.png?"+at+"&style=baroque", 400, "PARAMETER_STYLE"),
		refuse(rowMap, "larger than the limit", "/secure/map.png?"+at+"&width=99999", 400, "PARAMETER_SIZE"),

		get(rowStyle, "a style for MapLibre", "/public/style.json", formJSON, parse(`"version":8`, `"glyphs":"`+publicURL+`/public/fonts/`, `"sprite":"`+publicURL+`/public/sprites/`)),
		get(rowStyle, "the legend", "/public/legend.json", formJSON, parse("耕地", "Cropland", "永久基本农田")),
		get(rowStyle, "Latin letters", "/public/fonts/Regular/0-255.pbf", "application/x-protobuf", nil),
		get(rowStyle, "Chinese characters", "/public/fonts/Regular/32768-33023.pbf", "application/x-protobuf", func(t *testing.T, a *told) {
			if len(a.Body) < 10_000 {
				t.Errorf("%d bytes of glyphs around 耕 (U+8015)", len(a.Body))
			}
		}),
		get(rowStyle, "sprites", "/public/sprites/map.json", formJSON, parse("pixelRatio")), get(rowStyle, "their picture", "/public/sprites/map@2x.png", formPNG, nil),
		refuse(rowStyle, "a range that is none", "/public/fonts/Regular/1-2.pbf", 400, "PARAMETER_RANGE"),
		refuse(rowStyle, "a sprite that is none", "/public/sprites/no.png", 404, "NOT_FOUND"),
		refuse(rowStyle, "a style that is none", "/public/style.json?style=baroque", 400, "PARAMETER_STYLE"),
	}
}

// wmts are the cases of WMTS, in its two bindings and at Tianditu's form of address.
func (w *contract) wmts(p spot) []contractCase {
	kvp := func(request, format, grid string) string {
		x, y, i, j := p.at(grid, 13)
		return "?" + url.Values{
			"SERVICE": {"WMTS"}, "VERSION": {"1.0.0"}, "REQUEST": {request}, "LAYER": {"hsf"}, "STYLE": {"default"}, "FORMAT": {format}, "TILEMATRIXSET": {grid}, "TILEMATRIX": {"13"},
			"TILEROW": {strconv.Itoa(y)}, "TILECOL": {strconv.Itoa(x)}, "I": {strconv.Itoa(i)}, "J": {strconv.Itoa(j)}, "INFOFORMAT": {"application/json"},
		}.Encode()
	}
	rest := func(grid string) string {
		x, y, _, _ := p.at(grid, 13)
		return fmt.Sprintf("/secure/wmts/hsf/default/%s/13/%d/%d", grid, y, x)
	}
	capabilities := func(t *testing.T, a *told) {
		holdsBytes(t, a.Body, "<ows:Identifier>hsf</ows:Identifier>", "<ows:Identifier>w</ows:Identifier>", "<ows:Identifier>c</ows:Identifier>", "<ows:Identifier>default</ows:Identifier>",
			"<Format>image/png</Format>", "<Format>application/vnd.mapbox-vector-tile</Format>", publicURL+"/secure/wmts")
	}
	mine := func(t *testing.T, a *told) { holdsBytes(t, a.Body, p.bsm) }
	tk := "&tk=" + w.three.tokens["secure"]
	const hello = "?SERVICE=WMTS&REQUEST=GetCapabilities"
	return []contractCase{
		get(rowWMTS, "GetCapabilities", "/secure/wmts"+hello, formXML, capabilities), get(rowWMTS, "the document", "/secure/wmts/1.0.0/WMTSCapabilities.xml", formXML, capabilities),
		get(rowWMTS, "GetTile, a picture", "/secure/wmts"+kvp("GetTile", "image/png", "w"), formPNG, picture(256, 256, true)),
		get(rowWMTS, "GetTile, tiles are pictures", "/secure/wmts"+kvp("GetTile", "tiles", "c"), formPNG, picture(256, 256, true)),
		get(rowWMTS, "GetTile, vectors", "/secure/wmts"+kvp("GetTile", formMVT, "c"), formMVT, mine),
		get(rowWMTS, "GetFeatureInfo", "/secure/wmts"+kvp("GetFeatureInfo", "image/png", "w"), formJSON, mine),
		get(rowWMTS, "a picture by its path", rest("w")+".png", formPNG, picture(256, 256, true)), get(rowWMTS, "vectors by their path", rest("c")+".mvt", formMVT, mine),
		refuse(rowWMTS, "an operation that is none", "/secure/wmts"+kvp("Guess", "image/png", "w"), 501, "WMTS_OPERATION"),
		refuse(rowWMTS, "a tile outside the matrix", "/secure/wmts"+strings.Replace(kvp("GetTile", "image/png", "w"), "TILECOL=", "TILECOL=99", 1), 400, "WMTS_TILE_RANGE"),
		refuse(rowWMTS, "a path outside the matrix", "/secure/wmts/hsf/default/w/5/0/32.png", 404, "WMTS_TILE_RANGE"),
		refuse(rowWMTS, "a layer that there is not", "/secure/wmts/roads/default/w/5/0/0.png", 404, "WMTS_VALUE"),

		get(rowTianditu, "grid c", "/secure/hsf_c/wmts"+kvp("GetTile", "tiles", "c")+tk, formPNG, picture(256, 256, true)),
		get(rowTianditu, "grid w", "/secure/hsf_w/wmts"+hello+tk, formXML, func(t *testing.T, a *told) {
			holdsBytes(t, a.Body, publicURL+"/secure/wmts", "tk="+w.three.tokens["secure"])
		}),
		refuse(rowTianditu, "a layer that there is not", "/secure/roads_c/wmts"+hello+tk, 404, "NO_LAYER"),
	}
}
