package policy_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/ingest/policy"
)

// vertices are all vertices of a layer, in metres from a middle.
func vertices(t *testing.T, l *index.Layer, plane geo.EqualAreaPlane) []geo.XY {
	t.Helper()
	var out []geo.XY
	for _, f := range features(t, l) {
		for _, p := range f.Geometry {
			for _, r := range p {
				for _, v := range r[:len(r)-1] {
					out = append(out, plane.To(v))
				}
			}
		}
	}
	return out
}

// buckets finds the nearest of many points.
type buckets map[[2]int][]geo.XY

// bucketM is the side of a bucket in metres.
const bucketM = 100

func bucketsOf(points []geo.XY) buckets {
	b := buckets{}
	for _, p := range points {
		k := [2]int{int(math.Floor(p.X / bucketM)), int(math.Floor(p.Y / bucketM))}
		b[k] = append(b[k], p)
	}
	return b
}

// nearest is how far the nearest point is, bucketM at most.
func (b buckets) nearest(p geo.XY) float64 {
	best := float64(bucketM)
	cx, cy := int(math.Floor(p.X/bucketM)), int(math.Floor(p.Y/bucketM))
	for x := cx - 1; x <= cx+1; x++ {
		for y := cy - 1; y <= cy+1; y++ {
			for _, q := range b[[2]int{x, y}] {
				best = min(best, math.Hypot(p.X-q.X, p.Y-q.Y))
			}
		}
	}
	return best
}

// No position that is published is better than the precision that goes with its grid: from
// each true vertex of the delivery, even the nearest vertex that is published, of whatever
// feature, is as far off, in the mean, as a grid of that step must make it.
func TestPrecision(t *testing.T) {
	from := delivery(t)
	for _, c := range []struct {
		gridM, cellM float64
	}{{10, 10}, {25, 25}, {25, 50}} {
		text := fmt.Sprintf("name: x\ntiers: {public: {grid_m: %v, precision_m: %v, generalise_m: %v, max_zoom: 14, layers: {dltb: {}}}}", c.gridM, c.gridM*policy.GridPrecision, c.cellM)
		to, _ := derive(t, from, text, edition.Public)
		low := to.Layer("dltb", "")
		plane := geo.NewEqualAreaPlane(low.Extent().Min)
		told := bucketsOf(vertices(t, low, plane))
		rng := rand.New(rand.NewPCG(6, 9))
		sum, n := 0.0, 0.0
		for _, v := range vertices(t, from.Layer("dltb", ""), plane) {
			if rng.IntN(20) == 0 {
				d := told.nearest(v)
				sum, n = sum+d*d, n+1
			}
		}
		rms := math.Sqrt(sum / n)
		t.Logf("cells of %v m: rms %.2f m over %.0f vertices; stated %.2f m", c.cellM, rms, n, c.gridM*policy.GridPrecision)
		if rms < c.cellM*policy.GridPrecision || n < 1000 {
			t.Errorf("cells of %v m: rms %.2f m over %.0f vertices, want %.2f at least", c.cellM, rms, n, c.cellM*policy.GridPrecision)
		}
		g := to.Manifest.Policy
		k := int64(c.cellM / c.gridM)
		for _, f := range features(t, low) {
			for _, p := range f.Geometry {
				for _, r := range p {
					for _, v := range r {
						if v.Lon%(k*g.GridLon) != 0 || v.Lat%(k*g.GridLat) != 0 {
							t.Fatalf("cells of %v m: %v is no corner of them", c.cellM, v)
						}
					}
				}
			}
		}
	}
}

// The ground that the register says it was is what the partition finds, and on the grid it
// is as near to that as the register says; so are single features.
func TestRegisterAreas(t *testing.T) {
	from := delivery(t)
	to, reg := derive(t, from, "name: x\ntiers: {public: {grid_m: 25, max_zoom: 14, layers: {cropland: {dissolve: true}, pbf: {fields: known}, hsf: {fields: known, generalise_m: 50}, dltb: {fields: known, min_patch_m2: 3000}}}}", edition.Public)
	for _, r := range reg.Layers {
		high, low := from.Layer(r.Layer, ""), to.Layer(r.Layer, "")
		before, _ := ground(t, high)
		after, _ := ground(t, low)
		if math.Abs(r.GroundBefore-before) > 1e-6*before {
			t.Errorf("%s: the register says %.2f m² of ground before, there are %.2f", r.Layer, r.GroundBefore, before)
		}
		if math.Abs(after-before) > r.GroundError || r.GroundError > 0.002*before || math.Abs(r.AreaAfter-after) > 1e-6*after {
			t.Errorf("%s: the ground is %.2f m², was %.2f, stated error %.2f", r.Layer, after, before, r.GroundError)
		}
		if r.After != low.Len() || r.CellM == 0 {
			t.Errorf("%s: %+v", r.Layer, r)
		}
		code := high.Field("BSM")
		if low.Field("BSM") < 0 {
			continue
		}
		area := map[any]float64{}
		for _, f := range features(t, low) {
			area[f.Values[low.Field("BSM")]] = f.AreaM2
		}
		sum, n, worst := 0.0, 0.0, 0.0
		for _, f := range features(t, high) {
			if a, ok := area[f.Values[code]]; ok {
				d := math.Abs(a - f.AreaM2)
				sum, n, worst = sum+d*d, n+1, max(worst, d)
			}
		}
		if math.Abs(math.Sqrt(sum/n)-r.FeatureErrorRMS) > 1e-6 || math.Abs(worst-r.FeatureErrorMax) > 1e-6 {
			t.Errorf("%s: features are off by %.4f rms, %.4f at most; the register says %.4f and %.4f", r.Layer, math.Sqrt(sum/n), worst, r.FeatureErrorRMS, r.FeatureErrorMax)
		}
	}
	small := reg.Layers[0]
	for _, r := range reg.Layers {
		if r.Layer == "dltb" {
			small = r
		}
	}
	if small.Small.Merged < 10 || small.Small.LeftOut > 5 || small.MinPatchM2 != 3000 || small.Vanished == 0 {
		t.Errorf("small patches: %+v", small)
	}
	for _, f := range features(t, to.Layer("dltb", "")) {
		for _, p := range f.Geometry {
			if a := geo.Area(geo.MultiPolygon{p}); a < 3000-0.01 {
				t.Fatalf("a patch of %.1f m² is shown", a)
			}
		}
	}
}

