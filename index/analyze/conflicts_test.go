package analyze_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/analyzetest"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/geo/postgistest"
	"gengtu/index/indextest"
)

// rightsCounty is a generated county with registers of rights that overlap each other,
// and themselves.
func rightsCounty(seed uint64) *analyzetest.County {
	c := analyzetest.New(seed, 40, 30, 120)
	rnd := rand.New(rand.NewPCG(seed, 68))
	for _, r := range []struct {
		name   string
		n      int
		fields []string
	}{{"contract", 40, []string{"DKBM", "CBFMC"}}, {"forest", 12, []string{"BSM", "QLRMC"}}, {"grass", 10, []string{"BSM", "QLRMC"}}, {"estate", 15, []string{"BDCDYH", "QLRMC", "ZJH"}}} {
		fields := analyzetest.Fields(r.fields...)
		fields[0].Code = true
		l := c.Rectangles(rnd, r.name+"@2024", r.n, 5, fields, func(i int) []any {
			v := []any{fmt.Sprint(r.name, i), fmt.Sprint("持有人", rnd.IntN(4))}
			if len(r.fields) > 2 {
				v = append(v, "")
			}
			return v
		})
		for i := range l.Features {
			l.Features[i].Place = fmt.Sprintf("619901%03d", 100+rnd.IntN(2))
		}
	}
	return c
}

// siteTable returns a table of an answer.
func siteTable(t *testing.T, r *analyze.Result, name string) *analyze.Table {
	t.Helper()
	for _, tab := range r.Tables {
		if tab.Name == name {
			return tab
		}
	}
	t.Fatalf("the answer has no table %s", name)
	return nil
}

// siteValue returns a value of a row by its column.
func siteValue(t *testing.T, tab *analyze.Table, row int, column string) any {
	t.Helper()
	k := tab.Column(column)
	if k < 0 {
		t.Fatalf("table %s has no column %s", tab.Name, column)
	}
	return tab.Rows[row][k]
}

// siteNear tells whether an area is so many m², to 0.01 m² and what it was rounded by.
func siteNear(a any, m2 float64) bool {
	v, ok := a.(analyze.Area)
	return ok && math.Abs(float64(v)/100-m2) <= 0.0051
}

// commonCells returns the cells that two features have in common.
func commonCells(a, b []int) []int {
	var out []int
	for _, x := range a {
		if slices.Contains(b, x) {
			out = append(out, x)
		}
	}
	return out
}

// wantPair is a conflict as cells tell it.
type wantPair struct {
	a, b         [2]string
	area, crop   float64
	dlbm         string
	same         bool
	left, right  int // parcels, numbered over all registers
	cropConflict bool
}

// conflictsOf finds the conflicts of a county cell by cell.
func conflictsOf(c *analyzetest.County) []wantPair {
	var out []wantPair
	names := []string{"contract", "forest", "grass", "estate", "cropland"}
	survey := c.Layer("dltb", "2024")
	layer := func(name string) *analyzetest.Layer {
		if name == "cropland" {
			return survey
		}
		return c.Layer(name, "2024")
	}
	number := 0
	first := map[string]int{}
	for _, n := range names {
		first[n] = number
		number += len(layer(n).Features)
	}
	for i, na := range names {
		for _, nb := range names[i+1:] {
			if nb == "cropland" && na != "forest" && na != "grass" {
				continue
			}
			la, lb := layer(na), layer(nb)
			for x := range la.Features {
				for y := range lb.Features {
					if nb == "cropland" && !strings.HasPrefix(survey.Text(y, "DLBM"), "01") {
						continue
					}
					both := commonCells(la.Features[x].Cells, lb.Features[y].Cells)
					area := c.AreaOf(both)
					if area <= max(10, 0.01*min(c.AreaOf(la.Features[x].Cells), c.AreaOf(lb.Features[y].Cells))) {
						continue
					}
					w := wantPair{a: [2]string{na, fmt.Sprint(la.Features[x].Values[0])}, b: [2]string{nb, fmt.Sprint(lb.Features[y].Values[0])},
						area: area, left: first[na] + x, right: first[nb] + y, cropConflict: nb == "cropland"}
					by := map[string]float64{}
					for _, at := range both {
						for _, f := range survey.On(at) {
							by[survey.Text(f, "DLBM")] += c.Area(at)
						}
					}
					most := 0.0
					for _, class := range slices.Sorted(maps.Keys(by)) {
						if by[class] > most+0.01 {
							w.dlbm, most = class, by[class]
						}
						if strings.HasPrefix(class, "01") {
							w.crop += by[class]
						}
					}
					if nb != "cropland" {
						w.same = la.Features[x].Values[1] == lb.Features[y].Values[1]
					}
					out = append(out, w)
				}
			}
		}
	}
	return out
}

