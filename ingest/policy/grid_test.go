package policy_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// ground measures a layer: the ground it covers, each place once, and its
// features added up.
func ground(t *testing.T, l *index.Layer) (areaM2, gross float64) {
	t.Helper()
	var items []overlay.Item
	for _, f := range features(t, l) {
		items = append(items, overlay.Item{Group: overlay.NoGroup, Weight: math.NaN(), Geometry: f.Geometry})
	}
	e := l.Extent()
	e.Min.Lon, e.Min.Lat, e.Max.Lon, e.Max.Lat = e.Min.Lon-1e6, e.Min.Lat-1e6, e.Max.Lon+1e6, e.Max.Lat+1e6
	r, err := overlay.Measure(t.Context(), geo.MultiPolygon{e.Polygon()}, items, overlay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r.Layers[0].Area, r.Layers[0].Gross
}

// Overlapping features share ground once, tiny ones vanish and are counted, holes
// and parts keep, and every neighbour keeps its border: on random coverages, at
// several steps.
func TestGrid(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 4))
	for _, step := range []float64{2, 10, 25, 100} {
		var set []index.Feature
		add := func(m geo.MultiPolygon) { set = append(set, index.Feature{Geometry: m, Values: nil}) }
		// A coverage of cut squares, then overlapping ones, a ring and specks.
		cut := []int64{0, 1.1e7, 1.9e7, 4.2e7, 4.5e7, 9e7}
		for i := range 5 {
			for k := range 5 {
				add(box(cut[i], cut[k], cut[i+1], cut[k+1]))
			}
		}
		for range 6 {
			x, y := 12e7+rng.Int64N(5e7), rng.Int64N(5e7)
			add(box(x, y, x+3e7, y+3e7))
		}
		ring := box(-9e7, 0, -1e7, 8e7)
		hole := box(-7e7, 2e7, -3e7, 6e7)[0][0]
		slices.Reverse(hole)
		ring[0] = append(ring[0], hole)
		add(append(ring, box(-6e7, 3e7, -4e7, 5e7)...))
		for i := range int64(5) {
			add(box(30e7+i*3e6, 0, 30e7+i*3e6+900, 900))
		}
		from := made(t, edition.Layer{Name: "hsf", Vintage: "1"}, set...)
		to, reg := derive(t, from, rules("public", step, "{hsf: {}}"), edition.Public)
		l := to.Layer("hsf", "")
		r := reg.Layers[0]
		if r.After != l.Len() || r.Before != r.After+r.Vanished || r.Vanished < 4 {
			t.Errorf("%v m: %+v", step, r)
		}
		before, _ := ground(t, from.Layer("hsf", ""))
		after, gross := ground(t, l)
		if math.Abs(gross-after) > 1e-6*after {
			t.Errorf("%v m: features overlap by %v m²", step, gross-after)
		}
		// Half a cell for each of the blocks of 64 cells a side that are met.
		cell := geo.CellArea(geo.LonLat{Lon: 108.6, Lat: 34.3}, geo.LonLat{Lon: 108.6 + float64(to.Manifest.Policy.GridLon)/geo.Unit, Lat: 34.3 + float64(to.Manifest.Policy.GridLat)/geo.Unit})
		blocks := math.Ceil(before/(cell*64*64))*3 + 6
		if d := math.Abs(after - before); d > cell*blocks/2+0.002*before {
			t.Errorf("%v m: the ground is %.1f m², was %.1f; a cell has %.1f", step, after, before, cell)
		}
		for _, f := range features(t, l) {
			if _, found, err := overlay.Mend(f.Geometry); err != nil || len(found) > 0 {
				t.Errorf("%v m: %v, %v", step, found, err)
			}
		}
	}
}

