package tileserver

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/tileserver/access"
	"gengtu/tileserver/raster"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/wmts"
)

// capabilities describes the service with the given layers.
func (s *Server) capabilities(r *request, names []string) *wmts.Capabilities {
	m := r.ix().Manifest
	lang := r.lang()
	pick := func(t edition.Title) string {
		if lang == problem.Chinese {
			return t.Zh
		}
		return t.En
	}
	c := &wmts.Capabilities{
		Title: "gengtu 耕图 " + r.tier.Title(lang), Abstract: pick(m.Policy.Disclaimer), Base: r.path("wmts"),
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
		lo, hi := l.Meta.Within(r.minZoom(tile.W), m.MaxZoom)
		offered := wmts.Layer{Identifier: n, Title: r.title(l), Box: l.Extent(), MinZoom: uint8(lo), MaxZoom: uint8(max(hi, 0))}
		offered.Styles = r.wmtsStyles(l)
		if r.allows(access.Features) {
			offered.InfoFormats = wmts.InfoFormats()
		}
		c.Layers = append(c.Layers, offered)
	}
	return c
}

// kvpErrors makes faults of the KVP binding exception reports, whatever the fault.
func (r *request) kvpErrors() {
	r.onError = func(err error) int {
		var f *wmts.Fault
		if !errors.As(err, &f) {
			status, p := statusOf(err)
			if p == nil {
				p = problem.New("SERVER_FAULT", "服务器出错", "server fault")
			}
			f = wmts.Report(status, p)
			if p.Code == "NO_VINTAGE" {
				f = &wmts.Fault{Code: wmts.InvalidParameterValue, Locator: "VINTAGE", Status: fasthttp.StatusBadRequest, Problem: p}
			}
		}
		body := f.XML(r.lang())
		r.errorHeaders(f.Status)
		r.ctx.SetContentType("text/xml; charset=utf-8")
		r.ctx.SetBody(body)
		return f.Status
	}
}

func (s *Server) handleWMTS(r *request) error { return s.kvp(r, r.ix().Names(), "") }

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
	return s.kvp(r, []string{name[:i]}, name[i+1:])
}

// kvp answers the KVP binding for the given layers, in the grid that the path
// names or, when that is "", in any.
func (s *Server) kvp(r *request, names []string, grid string) error {
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
	if asked := req.Tile.Grid; grid != "" && req.Operation != wmts.GetCapabilities && asked.String() != grid {
		return &wmts.Fault{
			Code: wmts.InvalidParameterValue, Locator: "TILEMATRIXSET", Status: fasthttp.StatusBadRequest,
			Problem: problem.New("WMTS_VALUE", "TILEMATRIXSET 是 %s，而地址写的是 %s", "TILEMATRIXSET is %s, but the address says %s", asked, grid),
		}
	}
	if err := r.grants(req); err != nil {
		return err
	}
	c := s.capabilities(r, names)
	if fault := c.Check(req); fault != nil {
		return fault
	}
	return s.answerWMTS(r, c, req)
}

// grants refuses a layer or a zoom that the token does not grant.
func (r *request) grants(req wmts.Request) error {
	if req.Operation == wmts.GetCapabilities {
		return nil
	}
	err := r.grantsLayer(req.Layer)
	if err == nil {
		err = r.grantsZoom(int(req.Tile.Z))
	}
	if err != nil {
		r.outcome = access.WrongScope
	}
	return err
}

// answerWMTS answers a request that c offers.
func (s *Server) answerWMTS(r *request, c *wmts.Capabilities, req wmts.Request) error {
	switch req.Operation {
	case wmts.GetTile:
		l, err := r.findLayer(req.Layer)
		if err != nil {
			return err
		}
		if req.Format == wmts.MVT {
			return r.sendMVT([]*index.Layer{l}, req.Tile)
		}
		return r.sendPNG([]*index.Layer{l}, req.Tile, raster.TileSize, req.Style)
	case wmts.GetFeatureInfo:
		return s.featureInfo(r, req)
	}
	return r.send(capabilitiesType, c.Document(req))
}

// capabilitiesType is the media type of capabilities.
const capabilitiesType = "text/xml; charset=utf-8"

// rest answers a RESTful address; its faults are plain HTTP, 406 among them when
// the client does not take what the address has.
func (s *Server) rest(r *request, path string) error {
	req, fault := wmts.ParseREST(path)
	c := s.capabilities(r, r.ix().Names())
	if fault == nil {
		if err := r.grants(req); err != nil {
			return err
		}
		fault = c.Check(req)
	}
	if fault != nil {
		fault = fault.REST()
		r.onError = func(error) int { return r.writeProblem(fault.Status, fault.Problem) }
		return fault
	}
	mediaType := capabilitiesType
	switch req.Operation {
	case wmts.GetTile:
		mediaType = req.Format.MIME()
	case wmts.GetFeatureInfo:
		mediaType = req.InfoFormat.MIME()
	}
	if err := r.need(mediaType); err != nil && (mediaType != capabilitiesType || !r.accepts("application/xml")) {
		return err
	}
	return s.answerWMTS(r, c, req)
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
	if err := r.mayTellFeatures(); err != nil {
		return err
	}
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
	r.askFeatures(len(found))
	for _, f := range found {
		in := wmts.Info{Layer: l.Meta.Name, ID: f.ID}
		for i, m := range l.Meta.Fields {
			in.Fields = append(in.Fields, wmts.Field{Name: m.Name, Title: m.Title, Value: jsonValue(f.Values[i])})
		}
		infos = append(infos, in)
	}
	data, err := wmts.Print(req.InfoFormat, infos)
	if err != nil {
		return err
	}
	return r.send(req.InfoFormat.MIME()+"; charset=utf-8", data)
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
		return cmp.Or(cmp.Compare(a.AreaM2, b.AreaM2), cmp.Compare(a.ID, b.ID))
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
