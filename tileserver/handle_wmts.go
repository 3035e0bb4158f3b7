package tileserver

import (
	"errors"
	"math"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/tileserver/raster"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/wmts"
)

// capabilities describes the service at base with the given layers.
func (s *Server) capabilities(r *request, base string, names []string) *wmts.Capabilities {
	m := r.ix().Manifest
	pick := func(t edition.Title) string {
		if r.lang == problem.Chinese {
			return t.Zh
		}
		return t.En
	}
	c := &wmts.Capabilities{
		Title: "gengtu 耕图 " + r.tier.Title(r.lang), Abstract: pick(m.Policy.Disclaimer), Base: base,
		Query: strings.TrimPrefix(r.carry(), "?"), UpdateSequence: m.Created,
	}
	for _, v := range []string{pick(m.Policy.Use), m.Policy.Approval} {
		if v != "" {
			c.Constraints = append(c.Constraints, v)
		}
	}
	for _, n := range names {
		l := r.ix().Layer(n, r.query("vintage"))
		if l == nil {
			continue
		}
		c.Layers = append(c.Layers, wmts.Layer{
			Identifier: n, Title: r.title(l), Box: l.Extent(), MaxZoom: uint8(m.MaxZoom), InfoFormats: wmts.InfoFormats(),
		})
	}
	return c
}

// wmtsNames lists the layers that WMTS offers: every layer of the edition.
func (r *request) wmtsNames() []string { return r.ix().Names() }

// kvpErrors makes faults of the KVP binding exception reports.
func (r *request) kvpErrors() {
	r.onError = func(err error) (int, bool) {
		var f *wmts.Fault
		if !errors.As(err, &f) {
			status, p := statusOf(err)
			if p == nil {
				p = problem.New("SERVER_FAULT", "服务器出错", "server fault")
			}
			f = wmts.Report(status, p)
		}
		r.ctx.Response.ResetBody()
		r.ctx.SetStatusCode(f.Status)
		r.ctx.SetContentType("text/xml; charset=utf-8")
		r.ctx.Response.Header.Set("Cache-Control", "no-store")
		r.ctx.SetBody(f.XML(r.lang))
		return f.Status, true
	}
}

func (s *Server) handleWMTS(r *request) error {
	return s.kvp(r, r.address0("wmts"), r.wmtsNames())
}

// address0 names a resource of the tier without a query.
func (r *request) address0(path string) string {
	return r.base() + "/" + string(r.tier) + "/" + path
}

// handleTianditu answers at the address form of Tianditu's users, where the
// path names one layer and its grid.
func (s *Server) handleTianditu(r *request) error {
	name := r.params["layergrid"]
	i := strings.LastIndexByte(name, '_')
	if i <= 0 {
		return errNotFound
	}
	if _, err := tile.ParseGrid(name[i+1:]); err != nil {
		return errNotFound
	}
	if _, err := r.findLayer(name[:i]); err != nil {
		return err
	}
	return s.kvp(r, r.address0(name+"/wmts"), []string{name[:i]})
}

func (s *Server) kvp(r *request, base string, names []string) error {
	r.kvpErrors()
	req, fault := wmts.ParseKVP(func(yield func(string, string) bool) {
		for k, v := range r.ctx.QueryArgs().All() {
			if !yield(string(k), string(v)) {
				return
			}
		}
	})
	if fault != nil {
		return fault
	}
	c := s.capabilities(r, base, names)
	if strings.HasSuffix(base, "_c/wmts") || strings.HasSuffix(base, "_w/wmts") {
		c.Base = r.address0("wmts")
	}
	return s.answerWMTS(r, c, req)
}

func (s *Server) answerWMTS(r *request, c *wmts.Capabilities, req wmts.Request) error {
	if fault := c.Check(req); fault != nil {
		return fault
	}
	switch req.Operation {
	case wmts.GetTile:
		l, err := r.findLayer(req.Layer)
		if err != nil {
			return err
		}
		if req.Format == wmts.MVT {
			return r.sendMVT([]*index.Layer{l}, req.Tile)
		}
		return r.sendPNG([]*index.Layer{l}, req.Tile, raster.TileSize)
	case wmts.GetFeatureInfo:
		return s.featureInfo(r, req)
	}
	return r.send("text/xml; charset=utf-8", c.Document(req))
}

