package tileserver

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"iter"
	"strings"

	"github.com/valyala/fasthttp"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/tileserver/access"
	"gengtu/tileserver/wms"
	"gengtu/tileserver/wmts"
)

// queryPairs are the names and values of the query, in order.
func (r *request) queryPairs() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for k, v := range r.ctx.QueryArgs().All() {
			if !yield(string(k), string(v)) {
				return
			}
		}
	}
}

// infoMIME are the forms of feature information by their media types.
func infoMIME() []string {
	var out []string
	for _, f := range wmts.InfoFormats() {
		out = append(out, f.MIME())
	}
	return out
}

// wmsFaults makes errors of WMS exception reports or pictures, as the request wants them.
func (r *request) wmsFaults() {
	form := wms.FormOf(r.queryPairs())
	r.onError = func(err error) int {
		f := wmsFault(err)
		// Clients that want a picture show none of another status. A refusal by token or
		// load keeps its own all the same: gates and counters in between live by it. So does
		// what is refused before the token has been looked at, for a picture is work.
		if form.Exceptions != wms.XML && f.Status == fasthttp.StatusBadRequest && r.gen != nil {
			picture, err := r.server.faultPicture(r, form, f.Problem.Found(problem.English))
			if err == nil {
				return r.fault(fasthttp.StatusOK, wms.PNG, picture)
			}
			f = wmsFault(err)
		}
		return r.fault(f.Status, wms.ReportType(form.Version), f.Report(form.Version, r.lang()))
	}
}

// fault answers with what a protocol has for an error, and returns the status.
func (r *request) fault(status int, contentType string, body []byte) int {
	r.errorHeaders(status)
	r.ctx.SetContentType(contentType)
	r.ctx.SetBody(body)
	return status
}

// wmsFault returns an error as WMS tells it.
func wmsFault(err error) *wms.Fault {
	var f *wms.Fault
	if errors.As(err, &f) {
		return f
	}
	status, p := statusOf(err)
	if p == nil {
		p = problem.New("SERVER_FAULT", "服务器出错", "server fault")
	}
	f = &wms.Fault{Status: status, Problem: p}
	switch p.Code {
	case "NO_VINTAGE", "PARAMETER_VINTAGE":
		f.Code, f.Locator, f.Status = wms.InvalidDimensionValue, "DIM_VINTAGE", fasthttp.StatusBadRequest
	case "NO_LAYER":
		f.Code, f.Locator, f.Status = wms.LayerNotDefined, "LAYERS", fasthttp.StatusBadRequest
	}
	return f
}

// faultPicture is a picture of the form's size that shows text, or nothing. It takes one
// of the places of maps, whose memory it takes, too.
func (s *Server) faultPicture(r *request, form wms.Form, text string) ([]byte, error) {
	done, err := s.maps.Take(r.asker())
	if err != nil {
		return nil, err
	}
	defer done()
	c := form.Canvas
	img := image.NewRGBA(image.Rect(0, 0, c.Width, c.Height))
	if !c.Transparent {
		draw.Draw(img, img.Bounds(), image.NewUniform(color.RGBA{c.Red, c.Green, c.Blue, 0xFF}), image.Point{}, draw.Src)
	}
	if form.Exceptions == wms.InImage {
		face := basicfont.Face7x13
		d := font.Drawer{Dst: img, Src: image.NewUniform(color.RGBA{0xC0, 0, 0, 0xFF}), Face: face}
		across := max(c.Width/face.Advance-1, 1)
		for y := face.Height; y < c.Height && text != ""; y += face.Height {
			n := min(across, len(text))
			if cut := strings.LastIndexByte(text[:n], ' '); cut > 0 && n < len(text) {
				n = cut + 1
			}
			d.Dot = fixed.P(face.Advance/2, y)
			d.DrawString(text[:n])
			text = text[n:]
		}
	}
	var b bytes.Buffer
	err = png.Encode(&b, img)
	return b.Bytes(), err
}

// handleWMS answers WMS 1.3.0 and 1.1.1.
func (s *Server) handleWMS(r *request) error {
	req, fault := wms.ParseKVP(r.queryPairs(), infoMIME())
	if fault != nil {
		return fault
	}
	for _, name := range req.Layers {
		if err := r.grantsLayer(name); err != nil {
			r.outcome = access.WrongScope
			return err
		}
	}
	if req.Operation == wms.GetFeatureInfo && !r.allows(access.Features) {
		r.outcome = access.WrongOperation // before the capabilities say that no layer is queryable
		return r.refusedToken(r.outcome, access.Features)
	}
	c := s.wmsCapabilities(r)
	if fault := c.Check(req); fault != nil {
		return r.lacksVintage(req, fault)
	}
	switch req.Operation {
	case wms.GetMap:
		v, err := r.wmsView(c, req)
		if err != nil {
			return err
		}
		return s.sendMap(r, v)
	case wms.GetLegendGraphic:
		return s.wmsLegend(r, req)
	case wms.GetFeatureInfo:
		return s.wmsInfo(r, req)
	}
	return r.send(wms.DocumentType(req.Version), c.Document(req.Version))
}

