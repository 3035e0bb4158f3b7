package analyze_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/analyzetest"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/geo/postgistest"
	"gengtu/index/problem"
)

// sitesCounty is a generated county with themes, and with ground without patches: sites
// may lie on it.
func sitesCounty(seed uint64) *analyzetest.County {
	c := analyzetest.New(seed, 30, 24, 80)
	rnd := rand.New(rand.NewPCG(seed, 67))
	for _, vintage := range []string{"2023", "2024"} {
		l := c.Layer("dltb", vintage)
		l.Features = slices.DeleteFunc(l.Features, func(f analyzetest.Feature) bool { return f.ID%17 == 3 })
	}
	for _, name := range []string{"redline", "reserve", "forest", "urban", "fragile", "arid", "soil", "grass", "contract", "estate", "approval", "supplement"} {
		c.Rectangles(rnd, name+"@2024", 6, 6, analyzetest.Fields("BSM", "HXLX"), func(i int) []any { return []any{fmt.Sprint(name, i), fmt.Sprint("类", i%2)} })
	}
	c.Rectangles(rnd, "quality@2024", 20, 8, analyzetest.Fields("BSM", "GDDJ:integer"), func(i int) []any { return []any{fmt.Sprint("q", i), int64(1 + rnd.IntN(10))} })
	return c
}

// given is a set of cells as it is given in a file.
func given(c *analyzetest.County, set []int, properties string) areas.Given {
	g := areas.Given{Properties: json.RawMessage(properties)}
	for _, p := range c.Geometry(set) {
		var polygon [][]geo.XY
		for _, r := range p {
			ring := make([]geo.XY, len(r))
			for i, at := range r {
				ll := at.LonLat()
				ring[i] = geo.XY{X: ll.Lon, Y: ll.Lat}
			}
			polygon = append(polygon, ring)
		}
		g.Polygons = append(g.Polygons, polygon)
	}
	return g
}

// siteAlternatives draws three alternatives of some plots each.
func siteAlternatives(c *analyzetest.County, rnd *rand.Rand) (sets [][]int, shapes []areas.Given) {
	for a := range 3 {
		var all []int
		for range 1 + rnd.IntN(3) {
			set := c.Rectangle(rnd, 7)
			set = slices.DeleteFunc(set, func(x int) bool { return slices.Contains(all, x) })
			if len(set) == 0 {
				continue
			}
			all = append(all, set...)
			shapes = append(shapes, given(c, set, fmt.Sprintf(`{"方案":"方案%d"}`, a)))
		}
		sets = append(sets, all)
	}
	return sets, shapes
}

// siteRow returns the row of an alternative, a layer and a group.
func siteRow(t *testing.T, tab *analyze.Table, alt, layer, by, class string) int {
	t.Helper()
	for i, row := range tab.Rows {
		c, _ := row[4].(string)
		if row[0] == alt && row[1] == layer && row[3] == by && c == class {
			return i
		}
	}
	t.Fatalf("no row of %s %s %s %s", alt, layer, by, class)
	return 0
}

// What alternatives have of each layer, of each class, of cropland on record and outside
// of all patches is what the cells say.
func TestSitingBruteForce(t *testing.T) {
	for seed := range uint64(4) {
		c := sitesCounty(seed)
		ix := c.Index(t)
		sets, shapes := siteAlternatives(c, rand.New(rand.NewPCG(seed, 3)))
		r, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "siting", Shapes: shapes}, analyze.Options{})
		if err != nil {
			t.Fatal(err)
		}
		list, sums := siteTable(t, r, "siting"), siteTable(t, r, "siting_sum")
		if len(sums.Rows) != len(sets) {
			t.Fatalf("%d alternatives, want %d", len(sums.Rows), len(sets))
		}
		for a, set := range sets {
			alt := fmt.Sprint("方案", a)
			if !siteNear(siteValue(t, sums, a, "area"), c.AreaOf(set)) {
				t.Errorf("%s has %v, want %.2f", alt, siteValue(t, sums, a, "area"), c.AreaOf(set))
			}
			for _, l := range []string{"dltb", "pbf", "hsf", "redline", "reserve", "quality", "contract", "arid", "approval"} {
				compareTheme(t, c, list, alt, l, set)
			}
			compareBase(t, c, list, sums, a, set)
		}
	}
}

