package analyze

import (
	"context"
	"fmt"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

func sitingTable() *Table {
	return &Table{Name: "siting", Title: edition.Title{Zh: "各方案占用各图层", En: "what alternatives have of each layer"}, Columns: []Column{
		{"alt", edition.Title{Zh: "方案", En: "alternative"}, Code},
		{"layer", edition.Title{Zh: "图层", En: "layer"}, Code},
		{"title", edition.Title{Zh: "图层名称", En: "title"}, Text},
		{"by", edition.Title{Zh: "分组", En: "grouped by"}, Code},
		{"class", edition.Title{Zh: "类别", En: "class"}, Code},
		{"class_name", edition.Title{Zh: "类别名称", En: "name of the class"}, Text},
		{"n", edition.Title{Zh: "要素数", En: "features"}, Count},
		{"area", edition.Title{Zh: "占用面积（椭球，按要素累加）", En: "ground, ellipsoidal, added up over features"}, Areas},
		{"ground", edition.Title{Zh: "占用地面（椭球，只计一次）", En: "ground, ellipsoidal, counted once"}, Areas},
		{"patch", edition.Title{Zh: "图斑面积份额（记录）", En: "share of the patch areas of record"}, Areas},
		{"net", edition.Title{Zh: "净面积份额（记录）", En: "share of the net areas of record"}, Areas},
		{"crop", edition.Title{Zh: "其上耕地净面积（记录，dltb）", En: "cropland on it, net of record, by dltb"}, Areas},
		{"share", edition.Title{Zh: "占方案面积", En: "share of the alternative"}, Ratio},
		{"rule", edition.Title{Zh: "规则", En: "rule"}, Text},
		{"verdict", edition.Title{Zh: "结论", En: "verdict"}, Text},
		{"evidence", edition.Title{Zh: "依据：来源；最大的要素", En: "evidence: source; largest features"}, Text},
	}}
}

func sitingSumTable() *Table {
	return &Table{Name: "siting_sum", Title: edition.Title{Zh: "方案比选", En: "alternatives side by side"}, Columns: []Column{
		{"alt", edition.Title{Zh: "方案", En: "alternative"}, Code},
		{"files", edition.Title{Zh: "文件", En: "files"}, Text},
		{"plots", edition.Title{Zh: "地块数", En: "plots"}, Count},
		{"unread", edition.Title{Zh: "其中图形不能用", En: "of them not readable"}, Count},
		{"errors", edition.Title{Zh: "须补正处数", En: "errors to be corrected"}, Count},
		{"area", edition.Title{Zh: "方案面积（椭球，重叠只计一次）", En: "area, ellipsoidal, counted once"}, Areas},
		{"crop", edition.Title{Zh: "占用耕地净面积（记录）", En: "cropland, net of record"}, Areas},
		{"pbf", edition.Title{Zh: "占用永久基本农田（椭球）", En: "permanent basic farmland, ellipsoidal"}, Areas},
		{"pbf_net", edition.Title{Zh: "占用永久基本农田净面积（记录，按要素累加）", En: "permanent basic farmland, net of record, added up over features"}, Areas},
		{"redline", edition.Title{Zh: "占用生态保护红线（椭球）", En: "red line, ellipsoidal"}, Areas},
		{"reserve", edition.Title{Zh: "占用永农储备区（椭球）", En: "reserve, ellipsoidal"}, Areas},
		{"hsf", edition.Title{Zh: "占用高标准农田（椭球）", En: "high-standard farmland, ellipsoidal"}, Areas},
		{"outside", edition.Title{Zh: "在图斑之外（椭球）", En: "outside of patches, ellipsoidal"}, Areas},
		{"mean_grade", edition.Title{Zh: "占用耕地平均等级（1 最好）", En: "mean grade, 1 is best"}, Number},
		{"graded", edition.Title{Zh: "其中有等级的面积（椭球）", En: "ground that has a grade, ellipsoidal"}, Areas},
		{"cost", edition.Title{Zh: "费用（待填）", En: "cost (to be filled in)"}, Number},
		{"verdict", edition.Title{Zh: "结论", En: "verdict"}, Text},
		{"reasons", edition.Title{Zh: "理由", En: "reasons, in Chinese"}, Text},
		{"reasons_en", edition.Title{Zh: "理由（英文）", En: "reasons"}, Text},
		{"not_judged", edition.Title{Zh: "未判断的图层", En: "layers not judged"}, Text},
		{"pareto", edition.Title{Zh: "互不占优", En: "not dominated"}, Truth},
		{"dominated_by", edition.Title{Zh: "被哪些方案占优", En: "dominated by"}, Text},
	}}
}

func correctionsTable() *Table {
	return &Table{Name: "siting_corrections", Title: edition.Title{Zh: "补正清单", En: "what is to be corrected"}, Columns: []Column{
		{"shape", edition.Title{Zh: "图形序号", En: "shape, from 1"}, Count}, // what stands first says on paper what a row is of
		{"number", edition.Title{Zh: "地块编号", En: "number"}, Code},
		{"alt", edition.Title{Zh: "方案", En: "alternative"}, Code},
		{"name", edition.Title{Zh: "地块名称", En: "name"}, Text},
		{"file", edition.Title{Zh: "文件", En: "file"}, Text},
		{"level", edition.Title{Zh: "级别", En: "level"}, Code},
		{"code", edition.Title{Zh: "代码", En: "code"}, Code},
		{"stated", edition.Title{Zh: "写明", En: "stated"}, Text},
		{"found", edition.Title{Zh: "实际", En: "found"}, Text},
		{"finding", edition.Title{Zh: "问题", En: "finding, in Chinese"}, Text},
		{"advice", edition.Title{Zh: "怎样补正", En: "advice, in Chinese"}, Text},
		{"finding_en", edition.Title{Zh: "问题（英文）", En: "finding"}, Text},
		{"advice_en", edition.Title{Zh: "怎样补正（英文）", En: "advice"}, Text},
	}}
}

// sitingRow is the ground behind a row of the table siting.
type sitingRow struct {
	alt     *alternative
	found   *themeFound
	parts   []sitePart
	outside bool
}

// tell makes the tables and layers of the answer.
func (s *sitingJob) tell(r *Result) error {
	list, sums, corrections := sitingTable(), sitingSumTable(), correctionsTable()
	var rows []sitingRow
	for _, a := range s.alts {
		s.tellSum(a, sums)
		for _, f := range a.found {
			more, err := s.tellTheme(a, f, list)
			if err != nil {
				return err
			}
			rows = append(rows, more...)
		}
	}
	for i := range s.corrections {
		s.corrections[i].tell(corrections)
	}
	r.Tables = append(r.Tables, sums, list, corrections)
	r.Shapes = append(r.Shapes,
		&Shapes{Name: sums.Name, Title: sums.Title, Table: sums, Geometry: func(ctx context.Context, row int) (geo.MultiPolygon, error) {
			return s.alts[row].shape, ctx.Err()
		}},
		&Shapes{Name: list.Name, Title: list.Title, Table: list, Geometry: func(ctx context.Context, row int) (geo.MultiPolygon, error) {
			return rows[row].geometry(ctx)
		}})
	s.notes(r)
	return nil
}

// geometry returns the ground of a row.
func (w *sitingRow) geometry(ctx context.Context) (geo.MultiPolygon, error) {
	var parts []geo.MultiPolygon
	for _, p := range w.parts {
		f, err := w.found.theme.layer.Feature(p.feature)
		if err != nil {
			return nil, err
		}
		piece, err := w.alt.mask.Piece(f.Geometry)
		if err != nil {
			return nil, err
		}
		if len(piece) > 0 {
			parts = append(parts, piece)
		}
	}
	switch {
	case w.outside && w.alt.shape != nil:
		return overlay.DifferenceOfLayers(ctx, []geo.MultiPolygon{w.alt.shape}, parts)
	case len(parts) == 0:
		return nil, ctx.Err()
	}
	return overlay.Dissolve(ctx, parts)
}

// tellTheme adds the rows of one layer: the total, its groups, and of the base what lies
// outside.
func (s *sitingJob) tellTheme(a *alternative, f *themeFound, list *Table) ([]sitingRow, error) {
	rule := &f.theme.rule
	ruleText := fmt.Sprintf("%s：%s %s", rule.Kind, rule.Zh, rule.En)
	add := func(by string, class, name any, parts []sitePart, sum Area, ground, crop, evidence any) {
		var n, area, patch, net, share, v any
		if a.shape != nil && f.theme.layer != nil {
			n, area, patch, net = int64(len(parts)), sum, recordSum(parts, patchShare), recordSum(parts, netShare)
			share = min(1, float64(sum)/float64(max(a.area, 1)))
		}
		if by == "total" {
			v = verdictText[f.verdict]
		}
		list.Add(a.name, rule.Layer, f.theme.title.Zh, by, class, name, n, area, ground, patch, net, crop, share, ruleText, v, evidence)
	}
	if f.theme.layer == nil || a.shape == nil {
		evidence := "本版没有此图层 the edition has no such layer"
		if f.theme.layer != nil {
			evidence, f.verdict = "方案没有可用的图形 no plot can be read", missingVerdict
		}
		add("total", nil, nil, nil, 0, nil, nil, evidence)
		return []sitingRow{{alt: a, found: f}}, nil
	}
	evidence, err := f.evidence()
	if err != nil {
		return nil, err
	}
	rows := []sitingRow{{alt: a, found: f, parts: f.parts}}
	add("total", nil, nil, f.parts, f.sum, f.ground, f.crop, evidence)
	for _, by := range f.theme.groups {
		values, parts, err := f.groups(s.names, by)
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			sum := Area(0)
			for _, p := range parts[v] {
				sum += p.area
			}
			add(by, textCell(v), s.names.name(by, v), parts[v], sum, nil, nil, nil)
			rows = append(rows, sitingRow{alt: a, found: f, parts: parts[v]})
		}
	}
	if f == a.base {
		list.Add(a.name, rule.Layer, f.theme.title.Zh, "outside", nil, nil, nil, a.outside, a.outside, nil, nil, nil, float64(a.outside)/float64(max(a.area, 1)), ruleText, nil, nil)
		rows = append(rows, sitingRow{alt: a, found: f, parts: f.parts, outside: true})
	}
	return rows, nil
}