// caseNumbers numbers the connected sets of the pairs of one kind.
func caseNumbers(pairs []wantPair, crop bool) map[int]int {
	set := map[int]int{}
	for _, p := range pairs {
		if p.cropConflict == crop {
			set[p.left], set[p.right] = p.left, p.right
		}
	}
	for changed := true; changed; {
		changed = false
		for _, p := range pairs {
			if p.cropConflict != crop {
				continue
			}
			low := min(set[p.left], set[p.right])
			changed = changed || set[p.left] != low || set[p.right] != low
			set[p.left], set[p.right] = low, low
		}
	}
	return set
}

// Every pair, its area, its ground and its case are what the cells say, for any number of
// workers.
func TestConflictsBruteForce(t *testing.T) {
	for seed := range uint64(4) {
		c := rightsCounty(seed)
		ix := c.Index(t)
		want := conflictsOf(c)
		var before *analyze.Result
		for _, workers := range []int{1, 3} {
			r, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "conflicts"}, analyze.Options{Workers: workers})
			if err != nil {
				t.Fatal(err)
			}
			compareConflicts(t, r, want)
			compareGround(t, c, siteTable(t, r, "conflict_ground"))
			if before != nil && fmt.Sprint(before.Tables[0].Rows, before.Tables[1].Rows, before.Tables[2].Rows) != fmt.Sprint(r.Tables[0].Rows, r.Tables[1].Rows, r.Tables[2].Rows) {
				t.Error("the answer depends on the number of workers")
			}
			before = r
		}
	}
}

func compareConflicts(t *testing.T, r *analyze.Result, want []wantPair) {
	t.Helper()
	tab := siteTable(t, r, "conflict")
	if len(tab.Rows) != len(want) {
		t.Fatalf("%d conflicts, want %d", len(tab.Rows), len(want))
	}
	rows := map[[4]string]int{}
	for i := range tab.Rows {
		rows[[4]string{siteValue(t, tab, i, "register_a").(string), siteValue(t, tab, i, "parcel_a").(string), siteValue(t, tab, i, "register_b").(string), siteValue(t, tab, i, "parcel_b").(string)}] = i
	}
	sets := map[bool]map[int]int{true: caseNumbers(want, true), false: caseNumbers(want, false)}
	names, numbers := map[string][2]int{}, map[[2]int]string{}
	total := 0.0
	for _, w := range want {
		i, ok := rows[[4]string{w.a[0], w.a[1], w.b[0], w.b[1]}]
		if !ok {
			t.Fatalf("no row of %v and %v", w.a, w.b)
		}
		total += w.area
		if !siteNear(siteValue(t, tab, i, "area"), w.area) || !siteNear(siteValue(t, tab, i, "crop"), w.crop) || siteValue(t, tab, i, "state") != "overlap" {
			t.Errorf("%v and %v: %v, want %.2f m², crop %.2f", w.a, w.b, tab.Rows[i], w.area, w.crop)
		}
		if got := siteValue(t, tab, i, "dlbm"); got != w.dlbm {
			t.Errorf("%v and %v lie on %v, want %s", w.a, w.b, got, w.dlbm)
		}
		if same := siteValue(t, tab, i, "same_holder"); w.cropConflict && same != nil || !w.cropConflict && same != w.same {
			t.Errorf("%v and %v: same holder %v, want %v", w.a, w.b, same, w.same)
		}
		kind := 0
		if w.cropConflict {
			kind = 1
		}
		set, name := [2]int{kind, sets[w.cropConflict][w.left]}, siteValue(t, tab, i, "case_id").(string)
		if other, ok := names[name]; ok && other != set {
			t.Errorf("case %s has parcels that do not hang together", name)
		}
		if other, ok := numbers[set]; ok && other != name {
			t.Errorf("parcels that hang together are in cases %s and %s", name, other)
		}
		names[name], numbers[set] = set, name
	}
	sums, got := siteTable(t, r, "conflict_sum"), analyze.Area(0)
	cases := int64(0)
	for i := range sums.Rows {
		got += siteValue(t, sums, i, "overlap").(analyze.Area)
		cases += siteValue(t, sums, i, "cases").(int64)
	}
	if math.Abs(float64(got)/100-total) > 0.005*float64(len(want)) || cases != int64(len(names)) {
		t.Errorf("the sums have %.2f m² in %d cases, want %.2f in %d", float64(got)/100, cases, total, len(names))
	}
}