// compareTheme holds the total of a layer against the cells.
func compareTheme(t *testing.T, c *analyzetest.County, list *analyze.Table, alt, layer string, set []int) {
	t.Helper()
	l := c.Layer(layer, "2024")
	survey := c.Layer("dltb", "2024")
	var gross, ground, crop float64
	features := map[int]bool{}
	for _, at := range set {
		on := l.On(at)
		gross += float64(len(on)) * c.Area(at)
		if len(on) == 0 {
			continue
		}
		ground += c.Area(at)
		for _, f := range on {
			features[f] = true
		}
		for _, f := range survey.On(at) {
			if strings.HasPrefix(survey.Text(f, "DLBM"), "01") {
				crop += float64(survey.Features[f].Net) / 100 / c.AreaOf(survey.Features[f].Cells) * c.Area(at)
			}
		}
	}
	i := siteRow(t, list, alt, layer, "total", "")
	if !siteNear(siteValue(t, list, i, "area"), gross) || !siteNear(siteValue(t, list, i, "ground"), ground) || !siteNear(siteValue(t, list, i, "crop"), crop) || siteValue(t, list, i, "n") != int64(len(features)) {
		t.Errorf("%s on %s: %v; want %d features, %.2f, ground %.2f, crop %.2f", alt, layer, list.Rows[i], len(features), gross, ground, crop)
	}
}

// compareBase holds classes, shares of record and what lies outside against the cells.
func compareBase(t *testing.T, c *analyzetest.County, list, sums *analyze.Table, a int, set []int) {
	t.Helper()
	survey := c.Layer("dltb", "2024")
	type figures struct{ area, patch, net float64 }
	by := map[[2]string]figures{}
	outside, crop := 0.0, 0.0
	for _, at := range set {
		on := survey.On(at)
		if len(on) == 0 {
			outside += c.Area(at)
		}
		for _, f := range on {
			whole := c.AreaOf(survey.Features[f].Cells)
			share := c.Area(at) / whole
			if strings.HasPrefix(survey.Text(f, "DLBM"), "01") {
				crop += float64(survey.Features[f].Net) / 100 * share
			}
			for _, field := range []string{"DLBM", "QSXZ", "GDPDJB"} {
				k := [2]string{field, survey.Text(f, field)}
				v := by[k]
				v.area += c.Area(at)
				v.patch += float64(survey.Features[f].Patch) / 100 * share
				v.net += float64(survey.Features[f].Net) / 100 * share
				by[k] = v
			}
		}
	}
	alt := fmt.Sprint("方案", a)
	within := func(got any, want float64, n any) bool { // shares are rounded feature by feature
		v, ok := got.(analyze.Area)
		return ok && math.Abs(float64(v)/100-want) <= 0.0101*float64(n.(int64))
	}
	for k, w := range by {
		i := siteRow(t, list, alt, "dltb", k[0], k[1])
		n := siteValue(t, list, i, "n")
		if !within(siteValue(t, list, i, "area"), w.area, n) || !within(siteValue(t, list, i, "patch"), w.patch, n) || !within(siteValue(t, list, i, "net"), w.net, n) {
			t.Errorf("%s, %v: %v, want %+v", alt, k, list.Rows[i], w)
		}
	}
	n := siteValue(t, list, siteRow(t, list, alt, "dltb", "total", ""), "n")
	if !siteNear(siteValue(t, sums, a, "outside"), outside) || !within(siteValue(t, sums, a, "crop"), crop, n) {
		t.Errorf("%s: outside %v, crop %v; want %.2f and %.2f", alt, siteValue(t, sums, a, "outside"), siteValue(t, sums, a, "crop"), outside, crop)
	}
}

