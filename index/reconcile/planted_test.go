package reconcile_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/benchmarks/suite"
	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/geo"
	"gengtu/index/reconcile"
)

// cause is one thing that is done to a county, and the lines that it shows in.
type cause struct {
	name  string
	lines []string
	plant func(c *county)
}

// causes are done to plots of their own, so that they can be done together.
var causes = []cause{
	{"parcels dropped and one found", []string{"ground"}, func(c *county) {
		c.drop(0, 0)
		c.drop(1, 0)
		c.drop(7, 5)
		c.to = append(c.to, plot{key: c.key(), rect: rect{-300, 10, -20, 200}, class: "0101", place: villageA, ridges: 0.04})
	}},
	{"parcels reclassed, whole and in part", []string{"reclassed"}, func(c *county) {
		c.at(3, 0).class = "0702"
		c.at(4, 0).class = "0301"
		c.at(2, 0).class = "0102"
		p := c.at(9, 0)
		rest := *p
		p.rect.x1 -= 150
		rest.rect.x0, rest.key, rest.class = p.rect.x1, c.key(), "1104"
		c.to = append(c.to, rest)
	}},
	{"other ridges", []string{"ridges"}, func(c *county) {
		for _, x := range []int{0, 2, 3} {
			c.at(x, 1).ridges = 0.07
		}
		c.at(8, 1).ridges = 0.01
	}},
	{"a feature twice", []string{"doubled"}, func(c *county) {
		// With records of their own, and ids above and below that of the feature.
		for range 4 {
			p := *c.at(0, 3)
			p.key, p.ridges = c.key(), 0.09
			c.to = append(c.to, p)
		}
	}},
	{"a border moved by 1 m", []string{"band"}, func(c *county) {
		// Plot 1,3 is cropland, 2,3 is not; then 6,3 and 5,3.
		c.at(1, 3).rect.x1 += 11
		c.at(2, 3).rect.x0 += 11
		c.at(6, 3).rect.x0 += 6
		c.at(5, 3).rect.x1 += 6
	}},
	{"a village's border moved, and the county's", []string{"transfer"}, func(c *county) {
		c.regionTo[0].rect.x1 += plotW
		c.regionTo[1].rect.x0 += plotW
		for y := range 4 {
			c.at(6, y).place = villageA
		}
		// Column 11 of the south leaves the county.
		c.regionTo[2].rect.x1 -= plotW
		for y := 4; y < rows; y++ {
			c.drop(columns-1, y)
		}
	}},
	{"records that say otherwise", []string{"record"}, func(c *county) {
		c.at(0, 6).extra = 512
		c.at(1, 6).extra = -77
	}},
	{"hundredths", []string{"rounding"}, func(c *county) {
		for _, x := range []int{0, 1, 3, 6, 7} {
			c.at(x, 7).cents = 1
		}
	}},
}

// one is a share of a feature in the truth.
type one struct {
	a, b, line string // keys, "" for none; line of what one side has alone
	twice      bool
}

// truth counts the bridge from the net areas of cropland cell by cell, and gives every
// share to the cause that was planted there.
func (c *county) truth() (map[string]int64, map[string]map[string]int64) {
	weights := [2]map[string]map[one]float64{{}, {}}
	add := func(s int, key string, x one, v float64) {
		if weights[s][key] == nil {
			weights[s][key] = map[one]float64{}
		}
		weights[s][key][x] += v
	}
	sides := [2][]plot{c.from, c.to}
	for _, cell := range cells(c.from, c.to, c.tagged(), c.regionFrom, c.regionTo) {
		var on [2][]string
		for s := range sides {
			for _, p := range sides[s] {
				if strings.HasPrefix(p.class, "01") && p.rect.has(cell.x0, cell.y0) {
					on[s] = append(on[s], p.key)
				}
			}
		}
		line := ""
		for _, g := range c.tags {
			if g.rect.has(cell.x0, cell.y0) {
				line = g.line
			}
		}
		hold := one{line: line}
		for s := range on {
			for _, k := range on[s] {
				if len(on[1-s]) == 0 || slices.Contains(on[1-s], k) || len(on[s]) == 1 {
					if s == 0 {
						hold.a = k
					} else {
						hold.b = k
					}
					break
				}
			}
		}
		if hold.a != "" && hold.b != "" {
			hold.line = ""
		}
		for s := range on {
			for _, k := range on[s] {
				x := hold
				x.twice = k != []string{hold.a, hold.b}[s]
				add(s, k, x, cell.m2())
			}
		}
	}
	return c.book(weights)
}