// rest answers a RESTful address; its faults are plain HTTP.
func (s *Server) rest(r *request, path string) error {
	req, fault := wmts.ParseREST(path)
	c := s.capabilities(r, r.address0("wmts"), r.wmtsNames())
	if fault == nil {
		if fault = c.Check(req); fault == nil {
			return s.answerWMTS(r, c, req)
		}
	}
	fault = fault.REST()
	r.onError = func(err error) (int, bool) {
		var f *wmts.Fault
		if !errors.As(err, &f) {
			return 0, false
		}
		return writeProblemStatus(r.ctx, f.Status, f.Problem, r.lang), true
	}
	return fault
}

func (s *Server) handleCapabilities(r *request) error { return s.rest(r, wmts.CapabilitiesPath) }

func (s *Server) handleWMTSTile(r *request) error {
	p := r.params
	return s.rest(r, strings.Join([]string{p["layer"], p["style"], p["grid"], p["z"], p["row"], p["col"]}, "/"))
}

func (s *Server) handleWMTSInfo(r *request) error {
	p := r.params
	return s.rest(r, strings.Join([]string{p["layer"], p["style"], p["grid"], p["z"], p["row"], p["col"], p["j"], p["i"]}, "/"))
}

// infoFeatures bounds how many features one point may answer with.
const infoFeatures = 10

// featureInfo answers with the features at a pixel of a tile.
func (s *Server) featureInfo(r *request, req wmts.Request) error {
	l, err := r.findLayer(req.Layer)
	if err != nil {
		return err
	}
	span := tile.Span(req.Tile.Z)
	o := req.Tile.Origin()
	at := req.Tile.Grid.Unproject(tile.World{X: o.X + (float64(req.I)+0.5)/256*span, Y: o.Y + (float64(req.J)+0.5)/256*span})
	found, err := featuresAt(l, geo.PositionOf(at), infoFeatures)
	if err != nil {
		return err
	}
	var infos []wmts.Info
	for _, f := range found {
		in := wmts.Info{Layer: l.Meta.Name, ID: f.ID}
		for i, m := range l.Meta.Fields {
			in.Fields = append(in.Fields, wmts.Field{Name: m.Name, Title: m.Title, Value: f.Values[i]})
		}
		infos = append(infos, in)
	}
	data, err := wmts.Print(req.InfoFormat, infos)
	if err != nil {
		return err
	}
	return r.send(req.InfoFormat.MIME(), data)
}

// featuresAt returns the features that p lies in, the smallest first.
func featuresAt(l *index.Layer, p geo.Position, limit int) ([]index.Feature, error) {
	var out []index.Feature
	var failed error
	l.Search(geo.Box{Min: p, Max: p}, func(i int) bool {
		f, err := l.Feature(i)
		if err != nil {
			failed = err
			return false
		}
		if inside(f.Geometry, p) {
			out = append(out, f)
		}
		return true
	})
	slices.SortFunc(out, func(a, b index.Feature) int {
		if a.AreaM2 != b.AreaM2 {
			if a.AreaM2 < b.AreaM2 {
				return -1
			}
			return 1
		}
		return int(a.ID>>32) - int(b.ID>>32)
	})
	return out[:min(len(out), limit)], failed
}

// inside tells whether p lies in m by the even-odd rule.
func inside(m geo.MultiPolygon, p geo.Position) bool {
	in := false
	for _, poly := range m {
		for _, ring := range poly {
			for i := 1; i < len(ring); i++ {
				a, b := ring[i-1], ring[i]
				if (a.Lat > p.Lat) == (b.Lat > p.Lat) {
					continue
				}
				t := float64(p.Lat-a.Lat) / float64(b.Lat-a.Lat)
				if float64(p.Lon) < math.FMA(t, float64(b.Lon-a.Lon), float64(a.Lon)) {
					in = !in
				}
			}
		}
	}
	return in
}
