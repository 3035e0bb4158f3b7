package tileserver

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"mime"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

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
	Outline      bool
	Vintage      string
	// named are the members of a body of JSON, true for those that are not null.
	named map[string]bool
	// Sequence and TXT are a whole body of that kind.
	Sequence, TXT []byte
}

// overlayMembers are the members of the body, for those who write another.
const overlayMembers = "geometry, place, crs, layers, group_by, return, combinations, survey, outline, vintage"

// parse reads a body of JSON in one pass; the geometry is read later. A body that
// is GeoJSON itself becomes the geometry.
func (b *overlayBody) parse(data []byte) error {
	if text := bytes.TrimLeft(data, " \t\r\n"); len(text) == 0 {
		return problem.New("JSON_SYNTAX", "请求体是空的", "the body is empty")
	} else if text[0] != '{' && json.Valid(text) {
		return problem.New("JSON_MEMBER", "请求体不是 JSON 对象", "the body is no JSON object")
	}
	b.named = map[string]bool{}
	var first error // the rest may tell that the members are those of GeoJSON
	kind := ""
	err := geo.ParseMembers(data, func(name string, value []byte) error {
		if name == "type" && json.Unmarshal(value, &kind) != nil {
			kind = ""
		}
		if first == nil {
			first = b.member(name, value)
		}
		return nil
	})
	var g *geo.GeometryError
	switch {
	case errors.As(err, &g):
		return problem.New("JSON_SYNTAX", "请求体第 %d 字节处不是 JSON：%s", "the body is no JSON at byte %d: %s", g.Offset, g.Found)
	case err != nil:
		return err
	case slices.Contains(geoJSONTypes, kind):
		*b = overlayBody{Geometry: data}
		return nil
	}
	return first
}

// geoJSONTypes are the types of RFC 7946, 1.4.
var geoJSONTypes = []string{
	"Feature", "FeatureCollection", "Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection",
}

// member reads one member of a body.
func (b *overlayBody) member(name string, value []byte) error {
	if _, twice := b.named[name]; twice {
		return problem.New("JSON_MEMBER", "成员 %.40q 写了两次", "member %.40q stands twice", name)
	}
	members := map[string]any{
		"geometry": nil, "place": &b.Place, "crs": &b.CRS, "layers": &b.Layers, "group_by": &b.GroupBy, "return": &b.Return,
		"combinations": &b.Combinations, "survey": &b.Survey, "outline": &b.Outline, "vintage": &b.Vintage,
	}
	into, ok := members[name]
	if !ok {
		return problem.New("JSON_MEMBER", "不认识成员 %.40q", "unknown member %.40q", name).
			Advise("可用 "+overlayMembers, "there are "+overlayMembers)
	}
	b.named[name] = string(value) != "null"
	if into == nil {
		if b.named[name] {
			b.Geometry = value
		}
		return nil
	}
	var t *json.UnmarshalTypeError
	switch err := json.Unmarshal(value, into); {
	case errors.As(err, &t):
		return problem.New("JSON_MEMBER", "%.40q 处不能是 %s", "at %.40q there must be no %s", name, t.Value)
	case err != nil:
		return problem.New("JSON_MEMBER", "%.40q 的值不能用", "the value of %.40q cannot be used", name)
	}
	return nil
}

// readPost reads a body by its kind: the contract's JSON or, with everything else
// in the query, GeoJSON, a text sequence of it, or the surveyor's TXT.
func (o *overlayRequest) readPost() error {
	data, err := o.plainBody()
	if err != nil {
		return err
	}
	o.sent = data
	kind, _, err := mime.ParseMediaType(string(o.request.ctx.Request.Header.ContentType()))
	if err != nil {
		kind = ""
	}
	b := &o.body
	text := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\uFEFF")), " \t\r\n")
	object := len(text) > 0 && text[0] == '{'
	switch kind {
	case "application/geo+json":
		b.Geometry = data
	case "application/geo+json-seq", "application/json-seq", "application/x-ndjson", "application/ndjson", "application/jsonl":
		b.Sequence = data
	case "text/plain":
		// Pages that send JSON without saying so send it as text.
		if !object {
			b.TXT = data
			return o.readBeside()
		}
	default:
		if len(text) > 0 && !object && areas.LooksLikeTXT(data) {
			return problem.New("PARAMETER_CONTENT", "请求体像是界址点 TXT", "the body looks like a surveyor's TXT").
				Advise("用 Content-Type: text/plain 发送", "send it as Content-Type: text/plain")
		}
	}
	if err := checkUTF8(data); err != nil {
		return err
	}
	if b.Geometry == nil && b.Sequence == nil {
		if err := b.parse(bytes.TrimPrefix(data, []byte("\uFEFF"))); err != nil {
			return err
		}
	}
	return o.readBeside()
}

