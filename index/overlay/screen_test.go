package overlay

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
	"gengtu/index/overlay/pairtest"
)

// No valid polygon is doubted, however thin or dense.
func TestScreenPassesValidPolygons(t *testing.T) {
	for _, f := range pairtest.Families() {
		for seed := range uint64(300) {
			a, b := pairtest.Pair(f, seed)
			for _, m := range []geo.MultiPolygon{a, b} {
				if d := Screen(m); d != nil {
					t.Fatalf("%s seed %d: %+v", f, seed, d)
				}
			}
		}
	}
}

// Where a polygon passes, all readings have the same area; where it is doubted,
// it is not valid; and what is not read alike is never passed.
func TestScreenFindsWhatMatters(t *testing.T) {
	for _, k := range pairtest.BadKinds() {
		doubted, differ := 0, 0
		const n = 100
		for seed := range uint64(n) {
			m := pairtest.Bad(k, seed)
			doubts := Screen(m)
			even, found := mustMend(t, m)
			filled, _, err := MendBy(NonZero, m)
			if err != nil {
				t.Fatalf("%s seed %d: %v", k, seed, err)
			}
			wound := geo.Area(Direct(m))
			spread := max(math.Abs(geo.Area(even)-geo.Area(filled)), math.Abs(geo.Area(even)-wound), math.Abs(geo.Area(filled)-wound))
			// Mended geometry is rounded to the grid.
			rounding := 1e-6 + 1.2e-5*planeOf(m).length(m)
			if spread > rounding {
				differ++
			}
			if doubts == nil {
				if spread > rounding {
					t.Errorf("%s seed %d passes, and its readings differ by %g m²", k, seed, spread)
				}
				continue
			}
			doubted++
			if len(found) == 0 {
				t.Errorf("%s seed %d is valid, and doubted: %+v", k, seed, doubts)
			}
			sum := 0.0
			for _, d := range doubts {
				sum += d.Area
			}
			if spread > sum+rounding {
				t.Errorf("%s seed %d: readings differ by %g m², the doubts amount to %g", k, seed, spread, sum)
			}
		}
		t.Logf("%-12s %3d of %d doubted, %3d mean different ground", k, doubted, n, differ)
	}
}

