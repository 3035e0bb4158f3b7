package tileserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"strings"

	"github.com/valyala/fasthttp"

	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// overlayBody is what an overlay is asked, from the body or from the query.
type overlayBody struct {
	Geometry     []byte // GeoJSON, a part of the request's body
	Place        string
	CRS          string
	Layers       []string
	GroupBy      map[string][]string
	Return       string
	Combinations *bool
	Survey       bool
	Vintage      string
	// Sequence and TXT are a whole body of that kind.
	Sequence, TXT []byte
}

// overlayMembers are the members of the body, for those who write another.
const overlayMembers = "geometry, place, crs, layers, group_by, return, combinations, survey, vintage"

// parse reads a body of JSON in one pass; the geometry is read later.
func (b *overlayBody) parse(data []byte) error {
	members := map[string]any{
		"place": &b.Place, "crs": &b.CRS, "layers": &b.Layers, "group_by": &b.GroupBy, "return": &b.Return,
		"combinations": &b.Combinations, "survey": &b.Survey, "vintage": &b.Vintage,
	}
	if text := bytes.TrimLeft(data, " \t\r\n"); len(text) == 0 {
		return problem.New("JSON_SYNTAX", "请求体是空的", "the body is empty")
	} else if text[0] != '{' && json.Valid(text) {
		return problem.New("JSON_MEMBER", "请求体不是 JSON 对象", "the body is no JSON object")
	}
	seen := map[string]bool{}
	err := geo.ParseMembers(data, func(name string, value []byte) error {
		if seen[name] {
			return problem.New("JSON_MEMBER", "成员 %.40q 写了两次", "member %.40q stands twice", name)
		}
		seen[name] = true
		if name == "geometry" {
			if string(value) != "null" {
				b.Geometry = value
			}
			return nil
		}
		into, ok := members[name]
		if !ok {
			return problem.New("JSON_MEMBER", "不认识成员 %.40q", "unknown member %.40q", name).
				Advise("可用 "+overlayMembers, "there are "+overlayMembers)
		}
		var t *json.UnmarshalTypeError
		switch err := json.Unmarshal(value, into); {
		case errors.As(err, &t):
			return problem.New("JSON_MEMBER", "%.40q 处不能是 %s", "at %.40q there must be no %s", name, t.Value)
		case err != nil:
			return problem.New("JSON_MEMBER", "%.40q 的值不能用", "the value of %.40q cannot be used", name)
		}
		return nil
	})
	var g *geo.GeometryError
	if errors.As(err, &g) && problem.Of(err) == nil {
		return problem.New("JSON_SYNTAX", "请求体第 %d 字节处不是 JSON：%s", "the body is no JSON at byte %d: %s", g.Offset, g.Found)
	}
	return err
}

// readPost reads a body by its kind: the contract's JSON or, with everything else
// in the query, GeoJSON, a text sequence of it, or the surveyor's TXT.
func (o *overlayRequest) readPost() error {
	data := o.request.ctx.PostBody()
	kind, _, err := mime.ParseMediaType(string(o.request.ctx.Request.Header.ContentType()))
	if err != nil {
		kind = ""
	}
	b := &o.body
	switch kind {
	case "application/geo+json":
		b.Geometry = data
	case "application/geo+json-seq", "application/json-seq", "application/x-ndjson", "application/ndjson", "application/jsonl":
		b.Sequence = data
	case "text/plain":
		// Pages that send JSON without saying so send it as text.
		if text := bytes.TrimLeft(data, " \t\r\n"); len(text) > 0 && text[0] == '{' {
			return b.parse(data)
		}
		b.TXT = data
	default:
		if len(data) > 0 && data[0] != '{' && areas.LooksLikeTXT(data) {
			return problem.New("PARAMETER_CONTENT", "请求体像是界址点 TXT", "the body looks like a surveyor's TXT").
				Advise("用 Content-Type: text/plain 发送", "send it as Content-Type: text/plain")
		}
		return b.parse(data)
	}
	if err := o.readQuery(); err != nil {
		return err
	}
	if b.Place != "" || o.query("bbox") != "" || o.query("point") != "" {
		return problem.New("PARAMETER_SHAPE", "请求体已是图形，地址里不能再给 place、bbox 或 point", "the body is the shape; give no place, bbox or point beside it")
	}
	return nil
}

// shapes reads the shapes that are asked about, and sets their coordinate system.
func (o *overlayRequest) shapes() (shapes []areas.Given, many bool, err error) {
	l := o.server.cfg.Limits
	lim := areas.Limits{Vertices: l.AOIVertices, Features: l.AOIFeatures}
	crs, err := areas.ParseCRS(o.body.CRS)
	if err != nil {
		return nil, false, err
	}
	o.asker.CRS = crs
	switch {
	case o.body.TXT != nil:
		named := &crs
		if o.body.CRS == "" {
			named = nil
		}
		shapes, o.asker.CRS, err = areas.ParseTXT(o.body.TXT, named, lim)
		return shapes, true, err
	case o.body.Sequence != nil:
		shapes, err = areas.ParseSequence(o.body.Sequence, lim)
		return shapes, true, err
	}
	return areas.ParseShapes(o.body.Geometry, lim)
}

// form chooses the form of the answer: f= before Accept.
func (o *overlayRequest) chooseForm() (areas.Form, error) {
	if f := o.query("f"); f != "" {
		for _, known := range areas.Forms {
			if string(known) == f {
				return known, nil
			}
		}
		return "", problem.New("PARAMETER_F", "f 是 %.20q", "f is %.20q", f).Advise("可用 %[1]s", "there are %[1]s", formNames())
	}
	o.vary(fasthttp.HeaderAccept)
	form, ok := preferredForm(string(o.request.ctx.Request.Header.Peek(fasthttp.HeaderAccept)))
	if !ok {
		return "", problem.New("NOT_ACCEPTABLE", "Accept 里没有这里给得出的形式", "there is no form of the answer that Accept takes").
			Advise("用 f=，或在 Accept 里加上 application/json", "use f=, or add application/json to Accept")
	}
	return form, nil
}

func formNames() string {
	names := make([]string, len(areas.Forms))
	for i, f := range areas.Forms {
		names[i] = string(f)
	}
	return strings.Join(names, ", ")
}

// preferredForm returns the form that an Accept header (RFC 9110, 12.5.1) gives
// the highest quality, the first of ours among equals; JSON where there is no
// header.
func preferredForm(header string) (areas.Form, bool) {
	if strings.TrimSpace(header) == "" {
		return areas.JSON, true
	}
	best, bestQ := areas.Form(""), 0.0
	for _, form := range areas.Forms {
		if q := formQuality(header, form); q > bestQ {
			best, bestQ = form, q
		}
	}
	return best, best != ""
}

// formQuality is what a header's most particular range gives a form.
func formQuality(header string, form areas.Form) float64 {
	media, _, _ := strings.Cut(form.MediaType(), ";")
	major, _, _ := strings.Cut(media, "/")
	found, best := -1, 0.0
	for part := range strings.SplitSeq(header, ",") {
		value, q := quality(part)
		rank := -1
		switch strings.ToLower(value) {
		case media:
			rank = 2
		case "application/ndjson", "application/jsonl":
			if form == areas.NDJSON {
				rank = 2
			}
		case major + "/*":
			rank = 1
		case "*/*":
			rank = 0
		}
		if rank > found || rank >= 0 && rank == found && q > best {
			found, best = rank, q
		}
	}
	return best
}
