package viewer_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"gengtu/styles"
	"gengtu/tileserver/viewer"
)

// governmentToken opens the government tier of the test server.
const governmentToken = "tk-government-0123456789"

// contract is a server that answers as the product's does, with made-up land.
type contract struct {
	*httptest.Server

	land []shape

	mu       sync.Mutex
	requests []string // Method and address, in order.
	overlays []json.RawMessage
	fault    *fault // What the next overlay is answered with, when not nil.
	next     any    // Likewise, as an answer.
	revoked  bool   // The token no longer opens anything.
	baseGrid string // The grid of all base maps, when not "".
	years    bool   // There are several vintages: see years_test.go.
	themes   int    // So many layers beside those of the product.
	broken   string // The vintage whose style cannot be had.

	// before answers a request in the server's stead, and tells whether it did; nil for none.
	before func(http.ResponseWriter, *http.Request) bool

	// more answers what lies below analyses of a tier; nil where there are none.
	more http.HandlerFunc
}

// fault is a problem+json answer.
type fault struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
}

var served = []styles.Shown{
	{Name: "cropland", MinZoom: 5, MaxZoom: 16, Fields: []string{"BSM", "DLBM", "DLMC", "TBMJ", "TBDLMJ"}},
	{Name: "pbf", MinZoom: 5, MaxZoom: 16, Fields: []string{"BSM", "YJJBNTTBBH", "YJJBNTMJ"}},
	{Name: "hsf", MinZoom: 5, MaxZoom: 16, Fields: []string{"XMBH", "XMMC", "JCND"}},
	{Name: "region", MinZoom: 5, MaxZoom: 16, Fields: []string{"XZQDM", "XZQMC"}},
}

// newContract starts the server; it stops with the test. The secure tier is not
// served.
func newContract(t *testing.T) *contract {
	t.Helper()
	c := &contract{land: landscape()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { serveAsset(w, r, "") })
	mux.HandleFunc("GET /viewer/{path...}", func(w http.ResponseWriter, r *http.Request) { serveAsset(w, r, r.PathValue("path")) })
	for _, tier := range []string{"public", "government"} {
		handle := func(pattern string, h http.HandlerFunc) {
			method, path, _ := strings.Cut(pattern, " ")
			mux.HandleFunc(strings.TrimPrefix(method+" /"+tier+path, " "), c.guarded(tier, h))
		}
		handle("GET /catalog", func(w http.ResponseWriter, r *http.Request) { c.catalog(w, r, tier) })
		handle("GET /legend.json", func(w http.ResponseWriter, r *http.Request) {
			answer(w, map[string]any{"layers": styles.Default().Legend(c.named(r)...)})
		})
		handle("GET /style.json", func(w http.ResponseWriter, r *http.Request) { c.style(w, r, tier) })
		handle("GET /tiles/{layers}/w/{z}/{x}/{y}", c.tile)
		handle("GET /fonts/{stack}/{range}", func(http.ResponseWriter, *http.Request) {})
		handle("GET /sprites/{name}", serveSprite)
		handle("GET /base/{name}/{z}/{x}/{y}", serveBase)
		handle("GET /features/{layer}/{id}", c.feature)
		handle("GET /features/{layer}", c.codes)
		handle("GET /places", servePlaces)
		handle("GET /ogc/collections/{layer}/items", func(w http.ResponseWriter, _ *http.Request) {
			answer(w, map[string]any{"type": "FeatureCollection", "features": []any{}})
		})
		handle("POST /overlay", c.overlay)
		handle(" /analyses/", c.analyses)
		handle(" /analyses", c.analyses)
	}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.requests = append(c.requests, r.Method+" "+r.URL.String())
		before := c.before
		c.mu.Unlock()
		if before == nil || !before(w, r) {
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func serveAsset(w http.ResponseWriter, r *http.Request, path string) {
	get := viewer.Asset
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		get = viewer.AssetGzip
		w.Header().Set("Content-Encoding", "gzip")
	}
	body, contentType, etag, ok := get(path)
	if !ok {
		w.Header().Del("Content-Encoding")
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("ETag", etag)
	w.Header().Set("Gengtu-Tiers", "public government")
	w.Header().Set("Content-Security-Policy", viewer.ContentSecurityPolicy)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(body) // The browser went away: nothing to tell it.
}

func (c *contract) guarded(tier string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		c.mu.Lock()
		revoked := c.revoked
		c.mu.Unlock()
		switch {
		case tier == "public" || given == governmentToken && !revoked:
			w.Header().Set("Gengtu-Generation", generation)
			h(w, r)
		case given == "" || revoked:
			refuse(w, fault{Title: "token needed", Status: 401, Detail: "no token", Code: "unauthorized"})
		default:
			refuse(w, fault{Title: "forbidden", Status: 403, Detail: "the token does not reach", Code: "forbidden"})
		}
	}
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // The browser went away: nothing to tell it.
}

func refuse(w http.ResponseWriter, f fault) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(f.Status)
	_ = json.NewEncoder(w).Encode(f) // The browser went away: nothing to tell it.
}

