package reconcile_test

import (
	"strings"
	"testing"

	"gengtu/index/analyze"
	"gengtu/index/problem"
	"gengtu/index/reconcile"
)

// An answer that has several years side by side tells the same ground more than once: a
// year is to be chosen, and years are never added up.
func TestYearsOfAnAnswerAreNoSum(t *testing.T) {
	t.Parallel()
	table := &analyze.Table{Name: "dash_area", Columns: []analyze.Column{
		{Name: "xzqdm", Kind: analyze.Code}, {Name: "year", Kind: analyze.Text}, {Name: "crop", Kind: analyze.Areas}}}
	table.Add(villageA, "2023", analyze.Area(500))
	table.Add(villageA, "2024", analyze.Area(700))
	all, err := reconcile.TableOf(&analyze.Result{Run: "x", Question: &analyze.Question{Name: "summary"}, Tables: []*analyze.Table{table}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := all.Choose("crop"); problem.Of(err) == nil || problem.Of(err).Code != "FIGURES_COLUMN" || !strings.Contains(problem.Of(err).Advice(problem.English), "dash_area.crop@2024") {
		t.Errorf("a column of two years: %v", err)
	}
	for column, want := range map[string]analyze.Area{"crop@2023": 500, "dash_area.crop@2024": 700} {
		if got, err := all.Choose(column); err != nil || len(got.Rows) != 1 || got.Rows[0].Area != want {
			t.Errorf("%s: %+v, %v, not %d", column, got, err, want)
		}
	}
}

// A figure of more ground than is asked about is refused and not left out, which would
// read as none.
func TestFiguresOfMoreThanThePlace(t *testing.T) {
	t.Parallel()
	ix := newCounty().open(t)
	for text, want := range map[string]string{"代码,面积（亩）\n610402,30\n": "FIGURES_PLACE", "代码,面积（亩）\n" + villageA + ",30\n": ""} {
		q := reconcile.Question{A: operand(t, ix, "cropland@2024"), B: reconcile.Operand{Table: parse(t, text)}, By: "village", Place: villageA}
		_, err := reconcile.Run(t.Context(), q, reconcile.Options{})
		if p := problem.Of(err); want == "" && err != nil || want != "" && (p == nil || p.Code != want) {
			t.Errorf("%q: %v, not %q", text, err, want)
		}
	}
}