// compareGround holds the ground under each set of registers against the cells.
func compareGround(t *testing.T, c *analyzetest.County, tab *analyze.Table) {
	t.Helper()
	want := map[string]float64{}
	survey := c.Layer("dltb", "2024")
	for at := range c.W * c.H {
		var names []string
		for _, n := range []string{"contract", "forest", "grass", "estate"} {
			if len(c.Layer(n, "2024").On(at)) > 0 {
				names = append(names, n)
			}
		}
		// Of cropland only what is near managed ground takes part, so that ground of
		// cropland alone is left out of the comparison.
		crop := slices.ContainsFunc(survey.On(at), func(f int) bool { return strings.HasPrefix(survey.Text(f, "DLBM"), "01") })
		if crop && (slices.Contains(names, "forest") || slices.Contains(names, "grass")) {
			names = append(names, "cropland")
		}
		if len(names) > 1 {
			want[strings.Join(names, "+")] += c.Area(at)
		}
	}
	found := 0
	for i := range tab.Rows {
		set := siteValue(t, tab, i, "registers").(string)
		if strings.HasSuffix(set, "cropland") && !strings.Contains(set, "forest") && !strings.Contains(set, "grass") {
			continue
		}
		if w, ok := want[set]; ok {
			found++
			if set == "contract+estate" {
				continue // may lie on cropland near managed ground
			}
			if !siteNear(siteValue(t, tab, i, "area"), w) {
				t.Errorf("ground under %s is %v, want %.2f", set, siteValue(t, tab, i, "area"), w)
			}
		}
	}
	if found < len(want)-1 {
		t.Errorf("%d sets of registers are told, want %d", found, len(want))
	}
}

// siteStrip is a rectangle in metres beside a point at 34° N.
func siteStrip(x0, y0, x1, y1 float64) geo.MultiPolygon {
	var s geo.LocalScale
	east, north := s.At(analyzetest.South)
	at := func(x, y float64) geo.Position {
		return geo.Position{Lon: analyzetest.West + int64(x/east), Lat: analyzetest.South + int64(y/north)}
	}
	return geo.MultiPolygon{{{at(x0, y0), at(x1, y0), at(x1, y1), at(x0, y1), at(x0, y0)}}}
}

