package areas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// Result is the answer for one of the shapes of a question.
type Result struct {
	// ID and Properties are the shape's own, as JSON; nil when it has none.
	ID         json.RawMessage
	Properties json.RawMessage
	// Answer is nil when Problem says why there is none.
	Answer  *Answer
	Problem *problem.Problem
	// Single results are of a question about one shape, not of a collection.
	Single bool
}

// Form is a form that results are written in.
type Form string

// The forms, by the names that requests and endings of files call them.
const (
	// JSON is the answer of a single result, and else an array of all of them.
	JSON Form = "json"
	// NDJSON is a line of JSON for each result.
	NDJSON Form = "ndjson"
	// CSV is a table with rows for each shape, layer, class and combination.
	CSV Form = "csv"
	// XLSX is a workbook with sheets of the same.
	XLSX Form = "xlsx"
	// HTML is a sheet for printing, one row a shape and layer.
	HTML Form = "html"
	// GeoJSON is a FeatureCollection of the pieces; the question asks for them.
	GeoJSON Form = "geojson"
)

// Forms lists all of them, the one for whoever asks for none first.
var Forms = []Form{JSON, NDJSON, CSV, XLSX, HTML, GeoJSON}

// MediaType is what the form is called over HTTP.
func (f Form) MediaType() string {
	switch f {
	case NDJSON:
		return "application/x-ndjson"
	case CSV:
		return "text/csv; charset=utf-8"
	case XLSX:
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case HTML:
		return "text/html; charset=utf-8"
	case GeoJSON:
		return "application/geo+json"
	}
	return "application/json"
}

// About is what is said of all results together, in the forms for people.
type About struct {
	Generation string
	Tier       edition.Tier
	// Created is when the generation was made, RFC 3339; no form tells when it was
	// written, so that the same question has the same bytes.
	Created string
	Program string
	// Titles are what layers are called.
	Titles map[string]edition.Title
	// Use, Disclaimer and Approval are what the policy says of the data: what they
	// are for, what they are not to be taken for, and the map approval number.
	Use, Disclaimer edition.Title
	Approval        string
	// RoundM2 is the step that the policy has all areas rounded to, 0 for none.
	RoundM2 float64
	// Withheld tells of each layer whose areas of record the policy keeps a part of back.
	Withheld []string
	// Scope is the part of the edition that was asked, "" for all of it.
	Scope string
}

// AboutOf returns what is said of answers from an edition.
func AboutOf(m *edition.Manifest, program string) About {
	a := About{Generation: m.Generation, Tier: m.Tier, Created: m.Created, Program: program, Titles: map[string]edition.Title{},
		Use: m.Policy.Use, Disclaimer: m.Policy.Disclaimer, Approval: m.Policy.Approval, RoundM2: m.Policy.RoundM2}
	for i := range m.Layers {
		l := &m.Layers[i]
		a.Titles[l.Name] = l.Title
		if l.PatchWithheldM2+l.NetWithheldM2 > 0 {
			a.Withheld = append(a.Withheld, fmt.Sprintf("%s %s：登记面积不含本版已不再有的图斑（全层图斑面积 %.2f m²，净面积 %.2f m²） areas of record are without those of features that this edition no longer has (of the whole layer: patch %.2f m², net %.2f m²)",
				a.title(l.Name), l.Vintage, l.PatchWithheldM2, l.NetWithheldM2, l.PatchWithheldM2, l.NetWithheldM2))
		}
	}
	return a
}

// title is what a layer is called, with its name.
func (a *About) title(layer string) string {
	if t := a.Titles[layer].Zh; t != "" {
		return t + " " + layer
	}
	return layer
}

// titles are what layers are called, joined.
func (a *About) titles(layers []string) string {
	out := make([]string, len(layers))
	for i, l := range layers {
		out[i] = a.title(l)
	}
	return strings.Join(out, " + ")
}

// created is when the generation was made, to the second.
func (a *About) created() string {
	if whole, _, ok := strings.Cut(a.Created, "."); ok {
		return whole + "Z" // in UTC, as all of them
	}
	return a.Created
}

// vintages tells of what time the data of layers are: one vintage where all have the same.
func (a *About) vintages(layers []Layer) string {
	var each []string
	same := true
	for i := range layers {
		each = append(each, a.title(layers[i].Layer)+" "+layers[i].Vintage)
		same = same && layers[i].Vintage == layers[0].Vintage
	}
	if same && len(each) > 0 {
		return layers[0].Vintage
	}
	return strings.Join(each, "，")
}

// conditions say what the data are for and what they are no basis of, in both
// languages; what the policy does not say is left out.
func (a *About) conditions() []note {
	var out []note
	for _, n := range []note{
		{"用途 use", bothOf(a.Use)}, {"声明 disclaimer", bothOf(a.Disclaimer)}, {"审图号 approval", a.Approval},
	} {
		if n.Text != "" {
			out = append(out, n)
		}
	}
	for _, w := range a.Withheld {
		out = append(out, note{"未计入 withheld", w})
	}
	if a.RoundM2 > 0 {
		step := strconv.FormatFloat(a.RoundM2, 'f', -1, 64)
		out = append(out, note{"取整 rounding", "面积取整到 " + step + " m² areas are rounded to " + step + " m²"})
	}
	return out
}

// bothOf joins a text's languages.
func bothOf(t edition.Title) string {
	if t.Zh == t.En {
		return t.Zh
	}
	return strings.TrimSpace(t.Zh + " " + t.En)
}

// note is one thing that is said of all results.
type note struct{ Name, Text string }