const generation = "20240930-5f2c9a1b7de04c31"

// catalog answers with the layers of a vintage.
func (c *contract) catalog(w http.ResponseWriter, r *http.Request, tier string) {
	extent := []float64{west, south, east, north}
	var layers []map[string]any
	for _, s := range c.layersIn(r.FormValue("vintage")) {
		layers = append(layers, map[string]any{
			"name": s.Name, "title": styles.Default().Layer(s.Name).Title, "vintage": c.vintageOf(s.Name, r.FormValue("vintage")), "vintages": c.vintages(s.Name),
			"features": c.countOf(s.Name, r.FormValue("vintage")), "extent": extent, "fields": fieldsOf(s),
		})
	}
	if len(layers) == 0 {
		refuse(w, fault{Title: "Not found", Status: 404, Detail: "there is no vintage", Code: "no_vintage"})
		return
	}
	layers[0]["record"] = map[string]any{
		"group": "现状", "theme": "耕地资源", "class": "耕地资源", "net": tier, "grade": "core", "confirmed": false, "update": "asNeeded",
		"source": "<b>变更调查</b>", "contact": map[string]string{"organisation": "县局", "phone": "0910"},
	}
	layers[0]["thumbnail"] = "/" + tier + "/sprites/map.png"
	layers[0]["services"] = map[string]string{"metadata": "/" + tier + "/legend.json", "features": "/" + tier + "/features/cropland"}
	services := map[string]string{} // of which the page takes it that nothing is said
	if c.more != nil {
		for name, address := range map[string]string{"tilejson": "tiles/all/w.json", "places": "places", "overlay": "overlay", "analyses": "analyses"} {
			services[name] = "/" + tier + "/" + address
		}
	}
	answer(w, map[string]any{
		"services":  services,
		"base_maps": c.baseMaps(tier),
		"tier":      tier, "generation": generation, "extent": extent, "layers": layers,
		"approval": "陕S（2024）012号", "use": map[string]string{"zh": "仅供参考", "en": "For reference"}, "disclaimer": map[string]string{"zh": "示例数据，非真实地块", "en": "Sample data, not real land"},
	})
}

// baseMaps are one that cannot be had, one of the other grid, and one that can be drawn.
func (c *contract) baseMaps(tier string) []map[string]any {
	maps := []map[string]any{
		{"name": "down", "title": "坏底图", "grid": "w"},
		{"name": "far", "title": "另一格网", "grid": "c"},
		{"name": "vec", "title": "<b>矢量</b>", "grid": "w", "attribution": "<i>天地图</i>"},
	}
	for _, m := range maps {
		m["minzoom"], m["maxzoom"], m["tiles"] = 1, 18, fmt.Sprintf("%s/%s/base/%s/{z}/{x}/{y}", c.URL, tier, m["name"])
		if c.baseGrid != "" {
			m["grid"] = c.baseGrid
		}
	}
	return maps
}

