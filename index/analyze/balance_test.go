package analyze_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/analyzetest"
	"gengtu/index/areas"
	"gengtu/index/edition"
)

var viewOfCropland = &edition.View{Of: "dltb", Field: "DLBM", Prefix: "01"}

// moving is a county with much change, plots of supplement cropland, some of them on each
// other and of years before, and approvals.
func moving(seed uint64) *analyzetest.County {
	c := analyzetest.New(seed, 24, 16, 60)
	rnd := rand.New(rand.NewPCG(seed, 3))
	classes := []string{"0101", "0103", "0301", "0702", "1204", "1202", "1003"}
	a, b := c.Layer("dltb", "2023"), c.Layer("dltb", "2024")
	for i := range b.Features {
		if rnd.IntN(2) == 0 {
			b.Set(i, "DLBM", classes[rnd.IntN(len(classes))])
		}
	}
	for i := range a.Features {
		if class := a.Text(i, "DLBM"); class[:2] != "01" && rnd.IntN(3) == 0 {
			a.Set(i, "ZZSXDM", "JKHF")
		}
	}
	c.Rectangles(rnd, "supplement@2024", 14, 8, analyzetest.Fields("BSM", "DKBH", "SSND:integer"), func(i int) []any {
		return []any{fmt.Sprint("S", i), fmt.Sprint(i), int64(2022 + i%3)}
	})
	types := []any{"ZZ_NYDZYFW", "XS_XMKJFW", nil}
	l := c.Rectangles(rnd, "approval@2024", 12, 6, analyzetest.Fields("BSM", "YWLX", "XMMC"), func(i int) []any {
		return []any{fmt.Sprint("A", i), types[i%3], "项目"}
	})
	for i := range l.Features {
		l.Features[i].Patch = 123456
	}
	return c
}

// pairOn is what patches of both states share with a set of features of another layer.
type pairOn struct {
	from, to int
	on       string
}

// pairsOn adds the ground of a county up by patches before and after, and by the features of
// a layer on it: their places in a list of least ids first, joined by commas.
func pairsOn(c *analyzetest.County, other *analyzetest.Layer, takes func(i int) bool) map[pairOn]float64 {
	out := map[pairOn]float64{}
	a, b := c.Layer("dltb", "2023"), c.Layer("dltb", "2024")
	for cell := range c.W * c.H {
		var on []string
		for _, i := range other.On(cell) { // ids rise with places
			if takes(i) {
				on = append(on, fmt.Sprint(i))
			}
		}
		out[pairOn{a.On(cell)[0], b.On(cell)[0], strings.Join(on, ",")}] += c.Area(cell)
	}
	return out
}

// way is in or out of cropland, "" for neither.
func way(before, after string) string {
	switch a, b := before[:2] == "01", after[:2] == "01"; {
	case a && !b:
		return "out"
	case b && !a:
		return "in"
	}
	return ""
}

// kindOfClass is written down apart from the rules.
func kindOfClass(class string) string {
	switch class {
	case "0702", "1003":
		return "occupation"
	case "1204":
		return "other"
	}
	return "conversion"
}

func TestBalanceAgainstCells(t *testing.T) {
	for seed := range uint64(6) {
		c := moving(seed)
		a, b, s := c.Layer("dltb", "2023"), c.Layer("dltb", "2024"), c.Layer("supplement", "2024")
		if seed == 5 { // without records
			b.Features[7].Patch, b.Features[7].Net = index.NoArea, index.NoArea
		}
		ix := c.Partitioned(t)
		for _, level := range []areas.Level{"county", "village"} {
			r := ask(t, ix, analyze.Request{Question: "balance", By: level}, analyze.Options{})
			want, pairs, twice, plots := map[string]float64{}, map[string]int{}, map[string]float64{}, map[string]float64{}
			for p, m2 := range pairsOn(c, s, func(i int) bool { return s.Text(i, "SSND") == "2024" }) {
				before, after := a.Text(p.from, "DLBM"), b.Text(p.to, "DLBM")
				f, g := &a.Features[p.from], &b.Features[p.to]
				place := g.Place[:min(len(g.Place), level.Digits())]
				var share float64
				var kind string
				switch way(before, after) {
				case "out":
					share, _ = record(f, m2/c.AreaOf(f.Cells))
					kind = kindOfClass(after)
				case "in":
					share, _ = record(g, m2/c.AreaOf(g.Cells))
					kind = kindOfClass(before)
					if p.on == "" && kind != "conversion" {
						kind = "other"
					}
					if p.on != "" {
						kind = "occupation"
						list := strings.Split(p.on, ",")
						plots[s.Text(atoi(list[0]), "BSM")] += m2
						for _, o := range list[1:] {
							twice[s.Text(atoi(list[0]), "BSM")+" "+s.Text(atoi(o), "BSM")] += m2
						}
						if a.Text(p.from, "ZZSXDM") == "JKHF" {
							twice[s.Text(atoi(list[0]), "BSM")+" "] += m2
						}
					}
				default:
					continue
				}
				k := kind + " " + way(before, after) + " " + place
				want[k] += share
				pairs[k]++
			}
			got := map[string]analyze.Area{}
			for _, kind := range []string{"occupation", "conversion", "other"} {
				x := tableOf(t, r, kind)
				for _, way := range []string{"in", "out"} {
					for p, v := range sums(t, x, way, 14, "xzqdm") {
						got[kind+" "+way+" "+p] = v
					}
				}
			}
			near(t, fmt.Sprint("seed ", seed), got, want, pairs)
			near(t, "used twice", sums(t, tableOf(t, r, "errors"), "area", 14, "plot", "other_plot"), twice, manyPairs(twice))
			near(t, "plots", sums(t, tableOf(t, r, "plots"), "new_area", 14, "plot"), plots, manyPairs(plots))
			itemsAddUp(t, r)
		}
	}
}

