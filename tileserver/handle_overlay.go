package tileserver

import (
	"bytes"
	"encoding/json"
	"runtime"
	"strconv"
	"strings"
	"time"

	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// overlayBody is the body of POST /{tier}/overlay.
type overlayBody struct {
	Geometry     json.RawMessage     `json:"geometry"`
	Place        string              `json:"place"`
	CRS          string              `json:"crs"`
	Layers       []string            `json:"layers"`
	GroupBy      map[string][]string `json:"group_by"`
	Return       string              `json:"return"`
	Combinations *bool               `json:"combinations"`
	Vintage      string              `json:"vintage"`
}

func (s *Server) handleOverlay(r *request) error {
	q, body, err := s.overlayQuestion(r)
	if err != nil {
		return err
	}
	done, err := s.overlayPlace(r)
	if err != nil {
		return err
	}
	defer done()
	if body.Place != "" {
		ctx, cancel := s.overlayContext()
		defer cancel()
		q.Shape, err = areas.Place(ctx, r.ix(), body.Place, q.Vintage)
		if err != nil {
			return err
		}
		return s.answerOne(r, q)
	}
	return s.answerGeometry(r, q, body)
}

// overlayQuestion reads what a request asks, but for the shape.
func (s *Server) overlayQuestion(r *request) (areas.Question, *overlayBody, error) {
	q := areas.Question{Combinations: true, Workers: runtime.GOMAXPROCS(0)}
	body := &overlayBody{}
	var err error
	if r.ctx.IsPost() {
		err = jsonBody(r.ctx.PostBody(), body)
	} else {
		err = r.overlayQuery(body)
	}
	if err != nil {
		return q, nil, err
	}
	q.Layers, q.GroupBy, q.Vintage = body.Layers, body.GroupBy, body.Vintage
	if q.Vintage == "" {
		q.Vintage = r.query("vintage")
	}
	if body.Combinations != nil {
		q.Combinations = *body.Combinations
	}
	switch body.Return {
	case "", "summary":
	case "features":
		q.Pieces = true
		if !r.ix().Manifest.Policy.Pieces {
			return q, nil, problem.New("POLICY", "本版不提供逐个要素的叠加结果", "this edition does not answer with single features").
				Advise("改用 \"return\": \"summary\"", "use \"return\": \"summary\"")
		}
	default:
		return q, nil, problem.New("PARAMETER_RETURN", "return 是 %.20q，只有 summary 和 features", "return is %.20q; there are summary and features", body.Return)
	}
	if (len(body.Geometry) > 0) == (body.Place != "") {
		return q, nil, problem.New("PARAMETER_SHAPE", "要给 geometry 或 place 中的一个", "give one of geometry and place")
	}
	r.layer = strings.Join(q.Layers, ",")
	return q, body, nil
}

// overlayQuery reads the GET form: place=, bbox= or point=, layers=.
func (r *request) overlayQuery(body *overlayBody) error {
	body.Place, body.CRS = r.query("place"), r.query("crs")
	if v := r.query("layers"); v != "" {
		body.Layers = strings.Split(v, ",")
	}
	if v := r.query("group_by"); v != "" {
		layers := body.Layers
		if len(layers) == 0 {
			layers = []string{"cropland"}
		}
		body.GroupBy = map[string][]string{layers[0]: strings.Split(v, ",")}
	}
	bbox, point := r.query("bbox"), r.query("point")
	switch {
	case bbox != "":
		n, err := numbers(bbox, 4)
		if err != nil {
			return err
		}
		body.Geometry = json.RawMessage(boxJSON(n[0], n[1], n[2], n[3]))
	case point != "":
		// A point has no area: a square of a millimetre around it names the
		// features it lies in.
		n, err := numbers(point, 2)
		if err != nil {
			return err
		}
		const d = 5e-9
		body.Geometry = json.RawMessage(boxJSON(n[0]-d, n[1]-d, n[0]+d, n[1]+d))
	}
	return nil
}

func boxJSON(x0, y0, x1, y1 float64) []byte {
	b := []byte(`{"type":"Polygon","coordinates":[[`)
	for i, p := range [][2]float64{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}, {x0, y0}} {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		b = strconv.AppendFloat(b, p[0], 'f', -1, 64)
		b = append(b, ',')
		b = strconv.AppendFloat(b, p[1], 'f', -1, 64)
		b = append(b, ']')
	}
	return append(b, "]]}"...)
}

func numbers(text string, n int) ([]float64, error) {
	parts := strings.Split(text, ",")
	out := make([]float64, len(parts))
	for i, p := range parts {
		v, err := strconv.ParseFloat(strings.TrimSpace(p), 64)
		if err != nil || v != v || v > 1e12 || v < -1e12 {
			return nil, problem.New("PARAMETER_NUMBER", "%.40q 不是 %d 个数", "%.40q is not %d numbers", text, n)
		}
		out[i] = v
	}
	if len(out) != n {
		return nil, problem.New("PARAMETER_NUMBER", "%.40q 不是 %d 个数", "%.40q is not %d numbers", text, n)
	}
	return out, nil
}