func fieldsOf(s styles.Shown) []map[string]any {
	var fields []map[string]any
	for _, name := range s.Fields {
		fields = append(fields, map[string]any{"name": name, "type": "string", "tile": true})
	}
	return append(fields, map[string]any{"name": "ZDY", "type": "string", "title": "自定义字段", "tile": false})
}

func (c *contract) style(w http.ResponseWriter, r *http.Request, tier string) {
	vintage := r.FormValue("vintage")
	if c.broken != "" && vintage == c.broken {
		refuse(w, fault{Title: "unavailable", Status: 503, Detail: "busy", Code: "busy"})
		return
	}
	query, shown := url.Values{}, c.named(r)
	if layer := r.FormValue("layer"); layer != "" {
		shown = []styles.Shown{{Name: layer, MinZoom: 5, MaxZoom: 16}}
	}
	if vintage != "" {
		query.Set("vintage", vintage)
	}
	data, err := styles.Default().MapLibre(styles.StyleOptions{
		Name: "gengtu", BaseURL: c.URL, Tier: tier, Query: query, Layers: shown, ParcelZoom: 12,
		Extent:      styles.Extent{MinLon: west, MinLat: south, MaxLon: east, MaxLat: north},
		Attribution: "耕图", Approval: "陕S（2024）012号",
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data) // The browser went away: nothing to tell it.
}

func (c *contract) tile(w http.ResponseWriter, r *http.Request) {
	var z, x, y int
	if _, err := fmt.Sscanf(r.PathValue("z")+" "+r.PathValue("x")+" "+r.PathValue("y"), "%d %d %d.mvt", &z, &x, &y); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	data, err := tileOf(c.landIn(r.FormValue("vintage")), r.PathValue("layers"), z, x, y)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	case len(data) == 0:
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Content-Type", "application/vnd.mapbox-vector-tile")
		_, _ = w.Write(data) // The browser went away: nothing to tell it.
	}
}

// serveBase answers with a picture, or as a server does whose base map cannot be had.
func serveBase(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("name") == "down" {
		refuse(w, fault{Title: "bad gateway", Status: 502, Detail: "the base map's server does not answer", Code: "base_map"})
		return
	}
	serveSprite(w, r)
}

func (c *contract) analyses(w http.ResponseWriter, r *http.Request) {
	if c.more == nil {
		http.NotFound(w, r)
		return
	}
	c.more(w, r)
}

func serveSprite(w http.ResponseWriter, r *http.Request) {
	ratio := 1
	if strings.Contains(r.PathValue("name"), "@2x") {
		ratio = 2
	}
	picture, index, err := styles.Sprite(ratio)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if strings.HasSuffix(r.PathValue("name"), ".json") {
		picture = index
	}
	_, _ = w.Write(picture) // The browser went away: nothing to tell it.
}

func (c *contract) feature(w http.ResponseWriter, r *http.Request) {
	for _, s := range c.landIn(r.FormValue("vintage")) {
		if s.layer != r.PathValue("layer") || fmt.Sprint(s.id) != r.PathValue("id") {
			continue
		}
		properties := map[string]any{"ZLDWMC": "东渠村", "QSXZ": "30", "GDPDJB": "2", "ZDY": "甲"}
		for _, tag := range s.tags {
			properties[tag.Key] = tag.Value
		}
		ring := append([]position{}, s.ring...)
		answer(w, map[string]any{
			"type": "Feature", "id": s.id, "properties": properties, "area_m2": 12345.678, "vintage": c.vintageOf(s.layer, r.FormValue("vintage")),
			"geometry": map[string]any{"type": "Polygon", "coordinates": [][]position{append(ring, ring[0])}},
		})
		return
	}
	refuse(w, fault{Title: "not found", Status: 404, Detail: "no such feature", Code: "feature"})
}