func atoi(s string) int {
	n := 0
	for _, d := range s {
		n = 10*n + int(d-'0')
	}
	return n
}

// manyPairs allows for the shares of some twenty patches each.
func manyPairs(all map[string]float64) map[string]int {
	out := map[string]int{}
	for k := range all {
		out[k] = 20
	}
	return out
}

// itemsAddUp holds the tables of places against the list, row by row.
func itemsAddUp(t testing.TB, r *analyze.Result) {
	t.Helper()
	items := sums(t, tableOf(t, r, "items"), "net", 14, "kind", "direction", "xzqdm")
	for _, kind := range []string{"occupation", "conversion", "other"} {
		for way, word := range map[string]string{"in": "流入", "out": "流出"} {
			want := map[string]analyze.Area{}
			for k, v := range items {
				if p, ok := strings.CutPrefix(k, kind+" "+word+" "); ok {
					want[p] = v
				}
			}
			if d := cmp.Diff(want, sums(t, tableOf(t, r, kind), way, 14, "xzqdm"), noZeros); d != "" {
				t.Errorf("%s, %s (-items +table):\n%s", kind, way, d)
			}
		}
	}
}

func TestBalanceRollsUp(t *testing.T) {
	ix := moving(1).Index(t)
	fine := ask(t, ix, analyze.Request{Question: "balance", By: "group"}, analyze.Options{})
	for _, level := range areas.Levels[:5] {
		wide := ask(t, ix, analyze.Request{Question: "balance", By: level}, analyze.Options{})
		for _, kind := range []string{"occupation", "conversion"} {
			for _, column := range []string{"out", "in", "net", "paddy_out", "paddy_in", "dry_out", "dry_in", "approved_out", "double_in", "out_area", "in_area"} {
				if d := cmp.Diff(sums(t, tableOf(t, fine, kind), column, level.Digits(), "xzqdm"), sums(t, tableOf(t, wide, kind), column, 14, "xzqdm"), noZeros); d != "" {
					t.Errorf("%s of %s by %s (-groups +%[3]s):\n%s", column, kind, level, d)
				}
			}
		}
	}
}

// A question about a place is answered with what the whole answer says of it.
func TestBalanceOfPlace(t *testing.T) {
	c := moving(2)
	disturbPlaces(c)
	ix := c.Index(t)
	whole := ask(t, ix, analyze.Request{Question: "balance", By: "village"}, analyze.Options{})
	part := ask(t, ix, analyze.Request{Question: "balance", By: "village", Place: "619901100"}, analyze.Options{})
	for _, kind := range []string{"occupation", "conversion", "other"} {
		for _, column := range []string{"out", "in"} {
			want := sums(t, tableOf(t, whole, kind), column, 14, "xzqdm")
			for p := range want {
				if !strings.HasPrefix(p, "619901100") {
					delete(want, p)
				}
			}
			if d := cmp.Diff(want, sums(t, tableOf(t, part, kind), column, 14, "xzqdm"), noZeros); d != "" {
				t.Errorf("%s of %s (-all +of the place):\n%s", column, kind, d)
			}
		}
	}
	x := tableOf(t, part, "conversion")
	if got := x.Rows[0][x.Column("status")].(string); !strings.Contains(got, "上级未算") {
		t.Errorf("the status of a part of a county is %s", got)
	}
}

