package tileserver

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/styles"
	"gengtu/tileserver/glyph"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/viewer"
)

func (s *Server) handleViewer(r *request) error {
	name := r.params["*"]
	if name == "" {
		name = "index.html"
	}
	asset := viewer.Asset
	zipped := r.gzips()
	if zipped {
		asset = viewer.AssetGzip
	}
	body, contentType, tag, ok := asset(name)
	if !ok {
		return errNotFound
	}
	h := &r.ctx.Response.Header
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", tag)
	h.Set("Cache-Control", "no-cache")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; child-src blob:; connect-src 'self' blob:; frame-ancestors 'self'")
	if strings.Contains(string(r.ctx.Request.Header.Peek("If-None-Match")), tag) {
		r.ctx.SetStatusCode(fasthttp.StatusNotModified)
		return nil
	}
	if zipped {
		h.Set("Content-Encoding", "gzip")
	}
	r.ctx.SetContentType(contentType)
	r.ctx.SetBody(body)
	return nil
}

func (s *Server) handleHealth(r *request) error {
	r.ctx.Response.Header.Set("Cache-Control", "no-store")
	r.ctx.SetContentType("text/plain; charset=utf-8")
	r.ctx.SetBodyString("ok\n")
	return nil
}

func (s *Server) handleReady(r *request) error {
	if len(s.tiers) == 0 {
		return errServing
	}
	return s.handleHealth(r)
}

func (s *Server) handleMetrics(r *request) error {
	s.metrics.serve(r.ctx)
	return nil
}

// handleLater answers for what the contract names and this program does not
// have yet.
func (s *Server) handleLater(*request) error { return errNotHere }

// title returns a layer's title in the request's language.
func (r *request) title(l *index.Layer) string {
	if r.lang == problem.Chinese {
		return l.Meta.Title.Zh
	}
	return l.Meta.Title.En
}

// attribution is what pictures and tiles are to be shown with.
func (r *request) attribution() string {
	p := r.ix().Manifest.Policy
	text := p.Disclaimer.En
	if r.lang == problem.Chinese {
		text = p.Disclaimer.Zh
	}
	if p.Approval != "" {
		text = strings.TrimSpace(text + " " + p.Approval)
	}
	return text
}

// carried are the parameters that addresses in answers repeat.
func (r *request) carried() url.Values {
	v := url.Values{}
	for _, k := range []string{"vintage", "generation"} {
		if s := r.query(k); s != "" {
			v.Set(k, s)
		}
	}
	if s := r.query("tk"); s != "" && r.tier != edition.Public {
		v.Set("tk", s)
	}
	return v
}

// carry returns carried as a query with its question mark, or "".
func (r *request) carry() string {
	if v := r.carried(); len(v) > 0 {
		return "?" + v.Encode()
	}
	return ""
}

// shown lists the layers of an edition as styles and legends want them.
func (r *request) shown() []styles.Shown {
	var out []styles.Shown
	for _, n := range shownLayers(r.ix().Manifest) {
		l := r.ix().Layer(n, r.query("vintage"))
		if l == nil {
			continue
		}
		s := styles.Shown{Name: n, MinZoom: 0, MaxZoom: r.ix().Manifest.MaxZoom, Fields: []string{}}
		for _, f := range l.Meta.Fields {
			if f.Tile {
				s.Fields = append(s.Fields, f.Name)
			}
		}
		out = append(out, s)
	}
	return out
}

// extent is the box around the layers that `all` stands for.
func (r *request) extent() geo.Box {
	box := geo.EmptyBox()
	for _, n := range shownLayers(r.ix().Manifest) {
		if l := r.ix().Layer(n, r.query("vintage")); l != nil {
			box = box.Union(l.Extent())
		}
	}
	return box
}

func (s *Server) handleStyle(r *request) error {
	opt := styles.StyleOptions{
		Name: "gengtu " + string(r.tier), BaseURL: r.base(), Tier: string(r.tier), Query: r.carried(),
		Layers: r.shown(), ParcelZoom: pyramid.DefaultParcelZoom, Attribution: r.attribution(), Approval: r.ix().Manifest.Policy.Approval,
	}
	if box := r.extent(); !box.Empty() {
		lo, hi := box.Min.LonLat(), box.Max.LonLat()
		opt.Extent = styles.Extent{MinLon: lo.Lon, MinLat: lo.Lat, MaxLon: hi.Lon, MaxLat: hi.Lat}
	}
	data, err := styles.MapLibre(opt)
	if err != nil {
		return err
	}
	return r.send("application/json", data)
}

func (s *Server) handleLegend(r *request) error {
	return r.sendJSON("application/json", map[string]any{"layers": styles.Legend(r.shown()...)})
}

func (s *Server) handleSprites(r *request) error {
	name := r.params["*"]
	ratio := 1
	if strings.Contains(name, "@2x") {
		ratio = 2
		name = strings.Replace(name, "@2x", "", 1)
	}
	picture, index, err := styles.Sprite(ratio)
	switch {
	case err != nil:
		return err
	case name == "map.png":
		return r.send("image/png", picture)
	case name == "map.json":
		return r.send("application/json", index)
	}
	return errNotFound
}

func (s *Server) handleFonts(r *request) error {
	from, _, ok := strings.Cut(r.params["range"], "-")
	start, err := strconv.Atoi(from)
	if !ok || err != nil {
		return problem.New("PARAMETER_RANGE", "字形范围写的是 %.20q", "the glyph range says %.20q", r.params["range"]).
			Advise("例如 0-255", "for example 0-255")
	}
	stack, err := url.PathUnescape(r.params["stack"])
	if err != nil {
		stack = r.params["stack"]
	}
	data, err := glyph.Range(stack, start)
	if err != nil {
		return err
	}
	return r.send("application/x-protobuf", data)
}

