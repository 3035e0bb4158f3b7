package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gengtu/index/analyze"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

func column(name string, k analyze.Kind, zh, en string) analyze.Column {
	return analyze.Column{Name: name, Title: edition.Title{Zh: zh, En: en}, Kind: k}
}

// answer makes the result of a bridge.
func (r *run) answer() (*analyze.Result, error) {
	out := r.result()
	for n, x := range r.sides {
		l := x.Layer
		out.Layers = append(out.Layers, analyze.LayerVersion{Layer: l.Meta.Name, Vintage: l.Meta.Vintage, Title: l.Meta.Title, Features: l.Len()})
		if x.missing > 0 {
			note(out, "%[1]s有 %[2]d 个要素库中没有%[3]s，按 0 计；其差额列入“%[5]s”", "%[2]d features of %[1]s have no %[4]s and count as 0; what that comes to stands under %[6]s",
				sideNames[n], x.missing, figureTitles[x.Figure].Zh, figureTitles[x.Figure].En, RecordLine.Title().Zh, RecordLine.Title().En)
		}
		if x.survey == nil {
			note(out, "%[1]s同时相没有 dltb 或 cropland：地类改变并入“%[2]s”", "%[1]s has neither dltb nor cropland of its vintage: what was reclassed stands under %[3]s", sideNames[n], GroundLine.Title().Zh, GroundLine.Title().En)
		}
	}
	r.names = map[string]string{}
	for n := len(r.sides) - 1; n >= 0; n-- {
		names, err := areas.PlaceNames(r.sides[n].Index, r.sides[n].Layer.Meta.Vintage)
		if err != nil {
			return nil, err
		}
		maps.Copy(r.names, names)
	}
	confirmed := ""
	confirmedEn := ""
	if r.WidthM == nil && !r.rules.WidthM.Confirmed {
		confirmed, confirmedEn = "（规则文件中尚未确认）", " (not confirmed in the rules)"
	}
	note(out, "数字化边带：平均宽度小于 %[1]g 米%[2]s", "the digitising band is ground of a mean width below %[1]g m%[3]s", r.width, confirmed, confirmedEn)
	byPlace := r.byPlace()
	bridge := r.bridge(byPlace)
	lines, shapes, err := r.lines()
	if err != nil {
		return nil, err
	}
	out.Tables = []*analyze.Table{bridge, byPlace, lines, r.operands()}
	if r.Shapes {
		out.Shapes = []*analyze.Shapes{shapes}
	}
	r.identities(out, bridge, byPlace, lines)
	return out, r.close(out)
}

// sideNames are what the sides are called in sentences of both languages.
var sideNames = [2]string{"A", "B"}

// note adds a sentence.
func note(out *analyze.Result, zh, en string, args ...any) {
	out.Notes = append(out.Notes, edition.Title{Zh: fmt.Sprintf(zh, args...), En: fmt.Sprintf(en, args...)})
}

// result is an answer without its tables.
func (r *run) result() *analyze.Result {
	out := &analyze.Result{Question: &About, Program: r.opt.Program, Formula: areas.Formula, Rules: r.opt.Rules.Version}
	p := map[string]string{"a": r.A.label(), "b": r.B.label(), "width_m": strconv.FormatFloat(r.width, 'g', -1, 64)}
	for n, o := range []*Operand{&r.A, &r.B} {
		if o.Layer == nil {
			continue
		}
		p["figure_"+strings.ToLower(sideNames[n])] = string(o.Figure)
		m := o.Index.Manifest
		if out.Generation == "" {
			out.Generation, out.Tier, out.Policy = m.Generation, m.Tier, m.Policy
		} else if out.Generation != m.Generation {
			out.Generation += " " + m.Generation
		}
	}
	if len(r.Only) > 0 {
		p["lines"] = joined(r.Only)
	}
	out.Request = analyze.Request{Question: About.Name, By: r.By, Place: r.Place, Parameters: p}
	return out
}

func joined(lines []Line) string {
	var names []string
	for _, l := range lines {
		names = append(names, string(l))
	}
	return strings.Join(names, ",")
}

// label names an operand in an answer, without the directory that it lies in.
func (o *Operand) label() string {
	if o.Table != nil {
		return o.Table.Name + " sha256:" + o.Table.Digest[:16]
	}
	name := o.Layer.Meta.Key()
	if o.Class != "" {
		name += ":" + o.Class
	}
	return o.Index.Manifest.Generation + "#" + name
}