// evidence is where a rule comes from and the largest features that it is about.
func (f *themeFound) evidence() (any, error) {
	rule := &f.theme.rule
	text := rule.Source
	if !rule.Confirmed {
		text += "（规则未确认 not confirmed）"
	}
	if len(f.parts) == 0 {
		return text, nil
	}
	codes, err := f.largest()
	if err != nil {
		return nil, err
	}
	text += "；" + strings.Join(codes, "、")
	if n := len(f.parts); n > len(codes) {
		text += fmt.Sprintf(" 等 %d 个", n)
	}
	return text, nil
}

func patchShare(p *sitePart) int64 { return p.patch }

func netShare(p *sitePart) int64 { return p.net }

// recordSum adds up shares of record; nil where no part has one.
func recordSum(parts []sitePart, of func(p *sitePart) int64) any {
	sum, known := Area(0), len(parts) == 0
	for i := range parts {
		if v := of(&parts[i]); v != index.NoArea {
			sum, known = sum+Area(v), true
		}
	}
	if !known {
		return nil
	}
	return sum
}

// tellSum adds the row of an alternative.
func (s *sitingJob) tellSum(a *alternative, sums *Table) {
	unread, errors := int64(0), int64(0)
	for _, p := range a.plots {
		if p.shape == nil {
			unread++
		}
	}
	for i := range s.corrections {
		if c := &s.corrections[i]; c.alt == a && c.level == levelError {
			errors++
		}
	}
	var area, crop, outside, graded any
	if a.shape != nil {
		area, crop, outside, graded = a.area, a.crop, a.outside, a.gradedM2
	}
	of := func(layer string) any {
		for _, f := range a.found {
			if f.theme.rule.Layer == layer && f.theme.layer != nil && a.shape != nil {
				return f.ground
			}
		}
		return nil
	}
	var zh, en []string
	for _, r := range a.reasons {
		zh, en = append(zh, r.Zh), append(en, r.En)
	}
	var pbfNet any
	for _, f := range a.found {
		if f.theme.rule.Layer == "pbf" && f.theme.layer != nil && a.shape != nil {
			pbfNet = recordSum(f.parts, netShare)
		}
	}
	sums.Add(a.name, textCell(strings.Join(a.files, "、")), int64(len(a.plots)), unread, errors, area, crop, of("pbf"), pbfNet, of("redline"), of("reserve"), of("hsf"), outside,
		a.grade, graded, nil, verdictText[a.verdict], textCell(strings.Join(zh, "；")), textCell(strings.Join(en, "; ")), textCell(strings.Join(a.notJudged, "、")), a.pareto, textCell(strings.Join(a.dominatedBy, "、")))
}

