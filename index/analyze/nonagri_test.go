package analyze_test

import (
	"context"
	"errors"
	"fmt"
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

// alertsCounty is a generated county with approvals, two batches of monitored change and
// cropland that grows no grain.
func alertsCounty(seed uint64) *analyzetest.County {
	c := analyzetest.New(seed, 36, 28, 110)
	rnd := rand.New(rand.NewPCG(seed, 66))
	c.Rectangles(rnd, "approval@2024", 14, 6, analyzetest.Fields("BSM", "YWLX"), func(i int) []any {
		return []any{fmt.Sprint("ap", i), []string{"ZZ_NYDZYFW", "LSYD_XMZDFW", "XS_XMKJFW", ""}[i%4]}
	})
	for _, batch := range []string{"2024Q1", "2024Q2"} {
		fields := analyzetest.Fields("JCBH", "TBLX", "QSX", "HSX")
		fields[0].Code = true
		c.Rectangles(rnd, "change@"+batch, 30, 5, fields, func(i int) []any {
			return []any{fmt.Sprint(batch, i), []string{"20", "02", "KT", "GQ", "DT"}[rnd.IntN(5)], "2023-09", "2024-03"}
		})
	}
	later := c.Layer("dltb", "2024")
	for i := range later.Features {
		later.Set(i, "ZZSXDM", []string{"", "LS", "FLS", "WG"}[rnd.IntN(4)])
	}
	return c
}

// wantAlert is an alert as cells tell it.
type wantAlert struct {
	kind     string
	ground   [4]float64 // by severity
	approved float64
	crop     float64
	cells    []int // of what is left, or of all where nothing is
}

func (w *wantAlert) all() float64 { return w.ground[1] + w.ground[2] + w.ground[3] }

// alertsOf finds the alerts of a county cell by cell, by the ids of features.
func alertsOf(c *analyzetest.County, subject *analyzetest.Layer, kind func(i int) string, planting string) map[string]*wantAlert {
	earlier, pbf, approval := c.Layer("dltb", "2023"), c.Layer("pbf", "2024"), c.Layer("approval", "2024")
	out := map[string]*wantAlert{}
	for i := range subject.Features {
		w := &wantAlert{kind: kind(i)}
		if w.kind == "" {
			continue
		}
		var left, all []int
		for _, at := range subject.Features[i].Cells {
			severity, crop := 0, false
			for _, f := range earlier.On(at) {
				if strings.HasPrefix(earlier.Text(f, "DLBM"), "01") {
					crop = true
					if severity = max(severity, 1); earlier.Text(f, "GDPDJB") != "5" {
						severity = 2
					}
				}
			}
			if len(pbf.On(at)) > 0 {
				severity = 3
			}
			if severity == 0 || w.kind == "planting" && severity != 3 && planting == "pbf" {
				continue
			}
			a := c.Area(at)
			all = append(all, at)
			w.ground[severity] += a
			if crop {
				w.crop += a
			}
			approved := slices.ContainsFunc(approval.On(at), func(f int) bool {
				k := approval.Text(f, "YWLX")
				return k == "ZZ_NYDZYFW" || k == "LSYD_XMZDFW"
			})
			if approved && w.kind == "nonagri" {
				w.approved += a
			} else {
				left = append(left, at)
			}
		}
		if w.cells = left; len(left) == 0 {
			w.cells = all
		}
		if len(all) > 0 {
			out[fmt.Sprint(subject.Features[i].Values[0])] = w
		}
	}
	return out
}

// monitoredKind is what a kind of monitored change is.
func monitoredKind(l *analyzetest.Layer) func(i int) string {
	return func(i int) string {
		return map[string]string{"20": "nonagri", "DT": "nonagri", "02": "nongrain", "KT": "nongrain", "GQ": "other"}[l.Text(i, "TBLX")]
	}
}

// surveyKind is what a patch of the later survey is.
func surveyKind(l *analyzetest.Layer) func(i int) string {
	return func(i int) string {
		switch class := l.Text(i, "DLBM"); {
		case class[:2] == "01":
			if p := l.Text(i, "ZZSXDM"); p == "FLS" || p == "WG" {
				return "planting"
			}
			return ""
		case class == "0702":
			return "nonagri"
		case class == "1006":
			return "other"
		}
		return "nongrain"
	}
}

func compareAlerts(t *testing.T, r *analyze.Result, want map[string]*wantAlert) {
	t.Helper()
	tab := siteTable(t, r, "alert")
	if len(tab.Rows) != len(want) {
		t.Errorf("%d alerts, want %d", len(tab.Rows), len(want))
	}
	within := func(a any, m2 float64) bool { // shares of one feature are rounded together
		v, ok := a.(analyze.Area)
		return ok && math.Abs(float64(v)/100-m2) <= 0.051
	}
	ids := map[any]bool{}
	for i, row := range tab.Rows {
		w := want[siteValue(t, tab, i, "subject").(string)]
		if w == nil {
			t.Errorf("an alert too many: %v", row)
			continue
		}
		state := "new"
		if w.all()-w.approved < 10 {
			state = "approved"
		}
		if siteValue(t, tab, i, "kind") != w.kind || !within(siteValue(t, tab, i, "area"), w.all()) || !within(siteValue(t, tab, i, "pbf"), w.ground[3]) || !within(siteValue(t, tab, i, "stable"), w.ground[2]) ||
			!within(siteValue(t, tab, i, "other"), w.ground[1]) || !within(siteValue(t, tab, i, "crop"), w.crop) || !within(siteValue(t, tab, i, "approved"), w.approved) ||
			!within(siteValue(t, tab, i, "remaining"), w.all()-w.approved) || siteValue(t, tab, i, "state") != state {
			t.Errorf("%v, want %+v, %s", row, w, state)
		}
		ids[siteValue(t, tab, i, "alert_id")] = true
	}
	if len(ids) != len(tab.Rows) {
		t.Errorf("%d ids of %d alerts", len(ids), len(tab.Rows))
	}
}

// Every alert of monitoring and of surveys has the ground, the severities, the approvals and
// the kind that the cells have.
func TestNonagriBruteForce(t *testing.T) {
	for seed := range uint64(4) {
		c := alertsCounty(seed)
		ix := c.Index(t)
		for _, planting := range []string{"none", "pbf", "all"} {
			later := c.Layer("dltb", "2024")
			kind := surveyKind(later)
			want := alertsOf(c, later, func(i int) string {
				if k := kind(i); k != "planting" || planting != "none" {
					return k
				}
				return ""
			}, planting)
			r, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "nonagri", Parameters: map[string]string{"source": "survey", "planting": planting}}, analyze.Options{})
			if err != nil {
				t.Fatal(err)
			}
			compareAlerts(t, r, want)
		}
		for _, batch := range []string{"2024Q1", "2024Q2"} {
			l := c.Layer("change", batch)
			r, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "nonagri", Vintage: batch}, analyze.Options{Workers: 2})
			if err != nil {
				t.Fatal(err)
			}
			want := alertsOf(c, l, monitoredKind(l), "")
			compareAlerts(t, r, want)
			compareAlertShapes(t, c, r, want)
			again, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "nonagri", Vintage: batch}, analyze.Options{Workers: 1})
			if err != nil || fmt.Sprint(r.Tables[0].Rows, r.Tables[1].Rows) != fmt.Sprint(again.Tables[0].Rows, again.Tables[1].Rows) {
				t.Errorf("the answer depends on the number of workers (%v)", err)
			}
		}
	}
}