// The shape of each row has the row's ground.
func TestSitingShapes(t *testing.T) {
	c := sitesCounty(2)
	_, shapes := siteAlternatives(c, rand.New(rand.NewPCG(2, 3)))
	r, err := analyze.Run(t.Context(), c.Index(t), analyze.Request{Question: "siting", Shapes: shapes}, analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	list := siteTable(t, r, "siting")
	for _, s := range r.Shapes {
		for i := range s.Table.Rows {
			m, err := s.Geometry(t.Context(), i)
			if err != nil {
				t.Fatal(err)
			}
			want := siteValue(t, s.Table, i, "area")
			if s.Table == list {
				if g := siteValue(t, list, i, "ground"); g != nil {
					want = g
				} else if siteValue(t, list, i, "layer") != "dltb" {
					continue // features of a class may overlap
				}
			}
			if v, ok := want.(analyze.Area); !ok || math.Abs(float64(v)/100-geo.Area(m)) > 0.2 {
				t.Errorf("%s, row %d: a shape of %.2f m² for %v", s.Name, i, geo.Area(m), s.Table.Rows[i])
			}
		}
	}
}

// Verdicts follow from the rules: hard layers deny, soft ones set a condition, what is not
// confirmed asks for a check, what only touches, too; a hard layer that is not there
// leaves nothing clear.
func TestSitingVerdicts(t *testing.T) {
	c := &analyzetest.County{W: 10, H: 10}
	one := func(name string, fields []edition.Field, set []int, values ...any) *analyzetest.Layer {
		return &analyzetest.Layer{Name: name, Vintage: "2024", Fields: fields, Features: []analyzetest.Feature{{ID: uint64(len(c.Layers) + 1), Cells: set, Patch: 100, Net: 90, Values: values}}}
	}
	all := make([]int, 100)
	for i := range all {
		all[i] = i
	}
	c.Layers = append(c.Layers, one("dltb", analyzetest.Fields("BSM", "DLBM"), all, "d", "0103"))
	for i, name := range []string{"pbf", "hsf", "forest", "redline"} {
		c.Layers = append(c.Layers, one(name, analyzetest.Fields("BSM"), []int{10 * i, 10*i + 1}, name))
	}
	ask := func(ix *index.Index, parameters map[string]string, sets ...[]int) *analyze.Table {
		t.Helper()
		var shapes []areas.Given
		for i, s := range sets {
			shapes = append(shapes, given(c, s, fmt.Sprintf(`{"alt":"%d"}`, i)))
		}
		r, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "siting", Shapes: shapes, Parameters: parameters}, analyze.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return siteTable(t, r, "siting_sum")
	}
	ix := c.Index(t)
	sums := ask(ix, nil, []int{0, 2}, []int{10}, []int{20}, []int{30}, []int{99}, []int{2})
	for i, want := range []string{"deny", "conditional", "check", "deny", "clear", "clear"} {
		if got := siteValue(t, sums, i, "verdict").(string); !strings.HasSuffix(got, want) {
			t.Errorf("alternative %d: %s, want %s", i, got, want)
		}
	}
	for column, want := range map[string]string{"reasons": "不得占用：永久基本农田，永久基本农田不得擅自占用", "reasons_en": "not to be occupied: permanent basic farmland, permanent basic farmland must not be occupied"} {
		if got := siteValue(t, sums, 0, column); got != want {
			t.Errorf("%s: %q, want %q", column, got, want)
		}
	}
	// The list of kinds of project is not confirmed.
	if got := siteValue(t, ask(ix, map[string]string{"project": "transport"}, []int{0}), 0, "verdict"); !strings.HasSuffix(got.(string), "check") {
		t.Errorf("a listed kind of project on permanent basic farmland: %v", got)
	}
	_ = wantSiteProblem(t, ix, analyze.Request{Question: "siting", Shapes: []areas.Given{given(c, all, `{}`)}, Parameters: map[string]string{"project": "golf"}}, "ANALYZE_PARAMETER")
	_ = wantSiteProblem(t, ix, analyze.Request{Question: "siting"}, "ANALYZE_SHAPES")
	// A touching border: a tenth of a metre into the farmland.
	thin := given(c, []int{2}, `{}`)
	for _, ring := range thin.Polygons[0] {
		for i := range ring {
			if ring[i].X < 108.00041 {
				ring[i].X -= 0.000001
			}
		}
	}
	r, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "siting", Shapes: []areas.Given{thin}}, analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := siteValue(t, siteTable(t, r, "siting_sum"), 0, "verdict").(string); !strings.HasSuffix(got, "check") {
		t.Errorf("a site that touches permanent basic farmland: %s", got)
	}
	// Without the red line nothing is clear, and nothing that is denied is less than that.
	c.Layers = c.Layers[:len(c.Layers)-1]
	sums = ask(c.Index(t), nil, []int{0}, []int{99})
	for i, want := range []string{"deny", "incomplete"} {
		if got := siteValue(t, sums, i, "verdict").(string); !strings.HasSuffix(got, want) {
			t.Errorf("alternative %d without the red line: %s, want %s", i, got, want)
		}
		if got := siteValue(t, sums, i, "not_judged").(string); !strings.Contains(got, "redline") {
			t.Errorf("layers not judged: %s", got)
		}
		zh, en := siteValue(t, sums, i, "reasons").(string), siteValue(t, sums, i, "reasons_en").(string)
		if !strings.Contains(zh, "没有生态保护红线图层") || !strings.Contains(en, "no layer of ecological red line") || strings.ContainsAny(zh, "abcdefghijklmnopqrstuvwxyz") {
			t.Errorf("reasons: %s; %s", zh, en)
		}
	}
}

