package tileserver

import (
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/styles"
	"gengtu/tileserver/access"
	"gengtu/tileserver/glyph"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
	"gengtu/tileserver/viewer"
)

// served names the tiers that this server has, which the page is told by the header
// Gengtu-Tiers for its menu; their paths tell as much by 401 and 404.
func (s *Server) served() string {
	var names []string
	for _, t := range s.Tiers() {
		names = append(names, string(t))
	}
	return strings.Join(names, " ")
}

func (s *Server) handleViewer(r *request) error {
	asset := viewer.Asset
	zipped := r.gzips()
	if zipped {
		asset = viewer.AssetGzip
	}
	body, contentType, tag, ok := asset(r.params["*"])
	if !ok {
		return errNotFound
	}
	r.vary(fasthttp.HeaderAcceptEncoding)
	h := &r.ctx.Response.Header
	h.Set("ETag", tag)
	if r.params["*"] == "" {
		h.Set("Gengtu-Tiers", s.served())
	}
	h.Set("Cache-Control", "no-cache")
	if viewer.Lasting(r.params["*"]) {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	// Tokens that are bound to the page's origin are known by it, on this server
	// alone; what the page keeps secret stands behind the # of its address, which
	// no Referer has.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Content-Security-Policy", s.contentSecurityPolicy())
	if holds(string(r.ctx.Request.Header.Peek("If-None-Match")), tag) {
		r.ctx.SetStatusCode(fasthttp.StatusNotModified)
		return nil
	}
	if zipped {
		h.Set("Content-Encoding", "gzip")
	}
	r.ctx.SetContentType(contentType)
	r.ctx.Response.SetBodyRaw(body)
	return nil
}

// contentSecurityPolicy is the page's policy, which may also talk to the address
// that styles and catalogues name the server by.
func (s *Server) contentSecurityPolicy() string {
	u, err := url.Parse(s.cfg.PublicURL)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return viewer.ContentSecurityPolicy
	}
	origin := " " + u.Scheme + "://" + u.Host
	return strings.NewReplacer("connect-src 'self'", "connect-src 'self'"+origin, "img-src 'self'", "img-src 'self'"+origin).
		Replace(viewer.ContentSecurityPolicy)
}

func (s *Server) handleHealth(r *request) error {
	r.ctx.Response.Header.Set("Cache-Control", "no-store")
	r.ctx.SetContentType("text/plain; charset=utf-8")
	r.ctx.SetBodyString("ok\n")
	return nil
}

func (s *Server) handleMetrics(r *request) error {
	s.metrics.handler(r.ctx)
	r.ctx.Response.Header.Set("Cache-Control", "no-store")
	return nil
}

// title returns a layer's title in the request's language.
func (r *request) title(l *index.Layer) string {
	if r.lang() == problem.Chinese {
		return l.Meta.Title.Zh
	}
	return l.Meta.Title.En
}

// attribution is what pictures and tiles are to be shown with.
func (r *request) attribution() string {
	return strings.TrimSpace(r.disclaimer() + " " + r.ix().Manifest.Policy.Approval)
}

// disclaimer is what the policy says that the data are not to be taken for.
func (r *request) disclaimer() string {
	p := r.ix().Manifest.Policy
	if r.lang() == problem.Chinese {
		return p.Disclaimer.Zh
	}
	return p.Disclaimer.En
}

// shown lists the layers of layers= (a name, a comma list or all, the default) as styles
// and legends want them, and the box around them.
func (r *request) shown() ([]styles.Shown, geo.Box, error) {
	layers, err := r.named(r.query("layers"))
	box := geo.EmptyBox()
	var out []styles.Shown
	for _, l := range layers {
		box = box.Union(l.Extent())
		if s, reached := r.shownOf(l); reached {
			out = append(out, s)
		}
	}
	return out, box, err
}

// named is layersOf, but for all of a vintage that has none of these layers, which is no
// fault of a style: it is that of the background alone.
func (r *request) named(names string) ([]*index.Layer, error) {
	if names != "" && names != tileset.All {
		return r.layersOf(names)
	}
	var out []*index.Layer
	for _, n := range tileset.ShownLayers(r.ix().Manifest) {
		if l := r.ix().Layer(n, r.query("vintage")); l != nil {
			out = append(out, l)
		}
	}
	return out, nil
}

// extent is the box around the layers that `all` stands for.
func (r *request) extent() geo.Box {
	box := geo.EmptyBox()
	layers, _ := r.named(tileset.All) // never fails
	for _, l := range layers {
		box = box.Union(l.Extent())
	}
	return box
}

func (s *Server) handleStyle(r *request) error {
	shown, box, err := r.shown()
	if err != nil {
		return err
	}
	look, err := lookOf(r.query("style"), shown)
	if err != nil {
		return err
	}
	opt := styles.StyleOptions{
		Name: "gengtu " + string(r.tier), BaseURL: r.base(), Tier: string(r.tier), Query: r.carried(),
		Layers: shown, ParcelZoom: tileset.ParcelsFrom(r.ix().Manifest), Attribution: r.disclaimer(), Approval: r.ix().Manifest.Policy.Approval,
	}
	if r.allows(access.Features) {
		points := r.carried()
		points.Set("f", "geojson")
		opt.LabelPoints = map[string]string{edition.Region: r.base() + "/" + string(r.tier) + "/places?" + points.Encode()}
	}
	if !box.Empty() {
		lo, hi := box.Min.LonLat(), box.Max.LonLat()
		opt.Extent = styles.Extent{MinLon: lo.Lon, MinLat: lo.Lat, MaxLon: hi.Lon, MaxLat: hi.Lat}
	}
	data, err := look.MapLibre(opt)
	if err != nil {
		return err
	}
	return r.send("application/json", data)
}

func (s *Server) handleLegend(r *request) error {
	shown, _, err := r.shown()
	if err != nil {
		return err
	}
	look, err := lookOf(r.query("style"), shown)
	if err != nil {
		return err
	}
	type named struct {
		Name  string      `json:"name"`
		Title styles.Text `json:"title"`
	}
	var offered []named
	for _, o := range styles.Default().Offered(shown...) {
		offered = append(offered, named{o.Name, o.Title})
	}
	return r.sendJSON(map[string]any{"style": look.Name, "styles": offered, "layers": look.Legend(shown...)})
}

func (s *Server) handleSprites(r *request) error {
	name, ratio := r.params["name"], 1
	if before, after, ok := strings.Cut(name, "@2x."); ok {
		name, ratio = before+"."+after, 2
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
	from, to, _ := strings.Cut(r.params["range"], "-")
	start, err := tile.ParseNumber(from)
	end, err2 := tile.ParseNumber(to)
	if err != nil || err2 != nil || end != start+glyph.RangeSize-1 || start > glyph.MaxStart {
		return problem.New("PARAMETER_RANGE", "字形范围写的是 %.20q", "the glyph range says %.20q", r.params["range"]).
			Advise("例如 0-255", "for example 0-255")
	}
	data, err := glyph.Range(r.params["stack"], int(start))
	if err != nil {
		return err
	}
	return r.send("application/x-protobuf", data)
}