// The register says of ground that features have in common what overlay says of all of it
// at once, to the digit that is told, whatever is made of small patches; its counts add up.
func TestRegisterAddsUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(28, 5))
	var set []index.Feature
	for range 400 { // slanted ones, so that they overlap within cells
		x, y, w := rng.Int64N(9e8), rng.Int64N(9e8), 1e6+rng.Int64N(6e7)
		m := box(x, y, x+w, y+w/2)
		for i := range m[0][0] {
			m[0][0][i].Lat += (m[0][0][i].Lon - 1086e9 - x) / 3
		}
		set = append(set, index.Feature{Geometry: m, Values: nil})
	}
	for i := range set {
		set[i].Net, set[i].Patch, set[i].Values = int64(100*(i+1)), int64(200*(i+1)), []any{float64(i + 1), float64(2 * (i + 1))}
	}
	from := made(t, edition.Layer{Name: "pbf", Vintage: "1", Fields: []edition.Field{{Name: "YJJBNTMJ", Kind: edition.Real, Known: true}, {Name: "YJJBNTTBMJ", Kind: edition.Real, Known: true}}}, set...)
	once, gross := ground(t, from.Layer("pbf", ""))
	for _, small := range []string{"{pbf: {fields: known}}", "{pbf: {fields: known, min_patch_m2: 3000}}", "{pbf: {fields: [YJJBNTMJ], min_patch_m2: 3000, small_patches: leave_out}}"} {
		to, reg := derive(t, from, rules("public", 25, small), edition.Public)
		r := reg.Layers[0]
		if math.Abs(r.OverlapM2-(gross-once)) > 0.01 || math.Abs(r.GroundBefore-once) > 0.01 || r.OverlapM2 < 0.01*gross {
			t.Errorf("%s: overlap %.3f and ground %.3f, overlay has %.3f and %.3f", small, r.OverlapM2, r.GroundBefore, gross-once, once)
		}
		if after, _ := ground(t, to.Layer("pbf", "")); math.Abs(r.AreaBefore-r.OverlapM2-r.Small.LeftOutM2+r.CellsM2-after) > 0.01 {
			t.Errorf("%s: the account is off: %+v", small, r)
		}
		if r.Vanished != r.NoCell+r.Small.Vanished || r.Before != r.After+r.Vanished || r.NoCell == 0 || r.MinPatchM2 > 0 && r.Small.Vanished == 0 {
			t.Errorf("%s: counts do not add up: %+v", small, r)
		}
		// What the records of those that are shown lack of all is told, where it may be.
		l, net, patch := to.Manifest.Layers[0], 0.0, 0.0
		for _, f := range features(t, to.Layer("pbf", "")) {
			net += float64(f.Net) / 100
			if index.OfRecord(f.Patch) {
				patch += float64(f.Patch) / 100
			}
		}
		all := float64(400 * 401 / 2)
		if l.NetWithheldM2 != all-net || r.NetWithheld != all-net || l.NetWithheldM2 == 0 {
			t.Errorf("%s: %v m² of net area are withheld, want %v", small, l.NetWithheldM2, all-net)
		}
		if want := 2*all - patch; strings.Contains(small, "known") != (l.PatchWithheldM2 == want) || !strings.Contains(small, "known") && l.PatchWithheldM2 != 0 {
			t.Errorf("%s: %v m² of patch area are withheld of %v", small, l.PatchWithheldM2, want)
		}
	}
}

// The error of single features on the delivery stays within what is stated.
func TestFeatureError(t *testing.T) {
	from := delivery(t)
	to, _ := derive(t, from, rules("public", 25, "{dltb: {fields: known}}"), edition.Public)
	a, b := from.Layer("dltb", ""), to.Layer("dltb", "")
	area := map[string]float64{}
	for _, f := range features(t, b) {
		area[f.Values[b.Field("BSM")].(string)] = f.AreaM2
	}
	worst, sum, n := 0.0, 0.0, 0.0
	for _, f := range features(t, a) {
		d := math.Abs(area[f.Values[a.Field("BSM")].(string)] - f.AreaM2)
		worst, sum, n = max(worst, d), sum+d*d, n+1
	}
	t.Logf("single features: rms %.0f m², worst %.0f m², a cell has 640", math.Sqrt(sum/n), worst)
	if worst > 4*640 || math.Sqrt(sum/n) > 640 {
		t.Errorf("rms %.0f m², worst %.0f m²; want within one cell and four", math.Sqrt(sum/n), worst)
	}
}