// catalogLayer is one layer of the catalogue.
type catalogLayer struct {
	Name     string            `json:"name"`
	Title    edition.Title     `json:"title"`
	Vintage  string            `json:"vintage"`
	Vintages []string          `json:"vintages"`
	Features int               `json:"features"`
	Vertices int               `json:"vertices"`
	Extent   *[4]float64       `json:"extent"`
	AreaM2   float64           `json:"area_m2"`
	AreaMu   float64           `json:"area_mu"`
	PatchM2  *float64          `json:"patch_m2"`
	NetM2    *float64          `json:"net_m2"`
	MinZoom  int               `json:"minzoom"`
	MaxZoom  int               `json:"maxzoom"`
	Fields   []catalogField    `json:"fields"`
	Services map[string]string `json:"services"`
}

type catalogField struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Title string `json:"title,omitempty"`
	Tile  bool   `json:"tile"`
}

func (s *Server) handleCatalog(r *request) error {
	m := r.ix().Manifest
	l := s.cfg.Limits
	doc := map[string]any{
		"product": edition.Product, "program": s.cfg.Program, "tier": r.tier, "tier_title": r.tier.Title(r.lang),
		"generation": r.gen.name, "extent": nil, "layers": s.catalogLayers(r),
		"formula": "ellipsoidal CGCS2000", "crs": "EPSG:4490", "grids": []string{"c", "w"},
		"parcel_zoom": pyramid.DefaultParcelZoom, "maxzoom": m.MaxZoom,
		"use": m.Policy.Use, "disclaimer": m.Policy.Disclaimer, "approval": m.Policy.Approval,
		"limits": map[string]any{
			"body_bytes": l.BodyBytes, "url_bytes": l.URLBytes, "aoi_vertices": l.AOIVertices, "aoi_features": l.AOIFeatures,
			"aoi_max_m2": nullZero(m.Policy.MaxAOIM2), "aoi_min_m2": nullZero(m.Policy.MinAOIM2),
			"overlay_seconds": l.Overlay.Seconds(), "overlay_at_once": l.OverlayAtOnce, "list_features": l.Features, "tile_layers": maxLayers,
		},
		"services": map[string]string{
			"style": r.address("style.json"), "legend": r.address("legend.json"), "wmts": r.address("wmts/1.0.0/WMTSCapabilities.xml"),
			"tilejson": r.address("tiles/all/w.json"), "overlay": r.address("overlay"), "places": r.address("places"),
		},
	}
	if box := r.extent(); !box.Empty() {
		lo, hi := box.Min.LonLat(), box.Max.LonLat()
		doc["extent"] = []float64{lo.Lon, lo.Lat, hi.Lon, hi.Lat}
	}
	if m.Policy.GridM > 0 {
		doc["grid_m"] = m.Policy.GridM
	}
	return r.sendJSON("application/json", doc)
}

func nullZero(v float64) any {
	if v == 0 {
		return nil
	}
	return v
}

// address names a resource of the tier, with what addresses carry.
func (r *request) address(path string) string {
	return fmt.Sprintf("%s/%s/%s%s", r.base(), r.tier, path, r.carry())
}

func (s *Server) catalogLayers(r *request) []catalogLayer {
	out := []catalogLayer{}
	for _, name := range r.ix().Names() {
		l := r.ix().Layer(name, r.query("vintage"))
		if l == nil {
			continue
		}
		m := l.Meta
		c := catalogLayer{
			Name: m.Name, Title: m.Title, Vintage: m.Vintage, Vintages: r.ix().Vintages(name), Features: m.Features,
			Vertices: m.Vertices, Extent: m.Extent, AreaM2: m.AreaM2, AreaMu: m.AreaM2 * geo.MuPerM2, PatchM2: m.PatchM2, NetM2: m.NetM2,
			MaxZoom: r.ix().Manifest.MaxZoom, Fields: []catalogField{}, Services: map[string]string{},
		}
		for _, f := range m.Fields {
			c.Fields = append(c.Fields, catalogField{f.Name, string(f.Kind), f.Title, f.Tile})
		}
		for _, g := range tile.Grids() {
			c.Services["mvt_"+g.String()] = r.address(fmt.Sprintf("tiles/%s/%s/{z}/{x}/{y}.mvt", name, g))
			c.Services["png_"+g.String()] = r.address(fmt.Sprintf("tiles/%s/%s/{z}/{x}/{y}.png", name, g))
			c.Services["wmts_"+g.String()] = r.address(fmt.Sprintf("%s_%s/wmts", name, g))
		}
		c.Services["tilejson"] = r.address("tiles/" + name + "/w.json")
		c.Services["features"] = r.address("features/" + name)
		out = append(out, c)
	}
	return out
}

// overlayContext bounds the time of an overlay answer.
func (s *Server) overlayContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), s.cfg.Limits.Overlay)
}

// jsonBody reads a request's body as strict JSON into v.
func jsonBody(data []byte, v any) error {
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return problem.New("JSON_SYNTAX", "请求体不是所要的 JSON（%v）", "the body is not the JSON that is asked for (%v)", err)
	}
	if d.More() {
		return problem.New("JSON_SYNTAX", "JSON 之后还有内容", "there is more after the JSON")
	}
	return nil
}
