package analyze_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/analyzetest"
	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// tractCounty puts features over a county of cells, in groups by columns as analyzetest does it.
func tractCounty(w, h int, sets ...[]int) *analyzetest.County {
	c := &analyzetest.County{W: w, H: h}
	pbf := &analyzetest.Layer{Name: "pbf", Vintage: "2024", Fields: analyzetest.Fields("BSM")}
	for i, set := range sets {
		area := int64(geo.HundredthsOf(c.AreaOf(set)))
		pbf.Features = append(pbf.Features, analyzetest.Feature{ID: uint64(i + 1), Cells: set, Patch: area, Net: area * 9 / 10, Values: []any{fmt.Sprint(i + 1)},
			Place: fmt.Sprintf("619901%03d%03d%02d", 100+set[0]%w*2/w, 200, 1)})
	}
	c.Layers = append(c.Layers, pbf)
	return c
}

// rectangle is the cells of a rectangle.
func (c gridOf) rectangle(x, y, w, h int) []int {
	var set []int
	for v := y; v < y+h; v++ {
		for u := x; u < x+w; u++ {
			set = append(set, v*int(c)+u)
		}
	}
	return set
}

// gridOf is the width of a county.
type gridOf int

// askContiguity runs contiguity.
func askContiguity(t *testing.T, ix *index.Index, req analyze.Request) *analyze.Result {
	t.Helper()
	req.Question = "contiguity"
	r, err := analyze.Run(t.Context(), ix, req, analyze.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tractTable(t *testing.T, r *analyze.Result, name string) *analyze.Table {
	t.Helper()
	for _, x := range r.Tables {
		if x.Name == name {
			return x
		}
	}
	t.Fatalf("no table %s", name)
	return nil
}

// tractRow returns the row whose columns have these values, name and value in turn.
func tractRow(t *testing.T, x *analyze.Table, where ...any) func(column string) any {
	t.Helper()
	for _, r := range x.Rows {
		ok := true
		for i := 0; i < len(where); i += 2 {
			ok = ok && r[x.Column(where[i].(string))] == where[i+1]
		}
		if ok {
			return func(column string) any { return r[x.Column(column)] }
		}
	}
	t.Fatalf("%s has no row %v", x.Name, where)
	return nil
}

// Four equal squares: joined to one their coherence is 1, apart 0.25 (domain 6.4).
func TestContiguityOfFourSquares(t *testing.T) {
	g := gridOf(20)
	for _, c := range []struct {
		name      string
		step      int
		gaps      string
		n         int64
		coherence float64
	}{
		{"side by side", 2, "0", 1, 1},
		{"a cell of some 20 m apart", 3, "0", 4, 0.25},
		{"a cell apart, at 25 m", 3, "25", 1, 1},
		{"three cells apart, at 25 m", 5, "25", 4, 0.25},
	} {
		// All in one row of cells, so that they are equal to the last unit.
		ix := tractCounty(20, 20, g.rectangle(0, 0, 2, 1), g.rectangle(c.step, 0, 2, 1), g.rectangle(2*c.step, 0, 2, 1), g.rectangle(3*c.step, 0, 2, 1)).Index(t)
		r := askContiguity(t, ix, analyze.Request{Parameters: map[string]string{"gaps": c.gaps}})
		all := tractRow(t, tractTable(t, r, "contiguity_total"))
		if all("n") != c.n || math.Abs(all("coherence").(float64)-c.coherence) > 1e-12 {
			t.Errorf("%s: %v components, C = %v, want %v and %v", c.name, all("n"), all("coherence"), c.n, c.coherence)
		}
		if all("mesh").(analyze.Area) != analyze.Area(math.Round(c.coherence*float64(all("area").(analyze.Area)))) {
			t.Errorf("%s: the mesh is %v of %v", c.name, all("mesh"), all("area"))
		}
	}
}

// Components are drawn as the ground of their patches, in canonical form, at every gap.
func TestContiguityShapes(t *testing.T) {
	c := analyzetest.New(5, 40, 30, 80)
	r := askContiguity(t, c.Index(t), analyze.Request{Parameters: map[string]string{"gaps": "0,25"}})
	s := r.Shapes[0]
	if s.Name != s.Table.Name {
		t.Errorf("the layer %s shows the table %s", s.Name, s.Table.Name)
	}
	for i, x := range s.Table.Rows {
		m, err := s.Geometry(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		again, findings, err := overlay.Mend(m)
		if err != nil || len(findings) > 0 || fmt.Sprint(again) != fmt.Sprint(m) {
			t.Errorf("row %d: the shape is not canonical: %v %v", i, findings, err)
		}
		// No patches of pbf overlap, so that the ground is the sum.
		if got, want := geo.Area(m), float64(x[s.Table.Column("area")].(analyze.Area))/100; math.Abs(got-want) > 0.01*float64(x[s.Table.Column("patches")].(int64)) {
			t.Errorf("row %d: the shape has %v m², the row says %v", i, got, want)
		}
	}
	if len(s.Table.Rows) == 0 {
		t.Error("no components")
	}
}

// tractShape is a rectangle of cells as a shape of a request.
func tractShape(id string, x, y, w, h float64) areas.Given {
	lon := func(v float64) float64 { return (analyzetest.West + v*analyzetest.Step) / 1e10 }
	lat := func(v float64) float64 { return (analyzetest.South + v*analyzetest.Step) / 1e10 }
	return areas.Given{ID: []byte(id), Polygons: [][][]geo.XY{{{
		{X: lon(x), Y: lat(y)}, {X: lon(x + w), Y: lat(y)}, {X: lon(x + w), Y: lat(y + h)}, {X: lon(x), Y: lat(y + h)}, {X: lon(x), Y: lat(y)},
	}}}}
}

// A proposal is told beside the state: a shape that joins three fields, of which only
// what is no field yet counts, a shape that is a field already, and a field taken out.
func TestContiguityOfProposal(t *testing.T) {
	g := gridOf(40)
	c := tractCounty(40, 20, g.rectangle(0, 0, 4, 4), g.rectangle(8, 0, 4, 4), g.rectangle(4, 6, 4, 4), g.rectangle(30, 0, 5, 5))
	ix := c.Index(t)
	req := analyze.Request{
		Parameters: map[string]string{"gaps": "0,50", "remove": "4"},
		// Two cells wide of the first field, the gap, and the upper field's border.
		Shapes: []areas.Given{tractShape(`"甲"`, 2, 0, 6, 6), tractShape("7", 9, 1, 1, 1)},
	}
	r := askContiguity(t, ix, req)
	total := func(gap float64) func(string) any {
		return tractRow(t, tractTable(t, r, "contiguity_change_total"), "gap_m", gap)
	}
	if x := total(0); x("n_before") != int64(4) || x("n_after") != int64(1) || x("coherence_after") != 1.0 {
		t.Errorf("at 0 m: %v components before, %v after, C %v", x("n_before"), x("n_after"), x("coherence_after"))
	}
	added := int64(geo.HundredthsOf(c.AreaOf(g.rectangle(2, 0, 6, 6)) - c.AreaOf(g.rectangle(2, 0, 2, 4))))
	gone := int64(geo.HundredthsOf(c.AreaOf(g.rectangle(30, 0, 5, 5))))
	if x := total(50); int64(x("area_after").(analyze.Area)) != int64(x("area_before").(analyze.Area))+added-gone {
		t.Errorf("%v before, %v after, added %v, removed %v", x("area_before"), x("area_after"), added, gone)
	}
	effect := tractRow(t, tractTable(t, r, "contiguity_proposal"), "shape", "甲", "gap_m", 0.0)
	if effect("joined") != int64(3) || effect("area") != analyze.Area(added) || effect("given") != analyze.Area(int64(geo.HundredthsOf(c.AreaOf(g.rectangle(2, 0, 6, 6))))) {
		t.Errorf("the shape joins %v components, adds %v of %v", effect("joined"), effect("area"), effect("given"))
	}
	if gain := effect("gain"); gain != total(0)("area_after").(analyze.Area)-analyze.Area(added) {
		t.Errorf("the gain is %v", gain)
	}
	// It shares 2 + 4 sides of cells with the first field, 4 with the second and 4 with the upper one.
	if shared := effect("shared").(float64); shared < 14*18 || shared > 14*22.3 || math.Abs(shared-(6*18.4+8*22.2)) > 6 {
		t.Errorf("it shares %v m", shared)
	}
	if in := tractRow(t, tractTable(t, r, "contiguity_proposal"), "shape", "7", "gap_m", 0.0); in("area") != analyze.Area(0) || in("comp_area") != nil {
		t.Errorf("a shape that is in the layer adds %v", in("area"))
	}
	if got := len(r.Shapes); got != 2 {
		t.Errorf("%d layers of shapes", got)
	}
	req.Parameters["remove"] = "4,99"
	req.Question = "contiguity"
	_, err := analyze.Run(t.Context(), ix, req, analyze.Options{})
	if p := problem.Of(err); p == nil || p.Code != "ANALYZE_PARAMETER" {
		t.Errorf("a code that there is not: %v", err)
	}
}

// Barriers of the rules part what lies on both sides of them.
func TestContiguityBarriers(t *testing.T) {
	g := gridOf(20)
	c := tractCounty(20, 10, g.rectangle(0, 0, 4, 4), g.rectangle(5, 0, 4, 4), g.rectangle(10, 0, 4, 4), g.rectangle(15, 0, 4, 4))
	dltb := &analyzetest.Layer{Name: "dltb", Vintage: "2024", Fields: analyzetest.Fields("BSM", "DLBM", "GDPDJB")}
	for i, of := range [][2]string{{"1003", ""}, {"1006", "4"}, {"0103", "5"}} {
		set := g.rectangle(4+5*i, 0, 1, 10)
		dltb.Features = append(dltb.Features, analyzetest.Feature{ID: uint64(10 + i), Cells: set, Patch: index.NoArea, Net: index.NoArea, Values: []any{"", of[0], of[1]}})
	}
	c.Layers = append(c.Layers, dltb)
	ix := c.Index(t)
	for barriers, want := range map[string]int64{"none": 1, "rules": 3} {
		r := askContiguity(t, ix, analyze.Request{Parameters: map[string]string{"gaps": "25", "barriers": barriers}})
		if n := tractRow(t, tractTable(t, r, "contiguity_total"))("n"); n != want {
			t.Errorf("barriers %s: %v components, want %d", barriers, n, want)
		}
	}
}

// What is no gap, barrier or size is refused, and small components leave the list and no
// total.
func TestContiguityParameters(t *testing.T) {
	g := gridOf(20)
	ix := tractCounty(20, 20, g.rectangle(0, 0, 10, 10), g.rectangle(12, 0, 1, 1), g.rectangle(15, 0, 1, 1)).Index(t)
	for _, p := range []map[string]string{
		{"gaps": "-1"}, {"gaps": "x"}, {"gaps": ""}, {"gaps": "1001"}, {"gaps": "1,2,3,4,5,6,7,8,9"}, {"gaps": "NaN"},
		{"barriers": "all"}, {"least_mu": "-1"}, {"least_mu": "many"}, {"gap": "1"},
	} {
		if p["gaps"] == "" && len(p) == 1 && p["barriers"]+p["least_mu"]+p["gap"] == "" {
			continue // the default
		}
		_, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "contiguity", Parameters: p}, analyze.Options{})
		if q := problem.Of(err); q == nil || q.Code != "ANALYZE_PARAMETER" {
			t.Errorf("%v: %v", p, err)
		}
	}
	_, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "contiguity", Parameters: map[string]string{"layer": "cropland"}}, analyze.Options{})
	if q := problem.Of(err); q == nil || q.Code != "ANALYZE_LAYER" {
		t.Errorf("a layer that there is not: %v", err)
	}
	r := askContiguity(t, ix, analyze.Request{Parameters: map[string]string{"gaps": "0", "least_mu": "10"}})
	if n := tractRow(t, tractTable(t, r, "contiguity_total"))("n"); n != int64(3) || len(tractTable(t, r, "contiguity_comp").Rows) != 1 {
		t.Errorf("%v components, %d in the list", n, len(tractTable(t, r, "contiguity_comp").Rows))
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := analyze.Run(ctx, ix, analyze.Request{Question: "contiguity"}, analyze.Options{}); err == nil {
		t.Error("a question that was given up is answered")
	}
}