// compareAlertShapes holds the shapes of alerts against the cells that are left of them.
func compareAlertShapes(t *testing.T, c *analyzetest.County, r *analyze.Result, want map[string]*wantAlert) {
	t.Helper()
	tab := siteTable(t, r, "alert")
	for i := range tab.Rows {
		w := want[siteValue(t, tab, i, "subject").(string)]
		m, err := r.Shapes[0].Geometry(t.Context(), i)
		if err != nil || math.Abs(geo.Area(m)-c.AreaOf(w.cells)) > 0.01 {
			t.Errorf("alert %v has a shape of %.2f m² (%v), want %.2f", tab.Rows[i], geo.Area(m), err, c.AreaOf(w.cells))
		}
	}
}

// An alert is known where more than half of it lies in alerts that were pushed before, and
// goes on from the one that has most of it; V = approved + new + known.
func TestNonagriKnown(t *testing.T) {
	for seed := range uint64(4) {
		c := alertsCounty(seed)
		rnd := rand.New(rand.NewPCG(seed, 1))
		pushed := c.Rectangles(rnd, "alert@2023", 6, 5, analyzetest.Fields("alert_id", "first_seen", "state"), func(i int) []any {
			return []any{fmt.Sprint("P", i), "2022Q4", []string{"new", "known", "approved"}[i%3]}
		})
		ix := c.Index(t)
		first, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "nonagri", Vintage: "2024Q1"}, analyze.Options{})
		if err != nil {
			t.Fatal(err)
		}
		q1, q2 := c.Layer("change", "2024Q1"), c.Layer("change", "2024Q2")
		w1, w2 := alertsOf(c, q1, monitoredKind(q1), ""), alertsOf(c, q2, monitoredKind(q2), "")
		second, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "nonagri", Vintage: "2024Q2", Previous: first}, analyze.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var before []int
		ids := map[string][]int{}
		tab := siteTable(t, first, "alert")
		for i := range tab.Rows {
			if siteValue(t, tab, i, "state") != "approved" {
				set := w1[siteValue(t, tab, i, "subject").(string)].cells
				before = append(before, set...)
				ids[siteValue(t, tab, i, "alert_id").(string)] = set
			}
		}
		for i := range pushed.Features {
			if pushed.Text(i, "state") == "approved" {
				continue // it was never pushed
			}
			before = append(before, pushed.Features[i].Cells...)
			ids[fmt.Sprint("P", i)] = pushed.Features[i].Cells
		}
		tab = siteTable(t, second, "alert")
		known := 0
		for i := range tab.Rows {
			w := w2[siteValue(t, tab, i, "subject").(string)]
			if siteValue(t, tab, i, "state") == "approved" {
				continue
			}
			share := c.AreaOf(commonCells(w.cells, before)) / c.AreaOf(w.cells)
			want := "new"
			if share > 0.5 {
				want = "known"
			}
			if math.Abs(share-0.5) < 1e-6 {
				continue
			}
			if siteValue(t, tab, i, "state") != want {
				t.Errorf("seed %d: %v, want %s: %.3f was pushed before", seed, tab.Rows[i], want, share)
			}
			earlier, _ := siteValue(t, tab, i, "earlier_id").(string)
			if (earlier != "") != (want == "known") {
				t.Errorf("alert %v goes on from %q", tab.Rows[i], earlier)
			}
			if want == "known" {
				known++
				for id, set := range ids {
					if c.AreaOf(commonCells(w.cells, set)) > c.AreaOf(commonCells(w.cells, ids[earlier]))+0.02 {
						t.Errorf("alert %v goes on from %s, and %s has more of it", tab.Rows[i], earlier, id)
					}
				}
				if seen := siteValue(t, tab, i, "first_seen"); seen != map[bool]string{true: "2022Q4", false: "2024Q1"}[earlier[0] == 'P'] {
					if seen != "2022Q4" { // an alert of the first quarter may itself go on from an older one
						t.Errorf("alert %v was first seen in %v", tab.Rows[i], seen)
					}
				}
			}
		}
		if known == 0 && seed == 0 {
			t.Error("no alert is known")
		}
		compareAlertSums(t, second)
	}
}

