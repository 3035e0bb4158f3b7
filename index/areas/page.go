package areas

import (
	"bytes"
	"html/template"
	"io"
	"slices"
	"strconv"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// pageWriter writes a sheet for printing on A4: for each shape its number, a row
// for each layer, the classes and the combinations, then the sums and a place for
// signature and stamp. It refers to nothing outside of itself.
type pageWriter struct {
	w     io.Writer
	about About
	n     int
	began bool
	sums  []pageSum
	total float64
	bad   int
}

// pageSum adds up a layer over the shapes.
type pageSum struct {
	layer, vintage string
	m2, net        float64
	noNet          bool
}

// pageShape is what the page shows of a shape.
type pageShape struct {
	Number       int
	ID, Name     string
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

type pageArea struct{ M2, Mu, Ha string }

type pageLayer struct {
	Title, Vintage string
	Count          int
	Area           pageArea
	Net            string
	Groups         []pageGroup
}

type pageGroup struct {
	Code string
	Area pageArea
}

type pageCombination struct {
	Inside string
	Area   pageArea
}

type pageProblem struct{ Code, Zh, En string }

// areaTexts writes an area with 2, 4 and 2 decimals.
func areaTexts(m2 float64) pageArea {
	fixed := func(v float64, decimals int) string {
		return strconv.FormatFloat(round(v, decimals), 'f', decimals, 64)
	}
	return pageArea{fixed(m2, 2), fixed(m2*geo.MuPerM2, 4), fixed(m2/1e4, 2)}
}

// begin writes what stands before the first shape.
func (p *pageWriter) begin() error {
	if p.began {
		return nil
	}
	p.began = true
	return p.part("head", struct {
		About
		Date      string
		TierTitle string
		Formula   string
	}{p.about, p.about.date(), p.about.Tier.Title(problem.Chinese), Formula})
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
	if err := p.begin(); err != nil {
		return err
	}
	p.n++
	s := pageShape{Number: p.n, ID: plain(r.ID), Name: nameOf(r.Properties)}
	if r.Problem != nil {
		p.bad++
		s.Failed = true
		s.Problems = append(s.Problems, problemOf(r.Problem))
		return p.part("shape", &s)
	}
	a := r.Answer
	s.Area = areaTexts(a.AOI.AreaM2)
	p.total += a.AOI.AreaM2
	for i := range a.Layers {
		s.Layers = append(s.Layers, p.layer(i, &a.Layers[i]))
	}
	for i, m2 := range a.hundredths() {
		c := pageCombination{p.about.titles(a.Combinations[i].Inside), areaTexts(m2)}
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
		s.Problems = append(s.Problems, pageProblem{"FEATURE_FAILED", f.Layer + " 要素 " + id + " 没有算出来", "feature " + id + ": " + f.Reason})
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
	sum.m2 += l.AreaM2
	out := pageLayer{Title: p.about.title(l.Layer), Vintage: l.Vintage, Count: l.Count, Area: areaTexts(l.AreaM2), Net: "—"}
	if l.NetM2 == nil {
		sum.noNet = true
	} else {
		sum.net += *l.NetM2
		out.Net = areaTexts(*l.NetM2).M2
	}
	for k := range l.Groups {
		_, code := l.Groups[k].columns()
		if code == "" {
			code = "—"
		}
		out.Groups = append(out.Groups, pageGroup{code, areaTexts(l.Groups[k].AreaM2)})
	}
	return out
}

// Abort implements [ResultWriter]: the page says in bold that it is not whole.
func (p *pageWriter) Abort(why *problem.Problem) error {
	if err := p.begin(); err != nil {
		return err
	}
	if err := p.part("aborted", problemOf(why)); err != nil {
		return err
	}
	return p.Close()
}

// Close implements [ResultWriter].
func (p *pageWriter) Close() error {
	if err := p.begin(); err != nil {
		return err
	}
	foot := struct {
		Shapes, Failed int
		Area           pageArea
		Layers         []pageLayer
		Notes          []note
	}{Shapes: p.n, Failed: p.bad, Area: areaTexts(p.total), Notes: p.about.notes()[5:]}
	for _, s := range p.sums {
		l := pageLayer{Title: p.about.title(s.layer), Vintage: s.vintage, Area: areaTexts(s.m2), Net: "—"}
		if !s.noNet {
			l.Net = areaTexts(s.net).M2
		}
		foot.Layers = append(foot.Layers, l)
	}
	return p.part("foot", &foot)
}

var pageParts = template.Must(template.New("page").Parse(`
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
.f{font-size:8pt;color:#333;margin-top:3mm}.f p{margin:.5mm 0}
@media print{body{padding:0;max-width:none}}
</style></head><body>
<h1>叠加面积表<small>Areas of the layers inside each shape</small></h1>
<dl><dt>数据版本 generation</dt><dd>{{.Generation}}</dd><dt>数据日期 date of the data</dt><dd>{{.Date}}</dd>
<dt>版别 tier</dt><dd>{{.TierTitle}} {{.Tier}}</dd><dt>面积算法 formula</dt><dd>CGCS2000 椭球面积 {{.Formula}}</dd>
<dt>程序 program</dt><dd>{{.Program}}</dd><dt>单位 units</dt><dd>1 亩 = 2000/3 m²，1 公顷 = 10000 m²</dd></dl>
<table><thead><tr><th>序号<small>No.</small></th><th>地块、图层<small>shape, layer</small></th><th>时相<small>vintage</small></th><th>要素<small>features</small></th><th>面积 m²<small>area</small></th><th>亩<small>mu</small></th><th>公顷<small>ha</small></th><th>净面积 m²<small>net</small></th></tr></thead>
{{end}}
{{- define "shape"}}<tbody><tr class="a"><td class="n" rowspan="{{.Rows}}">{{.Number}}</td><td class="t">{{with .ID}}<b>{{.}}</b> {{end}}{{.Name}}</td><td></td><td></td>{{if .Failed}}<td>—</td><td>—</td><td>—</td>{{else}}<td>{{.Area.M2}}</td><td>{{.Area.Mu}}</td><td>{{.Area.Ha}}</td>{{end}}<td></td></tr>
{{range .Layers}}<tr><td class="t">{{.Title}}</td><td>{{.Vintage}}</td><td>{{.Count}}</td><td>{{.Area.M2}}</td><td>{{.Area.Mu}}</td><td>{{.Area.Ha}}</td><td>{{.Net}}</td></tr>
{{end}}{{if .Detailed}}<tr><td class="i" colspan="7">{{range .Layers}}{{if .Groups}}<b>{{.Title}}</b>：{{range .Groups}}<span>{{.Code}} {{.Area.M2}} m² = {{.Area.Mu}} 亩 = {{.Area.Ha}} 公顷</span>{{end}}<br>{{end}}{{end}}{{if .Combinations}}<b>组合 combinations</b>：{{end}}{{range .Combinations}}<span>{{.Inside}} {{.Area.M2}} m² = {{.Area.Mu}} 亩 = {{.Area.Ha}} 公顷</span>{{end}}</td></tr>
{{end}}{{range .Problems}}<tr><td class="p" colspan="7">{{.Zh}} {{.En}} [{{.Code}}]</td></tr>
{{end}}</tbody>
{{end}}
{{- define "aborted"}}<tbody><tr><td class="w" colspan="8">本表不完整，后面的地块没有算：{{.Zh}} This sheet is not whole: {{.En}} [{{.Code}}]</td></tr></tbody>
{{end}}
{{- define "foot"}}<tbody><tr class="a"><td class="n" colspan="2">合计 sum of {{.Shapes}}{{if .Failed}}（{{.Failed}} 个没有结果 without a result）{{end}}</td><td></td><td></td><td>{{.Area.M2}}</td><td>{{.Area.Mu}}</td><td>{{.Area.Ha}}</td><td></td></tr>
{{range .Layers}}<tr><td></td><td class="t">{{.Title}}</td><td>{{.Vintage}}</td><td></td><td>{{.Area.M2}}</td><td>{{.Area.Mu}}</td><td>{{.Area.Ha}}</td><td>{{.Net}}</td></tr>
{{end}}</tbody></table>
<div class="f">{{range .Notes}}<p>{{.Name}}：{{.Text}}</p>{{end}}<p>合计是各行相加；地块互相重叠时，重叠处加了不止一次 the sums add the rows: where shapes overlap, ground counts more than once</p></div>
<div class="s"><div>经办人 prepared by</div><div>审核人 checked by</div><div>单位（盖章） stamp<br>日期 date</div></div>
</body></html>
{{end}}`))
