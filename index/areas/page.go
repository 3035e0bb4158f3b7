package areas

import (
	"bytes"
	"html/template"
	"io"
	"slices"
	"strconv"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// pageWriter writes a sheet for printing on A4: for each shape its number, a row
// for each layer, the classes, the combinations and the pieces, then the sums of
// the rows as they are printed and, but for the public, a place for signature and
// stamp. It refers to nothing outside of itself.
type pageWriter struct {
	w     io.Writer
	about About
	n     int
	began bool
	first []pageShape // those before the first answer, which tells the vintages
	sums  []pageSum
	total pageSum
	bad   int
}

// pageSum adds up a layer over the shapes.
type pageSum struct {
	layer, vintage string
	area           printed
	net, survey    printedSum
}

// pageShape is what the page shows of a shape.
type pageShape struct {
	Number       int
	ID, Name     string
	Zone         string // that the area as booked is of
	Area         pageArea
	Layers       []pageLayer
	Combinations []pageCombination
	Problems     []pageProblem
	// Failed tells that there are no figures.
	Failed bool
}

// Rows is how many rows the number stands beside.
func (s *pageShape) Rows() int {
	n := 1 + len(s.Layers) + len(s.Problems)
	if s.Detailed() {
		n++
	}
	return n
}

// Detailed tells whether there is a row of classes and combinations.
func (s *pageShape) Detailed() bool {
	return len(s.Combinations) > 0 || slices.ContainsFunc(s.Layers, func(l pageLayer) bool { return len(l.Groups) > 0 })
}

// pageArea is an area in its units; Survey is "" where it was not asked for.
type pageArea struct{ M2, Mu, Ha, Survey string }

type pageLayer struct {
	Title, Vintage string
	Count          int
	Area           pageArea
	Net            string
	Groups         []pageGroup
	Pieces         []pagePiece
	Survey         bool // pieces have areas as booked
}

// pageGroup is a class; what the record does not have is "".
type pageGroup struct {
	Code       string
	Area       pageArea
	Patch, Net string
}

type pagePiece struct {
	Name       string
	Area       pageArea
	Patch, Net string
}

type pageCombination struct {
	Inside string
	Area   pageArea
}

type pageProblem struct{ Code, Zh, En string }

func areaTexts(a printed, survey string) pageArea {
	return pageArea{fixed(a.m2, m2Decimals), fixed(a.mu, muDecimals), fixed(a.ha, haDecimals), survey}
}

// orDash is what stands in a cell that would be empty.
func orDash(s string) string {
	if s == "" {
		return "—"
	}
	return s
}

// begin writes what stands before the first shape that has an answer, of these
// layers.
func (p *pageWriter) begin(layers []Layer) error {
	if p.began {
		return nil
	}
	p.began = true
	err := p.part("head", struct {
		Generation         string
		Origin, Conditions []note
	}{p.about.Generation, p.about.origin(orDash(p.about.vintages(layers))), p.about.conditions()})
	for i := range p.first {
		if err == nil {
			err = p.part("shape", &p.first[i])
		}
	}
	p.first = nil
	return err
}

func (p *pageWriter) part(name string, data any) error {
	var b bytes.Buffer
	if err := pageParts.ExecuteTemplate(&b, name, data); err != nil {
		return err
	}
	_, err := p.w.Write(b.Bytes())
	return err
}

// Write implements [ResultWriter].
func (p *pageWriter) Write(r *Result) error {
	p.n++
	s := pageShape{Number: p.n, ID: plain(r.ID), Name: nameOf(r.Properties)}
	if r.Problem != nil {
		p.bad++
		s.Failed = true
		s.Problems = append(s.Problems, problemOf(r.Problem))
		if !p.began {
			p.first = append(p.first, s)
			return nil
		}
		return p.part("shape", &s)
	}
	a := r.Answer
	if err := p.begin(a.Layers); err != nil {
		return err
	}
	s.Area, s.Zone = p.total.add(a.AOI.area(), a.AOI.SurveyM2), a.AOI.SurveyZone
	for i := range a.Layers {
		s.Layers = append(s.Layers, p.layer(i, &a.Layers[i]))
	}
	for i := range a.Combinations {
		c := pageCombination{p.about.titles(a.Combinations[i].Inside), areaTexts(a.Combinations[i].area().printed(), "")}
		if c.Inside == "" {
			c.Inside = "均不在 none"
		}
		s.Combinations = append(s.Combinations, c)
	}
	for _, q := range a.AOI.Problems {
		s.Problems = append(s.Problems, problemOf(q))
	}
	for _, f := range a.Failed {
		id := strconv.FormatUint(f.ID, 10)
		s.Problems = append(s.Problems, pageProblem{"FEATURE_FAILED", f.Layer + " 要素 " + id + " 没有算出来：" + f.ReasonZh, "feature " + id + ": " + f.Reason})
	}
	return p.part("shape", &s)
}

func problemOf(p *problem.Problem) pageProblem {
	return pageProblem{p.Code, p.Found(problem.Chinese), p.Found(problem.English)}
}

// layer is what the page shows of the i-th layer, which is added to its sum.
func (p *pageWriter) layer(i int, l *Layer) pageLayer {
	if i == len(p.sums) {
		p.sums = append(p.sums, pageSum{layer: l.Layer, vintage: l.Vintage})
	}
	sum := &p.sums[i]
	sum.net.add(l.NetM2)
	out := pageLayer{Title: p.about.title(l.Layer), Vintage: l.Vintage, Count: l.Count, Area: sum.add(l.area(), l.SurveyM2), Net: orDash(optionalText(l.NetM2))}
	for k := range l.Groups {
		g := &l.Groups[k]
		_, code := g.columns()
		out.Groups = append(out.Groups, pageGroup{orDash(code), areaTexts(g.area().printed(), ""), optionalText(g.PatchM2), optionalText(g.NetM2)})
	}
	for k := range l.Pieces {
		q := &l.Pieces[k]
		out.Survey = out.Survey || q.SurveyM2 != nil
		out.Pieces = append(out.Pieces, pagePiece{
			q.name(), areaTexts(q.area().printed(), orDash(optionalText(q.SurveyM2))), orDash(optionalText(q.PatchM2)), orDash(optionalText(q.NetM2)),
		})
	}
	return out
}

// add adds an area as it is printed to the sum and returns it.
func (s *pageSum) add(a area, survey *float64) pageArea {
	s.area.add(a.printed())
	s.survey.add(survey)
	return areaTexts(a.printed(), optionalText(survey))
}

func (s *pageSum) texts() pageArea { return areaTexts(s.area, s.survey.text()) }

// Abort implements [ResultWriter]: the page says in bold that it is not whole.
func (p *pageWriter) Abort(why *problem.Problem) error {
	if err := p.begin(nil); err != nil {
		return err
	}
	if err := p.part("aborted", problemOf(why)); err != nil {
		return err
	}
	return p.Close()
}

// Close implements [ResultWriter].
func (p *pageWriter) Close() error {
	if err := p.begin(nil); err != nil {
		return err
	}
	foot := struct {
		Shapes, Failed int
		Area           pageArea
		Layers         []pageLayer
		Notes          []note
		Signed         bool
	}{Shapes: p.n, Failed: p.bad, Area: p.total.texts(), Notes: meanings(), Signed: p.about.Tier != edition.Public}
	if p.n == p.bad {
		foot.Area.Survey = "" // nothing was asked of nothing
	}
	for i := range p.sums {
		s := &p.sums[i]
		foot.Layers = append(foot.Layers, pageLayer{Title: p.about.title(s.layer), Vintage: s.vintage, Area: s.texts(), Net: orDash(s.net.text())})
	}
	return p.part("foot", &foot)
}

var pageParts = template.Must(template.New("page").Parse(`
{{- define "m2"}}{{.M2}}{{with .Survey}}<small>调查 survey {{.}}</small>{{end}}{{end}}
{{- define "head"}}<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><title>叠加面积表 {{.Generation}}</title>
<style>
@page{size:A4;margin:14mm 12mm 16mm}
body{font:10pt/1.4 "Noto Sans CJK SC","Source Han Sans SC","Microsoft YaHei","SimSun",sans-serif;color:#000;margin:0 auto;max-width:190mm;padding:4mm}
h1{font-size:16pt;text-align:center;margin:0 0 1mm}h1 small{display:block;font-size:9pt;font-weight:normal}
dl{display:grid;grid-template-columns:auto 1fr auto 1fr;gap:0 3mm;margin:2mm 0 3mm;font-size:9pt}dt{color:#444}dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-size:9pt}
th,td{border:.2mm solid #555;padding:.6mm 1.2mm;text-align:right;vertical-align:top}
th{background:#eef3ea;text-align:center;font-weight:bold}th small{display:block;font-weight:normal}
thead{display:table-header-group}tbody{break-inside:avoid}
.t{text-align:left}.n{text-align:center;font-weight:bold}th:first-child{white-space:nowrap}.a td{background:#f7f7f7}
.i{text-align:left;font-size:8.5pt}.i span{display:inline-block;margin-right:3mm}.p{text-align:left;color:#8a1c00}
.w{border:.6mm solid #8a1c00;padding:2mm;font-weight:bold;color:#8a1c00}
.s{display:grid;grid-template-columns:1fr 1fr 1fr;gap:6mm;margin-top:10mm;break-inside:avoid}.s div{border-top:.2mm solid #000;padding-top:1mm;height:22mm}
td small{display:block;font-size:7.5pt;color:#444}.d{margin:0 0 1mm;font-weight:bold}
.k,.k tbody{break-inside:auto}.k table{font-size:8pt}.k tr tr{break-inside:avoid}
.f{font-size:8pt;color:#333;margin-top:3mm}.f p{margin:.5mm 0}
@media print{body{padding:0;max-width:none}}
</style></head><body>
<h1>叠加面积表<small>Areas of the layers inside each shape</small></h1>
<dl>{{range .Origin}}<dt>{{.Name}}</dt><dd>{{.Text}}</dd>{{end}}</dl>
{{range .Conditions}}<p class="d">{{.Name}}：{{.Text}}</p>
{{end}}<table><thead><tr><th>序号<small>No.</small></th><th>地块、图层<small>shape, layer</small></th><th>时相<small>vintage</small></th><th>要素<small>features</small></th><th>面积 m²<small>area</small></th><th>亩<small>mu</small></th><th>公顷<small>ha</small></th><th>净面积 m²<small>net</small></th></tr></thead>
{{end}}
{{- define "shape"}}<tbody><tr class="a"><td class="n" rowspan="{{.Rows}}">{{.Number}}</td><td class="t">{{with .ID}}<b>{{.}}</b> {{end}}{{.Name}}{{with .Zone}}<small>调查带 survey zone {{.}}</small>{{end}}</td><td></td><td></td>{{if .Failed}}<td>—</td><td>—</td><td>—</td>{{else}}<td>{{template "m2" .Area}}</td><td>{{.Area.Mu}}</td><td>{{.Area.Ha}}</td>{{end}}<td></td></tr>
{{range .Layers}}<tr><td class="t">{{.Title}}</td><td>{{.Vintage}}</td><td>{{.Count}}</td><td>{{template "m2" .Area}}</td><td>{{.Area.Mu}}</td><td>{{.Area.Ha}}</td><td>{{.Net}}</td></tr>
{{end}}{{if .Detailed}}<tr><td class="i" colspan="7">{{range .Layers}}{{if .Groups}}<b>{{.Title}}</b>：{{range .Groups}}<span>{{.Code}} {{.Area.M2}} m² = {{.Area.Mu}} 亩 = {{.Area.Ha}} 公顷{{with .Patch}}，图斑 patch {{.}} m²{{end}}{{with .Net}}，净 net {{.}} m²{{end}}</span>{{end}}<br>{{end}}{{end}}{{if .Combinations}}<b>组合 combinations</b>：{{end}}{{range .Combinations}}<span>{{.Inside}} {{.Area.M2}} m² = {{.Area.Mu}} 亩 = {{.Area.Ha}} 公顷</span>{{end}}</td></tr>
{{end}}{{range .Problems}}<tr><td class="p" colspan="7">{{.Zh}} {{.En}} [{{.Code}}]</td></tr>
{{end}}</tbody>
{{range .Layers}}{{$survey := .Survey}}{{if .Pieces}}<tbody class="k"><tr><td></td><td class="i" colspan="7"><b>{{.Title}}</b> 图斑 pieces
<table><thead><tr><th>要素<small>feature</small></th><th>面积 m²<small>area</small></th><th>亩<small>mu</small></th><th>图斑面积 m²<small>patch</small></th><th>净面积 m²<small>net</small></th>{{if $survey}}<th>调查面积 m²<small>survey</small></th>{{end}}</tr></thead><tbody>
{{range .Pieces}}<tr><td>{{.Name}}</td><td>{{.Area.M2}}</td><td>{{.Area.Mu}}</td><td>{{.Patch}}</td><td>{{.Net}}</td>{{if $survey}}<td>{{.Area.Survey}}</td>{{end}}</tr>
{{end}}</tbody></table></td></tr></tbody>
{{end}}{{end}}{{end}}
{{- define "aborted"}}<tbody><tr><td class="w" colspan="8">本表不完整，后面的地块没有算：{{.Zh}} This sheet is not whole: {{.En}} [{{.Code}}]</td></tr></tbody>
{{end}}
{{- define "foot"}}<tbody><tr class="a"><td class="n" colspan="2">合计 sum of {{.Shapes}}{{if .Failed}}（{{.Failed}} 个没有结果 without a result）{{end}}</td><td></td><td></td><td>{{template "m2" .Area}}</td><td>{{.Area.Mu}}</td><td>{{.Area.Ha}}</td><td></td></tr>
{{range .Layers}}<tr><td></td><td class="t">{{.Title}}</td><td>{{.Vintage}}</td><td></td><td>{{template "m2" .Area}}</td><td>{{.Area.Mu}}</td><td>{{.Area.Ha}}</td><td>{{.Net}}</td></tr>
{{end}}</tbody></table>
<div class="f">{{range .Notes}}<p>{{.Name}}：{{.Text}}</p>{{end}}<p>合计是各行所印的数相加；地块互相重叠时，重叠处加了不止一次 the sums add the rows as printed: where shapes overlap, ground counts more than once</p></div>
{{if .Signed}}<div class="s"><div>经办人 prepared by</div><div>审核人 checked by</div><div>单位（盖章） stamp<br>日期 date</div></div>
{{end}}</body></html>
{{end}}`))
