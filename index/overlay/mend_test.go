package overlay

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

func mustMend(t testing.TB, m geo.MultiPolygon) (geo.MultiPolygon, []Finding) {
	t.Helper()
	out, found, err := Mend(m)
	if err != nil {
		t.Fatalf("%v\n%v", err, m)
	}
	return out, found
}

// checkMended checks what holds for everything that Mend returns.
func checkMended(t *testing.T, m geo.MultiPolygon) (geo.MultiPolygon, []Finding) {
	t.Helper()
	out, found := mustMend(t, m)
	want := mustMeasure(t, m, nil).AOI
	p := planeOf(m)
	tolerance := 1e-3 + 1.2e-5*p.length(m)
	if len(found) == 0 {
		// Valid on the grid, it is kept, though it may cross itself where edges are straight.
		tolerance += bendOf(m)
	}
	// Copies count once; Measure, which knows no rings, has them cancel.
	copies := slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == RingDoubled })
	if got := p.area(out); math.Abs(got-want) > tolerance && !copies {
		t.Fatalf("mended area %.6f, want %.6f: %v", got, want, m)
	}
	again, more := mustMend(t, out)
	if d := cmp.Diff(out, again); d != "" && len(out) > 0 {
		t.Fatalf("mending again changes: %s\n%v", d, more)
	}
	if len(out) > 0 && len(more) > 0 {
		t.Fatalf("mended polygon breaks %v", more)
	}
	return out, found
}

func TestMendRules(t *testing.T) {
	square := rectangle(0, 0, 10, 10)
	hole := reversed(rectangle(2, 2, 4, 4))
	for _, c := range []struct {
		name  string
		in    geo.MultiPolygon
		rules []Rule
		parts int
		holes int
		m2    float64
	}{
		{"square", single(square), nil, 1, 0, 100},
		{"clockwise square", single(reversed(square)), nil, 1, 0, 100},
		{"hole", single(square, hole), nil, 1, 1, 96},
		{"two parts", geo.MultiPolygon{{square}, {rectangle(20, 0, 30, 10)}}, nil, 2, 0, 200},
		{"parts touching at a corner", geo.MultiPolygon{{square}, {rectangle(10, 10, 20, 20)}}, nil, 2, 0, 200},
		{"hole touching its shell", single(square, closed(ground(0, 0), ground(2, 4), ground(4, 2))), nil, 1, 1, 94},
		{"part in a hole", geo.MultiPolygon{{square, hole}, {rectangle(2.5, 2.5, 3.5, 3.5)}}, nil, 2, 1, 97},

		{"not closed", single(square[:4]), []Rule{RingNotClosed}, 1, 0, 100},
		{"repeated position", single(append(geo.Ring{square[0]}, square...)), []Rule{RepeatedPosition}, 1, 0, 100},
		{"two positions", single(closed(ground(0, 0), ground(1, 1))), []Rule{NothingLeft, RingTooShort}, 0, 0, 0},
		{"empty", nil, []Rule{NothingLeft}, 0, 0, 0},
		{"a line", single(closed(ground(0, 0), ground(5, 0), ground(3, 0))), []Rule{NothingLeft, RingSpike}, 0, 0, 0},
		{"spike outwards", single(closed(ground(0, 0), ground(10, 0), ground(20, 0), ground(10, 0), ground(10, 10), ground(0, 10))), []Rule{RingTouchesSelf, RingSpike}, 1, 0, 100},
		{"bow tie", single(closed(ground(0, 0), ground(10, 10), ground(10, 0), ground(0, 10))), []Rule{RingCrossesSelf}, 2, 0, 50},
		{"figure of eight through a place", single(closed(ground(0, 0), ground(5, 5), ground(10, 0), ground(10, 10), ground(5, 5), ground(0, 10))), []Rule{RingTouchesSelf}, 2, 0, 50},
		{"shell that touches itself", single(closed(ground(0, 0), ground(10, 0), ground(10, 10), ground(0, 10), ground(0, 0), ground(2, 4), ground(4, 2))), []Rule{RingTouchesSelf}, 1, 1, 94},
		{"hole outside", single(square, reversed(rectangle(20, 0, 22, 2))), []Rule{HoleOutsideShell}, 2, 0, 104},
		{"hole across the shell", single(square, reversed(rectangle(8, 2, 12, 4))), []Rule{RingsCross}, 2, 0, 100},
		{"hole in a hole", single(square, reversed(rectangle(1, 1, 9, 9)), hole), []Rule{HolesNested}, 2, 1, 40},
		{"hole along the shell", single(square, reversed(rectangle(0, 2, 4, 4))), []Rule{RingsShareEdge}, 1, 0, 92},
		{"parts that overlap", geo.MultiPolygon{{square}, {rectangle(5, 5, 15, 15)}}, []Rule{PartsOverlap}, 2, 0, 150},
		{"part inside a part", geo.MultiPolygon{{square}, {rectangle(2, 2, 4, 4)}}, []Rule{PartsOverlap}, 1, 1, 96},
		{"parts with a common edge", geo.MultiPolygon{{square}, {rectangle(10, 0, 20, 10)}}, []Rule{PartsOverlap}, 1, 0, 200},
		{"holes that cut the shell apart", single(square,
			closed(ground(0, 5), ground(2, 6), ground(5, 5), ground(2, 4)),
			closed(ground(5, 5), ground(8, 6), ground(10, 5), ground(8, 4))), []Rule{InteriorSplit, InteriorSplit}, 2, 0, 90},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, found := checkMended(t, c.in)
			var rules []Rule
			for _, f := range found {
				rules = append(rules, f.Rule)
				if f.Count < 1 || f.Problem().Code != string(f.Rule) || ruleTexts[f.Rule].zh == "" {
					t.Errorf("finding %+v", f)
				}
			}
			if d := cmp.Diff(c.rules, rules); d != "" {
				t.Errorf("rules: %s", d)
			}
			holes := 0
			for _, p := range out {
				holes += len(p) - 1
			}
			if len(out) != c.parts || holes != c.holes {
				t.Errorf("%d parts with %d holes, want %d with %d", len(out), holes, c.parts, c.holes)
			}
			if got := planeOf(square2()).area(out); math.Abs(got-c.m2) > 0.1 {
				t.Errorf("area %.3f, want %.0f", got, c.m2)
			}
		})
	}
}