// Alternatives are marked that no other one dominates in cropland, permanent basic
// farmland and mean grade.
func TestSitingPareto(t *testing.T) {
	for seed := range uint64(6) {
		c := sitesCounty(seed)
		rnd := rand.New(rand.NewPCG(seed, 5))
		var shapes []areas.Given
		for range 8 {
			shapes = append(shapes, given(c, c.Rectangle(rnd, 6), `{}`))
		}
		r, err := analyze.Run(t.Context(), c.Index(t), analyze.Request{Question: "siting", Shapes: shapes, Parameters: map[string]string{"alternatives": "plot"}}, analyze.Options{})
		if err != nil {
			t.Fatal(err)
		}
		sums := siteTable(t, r, "siting_sum")
		if len(sums.Rows) != len(shapes) {
			t.Fatalf("%d alternatives, want %d", len(sums.Rows), len(shapes))
		}
		worse := func(a, b int) bool { // b dominates a
			var less, more bool
			for _, name := range []string{"crop", "pbf"} {
				x, y := siteValue(t, sums, a, name).(analyze.Area), siteValue(t, sums, b, name).(analyze.Area)
				less, more = less || y < x, more || y > x
			}
			x, okX := siteValue(t, sums, a, "mean_grade").(float64)
			y, okY := siteValue(t, sums, b, "mean_grade").(float64)
			if okX && okY {
				less, more = less || y > x, more || y < x
			}
			return less && !more
		}
		for a := range shapes {
			want := true
			for b := range shapes {
				want = want && (a == b || !worse(a, b))
			}
			if siteValue(t, sums, a, "pareto") != want {
				t.Errorf("seed %d: alternative %d is not dominated: %v, want %v", seed, a, siteValue(t, sums, a, "pareto"), want)
			}
		}
	}
}

// Areas are PostGIS's.
func TestSitingPostGIS(t *testing.T) {
	if testing.Short() {
		t.Skip("starts PostGIS")
	}
	c := sitesCounty(9)
	ix := c.Index(t)
	sets, shapes := siteAlternatives(c, rand.New(rand.NewPCG(9, 3)))
	r, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "siting", Shapes: shapes}, analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	db := postgistest.Start(t)
	origin := geo.Position{Lon: analyzetest.West, Lat: analyzetest.South}
	sites := &analyzetest.County{W: c.W, H: c.H}
	l := &analyzetest.Layer{Name: "site", Vintage: "1", Fields: analyzetest.Fields("BSM")}
	for i, set := range sets {
		l.Features = append(l.Features, analyzetest.Feature{ID: uint64(i + 1), Cells: set, Values: []any{fmt.Sprint("方案", i)}})
	}
	sites.Layers = append(sites.Layers, l)
	analyzetest.Load(t, db, "site", sites.Index(t).Layer("site", ""), origin, "BSM")
	list := siteTable(t, r, "siting")
	for _, name := range []string{"dltb", "pbf", "hsf", "redline", "reserve", "quality", "soil"} {
		analyzetest.Load(t, db, name, ix.Layer(name, ""), origin)
		rows := db.Ask(t, fmt.Sprintf(`SELECT s.bsm, coalesce(sum(ST_Area(ST_Intersection(s.geom, f.geom))), 0), coalesce(ST_Area(ST_Union(ST_Intersection(s.geom, f.geom))), 0)
			FROM site s LEFT JOIN %s f ON ST_Intersects(s.geom, f.geom) GROUP BY 1`, name))
		for _, row := range rows {
			var gross, once float64
			if _, err := fmt.Sscan(row[1]+" "+row[2], &gross, &once); err != nil {
				t.Fatal(err)
			}
			i := siteRow(t, list, row[0], name, "total", "")
			area, ground := float64(siteValue(t, list, i, "area").(analyze.Area))/100, float64(siteValue(t, list, i, "ground").(analyze.Area))/100
			if math.Abs(area-gross) > 0.005+1e-6*gross || math.Abs(ground-once) > 0.005+1e-6*once {
				t.Errorf("%s on %s: %.4f and %.4f, PostGIS has %.4f and %.4f", row[0], name, area, ground, gross, once)
			}
		}
		if len(rows) != len(sets) {
			t.Errorf("%s: PostGIS has %d alternatives", name, len(rows))
		}
	}
}

