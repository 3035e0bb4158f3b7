package analyze

import (
	"fmt"
	"strings"
	"testing"

	"gengtu/index/edition"
)

// answer is one of sums, of features that say so, of features that have a shape, and of
// features that are known by the name of a column.
func answer() *Result {
	area := Column{Name: "area", Kind: Areas}
	sums := &Table{Name: "sums", Columns: []Column{{Name: "xzqdm", Kind: Code}, area, {Name: "share", Kind: Ratio}, {Name: "edge", Kind: Length}, {Name: "rate", Kind: Number}, {Name: "n", Kind: Count}}}
	sums.Add("610402", Area(123456), 0.123456, 12.34, 1.5, int64(7))
	sums.Add("610403", nil, nil, nil, nil, nil)
	said := &Table{Name: "said", Columns: []Column{area}, Single: true}
	said.Add(Area(1))
	shaped := &Table{Name: "shaped", Columns: []Column{area}}
	shaped.Add(Area(2))
	named := &Table{Name: "named", Columns: []Column{{Name: "bsm", Kind: Code}, area}}
	named.Add("6104020000000000001", Area(3))
	r := &Result{
		Tables: []*Table{sums, said, shaped, named}, Shapes: []*Shapes{{Name: "x", Table: shaped}}, Extra: map[string]any{"sankey": 123456},
		Identities: []Identity{{Name: "closes", Left: 14999, Right: 15000}},
	}
	r.note("重叠 %s m²", "overlapping by %s m²", Area(123456))
	r.listNote("碎屑 %s m²", "slivers of %s m²", Area(654321))
	return r
}

// notes are the sentences of an answer in one line.
func notes(r *Result) string {
	var b strings.Builder
	for _, n := range r.Notes {
		b.WriteString(n.Zh + " " + n.En + "; ")
	}
	return b.String()
}

// Where the policy lets totals alone be told no row, and no shape, is one feature; where
// it rounds, nothing tells more than the step.
func TestLower(t *testing.T) {
	for name, p := range map[string]edition.Policy{"no pieces": {}, "totals": {Pieces: true, TotalsOnly: true}} {
		r := answer()
		r.lower(&p)
		for i, rows := range []int{2, 0, 0, 0} {
			if got := len(r.Tables[i].Rows); got != rows {
				t.Errorf("%s: table %s has %d rows, want %d", name, r.Tables[i].Name, got, rows)
			}
		}
		if len(r.Shapes) > 0 || len(r.Extra) > 0 || len(r.Notes) != 5 || strings.Contains(notes(r), "slivers") || !strings.Contains(notes(r), "overlapping by 1234.56") || r.Tables[0].Rows[0][1] != Area(123456) {
			t.Errorf("%s: %+v", name, r)
		}
		for _, n := range r.Notes {
			if strings.Contains(n.Zh+n.En, "%!") {
				t.Error(n)
			}
		}
	}
	r := answer()
	r.lower(&edition.Policy{Pieces: true, RoundM2: 100})
	if got, want := fmt.Sprint(r.Tables[0].Rows), "[[610402 120000 0.123 <nil> <nil> 7] [<nil>"; got[:28] != want[:28] {
		t.Errorf("%s, want %s…", got, want)
	}
	if got := fmt.Sprint(r.Tables[3].Rows); got != "[[6104020000000000001 0]]" {
		t.Error(got)
	}
	if x := r.Identities[0]; x.Left != 10000 || x.Right != 10000 || r.Extra != nil || len(r.Shapes) != 1 {
		t.Errorf("%+v, %v", x, r.Extra)
	}
	if told := notes(r); !strings.Contains(told, "重叠 1200.00 m² overlapping by 1200.00 m²") || !strings.Contains(told, "slivers of 6500.00") || strings.Contains(told, "1234.56") {
		t.Error(told)
	}
	both := answer()
	if both.lower(&edition.Policy{RoundM2: 100}); !strings.Contains(notes(both), "overlapping by 1200.00") || strings.Contains(notes(both), "slivers") {
		t.Error(notes(both))
	}
	r = answer()
	r.lower(&edition.Policy{Pieces: true})
	if fmt.Sprint(r.Tables[0].Rows[0]) != "[610402 123456 0.123456 12.34 1.5 7]" || len(r.Notes) != 2 || r.Extra == nil {
		t.Errorf("%+v", r)
	}
}

// Where the policy does not group by classes, sums by class are left out and no others.
func TestLowerGroups(t *testing.T) {
	for name, p := range map[string]edition.Policy{"another": {Pieces: true, Groups: []string{"QSXZ"}}, "totals": {Pieces: true, TotalsOnly: true}, "any": {Pieces: true}, "this": {Pieces: true, Groups: []string{"DLBM"}}} {
		classed := &Table{Name: "classed", Columns: []Column{{Name: "place", Kind: Code}, {Name: "from", Kind: Code}, {Name: "area", Kind: Areas}}}
		classed.Add("610402", "0101", Area(1))
		r := answer()
		r.Tables = append(r.Tables, classed)
		r.lower(&p)
		told := name == "any" || name == "this"
		if got := len(classed.Rows) == 1; got != told || len(r.Tables[0].Rows) != 2 || (r.Extra != nil) != told {
			t.Errorf("%s: %v %v", name, r.Tables, r.Extra)
		}
	}
}