func servePlaces(w http.ResponseWriter, r *http.Request) {
	q := r.FormValue("q")
	found := []place{}
	for _, p := range places {
		if strings.Contains(p.Name, q) || strings.HasPrefix(p.Code, q) {
			found = append(found, p)
		}
	}
	answer(w, map[string]any{"places": found})
}

// overlay answers with figures that depend on the shape and add up; they are not
// true areas.
func (c *contract) overlay(w http.ResponseWriter, r *http.Request) {
	var body json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		refuse(w, fault{Title: "bad request", Status: 400, Detail: err.Error(), Code: "json"})
		return
	}
	c.mu.Lock()
	c.overlays = append(c.overlays, body)
	f, next := c.fault, c.next
	c.fault, c.next = nil, nil
	c.mu.Unlock()
	if f != nil {
		refuse(w, *f)
		return
	}
	if next != nil {
		answer(w, next)
		return
	}
	answer(w, figures(len(body)))
}

// figures is an overlay answer in 0.01 m²; seed makes it differ between shapes.
func figures(seed int) map[string]any {
	m2 := func(cents int) float64 { return float64(cents) / 100 }
	mu := func(cents int) float64 { return math.Round(float64(cents)/100*3/2000*1e6) / 1e6 }
	parts := []int{81234567 + seed*1013, 22345678 + seed*7, 9876543, 1234567, 4567891} // pbf+hsf, pbf, hsf in cropland, cropland, none
	crop, pbf, hsf := parts[0]+parts[1]+parts[2]+parts[3], parts[0]+parts[1], parts[0]+parts[2]
	aoi := crop + parts[4]
	layer := func(name string, cents, features int, net any, groups any) map[string]any {
		out := map[string]any{
			"layer": name, "vintage": "2024", "features": features, "area_m2": m2(cents), "area_mu": mu(cents), "area_ha": m2(cents) / 1e4,
			"patch_m2": net, "net_m2": net, "net_mu": nil, "gross_area_m2": m2(cents),
		}
		if cents, ok := net.(int); ok {
			out["patch_m2"], out["net_m2"], out["net_mu"] = m2(cents+30000), m2(cents), mu(cents)
		}
		if groups != nil {
			out["groups"] = groups
		}
		return out
	}
	combination := func(cents int, inside, outside []string) map[string]any {
		return map[string]any{"inside": inside, "outside": outside, "area_m2": m2(cents), "net_m2": map[string]any{}}
	}
	return map[string]any{
		"generation": generation, "program": "gengtu", "tier": "public", "formula": "ellipsoidal CGCS2000",
		"aoi": map[string]any{"area_m2": m2(aoi), "area_mu": mu(aoi), "mended": false, "problems": []any{}},
		"layers": []any{
			layer("cropland", crop, 97, crop-654321, []any{
				map[string]any{"DLBM": "0101", "features": 40, "area_m2": m2(crop / 2), "net_m2": m2(crop/2 - 1000)},
				map[string]any{"DLBM": "0102", "features": 57, "area_m2": m2(crop - crop/2), "net_m2": m2(crop - crop/2 - 1000)},
			}),
			layer("pbf", pbf, 81, pbf-432100, nil),
			layer("hsf", hsf, 3, nil, nil),
		},
		"combinations": []any{
			combination(parts[0], []string{"cropland", "pbf", "hsf"}, []string{}),
			combination(parts[1], []string{"cropland", "pbf"}, []string{"hsf"}),
			combination(parts[2], []string{"cropland", "hsf"}, []string{"pbf"}),
			combination(parts[3], []string{"cropland"}, []string{"pbf", "hsf"}),
			combination(parts[4], []string{}, []string{"cropland", "pbf", "hsf"}),
		},
		"failed": []any{},
	}
}