// tell adds the row of a correction.
func (c *correction) tell(t *Table) {
	row := []any{nil, nil, c.alt.name, nil, nil, c.level, c.what.Code, textCell(c.stated), textCell(c.found),
		c.what.Found(problem.Chinese), textCell(c.what.Advice(problem.Chinese)), c.what.Found(problem.English), textCell(c.what.Advice(problem.English))}
	if p := c.plot; p != nil {
		row[0], row[1], row[3], row[4] = int64(p.order), textCell(p.number), textCell(p.name), textCell(p.given.File)
	}
	t.Add(row...)
}

// notes tells what the figures are without.
func (s *sitingJob) notes(r *Result) {
	for _, t := range s.themes[1:] {
		if t.layer == nil {
			r.note("没有图层 %[1]s：%[2]s 未判断", "there is no layer %[1]s: not judged (%[3]s)", t.rule.Layer, t.rule.Zh, t.rule.En)
		} else if t.rule.Kind != infoRule && !t.rule.Confirmed {
			r.note("图层 %[1]s 的规则未经确认（%[4]s）：只提示核实，不作结论", "the rule of layer %[1]s is not confirmed (%[4]s): it asks for a check and decides nothing", t.rule.Layer, t.rule.Zh, t.rule.En, t.rule.Source)
		}
	}
	for _, a := range s.alts {
		if a.noCrop > 0 {
			r.note("方案 %[1]s 有 %[2]d 个耕地图斑没有净面积记录，占用耕地合计里没有它们", "%[2]d patches of cropland of alternative %[1]s have no net area on record and are not in its sum", a.name, a.noCrop)
		}
	}
	if s.project == nil {
		r.note("没有说明项目类型：占用永久基本农田一律按不得占用", "the kind of project is not told: permanent basic farmland is denied")
	}
}
