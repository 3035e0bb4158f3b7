package reconcile_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"gengtu/index/analyze"
	"gengtu/index/problem"
	"gengtu/index/reconcile"
)

func parse(t testing.TB, text string) *reconcile.Table {
	t.Helper()
	table, err := reconcile.ParseTable("数.csv", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// Tables are read by what their columns are called, in units of all sorts, exactly.
func TestParseTable(t *testing.T) {
	t.Parallel()
	gbk, err := simplifiedchinese.GBK.NewEncoder().String("行政区代码,面积（亩）\n610402,1.5\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		text string
		want string
	}{
		"mu":             {"行政区代码,行政区名称,面积（亩）\n610402,某县,1.5000\n合计,,1.5\n", "610402   100000 3.33"},
		"gbk":            {gbk, "610402   100000 3333.33"},
		"hectares":       {"\ufeffplace,layer,class,area_ha\n610402200100,cropland,0101,\"1,234.5678\"\n", "610402200100 cropland 0101 1234567800 50.00"},
		"a unit a row":   {"政区代码\t单位\t面积\n'6104\t平方米\t12.34\n6103\t公顷\t1\n", "6104   1234 0.50 6103   1000000 5000.00"},
		"of the survey":  {"ZLDWDM,DLBM,TBDLMJ\n610402001,0101,7.1\n610402002,0101,0\n", "610402001  0101 710 5.00 610402002  0101 0 5.00"},
		"halves go up":   {"place,area_m2\n61,0.005\n", "61   1 0.50"},
		"10,000 mu":      {"代码,面积(万亩)\n61,0.0001\n", "61   66667 33333.33"},
		"no end of line": {"代码,面积(㎡)\r\n61,5", "61   500 50.00"},
	} {
		got := ""
		for _, r := range parse(t, x.text).Rows {
			got += fmt.Sprintf(" %s %s %s %d %.2f", r.Place, r.Layer, r.Class, r.Area, r.Half)
		}
		if got != " "+x.want {
			t.Errorf("%s:%s, want %s", name, got, x.want)
		}
	}
}

// What is wrong is named, with its line.
func TestParseTableProblems(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          "FIGURES_READ",
		"代码,面积(亩)\n":                "FIGURES_READ",
		"名称,面积（亩）\n某县,1\n":          "FIGURES_COLUMN",
		"代码,名称\n61,x\n":             "FIGURES_COLUMN",
		"代码,面积\n61,1\n":             "FIGURES_UNIT",
		"代码,单位,面积\n61,顷,1\n":        "FIGURES_UNIT",
		"代码,面积（亩）\n61,1\n6x,2\n":    "FIGURES_PLACE",
		"代码,面积（亩）\n61,约 3\n":        "FIGURES_NUMBER",
		"代码,面积（亩）\n61,-3\n":         "FIGURES_NUMBER",
		"代码,面积（亩）\n61,1e3\n":        "FIGURES_NUMBER",
		"代码,面积（亩）\n61,1\n61,2\n":    "FIGURES_TWICE",
		"代码,面积（亩）\n61,1\n\"62,2\n":  "FIGURES_READ",
		"\xff\xff\xff\n\xff,\xff\n": "FIGURES_COLUMN",
	} {
		_, err := reconcile.ParseTable("x.csv", []byte(text))
		if p := problem.Of(err); p == nil || p.Code != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		} else if p.File != "x.csv" || p.Found(problem.Chinese) == "" {
			t.Errorf("%q: %v", text, p)
		}
	}
}

func FuzzParseTable(f *testing.F) {
	for _, s := range []string{"行政区代码,面积（亩）\n610402,1.5\n", "place,unit,area\n61,ha,1\n", "\ufeff代码\t面积(㎡)\n", `{"rows":[{"place":"61","layer":"cropland","area_m2":1}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := reconcile.ParseTable("x", data)
		if err != nil {
			if problem.Of(err) == nil {
				t.Errorf("no problem: %v", err)
			}
			return
		}
		for _, r := range table.Rows {
			if r.Area < 0 || !(r.Half >= 0.5) {
				t.Errorf("%+v", r)
			}
		}
	})
}

// Against reported figures there are differences by place and class and no reasons, and
// what the last decimal hides is rounding.
func TestReported(t *testing.T) {
	t.Parallel()
	c := newCounty()
	sums := map[string]int64{}
	for _, p := range c.to {
		if strings.HasPrefix(p.class, "01") {
			_, net := p.record()
			sums[p.place] += net
		}
	}
	mu := func(v int64) string { return fmt.Sprintf("%.2f", float64(v)*15/1e6) }
	text := "坐落单位代码,面积（亩）\n" + villageA + "," + mu(sums[villageA]) + "\n" + villageB + "," + mu(sums[villageB]+200000) + "\n"
	ix := c.open(t)
	q := reconcile.Question{A: operand(t, ix, "cropland@2024"), B: reconcile.Operand{Table: parse(t, text)}, By: "village"}
	r, err := reconcile.Run(t.Context(), q, reconcile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, row := range r.Tables[1].Rows {
		got += fmt.Sprintln(row[0], row[3], row[5], row[6])
	}
	found := func(place string) analyze.Area {
		for _, row := range q.B.Table.Rows {
			if row.Place == place {
				return row.Area
			}
		}
		return 0
	}
	want := fmt.Sprintln(villageA, sums[villageA], 0, found(villageA)) + fmt.Sprintln(villageB, sums[villageB], int64(found(villageB))-sums[villageB], found(villageB)) +
		fmt.Sprintln(villageC, sums[villageC], -sums[villageC], "<nil>")
	if got != want {
		t.Errorf("by village:\n%swant\n%s", got, want)
	}
	if d := int64(found(villageB)) - sums[villageB] - 200000; d < -400 || d > 400 {
		t.Errorf("the planted 2000 m² come out as %d", d+200000)
	}
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0].Zh, "没有要素") || len(r.Shapes) > 0 {
		t.Errorf("notes %v", r.Notes)
	}
	q.A = reconcile.Operand{Table: parse(t, "代码,单位,面积\n610402,亩,3\n")}
	if r, err = reconcile.Run(t.Context(), q, reconcile.Options{}); err != nil || len(r.Tables[1].Rows) != 1 {
		t.Errorf("two tables of which one is of the county: %v", err)
	}
	q.B.Table = parse(t, "代码,单位,面积\n610402,亩,3\n610402200,亩,1\n")
	if _, err = reconcile.Run(t.Context(), q, reconcile.Options{}); problem.Of(err) == nil || problem.Of(err).Code != "FIGURES_LEVELS" {
		t.Errorf("a county and a township of it: %v", err)
	}
}
