package overlay

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"gengtu/benchmarks/suite"
	"gengtu/index/geo"
)

// jtsTable says what of JTS's overlay tests is compared and what is not; it is
// written anew with UPDATE_GOLDEN=1 when cases are added or read better.
const jtsTable = "testdata/jts.md"

// jtsSize is the width in metres at which cases are placed: the grid rounds their
// vertices by 1e-9 of it.
const jtsSize = 10_000

// jtsMistaken are files and cases whose expected results are not right.
var jtsMistaken = map[string]string{
	"failure/TestOverlayNGFailure.xml": "the file's own text says that its results are approximate; one result stands under all cases",
	// GEOS 3.11 gives the 24,997,133.06 m² that we do.
	"misc/TestOverlay.xml case 2": "the expected union lacks a hole that GEOS itself keeps",
}

// jtsSlow are cases that take a minute.
var jtsSlow = map[string]string{
	"robust/overlay/TestOverlay-shapely-829.xml case 1": "278 outlines that nearly coincide: a minute of work, compared by make soak",
}

// jtsOutcome is what became of one test.
type jtsOutcome struct{ file, op, left string }

// The areas of all polygonal overlays of JTS come out as expected: by the pair's
// integral, by Measure and by the geometry of the result.
func TestOverlayAgainstJTS(t *testing.T) {
	var outcomes []jtsOutcome
	eachJTSOverlay(t, func(file, place string, j *jtsComparison, left string) {
		left = cmp.Or(left, jtsSlow[place])
		outcomes = append(outcomes, jtsOutcome{file, j.op, left})
		if cmp.Or(jtsMistaken[file], jtsMistaken[place]) != "" {
			j.op, left = "overlayareatest", "" // the pair is a test all the same
		}
		if left == "" {
			j.compare()
		}
	})
	compareGolden(t, jtsTable, jtsReport(outcomes))
	compared := 0
	for _, o := range outcomes {
		if o.left == "" {
			compared++
		}
	}
	suite.Count(t, "jts", float64(compared), "overlays")
}

// The cases that TestOverlayAgainstJTS has no time for.
func TestSoakOverlayAgainstJTS(t *testing.T) {
	if os.Getenv("SOAK") == "" {
		t.Skip("a long run: make soak")
	}
	compared := 0
	eachJTSOverlay(t, func(_, place string, j *jtsComparison, left string) {
		if left == "" && jtsSlow[place] != "" {
			j.compare()
			compared++
		}
	})
	suite.Count(t, "jts", float64(compared), "overlays")
}

// eachJTSOverlay reads every test of an overlay; left says why it cannot be compared.
func eachJTSOverlay(t *testing.T, f func(file, place string, j *jtsComparison, left string)) {
	for file, run := range readJTS(t) {
		for i, c := range run.Cases {
			for _, test := range c.Tests {
				name := strings.ToLower(test.Op.Name)
				op := strings.TrimSuffix(strings.TrimSuffix(name, "ng"), "sr")
				if !slices.Contains([]string{"intersection", "union", "difference", "symdifference", "overlayareatest", "unionarea"}, op) {
					continue
				}
				place := fmt.Sprintf("%s case %d", file, i+1)
				j := jtsComparison{t: t, label: fmt.Sprintf("%s: %s(%s, %s)", place, test.Op.Name, test.Op.Arg1, test.Op.Arg2), op: op}
				f(file, place, &j, cmp.Or(jtsMistaken[file], jtsMistaken[place], j.reason(run, &c, &test)))
			}
		}
	}
}

// jtsComparison is one test to be compared.
type jtsComparison struct {
	t        *testing.T
	label    string
	op       string
	a, b     planar
	unary    bool
	want     planar
	wantArea float64 // of unionarea
}