// close names the answer and refuses to give one that does not close.
func (r *run) close(out *analyze.Result) error {
	for _, i := range out.Identities {
		if !i.Holds() {
			return problem.New("RECONCILE_OPEN", "对不上：%[1]s：%.2[3]f 与 %.2[4]f m²", "it does not close: %[2]s: %.2[3]f and %.2[4]f m²",
				i.Title.Zh, i.Title.En, geo.Hundredths(i.Left).M2(), geo.Hundredths(i.Right).M2())
		}
	}
	h := sha256.New()
	e := json.NewEncoder(h)
	for _, v := range []any{out.Request, out.Generation, out.Rules, out.Program} {
		if err := e.Encode(v); err != nil {
			return err
		}
	}
	out.Run = hex.EncodeToString(h.Sum(nil))[:16]
	return nil
}

// levels are the levels that rows are told by: the one asked for, and all wider ones.
func (r *run) levels() []areas.Level {
	return areas.Levels[:slices.Index(areas.Levels, r.By)+1]
}

// byPlace is the bridge of each place, at the level asked for and all wider ones.
func (r *run) byPlace() *analyze.Table {
	t := &analyze.Table{Name: "bridge_by_place", Title: edition.Title{Zh: "按政区的差额桥", En: "the bridge by place"}, Columns: []analyze.Column{
		column("level", analyze.Code, "级别", "level"), column("xzqdm", analyze.Code, "政区代码", "place"), column("xzqmc", analyze.Text, "政区名称", "place name"),
		column("a", analyze.Areas, "甲数", "figure A"),
	}}
	for _, l := range Lines {
		t.Columns = append(t.Columns, column(strings.ReplaceAll(string(l), "-", "_"), analyze.Areas, l.Title().Zh, l.Title().En))
	}
	t.Columns = append(t.Columns, column("b", analyze.Areas, "乙数", "figure B"))
	for _, level := range r.levels() {
		rows := map[string]*placeSums{}
		for n := range r.sums.places {
			code := r.sums.list[n]
			if !strings.HasPrefix(code, r.Place) {
				continue
			}
			code = code[:min(len(code), level.Digits())]
			if rows[code] == nil {
				rows[code] = &placeSums{}
			}
			rows[code].plus(&r.sums.places[n])
		}
		for _, code := range slices.Sorted(maps.Keys(rows)) {
			x := rows[code]
			if *x == (placeSums{}) {
				continue
			}
			row := []any{string(level), code, r.name(code), x.a}
			for k := range Lines {
				row = append(row, x.lines[k])
			}
			t.Add(append(row, x.b)...)
		}
	}
	return t
}

func (s *placeSums) plus(x *placeSums) {
	s.a += x.a
	s.b += x.b
	for k := range s.lines {
		s.lines[k] += x.lines[k]
	}
}

func (r *run) name(code string) any {
	if n := r.names[code]; n != "" {
		return n
	}
	return nil
}

// bridge is the bridge of everything that was asked about.
func (r *run) bridge(byPlace *analyze.Table) *analyze.Table {
	t := &analyze.Table{Name: "bridge", Title: edition.Title{Zh: "差额桥", En: "the bridge"}, Columns: []analyze.Column{
		column("line", analyze.Code, "项", "line"), column("name", analyze.Text, "名称", "name in Chinese"), column("name_en", analyze.Text, "英文名称", "name"),
		column("area", analyze.Areas, "面积", "area"), column("after", analyze.Areas, "累计", "so far"),
		column("features", analyze.Count, "要素数", "features"), column("share", analyze.Ratio, "占各项绝对值之和", "share of the lines' absolute sum"),
	}}
	var all placeSums
	for _, row := range byPlace.Rows {
		if row[0] == string(areas.Levels[0]) {
			x := placeSums{a: row[3].(analyze.Area), b: row[len(row)-1].(analyze.Area)}
			for k := range Lines {
				x.lines[k] = row[4+k].(analyze.Area)
			}
			all.plus(&x)
		}
	}
	counts := r.counts()
	whole := analyze.Area(0)
	for _, v := range all.lines {
		whole += max(v, -v)
	}
	end := func(n int, line, zh, en string, v analyze.Area) {
		_, features, _ := r.sides[n].total()
		t.Add(line, zh, en, v, v, int64(features), nil)
	}
	end(0, "a", "甲数："+figureTitles[r.A.Figure].Zh, "figure A: "+figureTitles[r.A.Figure].En, all.a)
	after := all.a
	for k, l := range Lines {
		after += all.lines[k]
		share := 0.0
		if whole > 0 {
			share = float64(max(all.lines[k], -all.lines[k])) / float64(whole)
		}
		t.Add(string(l), l.Title().Zh, l.Title().En, all.lines[k], after, counts[k], share)
	}
	end(1, "b", "乙数："+figureTitles[r.B.Figure].Zh, "figure B: "+figureTitles[r.B.Figure].En, all.b)
	return t
}

