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
		// An address that names a vintage has no dimension: it would name it twice. One of
		// a single value would only be in the way of clients that know none.
		if there := r.ix().Vintages(n); r.query("vintage") == "" && len(there) > 1 {
			offered.Vintages = there
		}
		c.Layers = append(c.Layers, offered)
	}
	return c
}

// wmtsFaults makes errors of WMTS's KVP binding exception reports, whatever the error.
func (r *request) wmtsFaults() {
	r.onError = func(err error) int {
		var f *wmts.Fault
		if !errors.As(err, &f) {
			status, p := statusOf(err)
			if p == nil {
				p = problem.New("SERVER_FAULT", "服务器出错", "server fault")
			}
			f = wmts.Report(status, p)
			if p.Code == "NO_VINTAGE" || p.Code == "PARAMETER_VINTAGE" {
				f = &wmts.Fault{Code: wmts.InvalidParameterValue, Locator: "VINTAGE", Status: fasthttp.StatusBadRequest, Problem: p}
			}
		}
		return r.fault(f.Status, "text/xml; charset=utf-8", f.XML(r.lang()))
	}
}

func (s *Server) handleWMTS(r *request) error { return s.kvp(r, service{names: r.ix().Names()}) }

// layerGrid reads the name of a layer with its grid, `cropland_w`, by which the addresses
// of other servers name a service.
func (r *request) layerGrid(name string) (layer string, g tile.Grid, err error) {
	i := strings.LastIndexByte(name, '_')
	if i <= 0 {
		return "", 0, errNotFound
	}
	if g, err = tile.ParseGrid(name[i+1:]); err != nil {
		return "", 0, errNotFound
	}
	return name[:i], g, nil
}

// handleTianditu answers at the address form of Tianditu's users, where the
// path names one layer and its grid.
func (s *Server) handleTianditu(r *request) error { return s.tianditu(r, wmts.Standard) }

// handleTianditu96 is the address for clients that are made for the numbers of
// Tianditu's own documents, and for them alone.
func (s *Server) handleTianditu96(r *request) error { return s.tianditu(r, wmts.Tianditu) }

func (s *Server) tianditu(r *request, d wmts.Dialect) error {
	layer, g, err := r.layerGrid(r.params["layergrid"])
	if err != nil {
		return err
	}
	if _, err := r.findLayer(layer); err != nil {
		return err
	}
	return s.kvp(r, service{names: []string{layer}, grid: g, dialect: d})
}

// service is what a KVP address of WMTS offers.
type service struct {
	names   []string  // of layers
	grid    tile.Grid // the one that the path names; the zero grid is any
	dialect wmts.Dialect
}

// kvp answers the KVP binding.
func (s *Server) kvp(r *request, of service) error {
	req, fault := wmts.ParseKVP(r.queryPairs())
	if fault != nil {
		return fault
	}
	if asked := req.Tile.Grid; of.grid != 0 && req.Operation != wmts.GetCapabilities && asked != of.grid {
		return &wmts.Fault{
			Code: wmts.InvalidParameterValue, Locator: "TILEMATRIXSET", Status: fasthttp.StatusBadRequest,
			Problem: problem.New("WMTS_VALUE", "TILEMATRIXSET 是 %s，而地址写的是 %s", "TILEMATRIXSET is %s, but the address says %s", asked, of.grid),
		}
	}
	if err := r.grants(req); err != nil {
		return err
	}
	c := s.capabilities(r, of.names)
	if of.dialect == wmts.Tianditu {
		c.Dialect, c.Base, c.Grids = of.dialect, r.path(r.params["layergrid"]+"/tianditu/wmts"), []tile.Grid{of.grid}
	}
	if fault := c.Check(req); fault != nil {
		return fault
	}
	return s.answerWMTS(r, c, req)
}

// grants refuses a layer or a zoom that the token does not grant, and features of one that
// may not ask for them.
func (r *request) grants(req wmts.Request) error {
	if req.Operation == wmts.GetCapabilities {
		return nil
	}
	if req.Operation == wmts.GetFeatureInfo && !r.allows(access.Features) {
		r.outcome = access.WrongOperation // before the capabilities say that no layer is queryable
		return r.refusedToken(r.outcome, access.Features)
	}
	err := r.grantsLayer(req.Layer)
	if err == nil {
		err = r.grantsZoom(int(req.Tile.Z))
	}
	if err != nil {
		r.outcome = access.WrongScope
		return err
	}
	if l := req.Layer; r.query("vintage") != "" && slices.Contains(r.ix().Names(), l) {
		_, err = r.findLayer(l) // the capabilities of a year do not have what lacks it
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
	span := tile.Span(req.Tile.Z)
	o := req.Tile.Origin()
	at := req.Tile.Grid.Unproject(tile.World{X: o.X + (float64(req.I)+0.5)/256*span, Y: o.Y + (float64(req.J)+0.5)/256*span})
	infos, err := r.infosAt(req.Layer, geo.PositionOf(at), infoFeatures)
	if err != nil {
		return err
	}
	r.askFeatures(len(infos))
	return r.sendInfos(req.InfoFormat, infos)
}

// infosAt are the features of a layer that p lies in, as they are told of, at most so
// many.
func (r *request) infosAt(layer string, p geo.Position, limit int) ([]wmts.Info, error) {
	l, err := r.findLayer(layer)
	if err != nil {
		return nil, err
	}
	found, err := featuresAt(l, p, limit)
	if err != nil {
		return nil, err
	}
	var infos []wmts.Info
	for _, f := range found {
		in := wmts.Info{Layer: l.Meta.Name, ID: f.ID}
		for i, m := range l.Meta.Fields {
			in.Fields = append(in.Fields, wmts.Field{Name: m.Name, Title: m.Title, Value: jsonValue(f.Values[i])})
		}
		infos = append(infos, in)
	}
	return infos, nil
}

// sendInfos answers with features in a form.
func (r *request) sendInfos(form wmts.InfoFormat, infos []wmts.Info) error {
	data, err := wmts.Print(form, infos)
	if err != nil {
		return err
	}
	return r.send(form.MIME()+"; charset=utf-8", data)
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