// compareAlertSums holds the sums of alerts against themselves and against the list.
func compareAlertSums(t *testing.T, r *analyze.Result) {
	t.Helper()
	tab := siteTable(t, r, "alert")
	sums := siteTable(t, r, "alert_sum")
	states := map[any]analyze.Area{}
	for i := range tab.Rows {
		states[siteValue(t, tab, i, "state")] += siteValue(t, tab, i, "remaining").(analyze.Area)
	}
	for i := range sums.Rows {
		states["new"] -= siteValue(t, sums, i, "new").(analyze.Area)
		states["known"] -= siteValue(t, sums, i, "known").(analyze.Area)
		of := func(name string) analyze.Area { return siteValue(t, sums, i, name).(analyze.Area) }
		if of("area") != of("approved")+of("new")+of("known")+of("sliver") {
			t.Errorf("a row does not add up: %v", sums.Rows[i])
		}
	}
	if states["new"] != 0 || states["known"] != 0 {
		t.Errorf("the sums are off by %v from the list", states)
	}
}

// Slivers are left out of the list and stay in the sums: what is too small, and what is
// both thin and narrow; a narrow long road is none when it is wide enough.
func TestNonagriSlivers(t *testing.T) {
	field := func(id uint64, m geo.MultiPolygon, values ...any) index.Feature {
		return index.Feature{ID: id, Geometry: m, AreaM2: geo.Area(m), Patch: index.NoArea, Net: index.NoArea, Values: values, Place: "619901"}
	}
	ix := indextest.New(t, &edition.Manifest{Generation: "test", Tier: edition.Secure, Policy: edition.Policy{Pieces: true}},
		indextest.Layer{Meta: edition.Layer{Name: "cropland", Vintage: "2023", Fields: analyzetest.Fields("BSM", "DLBM", "GDPDJB"), ClassField: "DLBM"}, Features: []index.Feature{field(1, siteStrip(0, 0, 1000, 1000), "c", "0103", "2")}},
		indextest.Layer{Meta: edition.Layer{Name: "change", Vintage: "2024Q1", Fields: analyzetest.Fields("BSM", "TBLX")}, Features: []index.Feature{
			field(1, siteStrip(-50, 10, 0.5, 200), "narrow", "20"),   // 95 m², 0.5 m wide
			field(2, siteStrip(-50, 300, 0.05, 400), "small", "20"),  // 5 m²
			field(3, siteStrip(-50, 500, 2, 700), "border", "20"),    // 400 m², 2 m wide
			field(4, siteStrip(900, -50, 1100, 0.5), "corner", "20"), // 50 m², 0.5 m wide
			field(5, siteStrip(400, 400, 440, 440), "inside", "02"),
		}})
	r, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "nonagri"}, analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tab := siteTable(t, r, "alert")
	var got []string
	for i := range tab.Rows {
		got = append(got, siteValue(t, tab, i, "subject").(string))
	}
	if slices.Sort(got); fmt.Sprint(got) != "[border inside]" {
		t.Errorf("alerts %v", got)
	}
	sums := siteTable(t, r, "alert_sum")
	if i := slices.IndexFunc(sums.Rows, func(row []any) bool { return row[2] == "nonagri" }); i < 0 || siteValue(t, sums, i, "n_sliver") != int64(3) ||
		math.Abs(float64(siteValue(t, sums, i, "sliver").(analyze.Area))/100-150) > 0.05 || math.Abs(float64(siteValue(t, sums, i, "area").(analyze.Area))/100-550) > 0.05 {
		t.Errorf("sums %v", sums.Rows)
	}
	for _, w := range []string{"没有图层 pbf", "没有图层 approval", "没有以前的推送"} {
		if !slices.ContainsFunc(r.Notes, func(n edition.Title) bool { return strings.Contains(n.Zh, w) }) {
			t.Errorf("no note on %s: %v", w, r.Notes)
		}
	}
}

