package tileserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"strings"

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

// overlayRequest is an overlay question on its way to its answer.
type overlayRequest struct {
	*request
	ctx      context.Context //nolint:containedctx // of this one answer
	question areas.Question
	body     overlayBody
	crs      geo.CRS
}

func (s *Server) handleOverlay(r *request) error {
	o := &overlayRequest{request: r}
	if err := o.read(); err != nil {
		return err
	}
	done, err := s.overlays.take()
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Limits.Overlay)
	defer cancel()
	o.ctx = ctx
	var results []areas.Result
	if o.body.Place != "" {
		results, err = o.answerPlace()
	} else {
		results, err = o.answerGeometry()
	}
	if err != nil {
		return err
	}
	return o.send(results)
}

// read reads what is asked, and refuses what can be refused at once.
func (o *overlayRequest) read() error {
	var err error
	if o.request.ctx.IsPost() {
		err = jsonBody(o.request.ctx.PostBody(), &o.body)
	} else {
		err = o.readQuery()
	}
	if err != nil {
		return err
	}
	l := o.server.cfg.Limits
	o.question = areas.Question{
		Layers: o.body.Layers, GroupBy: o.body.GroupBy, Vintage: o.body.Vintage, Combinations: true,
		Workers: runtime.GOMAXPROCS(0), MaxVertices: l.OverlayVertices, MaxListed: l.AnswerItems,
	}
	if o.question.Vintage == "" {
		o.question.Vintage = o.query("vintage")
	}
	if o.body.Combinations != nil {
		o.question.Combinations = *o.body.Combinations
	}
	if bytes.Equal(o.body.Geometry, []byte("null")) {
		o.body.Geometry = nil
	}
	if (len(o.body.Geometry) > 0) == (o.body.Place != "") {
		return problem.New("PARAMETER_SHAPE", "要给 geometry 或 place 中的一个", "give one of geometry and place")
	}
	if o.crs, err = areas.ParseCRS(o.body.CRS); err != nil {
		return err
	}
	if err := o.readReturn(); err != nil {
		return err
	}
	if f := o.query("f"); f != "" && f != "json" && f != "csv" {
		return problem.New("PARAMETER_F", "f 是 %.20q，只有 json 和 csv", "f is %.20q; there are json and csv", f)
	}
	o.layer = strings.Join(o.question.Layers, ",")
	return nil
}

func (o *overlayRequest) readReturn() error {
	switch o.body.Return {
	case "", "summary":
		return nil
	case "features":
		o.question.Pieces = true
		if o.ix().Manifest.Policy.Pieces {
			return nil
		}
		return problem.New("POLICY", "本版不提供逐个要素的叠加结果", "this edition does not answer with single features").
			Advise("改用 \"return\": \"summary\"", "use \"return\": \"summary\"")
	}
	return problem.New("PARAMETER_RETURN", "return 是 %.20q，只有 summary 和 features", "return is %.20q; there are summary and features", o.body.Return)
}

// answerPlace answers for a place. The policy's bounds on shapes do not hold
// for it: they keep single parcels and bulk questions apart from the public, and
// places and their sums are published anyway.
func (o *overlayRequest) answerPlace() ([]areas.Result, error) {
	var err error
	if o.question.Shape, err = areas.Place(o.ctx, o.ix(), o.body.Place, o.question.Vintage); err != nil {
		return nil, err
	}
	a, err := o.ask()
	return []areas.Result{{Answer: a, Single: true}}, err
}

func (o *overlayRequest) answerGeometry() ([]areas.Result, error) {
	l := o.server.cfg.Limits
	shapes, many, err := areas.ParseShapes(o.body.Geometry, areas.Limits{Vertices: l.AOIVertices, Features: l.AOIFeatures})
	if err != nil {
		return nil, err
	}
	results := []areas.Result{}
	for _, g := range shapes {
		a, err := o.answerShape(g)
		if err == nil || !many {
			results = append(results, areas.Result{ID: g.ID, Properties: g.Properties, Answer: a, Single: !many})
			if err != nil {
				return nil, err
			}
			continue
		}
		if o.ctx.Err() != nil {
			return nil, err // time is over for all of them
		}
		_, p := statusOf(err)
		if p == nil {
			o.server.cfg.Log.Error("a shape of a collection failed", "id", o.id(), "shape", len(results)+1, "error", err)
			p = problem.New("SERVER_FAULT", "服务器出错", "server fault")
		}
		results = append(results, areas.Result{ID: g.ID, Properties: g.Properties, Problem: p})
	}
	return results, nil
}

func (o *overlayRequest) answerShape(g areas.Given) (*areas.Answer, error) {
	if g.Err != nil {
		return nil, g.Err
	}
	m, err := areas.ShapeWithin(g.Polygons, o.crs, o.server.cfg.Limits.OverlayVertices)
	if err != nil {
		return nil, err
	}
	if err := o.allow(m); err != nil {
		return nil, err
	}
	o.question.Shape = m
	return o.ask()
}

func (o *overlayRequest) ask() (*areas.Answer, error) {
	a, err := areas.Ask(o.ctx, o.ix(), o.question)
	if err != nil {
		return nil, err
	}
	a.Program = o.server.cfg.Program
	return a, nil
}

// allow keeps to the policy's bounds on shapes.
func (o *overlayRequest) allow(m geo.MultiPolygon) error {
	p := o.ix().Manifest.Policy
	if p.MaxAOIM2 == 0 && p.MinAOIM2 == 0 {
		return nil
	}
	a, err := areas.Size(o.ctx, m)
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

func (o *overlayRequest) send(results []areas.Result) error {
	contentType, body, err := o.print(results)
	switch {
	case err != nil:
		return err
	case o.request.ctx.IsPost():
		return o.sendOnce(contentType, body)
	}
	return o.request.send(contentType, body)
}

// print writes the results in the form that f= asks for.
func (o *overlayRequest) print(results []areas.Result) (contentType string, body []byte, err error) {
	if o.query("f") == "csv" {
		var b bytes.Buffer
		err := areas.WriteCSV(&b, results)
		o.request.ctx.Response.Header.Set("Content-Disposition", `attachment; filename="overlay.csv"`)
		return "text/csv; charset=utf-8", b.Bytes(), err
	}
	var v any = results
	if len(results) == 1 && results[0].Single {
		v = results[0].Answer
	}
	body, err = json.Marshal(v)
	return "application/json", body, err
}

// jsonBody reads a request's body as strict JSON into v.
func jsonBody(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	var s *json.SyntaxError
	var t *json.UnmarshalTypeError
	switch {
	case err == nil:
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return problem.New("JSON_SYNTAX", "JSON 之后还有内容", "there is more after the JSON")
		}
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return problem.New("JSON_SYNTAX", "请求体不完整", "the body is empty or cut short")
	case errors.As(err, &s):
		return problem.New("JSON_SYNTAX", "请求体第 %d 字节处不是 JSON", "the body is no JSON at byte %d", s.Offset)
	case errors.As(err, &t):
		return problem.New("JSON_MEMBER", "%.40q 处不能是 %s", "at %.40q there must be no %s", t.Field, t.Value)
	}
	if _, name, ok := strings.Cut(err.Error(), "unknown field "); ok {
		return problem.New("JSON_MEMBER", "不认识成员 %.40s", "unknown member %.40s", name).
			Advise("可用 geometry、place、crs、layers、group_by、return、combinations、vintage", "there are geometry, place, crs, layers, group_by, return, combinations and vintage")
	}
	return problem.New("JSON_SYNTAX", "请求体不是所要的 JSON", "the body is not the JSON that is asked for")
}