// checkUTF8 refuses a text that is no UTF-8, as all JSON is to be (RFC 8259, 8.1).
// Nothing of it is shown: it would not be what was sent.
func checkUTF8(data []byte) error {
	if utf8.Valid(data) {
		return nil
	}
	at := 0
	for at < len(data) {
		r, n := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return problem.New("GEOJSON_ENCODING", "请求体第 %d 字节处不是 UTF-8", "the body is no UTF-8 at byte %d", at).
		Advise("JSON 要用 UTF-8 编码，GBK 等编码的文件请先转换", "JSON is to be in UTF-8; convert files in GBK or another encoding")
}

// readBeside reads what the address asks beside a body. It counts where the body
// names nothing itself; the two must not differ.
func (o *overlayRequest) readBeside() error {
	body := o.body
	if (body.Geometry != nil || body.Sequence != nil || body.TXT != nil || body.Place != "") && (o.query("bbox") != "" || o.query("point") != "") ||
		(body.Geometry != nil || body.Sequence != nil || body.TXT != nil) && o.query("place") != "" {
		return problem.New("PARAMETER_SHAPE", "请求体已有图形，地址里不能再给 place、bbox 或 point", "the shape is in the body; give no place, bbox or point beside it")
	}
	// What the fields and a point are understood by.
	o.body = overlayBody{Layers: body.Layers, CRS: body.CRS, Vintage: body.Vintage}
	if err := o.readQuery(); err != nil {
		return err
	}
	q := o.body
	q.Vintage = o.query("vintage")
	if q.CRS != body.CRS && body.CRS != "" {
		// Two names of one system do not differ.
		one, err := areas.ParseCRS(q.CRS)
		if other, e := areas.ParseCRS(body.CRS); err == nil && e == nil && one == other {
			q.CRS = body.CRS
		}
	}
	o.body = body
	b := &o.body
	if b.Geometry == nil {
		b.Geometry = q.Geometry
	}
	return cmp.Or(
		beside(o, "place", &b.Place, q.Place), beside(o, "crs", &b.CRS, q.CRS), beside(o, "return", &b.Return, q.Return), beside(o, "vintage", &b.Vintage, q.Vintage),
		beside(o, "layers", &b.Layers, q.Layers), beside(o, "group_by", &b.GroupBy, q.GroupBy),
		beside(o, "combinations", &b.Combinations, q.Combinations), beside(o, "survey", &b.Survey, q.Survey), beside(o, "outline", &b.Outline, q.Outline),
	)
}

// beside sets a member to what the address gives, if it gives any.
func beside[T any](o *overlayRequest, name string, into *T, value T) error {
	switch {
	case o.query(name) == "":
	case !o.body.named[name]:
		*into = value
	case !reflect.DeepEqual(*into, value):
		return problem.New("PARAMETER_TWICE", "%[1]s 在请求体和地址里不一样", "%[1]s differs between the body and the address", name).
			Advise("只写一处", "give it in one of them")
	}
	return nil
}

// shapes reads the shapes that are asked about, and sets their coordinate system.
func (o *overlayRequest) shapes() (shapes []areas.Given, many bool, err error) {
	l := o.server.cfg.Limits
	lim := areas.Limits{Vertices: l.AOIVertices, Features: l.AOIFeatures}
	crs, err := o.shapeCRS()
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
		return shapes, true, areas.Propose(err, o.ix(), shapes)
	case o.body.Sequence != nil:
		shapes, err = areas.ParseSequence(o.body.Sequence, lim)
		return shapes, true, err
	}
	return areas.ParseShapes(o.body.Geometry, lim)
}

// shapeCRS is what the shapes are given in: what the request says, or else what
// their crs members say. The two must not differ.
func (o *overlayRequest) shapeCRS() (geo.CRS, error) {
	asked, err := areas.ParseCRS(o.body.CRS)
	if err != nil || o.body.TXT != nil {
		return asked, err
	}
	read, text := areas.StatedCRS, o.body.Geometry
	if o.body.Sequence != nil {
		read, text = areas.StatedSequenceCRS, o.body.Sequence
	}
	stated, err := read(text)
	switch {
	case err != nil:
		return asked, err
	case stated == nil:
		return asked, nil
	case o.body.CRS != "" && *stated != asked:
		return asked, problem.New("CRS_CONFLICT", "请求说坐标系是 %s，图形的 crs 成员说是 %s", "the request says %s, the crs member of the shapes says %s", asked, *stated).
			Advise("去掉不对的那个", "leave the wrong one out")
	}
	return *stated, nil
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
