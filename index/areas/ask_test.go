package areas_test

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
	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// expected is what a scan of all lattice cells finds of a layer.
type expected struct {
	area, gross, net, patch, noNet float64
	features                       int
	groups                         map[any]float64
}

// scan adds up the cells of the lattice one by one.
func scan(l land, name string, aoi []rect, side int) expected {
	e := expected{groups: map[any]float64{}}
	for x := range side {
		for y := range side {
			if !insideOdd(aoi, x, y) {
				continue
			}
			cell := cellArea(rect{x, y, x + 1, y + 1})
			classes := map[any]bool{}
			covered := false
			for _, p := range l[name] {
				if !p.holds(x, y) {
					continue
				}
				covered = true
				classes[p.class] = true
				e.gross += cell
				if p.net != index.NoArea {
					e.net += cell * float64(p.net) / 100 / cellArea(p.rect)
				} else {
					e.noNet += cell
				}
				if p.patch != index.NoArea {
					e.patch += cell * float64(p.patch) / 100 / cellArea(p.rect)
				}
			}
			if covered {
				e.area += cell
			}
			for c := range classes {
				e.groups[c] += cell
			}
		}
	}
	for _, p := range l[name] {
		if slices.ContainsFunc(cells(p.rect), func(c [2]int) bool { return insideOdd(aoi, c[0], c[1]) }) {
			e.features++
		}
	}
	return e
}

func cells(r rect) (out [][2]int) {
	for x := r.x0; x < r.x1; x++ {
		for y := r.y0; y < r.y1; y++ {
			out = append(out, [2]int{x, y})
		}
	}
	return out
}

// insideOdd is the even-odd rule.
func insideOdd(rects []rect, x, y int) bool {
	in := false
	for _, r := range rects {
		in = in != r.holds(x, y)
	}
	return in
}

// near tells whether figures agree to the answer's rounding.
func near(got, want float64) bool { return math.Abs(got-want) <= 2e-4+1e-11*math.Abs(want) }