// book turns weights into shares of the records, and adds them up by line.
func (c *county) book(weights [2]map[string]map[one]float64) (map[string]int64, map[string]map[string]int64) {
	lines, byPlace := map[string]int64{}, map[string]map[string]int64{}
	pairs := map[one]int64{}
	put := func(line, place string, v int64) {
		lines[line] += v
		if byPlace[place] == nil {
			byPlace[place] = map[string]int64{}
		}
		byPlace[place][line] += v
	}
	before := map[one]int64{}
	for s := range weights {
		for _, key := range slices.Sorted(maps.Keys(weights[s])) {
			p := find([][]plot{c.from, c.to}[s], key)
			_, net := p.record()
			xs := slices.SortedFunc(maps.Keys(weights[s][key]), func(x, y one) int {
				return strings.Compare(x.a+x.b+x.line, y.a+y.b+y.line)
			})
			var w []float64
			for _, x := range xs {
				w = append(w, weights[s][key][x])
			}
			for i, v := range geo.LargestRemainder(geo.Hundredths(net), w) {
				x, sign := xs[i], []int64{-1, 1}[s]
				switch {
				case x.twice:
					put("doubled", p.place, sign*int64(v))
				case x.a == "" || x.b == "":
					put(x.line, p.place, sign*int64(v))
				default:
					if s == 0 {
						before[x] += int64(v)
					}
					pairs[x] += sign * int64(v)
				}
			}
		}
	}
	for x, v := range pairs {
		a, b := find(c.from, x.a), find(c.to, x.b)
		if a.place != b.place {
			put("transfer", a.place, -before[x])
			put("transfer", b.place, before[x])
		}
		line := "rounding"
		switch {
		case a.ridges != b.ridges:
			line = "ridges"
		case b.extra != 0:
			line = "record"
		}
		put(line, b.place, v)
	}
	return lines, byPlace
}

func find(list []plot, key string) *plot {
	return &list[slices.IndexFunc(list, func(p plot) bool { return p.key == key })]
}

func (c *county) tagged() []plot {
	var out []plot
	for _, t := range c.tags {
		out = append(out, plot{rect: t.rect})
	}
	return out
}

// tagAll says of all ground that one state alone has what was planted there.
func (c *county) tagAll() {
	c.tag(rect{-1000, -1000, columns*plotW + 1000, rows*plotH + 1000}, "ground")
	for _, x := range []int{3, 4, 2, 9} {
		c.tag(rect{x * plotW, 0, (x + 1) * plotW, plotH}, "reclassed")
	}
	c.tag(rect{2 * plotW, 3 * plotH, 2*plotW + 11, 4 * plotH}, "band")
	c.tag(rect{6 * plotW, 3 * plotH, 6*plotW + 6, 4 * plotH}, "band")
	c.tag(rect{11 * plotW, 4 * plotH, 12 * plotW, 8 * plotH}, "transfer")
}

// lineSums reads the lines off a bridge.
func lineSums(t testing.TB, r *analyze.Result) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	rows := r.Tables[0].Rows
	for _, row := range rows[1 : len(rows)-1] {
		if v := int64(row[3].(analyze.Area)); v != 0 {
			out[row[0].(string)] = v
		}
	}
	return out
}

func ask(t testing.TB, ix *index.Index, a, b string, more func(*reconcile.Question)) *analyze.Result {
	t.Helper()
	q := reconcile.Question{A: operand(t, ix, a), B: operand(t, ix, b), By: "village"}
	if more != nil {
		more(&q)
	}
	r, err := reconcile.Run(t.Context(), q, reconcile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func operand(t testing.TB, ix *index.Index, text string) reconcile.Operand {
	t.Helper()
	o, err := reconcile.ParseOperand(ix, text)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Each cause that is planted, one by one and all together, is recovered to 0.01 m² in its
// line, by village too, and no other line shows anything.
func TestPlanted(t *testing.T) {
	sets := map[string][]cause{"all together": causes, "nothing": nil}
	for _, x := range causes {
		sets[x.name] = []cause{x}
	}
	for name, set := range sets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCounty()
			var lines []string
			for _, x := range set {
				x.plant(c)
				lines = append(lines, x.lines...)
			}
			c.tagAll()
			want, places := c.truth()
			maps.DeleteFunc(want, func(_ string, v int64) bool { return v == 0 })
			r := ask(t, c.open(t), "cropland@2023", "cropland@2024", nil)
			got := lineSums(t, r)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("lines (-planted +found):\n%s", d)
			}
			for line := range got {
				if !slices.Contains(lines, line) && (line != "rounding" || got[line] > 9 || got[line] < -9) {
					t.Errorf("line %s has %d, and nothing of it was planted", line, got[line])
				}
			}
			for _, line := range lines {
				if got[line] == 0 && line != "transfer" {
					t.Errorf("line %s shows nothing", line)
				}
			}
			byVillage(t, r, places)
			suite.Count(t, "reconcile", float64(len(set)), "causes")
		})
	}
}

// byVillage compares the lines of each village.
func byVillage(t *testing.T, r *analyze.Result, want map[string]map[string]int64) {
	t.Helper()
	got := map[string]map[string]int64{}
	table := r.Tables[1]
	wider := 0
	for _, row := range table.Rows {
		if row[0] != "village" {
			if wider++; len(row[1].(string)) > 9 {
				t.Errorf("%v is told as a %v", row[1], row[0])
			}
			continue
		}
		m := map[string]int64{}
		for k := 4; k < len(row)-1; k++ {
			if v := int64(row[k].(analyze.Area)); v != 0 {
				m[strings.ReplaceAll(table.Columns[k].Name, "_", "-")] = v
			}
		}
		if len(m) > 0 {
			got[row[1].(string)] = m
		}
	}
	if wider != 5 { // a province, a prefecture, a county and two townships
		t.Errorf("%d rows of wider places", wider)
	}
	for _, m := range want {
		maps.DeleteFunc(m, func(_ string, v int64) bool { return v == 0 })
	}
	maps.DeleteFunc(want, func(_ string, m map[string]int64) bool { return len(m) == 0 })
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("by village (-planted +found):\n%s", d)
	}
}