// reason reads a test, and says why it is left out; "" when it is not.
func (j *jtsComparison) reason(run jtsRun, c *jtsCase, test *jtsTest) string {
	if run.Precision.Scale != "" || test.Op.Arg3 != "" {
		return "the result is rounded to a grid of whole units, which changes its area"
	}
	args := map[string]jtsGeometry{}
	for name, text := range map[string]string{"a": c.A, "b": c.B} {
		g, ok := parseJTS(text)
		if strings.TrimSpace(text) != "" && !ok {
			return "an argument is not WKT or WKB that JTS itself would read"
		}
		args[name] = g
	}
	first, second := args[strings.ToLower(test.Op.Arg1)], args[strings.ToLower(test.Op.Arg2)]
	j.unary = test.Op.Arg2 == ""
	if first.other || second.other {
		return "a point or line is among the arguments"
	}
	j.a, j.b = first.areal, second.areal
	switch j.op {
	case "overlayareatest":
		return ""
	case "unionarea":
		var err error
		if j.wantArea, err = strconv.ParseFloat(strings.TrimSpace(test.Op.Result), 64); err != nil {
			return "the expected area is not a number"
		}
		return ""
	}
	if strings.TrimSpace(test.Op.Result) == "" {
		j.op = "overlayareatest" // no result is given: our ways are held against each other
		return ""
	}
	want, ok := parseJTS(test.Op.Result)
	if !ok {
		return "the expected result is not WKT"
	}
	j.want = want.areal // lines and points in it have no area
	return ""
}

func (j *jtsComparison) compare() {
	t := j.t
	at := placingOf(jtsSize, j.a, j.b)
	a, b := at.place(j.a), at.place(j.b)
	if j.unary {
		j.compareUnary(at, a)
		return
	}
	ma, _ := mustMend(t, a)
	mb, _ := mustMend(t, b)
	// Vertices are rounded by half a unit each way; mending moves by as much.
	rounding := 1e-6 + 1.5e-5*(planeOf(ma).length(ma)+planeOf(mb).length(mb))
	exact := truthOf(ma, mb)
	truths := map[string]float64{
		"intersection": exact.shared.value(), "union": exact.union().value(),
		"difference": exact.difference().value(), "symdifference": exact.symmetric().value(),
	}
	if j.op != "overlayareatest" {
		want, _ := mustMend(t, at.place(j.want))
		if got, w := truths[j.op], geo.Area(want); math.Abs(got-w) > rounding {
			t.Errorf("%s: truly %.6f m², want %.6f (%g apart, %g is rounding)", j.label, got, w, math.Abs(got-w), rounding)
		}
	}
	end := max(absoluteEnd, relativeEnd*max(exact.a.hi, exact.b.hi))
	// Edges of kilometres that touch on the grid overlap by their bend in the
	// plane, where Measure counts by even-odd and the integral by winding.
	for _, d := range append(Screen(ma), Screen(mb)...) {
		end += 2 * d.Area
	}
	for _, e := range exactEngines {
		got, err := e.areas(ma, mb)
		if err != nil {
			t.Errorf("%s: %s: %v", j.label, e.name, err)
		}
		for k, op := range [4]string{"intersection", "union", "difference", "symdifference"} {
			if math.Abs(got[k]-truths[op]) > end {
				t.Errorf("%s: %s by %s is %.9f m², want %.9f", j.label, op, e.name, got[k], truths[op])
			}
		}
	}
	pieces, err := piecesOf(a, b)
	if err != nil {
		t.Errorf("%s: %v", j.label, err)
		return
	}
	for op, want := range truths {
		if got := pieces[op]; math.Abs(got-want) > rounding {
			t.Errorf("%s: the pieces of %s have %.6f m², want %.6f", j.label, op, got, want)
		}
	}
}

// piecesOf returns the areas of the geometry of all four overlays.
func piecesOf(a, b geo.MultiPolygon) (map[string]float64, error) {
	areas := map[string]float64{}
	for op, f := range map[string]func() (geo.MultiPolygon, error){
		"intersection": func() (geo.MultiPolygon, error) { return Intersection(a, b) },
		"union":        func() (geo.MultiPolygon, error) { return Union(a, b) },
		"difference":   func() (geo.MultiPolygon, error) { return Difference(a, b) },
		"other":        func() (geo.MultiPolygon, error) { return Difference(b, a) },
	} {
		out, err := f()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		areas[op] = geo.Area(out)
	}
	areas["symdifference"] = areas["difference"] + areas["other"]
	delete(areas, "other")
	return areas, nil
}