// Requests that cannot be answered are problems.
func TestNonagriRefused(t *testing.T) {
	c := alertsCounty(0)
	ix := c.Index(t)
	_ = wantSiteProblem(t, ix, analyze.Request{Question: "nonagri", From: "1999"}, "ANALYZE_LAYER")
	_ = wantSiteProblem(t, ix, analyze.Request{Question: "nonagri", Vintage: "2023", Parameters: map[string]string{"source": "survey"}}, "ANALYZE_VINTAGES")
	_ = wantSiteProblem(t, ix, analyze.Request{Question: "nonagri", Parameters: map[string]string{"source": "hearsay"}}, "ANALYZE_PARAMETER")
	_ = wantSiteProblem(t, ix, analyze.Request{Question: "nonagri", Previous: &analyze.Result{Run: "x"}}, "ANALYZE_PREVIOUS")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := analyze.Run(ctx, ix, analyze.Request{Question: "nonagri"}, analyze.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context has ended: %v", err)
	}
}

// V of each monitored change is PostGIS's, and what is left of it without approvals.
func TestNonagriPostGIS(t *testing.T) {
	if testing.Short() {
		t.Skip("starts PostGIS")
	}
	c := alertsCounty(5)
	ix := c.Index(t)
	r, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "nonagri", Vintage: "2024Q2"}, analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	db := postgistest.Start(t)
	origin := geo.Position{Lon: analyzetest.West, Lat: analyzetest.South}
	for table, l := range map[string]*index.Layer{"change": ix.Layer("change", "2024Q2"), "crop": ix.Layer("cropland", "2023"), "pbf": ix.Layer("pbf", "")} {
		analyzetest.Load(t, db, table, l, origin)
	}
	analyzetest.Load(t, db, "code", ix.Layer("change", "2024Q2"), origin, "JCBH")
	analyzetest.Load(t, db, "approval", ix.Layer("approval", ""), origin, "YWLX")
	rows := db.Ask(t, `WITH farm AS (SELECT ST_Union(geom) g FROM (SELECT geom FROM crop UNION ALL SELECT geom FROM pbf) x),
		allowed AS (SELECT ST_Union(geom) g FROM approval WHERE ywlx IN ('ZZ_NYDZYFW', 'LSYD_XMZDFW')),
		v AS (SELECT jcbh, ST_Intersection(c.geom, farm.g) g FROM code c, farm)
		SELECT v.jcbh, ST_Area(v.g), ST_Area(ST_Intersection(v.g, allowed.g)), coalesce(ST_Area(ST_Intersection(v.g, (SELECT ST_Union(geom) FROM pbf))), 0) FROM v, allowed WHERE ST_Area(v.g) > 10`)
	tab := siteTable(t, r, "alert")
	for _, row := range rows {
		var all, approved, farm float64
		if _, err := fmt.Sscan(strings.Join(row[1:], " "), &all, &approved, &farm); err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(tab.Rows, func(r []any) bool { return r[4] == row[0] })
		if i < 0 {
			t.Errorf("PostGIS has an alert %v", row)
			continue
		}
		if siteValue(t, tab, i, "kind") != "nonagri" {
			approved = 0
		}
		for name, want := range map[string]float64{"area": all, "approved": approved, "pbf": farm} {
			if got := float64(siteValue(t, tab, i, name).(analyze.Area)) / 100; math.Abs(got-want) > 0.02+1e-6*want {
				t.Errorf("%s of %s is %.4f, PostGIS has %.4f", name, row[0], got, want)
			}
		}
	}
	if len(rows) != len(tab.Rows) || len(rows) == 0 {
		t.Errorf("%d alerts, PostGIS has %d", len(tab.Rows), len(rows))
	}
}