// lacksVintage says of a layer that the capabilities do not have whether it has only not
// the vintage.
func (r *request) lacksVintage(req wms.Request, fault *wms.Fault) error {
	for _, name := range req.Layers {
		if _, err := r.findLayer(name); err != nil && wmsFault(err).Code == wms.InvalidDimensionValue {
			return err
		}
	}
	return fault
}

// wmsCapabilities describes the service.
func (s *Server) wmsCapabilities(r *request) *wms.Capabilities {
	of := s.capabilities(r, r.ix().Names())
	c := &wms.Capabilities{
		Title: of.Title, Abstract: of.Abstract, Constraints: of.Constraints, UpdateSequence: of.UpdateSequence,
		Address: r.path("wms") + "?", InfoFormats: infoMIME(),
	}
	if of.Query != "" {
		c.Address += of.Query + "&"
	}
	for i := range of.Layers {
		l := &of.Layers[i]
		offered := wms.Layer{Name: l.Identifier, Title: l.Title, Box: l.Box, Queryable: len(l.InfoFormats) > 0 && !r.policy().TotalsOnly, Vintages: l.Vintages}
		for _, s := range l.Styles {
			style := wms.Style{Name: s.Identifier, Title: s.Title}
			if s.Legend != nil {
				style.Legend = s.Legend.URL
			}
			offered.Styles = append(offered.Styles, style)
		}
		c.Layers = append(c.Layers, offered)
	}
	return c
}

// oneStyle returns the style of a picture, which is painted in one: that which layers name
// beside the default one, whose style the others must not have.
func oneStyle(c *wms.Capabilities, req wms.Request) (string, error) {
	style := wms.DefaultStyle
	for _, s := range req.Styles {
		if s != wms.DefaultStyle {
			style = s
		}
	}
	for i, s := range req.Styles {
		if s != style && (s != wms.DefaultStyle || c.Styled(req.Layers[i], style)) {
			return "", &wms.Fault{
				Code: wms.StyleNotDefined, Locator: "STYLES", Status: fasthttp.StatusBadRequest,
				Problem: problem.New("WMS_STYLES", "一张图只有一种样式，而请求有 %.40q 与 %.40q", "a picture has one style, but the request has %.40q and %.40q", s, style).
					Advise("分成几个请求", "ask for them one by one"),
			}
		}
	}
	return style, nil
}

// wmsView is what GetMap asks for as the painter of map.png takes it.
func (r *request) wmsView(c *wms.Capabilities, req wms.Request) (*mapView, error) {
	v := &mapView{grid: req.Grid, min: req.NorthWest, max: req.SouthEast, width: req.Canvas.Width, height: req.Canvas.Height}
	var err error
	if v.layers, err = r.layersOf(strings.Join(req.Layers, ",")); err != nil {
		return nil, err
	}
	style, err := oneStyle(c, req)
	if err != nil {
		return nil, err
	}
	if v.look, err = r.sheetOf(style, v.layers); err != nil {
		return nil, err
	}
	if p := req.Canvas; !p.Transparent {
		v.background = &color.RGBA{p.Red, p.Green, p.Blue, 0xFF}
	}
	if err := v.checkPixels(); err != nil {
		return nil, err
	}
	v.zoom = v.mapZoom(r.minZoom(v.grid), r.ix().Manifest.MaxZoom)
	return v, nil
}

// wmsLegend answers with the legend of a layer in a style.
func (s *Server) wmsLegend(r *request, req wms.Request) error {
	layers, err := r.layersOf(req.Layers[0])
	if err != nil {
		return err
	}
	picture, err := s.legendPNG(r, layers, req.Styles[0], 1)
	if err != nil {
		return err
	}
	return r.send(wms.PNG, picture)
}

// wmsInfo answers with the features at a pixel, those of the layers named first first.
func (s *Server) wmsInfo(r *request, req wms.Request) error {
	if err := r.mayTellFeatures(); err != nil {
		return err
	}
	var infos []wmts.Info
	if p := req.Point(); p.X >= 0 && p.X <= 1 && p.Y >= 0 && p.Y <= 1 {
		at := geo.PositionOf(req.Grid.Unproject(p))
		for _, name := range req.QueryLayers {
			found, err := r.infosAt(name, at, req.Count-len(infos))
			if err != nil {
				return err
			}
			infos = append(infos, found...)
		}
	}
	r.layer = strings.Join(req.QueryLayers, ",")
	r.askFeatures(len(infos))
	for _, f := range wmts.InfoFormats() {
		if f.MIME() == req.InfoFormat {
			return r.sendInfos(f, infos)
		}
	}
	return errNotFound // the capabilities have no other form
}