// compareUnary compares the union of one argument's parts.
func (j *jtsComparison) compareUnary(at placing, a geo.MultiPolygon) {
	t := j.t
	var parts []geo.MultiPolygon
	for _, p := range a {
		parts = append(parts, geo.MultiPolygon{p})
	}
	out, err := Dissolve(context.Background(), parts)
	if err != nil {
		t.Errorf("%s: %v", j.label, err)
		return
	}
	rounding := 1e-6 + 1.5e-5*planeOf(a).length(a)
	want := j.wantArea * at.scale * at.scale
	if j.op == "union" {
		m, _ := mustMend(t, at.place(j.want))
		want = geo.Area(m)
	} else {
		rounding += 0.01 * at.scale * at.scale // the tolerance of these files
	}
	if got := geo.Area(out); math.Abs(got-want) > rounding {
		t.Errorf("%s: %.6f m², want %.6f", j.label, got, want)
	}
}

// jtsReport is the table of outcomes as text.
func jtsReport(outcomes []jtsOutcome) []byte {
	type row struct{ compared, left int }
	ops, folders, reasons := map[string]row{}, map[string]row{}, map[string]int{}
	count := func(m map[string]row, k string, left bool) {
		r := m[k]
		if left {
			r.left++
		} else {
			r.compared++
		}
		m[k] = r
	}
	for _, o := range outcomes {
		folder := o.file[:strings.LastIndex(o.file, "/")]
		count(ops, o.op, o.left != "")
		count(folders, folder, o.left != "")
		count(ops, "all", o.left != "")
		if o.left != "" {
			reasons[o.left]++
		}
	}
	var b bytes.Buffer
	b.WriteString("# JTS's overlay tests\n\nThe tests in ../shared/data/jts_xml whose areas are compared, and what is left out. An overlayareatest gives no\n" +
		"expected result: all four overlays of its pair are held against the exact areas, as they are in all other tests.\n" +
		"Written by TestOverlayAgainstJTS; `UPDATE_GOLDEN=1 go test -run JTS ./index/overlay` renews it.\n")
	for _, part := range []struct {
		title string
		rows  map[string]row
	}{{"operation", ops}, {"folder", folders}} {
		fmt.Fprintf(&b, "\n| %s | compared | left out |\n|---|--:|--:|\n", part.title)
		for _, k := range slices.Sorted(maps.Keys(part.rows)) {
			fmt.Fprintf(&b, "| %s | %d | %d |\n", k, part.rows[k].compared, part.rows[k].left)
		}
	}
	b.WriteString("\n| left out because | tests |\n|---|--:|\n")
	keys := slices.SortedFunc(maps.Keys(reasons), func(x, y string) int { return cmp.Or(reasons[y]-reasons[x], strings.Compare(x, y)) })
	for _, k := range keys {
		fmt.Fprintf(&b, "| %s | %d |\n", k, reasons[k])
	}
	return b.Bytes()
}

// compareGolden compares got with a file, or writes it with UPDATE_GOLDEN=1.
func compareGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s: %s", name, d)
	}
}

// What JTS calls valid has no findings, what it calls invalid has some.
func TestMendAgainstJTSValidity(t *testing.T) {
	count := 0
	for file, run := range readJTS(t) {
		for i, c := range run.Cases {
			g, ok := parseJTS(c.A)
			at := gridPlacing(g.areal)
			if !ok || g.other || at.place(g.areal).Vertices() == 0 || at.scale < 1e-6 {
				continue // a box with sides of 1e15 leaves nothing to look at
			}
			for _, test := range c.Tests {
				if !strings.EqualFold(test.Op.Name, "isValid") || strings.EqualFold(test.Op.Arg1, "B") {
					continue
				}
				valid := strings.TrimSpace(test.Op.Result) == "true"
				_, found := checkMended(t, at.place(g.areal))
				broken := 0
				for _, f := range found {
					if f.Rule != RepeatedPosition { // which JTS allows
						broken++
					}
				}
				if (broken == 0) != valid {
					t.Errorf("%s case %d (%s): valid is %v, found %v", file, i+1, strings.TrimSpace(c.Desc), valid, found)
				}
				count++
			}
		}
	}
	if count < 60 {
		t.Errorf("only %d cases compared", count)
	}
	suite.Count(t, "jts-validity", float64(count), "cases")
	t.Logf("%d cases compared", count)
}