// Every figure of an answer agrees with a scan of the lattice's cells, whatever
// overlaps, touches or coincides, in the features and in the shape.
func TestAskAgainstScan(t *testing.T) {
	const side = 12
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(11, seed))
		l := randomLand(rng, side, 14)
		ix := l.open(t)
		if seed%3 == 2 {
			ix = l.openBare(t)
		}
		var aoi []rect
		var shape geo.MultiPolygon
		for range 1 + rng.IntN(3) {
			r := randomRect(rng, side)
			aoi = append(aoi, r)
			shape = append(shape, r.shape()...)
		}
		a, err := areas.Ask(t.Context(), ix, areas.Question{
			Shape: shape, Combinations: true, Pieces: true, GroupBy: map[string][]string{"cropland": {"DLBM"}, "pbf": {"DLBM"}},
		})
		total := 0.0
		for _, c := range cells(rect{0, 0, side, side}) {
			if insideOdd(aoi, c[0], c[1]) {
				total += cellArea(rect{c[0], c[1], c[0] + 1, c[1] + 1})
			}
		}
		if total == 0 {
			if !hasCode(err, "AOI_EMPTY") {
				t.Fatalf("seed %d: error %v of a shape without ground", seed, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !near(a.AOI.AreaM2, total) || len(a.Failed) > 0 {
			t.Errorf("seed %d: aoi %v, want %v; failed %v", seed, a.AOI.AreaM2, total, a.Failed)
		}
		for _, got := range a.Layers {
			compareLayer(t, fmt.Sprintf("seed %d %s", seed, got.Layer), got, scan(l, got.Layer, aoi, side))
		}
		compareCombinations(t, seed, a, l, aoi, side)
		compareSums(t, seed, ix, l, shape, aoi, side)
		compareSums(t, seed, ix, l, rect{0, 0, side, side}.shape(), []rect{{0, 0, side, side}}, side)
	}
}

// compareSums asks for sums alone, for which features wholly inside are not
// looked at one by one.
func compareSums(t *testing.T, seed uint64, ix *index.Index, l land, shape geo.MultiPolygon, aoi []rect, side int) {
	t.Helper()
	a, err := areas.Ask(t.Context(), ix, areas.Question{Shape: shape, Combinations: seed%2 == 0})
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	for _, got := range a.Layers {
		want, at := scan(l, got.Layer, aoi, side), fmt.Sprintf("seed %d, sums of %s", seed, got.Layer)
		if got.Count != want.features || !near(got.AreaM2, want.area) || !near(got.GrossM2, want.gross) || got.Groups != nil || got.Pieces != nil {
			t.Errorf("%s: got %+v, want %+v", at, got, want)
		}
		compareRecord(t, at+" net", got.NetM2, want.net, want.gross > 0)
		if got.NetM2 != nil && !near(got.NoNetM2, want.noNet) {
			t.Errorf("%s: without a net area %v, want %v", at, got.NoNetM2, want.noNet)
		}
		compareRecord(t, at+" patch", got.PatchM2, want.patch, want.gross > 0)
	}
}

func compareLayer(t *testing.T, at string, got areas.Layer, want expected) {
	t.Helper()
	if got.Count != want.features || !near(got.AreaM2, want.area) || !near(got.GrossM2, want.gross) ||
		!near(got.AreaMu, want.area*0.0015) || math.Abs(got.AreaHa-want.area/1e4) > 1e-6 {
		t.Errorf("%s: got %+v, want %+v", at, got, want)
	}
	compareRecord(t, at+" net", got.NetM2, want.net, want.gross > 0)
	if got.NetM2 != nil && !near(got.NoNetM2, want.noNet) {
		t.Errorf("%s: without a net area %v, want %v", at, got.NoNetM2, want.noNet)
	}
	compareRecord(t, at+" patch", got.PatchM2, want.patch, want.gross > 0)
	if len(got.Pieces) != want.features || got.Pieces == nil {
		t.Errorf("%s: %d pieces, want %d", at, len(got.Pieces), want.features)
	}
	sum := 0.0
	for _, p := range got.Pieces {
		sum += p.AreaM2
		if m2 := geo.Area(p.Shape); math.Abs(m2-p.AreaM2) > 0.001 {
			t.Errorf("%s: piece %d has %v m² drawn and %v told", at, p.ID, m2, p.AreaM2)
		}
	}
	if math.Abs(sum-want.gross) > 1e-3 {
		t.Errorf("%s: pieces add up to %v, gross %v", at, sum, want.gross)
	}
	addUp(t, at+" pieces", got.NetM2, got.Pieces, func(p areas.Piece) *float64 { return p.NetM2 })
	addUp(t, at+" pieces' patches", got.PatchM2, got.Pieces, func(p areas.Piece) *float64 { return p.PatchM2 })
	if got.Layer == "hsf" {
		if got.Groups != nil {
			t.Errorf("%s: groups that were not asked for", at)
		}
		return
	}
	if len(got.Groups) != len(want.groups) {
		t.Errorf("%s: groups %v, want %v", at, got.Groups, want.groups)
	}
	for _, g := range got.Groups {
		if !near(g.AreaM2, want.groups[g.Values[0]]) {
			t.Errorf("%s: group %v has %v, want %v", at, g.Values, g.AreaM2, want.groups[g.Values[0]])
		}
	}
	addUp(t, at+" groups", got.NetM2, got.Groups, func(g areas.Group) *float64 { return g.NetM2 })
	addUp(t, at+" groups' patches", got.PatchM2, got.Groups, func(g areas.Group) *float64 { return g.PatchM2 })
}

// addUp: parts' areas of record add up to the whole's, to the last 0.01 m².
func addUp[T any](t *testing.T, at string, whole *float64, parts []T, of func(T) *float64) {
	t.Helper()
	if whole == nil {
		return
	}
	units := int64(0)
	for _, p := range parts {
		if v := of(p); v != nil {
			units += int64(math.Round(*v * 100))
		}
	}
	if want := int64(math.Round(*whole * 100)); units != want {
		t.Errorf("%s: add up to %d units of 0.01 m², the layer has %d", at, units, want)
	}
}

// compareRecord: a sum of records is told where a record speaks of the ground,
// and null where none does.
func compareRecord(t *testing.T, at string, got *float64, want float64, ground bool) {
	t.Helper()
	switch {
	case got == nil && want > 0, got != nil && math.Abs(*got-want) > 0.0051, got != nil && ground && want == 0:
		t.Errorf("%s: got %v, want %v", at, got, want)
	}
}

func compareCombinations(t *testing.T, seed uint64, a *areas.Answer, l land, aoi []rect, side int) {
	t.Helper()
	want := map[string]float64{}
	for _, c := range cells(rect{0, 0, side, side}) {
		if !insideOdd(aoi, c[0], c[1]) {
			continue
		}
		var in []string
		for _, name := range areas.DefaultLayers {
			if slices.ContainsFunc(l[name], func(p parcel) bool { return p.holds(c[0], c[1]) }) {
				in = append(in, name)
			}
		}
		want[strings.Join(in, "+")] += cellArea(rect{c[0], c[1], c[0] + 1, c[1] + 1})
	}
	units := int64(0)
	for _, c := range a.Combinations {
		units += int64(math.Round(c.AreaM2 * 1e4))
		k := strings.Join(c.Inside, "+")
		if !near(c.AreaM2, want[k]) {
			t.Errorf("seed %d: combination %q has %v, want %v", seed, k, c.AreaM2, want[k])
		}
		delete(want, k)
		if len(c.Inside)+len(c.Outside) != 3 || len(c.NetM2) != len(c.Inside) {
			t.Errorf("seed %d: combination %+v does not speak of three layers", seed, c)
		}
	}
	for _, layer := range a.Layers {
		addUp(t, fmt.Sprintf("seed %d: combinations' net %s", seed, layer.Layer), layer.NetM2, a.Combinations,
			func(c areas.Combination) *float64 { return c.NetM2[layer.Layer] })
	}
	if len(want) > 0 {
		t.Errorf("seed %d: combinations %v are missing", seed, want)
	}
	if total := int64(math.Round(a.AOI.AreaM2 * 1e4)); units != total {
		t.Errorf("seed %d: combinations add up to %d units, the shape has %d", seed, units, total)
	}
}

func hasCode(err error, code string) bool {
	p := problem.Of(err)
	return p != nil && p.Code == code
}

func TestAskRefuses(t *testing.T) {
	ix := land{
		"cropland": {{rect: rect{0, 0, 2, 2}, class: "0101", patch: index.NoArea, net: index.NoArea}, {rect: rect{2, 0, 4, 2}, class: "0102", patch: index.NoArea, net: index.NoArea}},
	}.open(t)
	shape := rect{0, 0, 4, 4}.shape()
	line := geo.MultiPolygon{{{origin, {Lon: origin.Lon + step, Lat: origin.Lat}, origin, origin}}}
	for _, c := range []struct {
		name string
		q    areas.Question
		code string
	}{
		{"an unknown layer", areas.Question{Shape: shape, Layers: []string{"roads"}}, "NO_LAYER"},
		{"an unknown vintage", areas.Question{Shape: shape, Layers: []string{"pbf"}, Vintage: "1999"}, "NO_VINTAGE"},
		{"an unknown vintage of all layers", areas.Question{Shape: shape, Vintage: "1999"}, "NO_VINTAGE"},
		{"a layer named twice", areas.Question{Shape: shape, Layers: []string{"pbf", "pbf"}}, "PARAMETER_LAYERS"},
		{"more layers than a mask has bits", areas.Question{Shape: shape, Layers: strings.Split(strings.Repeat("a,", 16)+"a", ",")}, "PARAMETER_LAYERS"},
		{"an unknown field", areas.Question{Shape: shape, GroupBy: map[string][]string{"cropland": {"XM"}}}, "PARAMETER_FIELD"},
		{"a field named twice", areas.Question{Shape: shape, GroupBy: map[string][]string{"cropland": {"BSM", "BSM"}}}, "PARAMETER_FIELD"},
		{"a group of a layer that is not asked about", areas.Question{Shape: shape, Layers: []string{"pbf"}, GroupBy: map[string][]string{"cropland": {"DLBM"}}}, "PARAMETER_FIELD"},
		{"no shape", areas.Question{}, "AOI_EMPTY"},
		{"a shape without ground", areas.Question{Shape: line}, "AOI_EMPTY"},
		{"more vertices than allowed", areas.Question{Shape: shape, MaxVertices: 14}, "TOO_LARGE_OVERLAY"},
		{"more groups than allowed", areas.Question{Shape: shape, GroupBy: map[string][]string{"cropland": {"BSM"}}, MaxListed: 1}, "TOO_LARGE_ANSWER"},
		{"more pieces than allowed", areas.Question{Shape: shape, Pieces: true, MaxListed: 1}, "TOO_LARGE_ANSWER"},
	} {
		if _, err := areas.Ask(t.Context(), ix, c.q); !hasCode(err, c.code) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.code)
		}
	}
	for _, q := range []areas.Question{
		{Shape: shape, MaxVertices: 15}, {Shape: shape, GroupBy: map[string][]string{"cropland": {"BSM"}}, Pieces: true, MaxListed: 2},
	} {
		if _, err := areas.Ask(t.Context(), ix, q); err != nil {
			t.Errorf("at the limit: %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := areas.Ask(ctx, ix, areas.Question{Shape: shape}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context gives %v", err)
	}
}