// stripsIndex is an edition of layers of strips.
func stripsIndex(t *testing.T, layers map[string][]geo.MultiPolygon) *index.Index {
	t.Helper()
	var out []indextest.Layer
	for _, name := range []string{"contract", "forest", "grass", "estate"} {
		shapes, ok := layers[name]
		if !ok {
			continue
		}
		l := indextest.Layer{Meta: edition.Layer{Name: name, Vintage: "2024", Fields: analyzetest.Fields("BSM")}}
		for i, m := range shapes {
			l.Features = append(l.Features, index.Feature{ID: uint64(i + 1), Geometry: m, AreaM2: geo.Area(m), Values: []any{fmt.Sprint(name, i)}, Patch: index.NoArea, Net: index.NoArea})
		}
		out = append(out, l)
	}
	return indextest.New(t, &edition.Manifest{Generation: "test", Tier: edition.Secure, Policy: edition.Policy{Pieces: true}}, out...)
}

// A border drawn twice is told as noise, keeps its area and joins no cases; an overlap with
// one wide part is none, however long its narrow parts are; what is below the threshold is told.
func TestConflictsNoise(t *testing.T) {
	ix := stripsIndex(t, map[string][]geo.MultiPolygon{
		"contract": {siteStrip(0, 0, 100, 100), siteStrip(200, 0, 300, 100), siteStrip(400, 0, 500, 100), siteStrip(598.5, 10, 700, 90)},
		"grass":    {siteStrip(650, 0, 750, 100)},
		"forest":   {siteStrip(98.1, 0, 200.5, 100), siteStrip(450, 0, 550, 3), append(siteStrip(499.5, 10, 600, 90), siteStrip(480, 91, 600, 99)...)},
	})
	r, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "conflicts"}, analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tab := siteTable(t, r, "conflict")
	want := map[[2]string]struct {
		state              string
		area, noise, width float64
	}{
		{"contract0", "forest0"}: {"noise", 190, 190, 2 * 190 / 203.8},
		// Less than 1 % of the smaller parcel: contract1 and forest0 share 50 m².
		{"contract2", "forest1"}: {"overlap", 150, 0, 2 * 150 / 106.0},
		{"contract2", "forest2"}: {"overlap", 40 + 160, 40, 2 * 160 / 56.0},
		// The border drawn twice between two cases makes them no single one.
		{"contract3", "forest2"}: {"noise", 120, 120, 2 * 120 / 163.0},
		{"contract3", "grass0"}:  {"overlap", 4000, 0, 2 * 4000 / 260.0},
	}
	if len(tab.Rows) != len(want) {
		t.Fatalf("%d rows, want %d: %v", len(tab.Rows), len(want), tab.Rows)
	}
	cases := map[any]int{}
	for i := range tab.Rows {
		w := want[[2]string{siteValue(t, tab, i, "parcel_a").(string), siteValue(t, tab, i, "parcel_b").(string)}]
		area, noise := float64(siteValue(t, tab, i, "area").(analyze.Area))/100, float64(siteValue(t, tab, i, "noise").(analyze.Area))/100
		if siteValue(t, tab, i, "state") != w.state || math.Abs(area-w.area) > 0.02 || math.Abs(noise-w.noise) > 0.02 || math.Abs(siteValue(t, tab, i, "width").(float64)-w.width) > 1e-3 {
			t.Errorf("%v, want %+v", tab.Rows[i], w)
		}
		if (siteValue(t, tab, i, "case_id") == nil) != (w.state == "noise") {
			t.Errorf("case of %v", tab.Rows[i])
		}
		cases[siteValue(t, tab, i, "case_id")]++
		if siteValue(t, tab, i, "dlbm") != nil || siteValue(t, tab, i, "crop") != nil || siteValue(t, tab, i, "same_holder") != nil {
			t.Errorf("ground and holders that nobody knows are told: %v", tab.Rows[i])
		}
	}
	if len(cases) != 3 || cases[nil] != 2 {
		t.Errorf("cases %v, want one of two pairs and one of one", cases)
	}
	sums, below := siteTable(t, r, "conflict_sum"), 0.0
	for i := range sums.Rows {
		if n := siteValue(t, sums, i, "belows").(int64); n > 0 {
			below += float64(siteValue(t, sums, i, "below").(analyze.Area)) / 100
		}
	}
	if math.Abs(below-50) > 0.02 {
		t.Errorf("%.2f m² are told as below the threshold, want 50: %v", below, sums.Rows)
	}
	for i := range tab.Rows {
		m, err := r.Shapes[0].Geometry(t.Context(), i)
		if err != nil || !siteNear(siteValue(t, tab, i, "area"), geo.Area(m)) {
			t.Errorf("row %d has a shape of %.2f m² (%v)", i, geo.Area(m), err)
		}
	}
}

