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
	return &Result{
		Tables: []*Table{sums, said, shaped, named}, Shapes: []*Shapes{{Name: "x", Table: shaped}}, Extra: map[string]any{"sankey": 123456},
		Identities: []Identity{{Name: "closes", Left: 14999, Right: 15000}},
	}
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
		if len(r.Shapes) > 0 || len(r.Extra) > 0 || len(r.Notes) != 4 || r.Tables[0].Rows[0][1] != Area(123456) {
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
	r = answer()
	r.lower(&edition.Policy{Pieces: true})
	if fmt.Sprint(r.Tables[0].Rows[0]) != "[610402 123456 0.123456 12.34 1.5 7]" || len(r.Notes) > 0 || r.Extra == nil {
		t.Errorf("%+v", r)
	}
}