// A shape beside all features says so; one that touches them shares no ground
// and says so too.
func TestAskOutside(t *testing.T) {
	ix := land{"cropland": {{rect: rect{0, 0, 2, 2}, class: "0101", patch: index.NoArea, net: index.NoArea}}}.open(t)
	for _, r := range []rect{{5, 5, 6, 6}, {2, 0, 4, 2}, {2, 2, 3, 3}} {
		a, err := areas.Ask(t.Context(), ix, areas.Question{Shape: r.shape(), Combinations: true, Pieces: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(a.AOI.Problems) != 1 || a.AOI.Problems[0].Code != "AOI_OUTSIDE" || a.AOI.Mended {
			t.Errorf("%v: problems %v, mended %v", r, a.AOI.Problems, a.AOI.Mended)
		}
		if a.Layers[0].Count != 0 || a.Layers[0].AreaM2 != 0 || len(a.Combinations) != 1 || len(a.Combinations[0].Inside) != 0 {
			t.Errorf("%v: got %+v", r, a)
		}
	}
}

// A shape that crosses itself is measured by the even-odd rule, and the answer
// says what was mended.
func TestAskMends(t *testing.T) {
	ix := land{}.open(t)
	b := rect{0, 0, 2, 2}.box()
	bow := geo.MultiPolygon{{{b.Min, b.Max, {Lon: b.Max.Lon, Lat: b.Min.Lat}, {Lon: b.Min.Lon, Lat: b.Max.Lat}, b.Min}}}
	a, err := areas.Ask(t.Context(), ix, areas.Question{Shape: bow, Layers: []string{"pbf"}})
	if err != nil {
		t.Fatal(err)
	}
	if half := cellArea(rect{0, 0, 2, 2}) / 2; math.Abs(a.AOI.AreaM2-half) > 1e-5*half || !a.AOI.Mended || a.AOI.Problems[0].Code != "RING_SELF_CROSSING" {
		t.Errorf("got %+v, want half of the square, %v", a.AOI, half)
	}
	if a.Combinations != nil {
		t.Error("combinations that were not asked for")
	}
}

// Areas as booked: of the shape, of each piece, and of a layer as the sum of its
// pieces. A whole feature has what the rule gives for it.
func TestAskSurvey(t *testing.T) {
	l := land{"cropland": {
		{rect: rect{0, 0, 4, 4}, class: "0101", patch: index.NoArea, net: index.NoArea},
		{rect: rect{4, 0, 9, 4}, class: "0102", patch: index.NoArea, net: index.NoArea},
	}}
	for name, ix := range map[string]*index.Index{"partition": l.open(t), "bare": l.openBare(t)} {
		a, err := areas.Ask(t.Context(), ix, areas.Question{Shape: rect{0, 0, 7, 4}.shape(), Layers: []string{"cropland"}, Survey: true, Pieces: true})
		if err != nil {
			t.Fatal(err)
		}
		zone, err := geo.EPSG(4524)
		if err != nil {
			t.Fatal(err)
		}
		booked := func(r rect) float64 {
			v, err := geo.SurveyArea(zone, r.shape())
			if err != nil {
				t.Fatal(err)
			}
			return v.M2()
		}
		got := a.Layers[0]
		if *a.AOI.SurveyM2 != booked(rect{0, 0, 7, 4}) || a.AOI.SurveyZone != "EPSG:4524" {
			t.Errorf("%s: the shape is booked as %v in %s", name, *a.AOI.SurveyM2, a.AOI.SurveyZone)
		}
		slices.SortFunc(got.Pieces, func(a, b areas.Piece) int { return int(a.ID) - int(b.ID) })
		if *got.Pieces[0].SurveyM2 != booked(rect{0, 0, 4, 4}) || math.Abs(*got.Pieces[1].SurveyM2-booked(rect{4, 0, 7, 4})) > 0.011 {
			t.Errorf("%s: pieces are booked as %v and %v", name, *got.Pieces[0].SurveyM2, *got.Pieces[1].SurveyM2)
		}
		if got.Pieces[0].Code != "61040220010000A" || got.Pieces[1].Code != "61040220010000B" {
			t.Errorf("%s: pieces are of %q and %q", name, got.Pieces[0].Code, got.Pieces[1].Code)
		}
		if math.Abs(*got.SurveyM2-*got.Pieces[0].SurveyM2-*got.Pieces[1].SurveyM2) > 1e-9 {
			t.Errorf("%s: the layer is booked as %v", name, *got.SurveyM2)
		}
		plain, err := areas.Ask(t.Context(), ix, areas.Question{Shape: rect{0, 0, 7, 4}.shape(), Layers: []string{"cropland"}})
		if err != nil || plain.AOI.SurveyM2 != nil || plain.Layers[0].SurveyM2 != nil || plain.Layers[0].Pieces != nil {
			t.Errorf("%s: booked areas that nobody asked for: %v", name, err)
		}
	}
}

// A feature that shares less than is told of is in no list, and its ground is in
// the sums: lists add up to them all the same.
func TestListsAddUpOverSlivers(t *testing.T) {
	l := land{"cropland": {
		{rect: rect{0, 0, 4, 4}, class: "0101", patch: 160_005, net: 150_003},
		{rect: rect{4, 0, 9, 4}, class: "0102", patch: 200_007, net: 190_001},
		{rect: rect{0, 4, 4, 9}, class: "0103", patch: 200_009, net: 190_007},
	}}
	ix := l.open(t)
	for units := int64(1); units < 15; units += 2 {
		box := rect{1, 1, 4, 4}.box()
		box.Max.Lon += units
		box.Max.Lat += units / 2
		a, err := areas.Ask(t.Context(), ix, areas.Question{
			Shape: geo.MultiPolygon{box.Polygon()}, Layers: []string{"cropland"}, Pieces: true, GroupBy: map[string][]string{"cropland": {"DLBM"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		got, at := a.Layers[0], fmt.Sprintf("%d units", units)
		if got.Count != 1 || len(got.Pieces) != 1 || len(got.Groups) != 1 || got.GrossM2 <= got.Pieces[0].AreaM2-1e-9 {
			t.Errorf("%s: %+v", at, got)
		}
		if got.Groups[0].AreaM2 != got.AreaM2 || got.Pieces[0].AreaM2 != got.GrossM2 {
			t.Errorf("%s: class %v and piece %v, layer %v and %v", at, got.Groups[0].AreaM2, got.Pieces[0].AreaM2, got.AreaM2, got.GrossM2)
		}
		addUp(t, at+" pieces", got.NetM2, got.Pieces, func(p areas.Piece) *float64 { return p.NetM2 })
		addUp(t, at+" patches", got.PatchM2, got.Pieces, func(p areas.Piece) *float64 { return p.PatchM2 })
		addUp(t, at+" groups", got.NetM2, got.Groups, func(g areas.Group) *float64 { return g.NetM2 })
	}
}