// counts counts the features of each line, those of A and those of B; one that is in
// both states counts in each.
func (r *run) counts() (out [10]int64) {
	digits := r.By.Digits()
	var seen [10][2]map[int32]bool
	for i := range r.items {
		x := &r.items[i]
		if !strings.HasPrefix(r.sums.list[x.place], r.Place) || x.line == number(Transfer) && r.sameAt(x, digits) {
			continue
		}
		for s, f := range []int32{x.a, x.b} {
			if f < 0 {
				continue
			}
			if seen[x.line][s] == nil {
				seen[x.line][s] = map[int32]bool{}
			}
			if !seen[x.line][s][f] {
				seen[x.line][s][f] = true
				out[x.line]++
			}
		}
	}
	return out
}

// sameAt tells whether ground that both sides have is in one place at a level.
func (r *run) sameAt(x *item, digits int) bool {
	if x.a < 0 || x.b < 0 {
		return false
	}
	pa, pb := r.placesOf(&part{a: x.a, b: x.b, other: -1})
	a, b := r.sums.list[pa], r.sums.list[pb]
	return a[:min(len(a), digits)] == b[:min(len(b), digits)]
}

// operands is what the sides are.
func (r *run) operands() *analyze.Table {
	t := &analyze.Table{Name: "operands", Title: edition.Title{Zh: "两个数的来源", En: "what the figures are of"}, Columns: []analyze.Column{
		column("side", analyze.Code, "方", "side"), column("generation", analyze.Code, "代", "generation"), column("layer", analyze.Code, "图层", "layer"), column("vintage", analyze.Code, "时相", "vintage"),
		column("class", analyze.Code, "地类", "class"), column("figure", analyze.Code, "口径", "kind of figure"), column("figure_name", analyze.Text, "口径说明", "figure in Chinese"),
		column("features", analyze.Count, "要素数", "features"), column("missing", analyze.Count, "库中无此面积的要素数", "features without it"), column("area", analyze.Areas, "面积", "area"),
	}}
	for n, x := range r.sides {
		sum, features, missing := x.total()
		var area any = sum
		if x.Figure == Ground {
			area = nil // ground once is not a sum of features
		}
		t.Add(sideNames[n], x.Index.Manifest.Generation, x.Layer.Meta.Name, x.Layer.Meta.Vintage, x.Class, string(x.Figure), figureTitles[x.Figure].Zh, int64(features), int64(missing), area)
	}
	return t
}

// identities holds the tables against each other and against the records alone.
func (r *run) identities(out *analyze.Result, bridge, byPlace, lines *analyze.Table) {
	add := func(name, zh, en string, left, right analyze.Area) {
		out.Identities = append(out.Identities, analyze.Identity{Name: name, Title: edition.Title{Zh: zh, En: en}, Left: left, Right: right})
	}
	rows := bridge.Rows
	first, last := rows[0][3].(analyze.Area), rows[len(rows)-1][3].(analyze.Area)
	sum := first
	for _, row := range rows[1 : len(rows)-1] {
		sum += row[3].(analyze.Area)
	}
	add("bridge", "甲数加各项等于乙数", "A and the lines are B", sum, last)
	listed := analyze.Area(0)
	for _, row := range lines.Rows {
		listed += row[len(row)-1].(analyze.Area)
	}
	add("lines", "要素的差额之和等于乙数减甲数", "the features' differences are B less A", listed, last-first)
	for _, level := range r.levels() {
		a, b, each := analyze.Area(0), analyze.Area(0), analyze.Area(0)
		for _, row := range byPlace.Rows {
			if row[0] != string(level) {
				continue
			}
			open := row[3].(analyze.Area)
			for _, v := range row[4 : len(row)-1] {
				open += v.(analyze.Area)
			}
			closing := row[len(row)-1].(analyze.Area)
			each += max(open-closing, closing-open)
			a, b = a+row[3].(analyze.Area), b+closing
		}
		add("place-"+string(level), "各政区逐一对上（"+string(level)+"）", "every place closes ("+string(level)+")", each, 0)
		add("rollup-"+string(level), "各政区之和等于总数（"+string(level)+"）", "places add up to the whole ("+string(level)+")", b-a, last-first)
	}
	if r.Place != "" {
		return
	}
	for n, x := range r.sides {
		if x.Figure == Ground {
			continue
		}
		total, _, _ := x.total()
		add("figure-"+strings.ToLower(sideNames[n]), sideNames[n]+"等于库中逐要素之和", "figure "+sideNames[n]+" is the sum of its features", []analyze.Area{first, last}[n], total)
	}
}