// mustDerive derives a government edition by a policy.
func mustDerive(t *testing.T, from edited, text string) edited {
	t.Helper()
	to, _ := derive(t, from, text, edition.Government)
	return to
}

// Without a grid small features are left out and told, a view of theirs stays one where
// both have the same rule, and zooms that the higher edition does not have are refused.
func TestSmallLeftOut(t *testing.T) {
	from := delivery(t)
	text := func(crop string) string {
		return "name: x\ntiers: {government: {max_zoom: 18, min_patch_m2: 6000, small_patches: leave_out, layers: {dltb: {fields: known}, cropland: {fields: known" + crop + "}}}}"
	}
	for crop, view := range map[string]bool{"": true, ", min_patch_m2: 0": false} {
		to, reg := derive(t, from, text(crop), edition.Government)
		r := reg.Layers[0]
		if r.Layer != "dltb" {
			r = reg.Layers[1]
		}
		n, m2 := 0, 0.0
		for _, f := range features(t, from.Layer("dltb", "")) {
			if f.AreaM2 < 6000 {
				n, m2 = n+1, m2+f.AreaM2
			}
		}
		if n < 10 || r.Small.LeftOut != n || math.Abs(r.Small.LeftOutM2-m2) > 1e-6 || r.Vanished != n || r.Before-r.After != n || math.Abs(r.AreaBefore-r.AreaAfter-m2) > 1e-3 {
			t.Errorf("%d features of %.2f m² are small: %+v", n, m2, r)
		}
		for _, r := range reg.Layers {
			if r.Vanished != r.Before-r.After || r.Small.LeftOut+r.Small.Merged != r.Vanished || math.Abs(r.AreaBefore-r.AreaAfter-r.Small.LeftOutM2) > 1e-3 || r.CellsM2 != 0 || r.OverlapM2 != 0 {
				t.Errorf("%q: without a grid %s went elsewhere than to small patches: %+v", crop, r.Layer, r)
			}
			if small := r.Layer == "dltb" || view; small != (r.Small.LeftOut > 10) || small != (r.MinPatchM2 == 6000) {
				t.Errorf("%q: small patches of %s: %+v", crop, r.Layer, r)
			}
		}
		if (to.Layer("cropland", "").Meta.View != nil) != view {
			t.Errorf("%q: cropland is a view: %v", crop, !view)
		}
	}
	high := "name: x\ntiers: {government: {min_zoom: 17, max_zoom: 18, layers: {dltb: {}}}}"
	low := made(t, edition.Layer{Name: "dltb", Vintage: "1"}, index.Feature{Geometry: box(0, 0, 1e8, 1e8)})
	low.Manifest.MaxZoom = 14
	if _, _, err := policy.Derive(t.Context(), low.Index, parse(t, high), edition.Government, key, index.NewWriter(filepath.Join(t.TempDir(), "f"))); code(err) != "POLICY_ZOOMS" {
		t.Errorf("zooms that are not there: %v", err)
	}
	low.Manifest.MaxZoom = 18
	if z := mustDerive(t, low, "name: x\ntiers: {government: {max_zoom: 18, layers: {dltb: {zooms: [12, 16]}}}}").Layer("dltb", "").Meta.Zooms; z == nil || *z != [2]int{12, 16} {
		t.Errorf("the layer has the zooms %v", z)
	}
	to, _ := derive(t, low, high, edition.Government)
	if m := to.Manifest; m.BuiltZooms != [2]int{17, 17} || m.MaxZoom != 18 || m.Policy.MinZoom != 17 {
		t.Errorf("zooms %v, %d, %d", m.BuiltZooms, m.MaxZoom, m.Policy.MinZoom)
	}
}