// Of two sites that take as much cropland and no permanent basic farmland, the one on
// poorer ground, with the higher number of its grade, is not dominated.
func TestSitingParetoGrade(t *testing.T) {
	c := &analyzetest.County{W: 4, H: 1}
	survey := &analyzetest.Layer{Name: "dltb", Vintage: "2024", Fields: analyzetest.Fields("BSM", "DLBM")}
	grades := &analyzetest.Layer{Name: "quality", Vintage: "2024", Fields: analyzetest.Fields("BSM", "GDDJ:integer")}
	pbf := &analyzetest.Layer{Name: "pbf", Vintage: "2024", Fields: analyzetest.Fields("BSM"), Features: []analyzetest.Feature{{ID: 1, Cells: []int{3}, Values: []any{"p"}}}}
	for i := range 4 {
		survey.Features = append(survey.Features, analyzetest.Feature{ID: uint64(i + 1), Cells: []int{i}, Patch: 40000, Net: 38000, Values: []any{fmt.Sprint(i), "0102"}})
		grades.Features = append(grades.Features, analyzetest.Feature{ID: uint64(i + 1), Cells: []int{i}, Patch: index.NoArea, Net: index.NoArea, Values: []any{fmt.Sprint(i), int64(2 + 3*i)}})
	}
	c.Layers = append(c.Layers, survey, grades, pbf)
	shapes := []areas.Given{given(c, []int{0}, `{}`), given(c, []int{2}, `{}`), given(c, []int{3}, `{}`)}
	r, err := analyze.Run(t.Context(), c.Index(t), analyze.Request{Question: "siting", Shapes: shapes, Parameters: map[string]string{"alternatives": "plot"}}, analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sums := siteTable(t, r, "siting_sum")
	for i, want := range []struct {
		grade  float64
		pareto bool
		by     any
	}{{2, false, "B"}, {8, true, nil}, {11, true, nil}} { // C takes farmland, and the poorest ground
		if g := siteValue(t, sums, i, "mean_grade"); g != want.grade || siteValue(t, sums, i, "pareto") != want.pareto || siteValue(t, sums, i, "dominated_by") != want.by {
			t.Errorf("alternative %d: %v, want %+v", i, sums.Rows[i], want)
		}
	}
}

// A policy's bounds on shapes hold for alternatives and proposals, too: ground that is
// smaller is told of by no question.
func TestShapesOfPolicy(t *testing.T) {
	c := sitesCounty(1)
	ix := c.Index(t)
	for question, parameters := range map[string]map[string]string{"siting": nil, "contiguity": {"layer": "cropland"}} {
		for bound, refused := range map[float64]bool{0: false, 1e9: true} {
			ix.Manifest.Policy.MinAOIM2 = bound
			_, err := analyze.Run(t.Context(), ix, analyze.Request{Question: question, Shapes: []areas.Given{given(c, []int{0}, `{}`)}, Parameters: parameters}, analyze.Options{})
			if p := problem.Of(err); refused != (p != nil && p.Code == "POLICY") || !refused && err != nil {
				t.Errorf("%s of a shape where %v m² are the least: %v", question, bound, err)
			}
		}
	}
}