// overlayPlace takes one of the places for overlay answers, waiting a moment
// when there is none.
func (s *Server) overlayPlace(r *request) (func(), error) {
	wait := time.NewTimer(2 * time.Second)
	defer wait.Stop()
	select {
	case s.overlay <- struct{}{}:
		return func() { <-s.overlay }, nil
	case <-wait.C:
		return nil, errBusy
	}
}

// shape brings a geometry's polygons into an AOI that the limits and the policy
// allow.
func (s *Server) shape(r *request, polygons [][][]geo.XY, crs geo.CRS) (geo.MultiPolygon, error) {
	m, err := areas.Shape(polygons, crs)
	if err != nil {
		return nil, err
	}
	return m, s.allowShape(r, m)
}

// allowShape keeps to the policy's bounds on shapes.
func (s *Server) allowShape(r *request, m geo.MultiPolygon) error {
	p := r.ix().Manifest.Policy
	if p.MaxAOIM2 == 0 && p.MinAOIM2 == 0 {
		return nil
	}
	ctx, cancel := s.overlayContext()
	defer cancel()
	a, err := areas.Size(ctx, m)
	if err != nil {
		return err
	}
	if p.MaxAOIM2 > 0 && a > p.MaxAOIM2 {
		return problem.New("POLICY", "范围 %.4g km²，本版最多答 %.4g km²", "the shape has %.4g km², this edition answers up to %.4g km²", a/1e6, p.MaxAOIM2/1e6).
			Advise("缩小范围", "ask about a smaller shape")
	}
	if a < p.MinAOIM2 {
		return problem.New("POLICY", "范围 %.4g m²，本版最少答 %.4g m²", "the shape has %.4g m², this edition answers from %.4g m²", a, p.MinAOIM2).
			Advise("扩大范围", "ask about a larger shape")
	}
	return nil
}

func (s *Server) answerGeometry(r *request, q areas.Question, body *overlayBody) error {
	crs, err := areas.ParseCRS(body.CRS)
	if err != nil {
		return err
	}
	features, many, err := areas.ParseShapes(body.Geometry, areas.Limits{Vertices: s.cfg.Limits.AOIVertices, Features: s.cfg.Limits.AOIFeatures})
	if err != nil {
		return err
	}
	if !many {
		if features[0].Err != nil {
			return features[0].Err
		}
		if q.Shape, err = s.shape(r, features[0].Polygons, crs); err != nil {
			return err
		}
		return s.answerOne(r, q)
	}
	ctx, cancel := s.overlayContext()
	defer cancel()
	out := []areas.Result{}
	for _, f := range features {
		res := areas.Result{ID: f.ID, Properties: f.Properties}
		err := f.Err
		if err == nil {
			q.Shape, err = s.shape(r, f.Polygons, crs)
		}
		if err == nil {
			res.Answer, err = areas.Ask(ctx, r.ix(), q)
		}
		if ctx.Err() != nil {
			return errTimeout
		}
		if res.Problem = problem.Of(err); err != nil && res.Problem == nil {
			return err
		}
		if res.Answer != nil {
			res.Answer.Program = s.cfg.Program
		}
		out = append(out, res)
	}
	return r.sendOverlay(out)
}

func (s *Server) answerOne(r *request, q areas.Question) error {
	ctx, cancel := s.overlayContext()
	defer cancel()
	a, err := areas.Ask(ctx, r.ix(), q)
	if err != nil {
		return err
	}
	a.Program = s.cfg.Program
	return r.sendOverlay([]areas.Result{{Answer: a, Single: true}})
}

func (r *request) sendOverlay(results []areas.Result) error {
	h := &r.ctx.Response.Header
	switch f := r.query("f"); f {
	case "", "json":
		var v any = results
		if len(results) == 1 && results[0].Single {
			v = results[0].Answer
		}
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		return r.sendOnce("application/json", data)
	case "csv":
		var b bytes.Buffer
		if err := areas.WriteCSV(&b, results); err != nil {
			return err
		}
		h.Set("Content-Disposition", `attachment; filename="overlay.csv"`)
		return r.sendOnce("text/csv; charset=utf-8", b.Bytes())
	default:
		return problem.New("PARAMETER_F", "f 是 %.20q，只有 json 和 csv", "f is %.20q; there are json and csv", f)
	}
}

// sendOnce answers a GET with an ETag, and a POST with what is not kept.
func (r *request) sendOnce(contentType string, data []byte) error {
	if !r.ctx.IsPost() {
		return r.send(contentType, data)
	}
	r.ctx.Response.Header.Set("Cache-Control", "no-store")
	r.ctx.Response.Header.Add("Vary", "Accept-Encoding")
	r.ctx.SetContentType(contentType)
	return r.body(contentType, data)
}