// origin says where figures come from, of data of these vintages.
func (a *About) origin(vintages string) []note {
	out := []note{
		{"数据版本 generation", a.Generation},
		{"数据时相 vintage of the data", vintages},
		{"版本生成时间 created", a.created()},
		{"版别 tier", a.Tier.Title(problem.Chinese) + " " + string(a.Tier)},
		{"面积算法 formula", "CGCS2000 椭球面积 " + Formula},
		{"程序 program", a.Program},
	}
	if a.Scope != "" {
		out = append(out, note{"授权范围 scope", a.Scope + "，只是这一范围内的数 the figures are of this part of the data alone"})
	}
	return out
}

// meanings say what the figures are.
func meanings() []note {
	return []note{
		{"面积 area", "范围内的椭球面积，同一图层重叠处只算一次 ground inside the shape on the ellipsoid, counted once where features of a layer overlap"},
		{"图斑面积 patch_m2，净面积 net_m2", "登记面积按椭球面积的比例分摊；没有登记的为空 shares of the areas of record by ellipsoidal area; empty where there is none"},
		{"调查面积 survey_m2", "按调查规则取整的面积，问了才有；图层的是各图斑之和 areas as the survey books them, where they were asked for; a layer's is the sum of its pieces'"},
		{"取位 digits", "各数由答案的数分别取位，不再平差 each figure is that of the answer, rounded by itself"},
		{"单位 units", "1 亩 = 2000/3 m²，1 公顷 ha = 10000 m²"},
	}
}

// ResultWriter writes results, one after another, in one of the forms. It is used
// by one goroutine.
type ResultWriter interface {
	// Write writes the next result. Nothing of it is kept.
	Write(r *Result) error
	// Abort ends what was written, saying that p kept the rest from it.
	Abort(p *problem.Problem) error
	// Close ends what was written.
	Close() error
}

// NewWriter returns a writer of a form to w, which is written to in parts and not
// closed. [Indented] writes JSON for people.
func NewWriter(w io.Writer, form Form, about About) ResultWriter {
	switch form {
	case NDJSON:
		return &lineWriter{w: w}
	case CSV:
		return &csvWriter{w: w, scope: about.Scope}
	case XLSX:
		return newBook(w, about)
	case HTML:
		return &pageWriter{w: w, about: about}
	case GeoJSON:
		return &pieceWriter{w: w, about: about}
	}
	return &jsonWriter{w: w}
}

// Indented returns a writer of [JSON] for people to read.
func Indented(w io.Writer) ResultWriter { return &jsonWriter{w: w, indent: "  "} }

// jsonWriter writes the answer of a single result, or an array.
type jsonWriter struct {
	w      io.Writer
	indent string
	buf    []byte
	n      int
	single bool
}

// Write implements [ResultWriter].
func (j *jsonWriter) Write(r *Result) error {
	if r.Single && j.n == 0 && r.Answer != nil {
		j.single = true
		return j.next(r.Answer.AppendJSON(nil))
	}
	return j.next(r.AppendJSON(nil))
}

// next writes the next value.
func (j *jsonWriter) next(data []byte) error {
	j.n++
	j.buf = j.buf[:0]
	switch {
	case j.single:
	case j.n == 1:
		j.buf = append(j.buf, '[')
	default:
		j.buf = append(j.buf, ',')
	}
	if j.indent == "" {
		j.buf = append(j.buf, data...)
	} else if err := j.indented(data); err != nil {
		return err
	}
	_, err := j.w.Write(j.buf)
	return err
}

func (j *jsonWriter) indented(data []byte) error {
	var b bytes.Buffer
	prefix := ""
	if !j.single {
		prefix = j.indent
		b.WriteString("\n" + prefix)
	}
	if err := json.Indent(&b, data, prefix, j.indent); err != nil {
		return err
	}
	j.buf = append(j.buf, b.Bytes()...)
	return nil
}

// Abort implements [ResultWriter]: the last element has the status "aborted".
func (j *jsonWriter) Abort(p *problem.Problem) error {
	if err := j.next(appendAborted(nil, p)); err != nil {
		return err
	}
	return j.Close()
}

// name is what a sheet calls the piece's feature: its code, which people know, or
// its id where there is none.
func (p *Piece) name() string {
	if p.Code != "" {
		return p.Code
	}
	return strconv.FormatUint(p.ID, 10)
}

// appendAborted appends what stands in the place of the results that are missing.
func appendAborted(dst []byte, p *problem.Problem) []byte {
	return append(appendProblem(&p, append(dst, `{"id":null,"properties":null,"status":"aborted","problem":`...)), '}')
}

// Close implements [ResultWriter].
func (j *jsonWriter) Close() error {
	end := "]"
	switch {
	case j.single:
		end = ""
	case j.n == 0:
		end = "[]"
	case j.indent != "":
		end = "\n]"
	}
	if j.indent != "" {
		end += "\n"
	}
	_, err := io.WriteString(j.w, end)
	return err
}

// lineWriter writes a line of JSON for each result.
type lineWriter struct {
	w   io.Writer
	buf []byte
}

// Write implements [ResultWriter].
func (l *lineWriter) Write(r *Result) error {
	l.buf = r.AppendJSON(l.buf[:0])
	return l.line(l.buf)
}

// line writes one value.
func (l *lineWriter) line(data []byte) error {
	_, err := l.w.Write(append(data, '\n'))
	return err
}

// Abort implements [ResultWriter]: the last line has the status "aborted".
func (l *lineWriter) Abort(p *problem.Problem) error {
	_, err := l.w.Write(append(appendAborted(l.buf[:0], p), '\n'))
	return err
}

// Close implements [ResultWriter].
func (l *lineWriter) Close() error { return nil }