// disturbPlaces moves patches to other villages.
func disturbPlaces(c *analyzetest.County) {
	b := c.Layer("dltb", "2024")
	for i := range b.Features {
		if i%7 == 0 {
			b.Features[i].Place = "61990110120101"
		}
		if i%11 == 0 {
			b.Features[i].Place = "61990110020102"
		}
	}
}

// The status is that of the county, then the prefecture, then the province; a transition
// period that is asked for is not held against it, one that a rule names unconfirmed is.
func TestBalanceStatus(t *testing.T) {
	c := &analyzetest.County{W: 8, H: 1}
	a, b := &analyzetest.Layer{Name: "dltb", Vintage: "2023", Class: "DLBM"}, &analyzetest.Layer{Name: "dltb", Vintage: "2024", Class: "DLBM"}
	a.Fields, b.Fields = analyzetest.Fields("BSM", "DLBM", "ZZSXDM", "GDDB:integer"), analyzetest.Fields("BSM", "DLBM", "ZZSXDM", "GDDB:integer")
	for cell, row := range []struct{ place, before, after string }{
		{"619901", "0101", "0301"}, {"619901", "0103", "0103"}, // lacks 1000
		{"619902", "0301", "0103"}, {"619902", "0301", "0103"}, {"619902", "0103", "0103"}, // has 2000 too much
		{"618801", "0103", "0301"}, {"618801", "0103", "0301"}, {"628801", "0103", "1104"},
	} {
		for n, l := range []*analyzetest.Layer{a, b} {
			class := []string{row.before, row.after}[n]
			l.Features = append(l.Features, analyzetest.Feature{ID: uint64(100 + cell), Cells: []int{cell}, Patch: 100000, Net: 100000, Place: row.place, Values: []any{fmt.Sprint(cell), class, "", int64(3 + cell)}})
		}
	}
	c.Layers = []*analyzetest.Layer{a, b, {Name: "cropland", Vintage: "2023", Fields: a.Fields, Class: "DLBM", View: viewOfCropland}, {Name: "cropland", Vintage: "2024", Fields: a.Fields, Class: "DLBM", View: viewOfCropland}}
	ix := c.Index(t)
	statuses := func(req analyze.Request, opt analyze.Options) map[string]string {
		req.Question, req.By = "balance", "county"
		x := tableOf(t, ask(t, ix, req, opt), "conversion")
		out := map[string]string{}
		for _, row := range x.Rows {
			out[row[0].(string)] = fmt.Sprint(row[x.Column("status")], " ", row[x.Column("net")], " ", row[x.Column("transition_out")])
		}
		return out
	}
	plain := map[string]string{"619901": "市州内平衡 -100000 0", "619902": "县内平衡 200000 0", "618801": "缺口 -200000 0", "628801": "缺口 -100000 0"}
	if d := cmp.Diff(plain, statuses(analyze.Request{}, analyze.Options{})); d != "" {
		t.Errorf("statuses (-wanted +found):\n%s", d)
	}
	apart := map[string]string{"619901": "县内平衡 0 100000", "619902": "县内平衡 200000 0", "618801": "县内平衡 0 200000", "628801": "县内平衡 0 100000"}
	if d := cmp.Diff(apart, statuses(analyze.Request{Parameters: map[string]string{"transition_until": "2024"}}, analyze.Options{})); d != "" {
		t.Errorf("statuses in a transition period (-wanted +found):\n%s", d)
	}
	if d := cmp.Diff(plain, statuses(analyze.Request{Parameters: map[string]string{"transition_until": "2023"}}, analyze.Options{})); d != "" {
		t.Errorf("statuses after a transition period (-wanted +found):\n%s", d)
	}
	text := string(analyze.RulesText())
	rules, err := analyze.ParseRules("rules.yaml", []byte(strings.Replace(text, `transition_until: {value: ""`, `transition_until: {value: "2024"`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for k, v := range plain {
		told[k] = v[:strings.LastIndex(v, " ")] + apart[k][strings.LastIndex(apart[k], " "):]
	}
	if d := cmp.Diff(told, statuses(analyze.Request{}, analyze.Options{Rules: rules})); d != "" {
		t.Errorf("statuses with an unconfirmed rule (-wanted +found):\n%s", d)
	}
	x := tableOf(t, ask(t, ix, analyze.Request{Question: "balance", By: "prefecture"}, analyze.Options{}), "conversion")
	i := slices.IndexFunc(x.Rows, func(row []any) bool { return row[0] == "6199" })
	if row := x.Rows[i]; row[x.Column("status")] != "市州内平衡" || row[x.Column("grade_out")] != 3.0 || row[x.Column("grade_in")] != 5.5 || row[x.Column("grade_worse")] != true {
		t.Errorf("the prefecture is told as %v", row)
	}
}