func square2() geo.MultiPolygon { return single(rectangle(0, 0, 10, 10)) }

// Valid polygons come back vertex for vertex.
func TestMendKeepsCleanPolygons(t *testing.T) {
	g := newGenerator(20)
	for i := range 400 {
		a, b := g.pair(i)
		for _, m := range []geo.MultiPolygon{a, b} {
			if i%pairKinds == 2 {
				continue // noise may make it cross itself
			}
			before := clone(m)
			out, found := mustMend(t, m)
			if len(found) > 0 {
				t.Fatalf("case %d: found %v", i, found)
			}
			if d := cmp.Diff(canonical(clone(m)), out); d != "" {
				t.Fatalf("case %d changed: %s", i, d)
			}
			if d := cmp.Diff(before, m); d != "" {
				t.Fatalf("case %d: argument changed: %s", i, d)
			}
		}
	}
}

// The Earth's own edges are places; a step of the grid beyond them there is none.
func TestMendRange(t *testing.T) {
	const lon, lat = 180 * geo.Unit, 90 * geo.Unit
	for name, c := range map[string]struct {
		at     geo.Position
		beyond bool
	}{
		"west": {geo.Position{Lon: -lon, Lat: 0}, false}, "beyond west": {geo.Position{Lon: -lon - 1, Lat: 0}, true},
		"east": {geo.Position{Lon: lon, Lat: 0}, false}, "beyond east": {geo.Position{Lon: lon + 1, Lat: 0}, true},
		"south": {geo.Position{Lon: 0, Lat: -lat}, false}, "beyond south": {geo.Position{Lon: 0, Lat: -lat - 1}, true},
		"north": {geo.Position{Lon: 0, Lat: lat}, false}, "beyond north": {geo.Position{Lon: 0, Lat: lat + 1}, true},
	} {
		step := int64(geo.Unit / 1000)
		a, b := c.at, c.at
		a.Lon, b.Lat = a.Lon-step, b.Lat-step
		if a.Lon < -lon {
			a.Lon = c.at.Lon + step
		}
		if b.Lat < -lat {
			b.Lat = c.at.Lat + step
		}
		_, _, err := Mend(geo.MultiPolygon{{{c.at, a, b, c.at}}})
		if p := problem.Of(err); (p != nil && p.Code == "OVERLAY_RANGE") != c.beyond {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func clone(m geo.MultiPolygon) geo.MultiPolygon {
	var out geo.MultiPolygon
	for _, p := range m {
		var q geo.Polygon
		for _, r := range p {
			q = append(q, append(geo.Ring(nil), r...))
		}
		out = append(out, q)
	}
	return out
}

// Whatever a ring does, its mended ground is its even-odd ground.
func TestMendScribbles(t *testing.T) {
	g := newGenerator(21)
	for i := range 400 {
		size := []float64{1e-4, 1e-2, 1, 100, 10_000}[i%5]
		m := g.scribble(4+g.IntN(30), size)
		if i%3 == 0 {
			m = append(m, g.scribble(4+g.IntN(10), size)...)
		}
		checkMended(t, m)
	}
}

// Rings as small as the grid, where every crossing is rounded onto something else, and
// as large as a county, where edges bend by metres between q and latitude.
func TestMendExtremeScribbles(t *testing.T) {
	g := newGenerator(26)
	for i := range 3000 {
		m := g.scribble(3+g.IntN(12), []float64{3e-5, 5e-5, 1e-4, 3e-4, 1e-3}[i%5])
		if i%3 == 0 {
			m = append(m, g.scribble(3+g.IntN(6), 1e-4)...)
		}
		checkMended(t, m)
	}
	for i := range 60 {
		checkMended(t, g.scribble(3+g.IntN(60), []float64{1e3, 1e5, 3e5}[i%3]))
	}
}

// A sliver that is inside out where edges are straight gets points until it is not.
func TestMendInsideOut(t *testing.T) {
	out, found := checkMended(t, single(closed(
		geo.Position{Lon: 1080404226048, Lat: 360404226048},
		geo.Position{Lon: 1080000012336, Lat: 360000012592},
		geo.Position{Lon: 1080001579008, Lat: 360001579008},
	)))
	if len(found) != 1 || found[0].Rule != RingInsideOut || out.Vertices() < 10 || planeOf(out).area(out) < 2.7 {
		t.Errorf("found %v, %v", found, out)
	}
}

// A part that touches the middle of another's long edge on the grid stands off it in
// the equal-area plane, by 0.1 mm at 100 m and 14 m at 40 km.
func TestMendBentEdges(t *testing.T) {
	for _, half := range []int64{5_000_000, 50_000_000, 500_000_000, 2_000_000_000} {
		at := func(x, y int64) geo.Position {
			return geo.Position{Lon: homeLon + x*half, Lat: homeLat + y*half}
		}
		checkMended(t, geo.MultiPolygon{
			{closed(at(0, 0), at(2, 2), at(2, 0))},
			{closed(at(1, 1), at(1, 0), at(2, 1))},
		})
		checkMended(t, geo.MultiPolygon{
			{closed(at(0, 0), at(2, 2), at(0, 2))},
			{closed(at(1, 1), at(0, 1), at(1, 2))},
		})
	}
}

// Intersection, union and difference against the areas measured without geometry.
func TestBooleans(t *testing.T) {
	g := newGenerator(22)
	for i := range 480 {
		a, b := g.pair(i)
		if i%5 == 4 {
			a = g.scribble(4+g.IntN(12), 100)
		}
		a, _ = mustMend(t, a)
		b, _ = mustMend(t, b)
		shared := SharedArea(a, b)
		p := planeOf(append(clone(a), b...))
		for _, c := range []struct {
			name string
			op   func(a, b geo.MultiPolygon) (geo.MultiPolygon, error)
			want float64
		}{
			{"intersection", Intersection, shared},
			{"union", Union, p.area(a) + p.area(b) - shared},
			{"difference", Difference, p.area(a) - shared},
		} {
			out, err := c.op(a, b)
			if err != nil {
				t.Fatalf("pair %d: %s: %v", i, c.name, err)
			}
			if got := p.area(out); math.Abs(got-c.want) > 0.02 {
				t.Fatalf("pair %d: %s has %.6f m², want %.6f", i, c.name, got, c.want)
			}
			again, found := mustMend(t, out)
			if d := cmp.Diff(out, again); len(found) > 0 && found[0].Rule != NothingLeft || len(out) > 0 && d != "" {
				t.Fatalf("pair %d: %s is not valid: %v\n%s", i, c.name, found, d)
			}
		}
	}
}

// A net dissolves to its outline, and a part taken out leaves the rest.
func TestDissolve(t *testing.T) {
	g := newGenerator(23)
	cells := g.tessellation(12, 1200)
	all, err := Dissolve(t.Context(), cells)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || len(all[0]) != 1 {
		t.Fatalf("%d parts, first with %d rings; want one shell", len(all), len(all[0]))
	}
	hole, err := Dissolve(t.Context(), append(append([]geo.MultiPolygon{}, cells[:50]...), cells[51:]...))
	if err != nil {
		t.Fatal(err)
	}
	if len(hole) != 1 || len(hole[0]) != 2 {
		t.Fatalf("%d parts, first with %d rings; want a shell and a hole", len(hole), len(hole[0]))
	}
	rest, err := Difference(all, hole)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(canonical(clone(cells[50])), rest); d != "" {
		t.Fatal(d)
	}
}

func BenchmarkMend(b *testing.B) {
	g := newGenerator(24)
	for _, c := range []struct {
		name string
		m    geo.MultiPolygon
	}{
		{"clean=36", g.star(0, 0, 50, 36)}, {"clean=2000", g.star(0, 0, 5000, 2000)},
		{"crossing=36", g.scribble(36, 100)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mustMend(b, c.m)
			}
		})
	}
}

func BenchmarkIntersection(b *testing.B) {
	g := newGenerator(25)
	var as, bs []geo.MultiPolygon
	for i := range 160 {
		p, q := g.pair(i)
		as, bs = append(as, p), append(bs, q)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := Intersection(as[i%160], bs[i%160]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