func TestScreenTells(t *testing.T) {
	square := rectangle(0, 0, 10, 10)
	hole := reversed(rectangle(2, 2, 4, 4))
	for _, c := range []struct {
		name string
		in   geo.MultiPolygon
		want []Doubt
	}{
		{"nothing", nil, nil},
		{"empty rings", geo.MultiPolygon{nil, {nil}, {geo.Ring{}}}, nil},
		{"a square", single(square), nil},
		{"a clockwise square with a hole the same way", single(reversed(square), hole), nil},
		{"a line", single(closed(ground(0, 0), ground(5, 0), ground(3, 0))), nil},
		{"a spike", single(closed(ground(0, 0), ground(10, 0), ground(20, 0), ground(10, 0), ground(10, 10), ground(0, 10))), nil},
		{"a common border", geo.MultiPolygon{{square}, {rectangle(10, 0, 20, 10)}}, nil},
		{"a part in a hole", geo.MultiPolygon{{square, hole}, {rectangle(2.5, 2.5, 3.5, 3.5)}}, nil},
		{"not closed", single(square, hole[:4]), []Doubt{{RingNotClosed, 0, 1, 0}}},
		{"a bow tie", single(closed(ground(0, 0), ground(10, 10), ground(10, 0), ground(0, 10))), []Doubt{{RingCrossesSelf, 0, 0, 50}}},
		{"twice round", single(append(square[:4:4], square...)), []Doubt{{RingCrossesSelf, 0, 0, 200}}},
		{"a hole that crosses itself", single(square, closed(ground(2, 2), ground(4, 4), ground(4, 2), ground(2, 4.5))), []Doubt{{RingCrossesSelf, 0, 1, 2}}},
		{"a hole outside", single(square, reversed(rectangle(20, 0, 22, 2))), []Doubt{{HoleOutsideShell, 0, 1, 8}}},
		{"a hole across", single(square, reversed(rectangle(8, 2, 12, 4))), []Doubt{{HoleOutsideShell, 0, 1, 8}}},
		{"a hole in a hole", single(square, reversed(rectangle(1, 1, 9, 9)), hole), []Doubt{{HolesNested, 0, 2, 8}}},
		{"parts that overlap", geo.MultiPolygon{{square}, {rectangle(5, 5, 15, 15)}}, []Doubt{{PartsOverlap, 1, 0, 50}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Screen(c.in)
			for i := range got {
				got[i].Area = math.Round(got[i].Area)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// More rings than are looked at one by one.
func TestScreenManyRings(t *testing.T) {
	var m geo.MultiPolygon
	for i := range screenRings + 1 {
		x := float64(i) * 20
		m = append(m, geo.Polygon{rectangle(x, 0, x+10, 10)})
	}
	if d := Screen(m); d != nil {
		t.Fatalf("%+v", d)
	}
	m[7] = m[6]
	d := Screen(m)
	if len(d) != 1 || d[0].Polygon != -1 || math.Abs(d[0].Area-200) > 0.1 {
		t.Fatalf("%+v", d)
	}
}

// ruleCases are shapes whose areas by both rules can be told by eye. linework is
// what MakeValid's linework method makes of them, structure is always nonZero.
var ruleCases = []struct {
	name                    string
	in                      geo.MultiPolygon
	even, linework, nonZero float64
}{
	{"square", single(rectangle(0, 0, 10, 10)), 100, 100, 100},
	{"clockwise", single(reversed(rectangle(0, 0, 10, 10))), 100, 100, 100},
	{"bow tie", single(closed(ground(0, 0), ground(10, 10), ground(10, 0), ground(0, 10))), 50, 50, 50},
	{"parts that overlap", geo.MultiPolygon{{rectangle(0, 0, 10, 10)}, {rectangle(5, 5, 15, 15)}}, 150, 150, 175},
	{"part inside a part", geo.MultiPolygon{{rectangle(0, 0, 10, 10)}, {rectangle(2, 2, 4, 4)}}, 96, 96, 100},
	{"parts with a common border", geo.MultiPolygon{{rectangle(0, 0, 10, 10)}, {rectangle(10, 0, 20, 10)}}, 200, 200, 200},
	{"hole across the shell", single(rectangle(0, 0, 10, 10), reversed(rectangle(8, 2, 12, 4))), 100, 100, 96},
	{"hole outside", single(rectangle(0, 0, 10, 10), reversed(rectangle(20, 0, 22, 2))), 104, 104, 104},
	{"hole in a hole", single(rectangle(0, 0, 10, 10), reversed(rectangle(1, 1, 9, 9)), reversed(rectangle(2, 2, 4, 4))), 40, 40, 36},
	{"a line", single(closed(ground(0, 0), ground(5, 0), ground(3, 0))), 0, 0, 0},

	// Copies count once by all rules. Of other lines drawn twice, linework keeps one
	// and even-odd none, so that linework loses holes along a shell and fills a bay
	// that a spike shuts off.
	{"twice round", single(append(rectangle(0, 0, 10, 10)[:4:4], rectangle(0, 0, 10, 10)...)), 100, 100, 100},
	{"three times round", single(append(append(rectangle(0, 0, 10, 10)[:4:4], rectangle(0, 0, 10, 10)[:4]...), rectangle(0, 0, 10, 10)...)), 100, 100, 100},
	{"the same part twice", geo.MultiPolygon{{rectangle(0, 0, 10, 10)}, {rectangle(0, 0, 10, 10)}}, 100, 100, 100},
	{"hole that covers the shell", single(rectangle(0, 0, 10, 10), reversed(rectangle(0, 0, 10, 10))), 0, 100, 0},
	{"hole along the shell", single(rectangle(0, 0, 10, 10), reversed(rectangle(0, 2, 4, 4))), 92, 100, 92},
	{"spike across a bay", single(closed(ground(0, 0), ground(10, 0), ground(10, 10), ground(8, 10), ground(8, 2), ground(2, 2),
		ground(2, 10), ground(9, 10), ground(2, 10), ground(0, 10))), 52, 100, 52},
}

func TestMendByRules(t *testing.T) {
	for _, c := range ruleCases {
		t.Run(c.name, func(t *testing.T) {
			checkRule(t, EvenOdd, c.in, c.even)
			checkRule(t, NonZero, c.in, c.nonZero)
		})
	}
	square := rectangle(0, 0, 10, 10)
	checkRule(t, NonZero, nil, 0)
	checkRule(t, NonZero, single(square[:4]), 100)
	checkRule(t, NonZero, geo.MultiPolygon{nil, {square}}, 100)
}

func checkRule(t *testing.T, rule FillRule, in geo.MultiPolygon, want float64) {
	t.Helper()
	out, _, err := MendBy(rule, in)
	if err != nil {
		t.Fatal(err)
	}
	if got := geo.Area(out); math.Abs(got-want) > 0.1 {
		t.Errorf("rule %d: %.3f m², want %.0f", rule, got, want)
	}
	if _, found := mustMend(t, out); len(out) > 0 && len(found) > 0 {
		t.Errorf("rule %d: the result breaks %v", rule, found)
	}
}

func benchmarkBoth(b *testing.B, f func(m geo.MultiPolygon)) {
	for _, c := range []struct {
		name string
		m    geo.MultiPolygon
	}{
		{"36", newGenerator(1).star(0, 0, 50, 36)},
		{"256", newGenerator(1).star(0, 0, 500, 256)},
		{"2000", newGenerator(1).star(0, 0, 5000, 2000)},
	} {
		b.Run("vertices="+c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f(c.m)
			}
		})
	}
}

func BenchmarkScreen(b *testing.B) {
	benchmarkBoth(b, func(m geo.MultiPolygon) { Screen(m) })
}

func BenchmarkScreenMend(b *testing.B) {
	benchmarkBoth(b, func(m geo.MultiPolygon) {
		if _, _, err := Mend(m); err != nil {
			b.Error(err)
		}
	})
}