// Two registers are enough, or cropland beside forest or grassland management.
func TestConflictsEnough(t *testing.T) {
	rules, err := analyze.DefaultRules()
	if err != nil {
		t.Fatal(err)
	}
	all := analyze.Questions()
	q := all[slices.IndexFunc(all, func(q *analyze.Question) bool { return q.Name == "conflicts" })]
	for layers, want := range map[string]bool{"": false, "cropland": false, "contract": false, "cropland contract": false, "contract estate": true, "cropland forest": true, "forest": false} {
		if got := q.Enough(rules, func(name string) bool { return slices.Contains(strings.Fields(layers), name) }); got != want {
			t.Errorf("%q: enough %v, want %v", layers, got, want)
		}
	}
}

// An edition with one register has no conflicts to find, and says so; a context that has
// ended ends the work.
func TestConflictsRefused(t *testing.T) {
	ix := stripsIndex(t, map[string][]geo.MultiPolygon{"contract": {siteStrip(0, 0, 10, 10)}})
	_ = wantSiteProblem(t, ix, analyze.Request{Question: "conflicts"}, "ANALYZE_LAYER")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := analyze.Run(ctx, rightsCounty(1).Index(t), analyze.Request{Question: "conflicts"}, analyze.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context has ended: %v", err)
	}
}

// The pairs of rights are PostGIS's pairs.
func TestConflictsPostGIS(t *testing.T) {
	if testing.Short() {
		t.Skip("starts PostGIS")
	}
	c := rightsCounty(7)
	ix := c.Index(t)
	r, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "conflicts"}, analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	db := postgistest.Start(t)
	origin := geo.Position{Lon: analyzetest.West, Lat: analyzetest.South}
	codes := map[string]string{"contract": "DKBM", "forest": "BSM", "grass": "BSM", "estate": "BDCDYH", "cropland": "BSM"}
	for name, code := range codes {
		analyzetest.Load(t, db, name, ix.Layer(name, ""), origin, code)
	}
	tab := siteTable(t, r, "conflict")
	rows := 0
	for _, pair := range [][2]string{{"contract", "forest"}, {"contract", "grass"}, {"contract", "estate"}, {"forest", "grass"}, {"forest", "estate"}, {"grass", "estate"}, {"forest", "cropland"}, {"grass", "cropland"}} {
		for _, row := range db.Ask(t, fmt.Sprintf(`SELECT a.%[3]s, b.%[4]s, s FROM %[1]s a JOIN %[2]s b ON a.geom && b.geom,
			LATERAL (SELECT ST_Area(ST_Intersection(a.geom, b.geom)) AS s) x WHERE s > greatest(10, 0.01 * least(ST_Area(a.geom), ST_Area(b.geom)))`,
			pair[0], pair[1], codes[pair[0]], codes[pair[1]])) {
			var m2 float64
			if _, err := fmt.Sscan(row[2], &m2); err != nil {
				t.Fatal(err)
			}
			rows++
			at := slices.IndexFunc(tab.Rows, func(r []any) bool {
				return r[4] == pair[0] && r[5] == row[0] && r[6] == pair[1] && r[7] == row[1]
			})
			if at < 0 || math.Abs(float64(siteValue(t, tab, at, "area").(analyze.Area))/100-m2) > 0.005+1e-6*m2 {
				t.Errorf("PostGIS has %v %v of %.4f m²", pair, row, m2)
			}
		}
	}
	if rows != len(tab.Rows) || rows == 0 {
		t.Errorf("%d conflicts, PostGIS has %d", len(tab.Rows), rows)
	}
}
