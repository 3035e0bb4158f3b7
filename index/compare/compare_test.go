package compare_test

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/compare"
	"gengtu/index/compare/comparetest"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// idOf is an id that follows from a key.
func idOf(bsm string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(bsm)) // never fails
	return h.Sum64()>>11 | 1
}

// layers opens a landscape in both states, in one edition.
func layers(t testing.TB, l *comparetest.Land) (from, to *index.Layer) {
	t.Helper()
	ix := comparetest.Open(t, comparetest.StateOf(t, l.From, "2024", idOf), comparetest.StateOf(t, l.To, "2025", idOf))
	return ix.Layer("dltb", "2024"), ix.Layer("dltb", "2025")
}

// Every change of random landscapes is found, and no other, and each cell of the
// matrix is what is counted on the lattice.
func TestLayers(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			land := comparetest.New(seed, 8+int(seed)*3)
			from, to := layers(t, land)
			r, err := compare.Layers(t.Context(), from, to, compare.Options{})
			if err != nil {
				t.Fatal(err)
			}
			checkChanges(t, land, r)
			checkMatrix(t, land.Matrix(), r)
			checkClosure(t, from, to, r)
			for _, workers := range []int{1, 3} {
				again, err := compare.Layers(t.Context(), from, to, compare.Options{Workers: workers})
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(text(t, r), text(t, again)); d != "" {
					t.Errorf("with %d workers: %s", workers, d)
				}
			}
		})
	}
}

func text(t testing.TB, r *compare.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(t.Context(), &b, compare.JSON, compare.Whole); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// checkChanges compares the changes with those that were made.
func checkChanges(t *testing.T, land *comparetest.Land, r *compare.Result) {
	t.Helper()
	old, now := map[string]comparetest.Patch{}, map[string]comparetest.Patch{}
	for _, p := range land.From {
		old[p.BSM] = p
	}
	for _, p := range land.To {
		now[p.BSM] = p
	}
	want := map[string]string{}
	for k, p := range old {
		q, ok := now[k]
		same := slices.Equal(p.Cells, q.Cells)
		var fields []string
		if ok && p.TBBH != q.TBBH {
			fields = append(fields, "TBBH")
		}
		if ok && p.DLBM != q.DLBM {
			fields = append(fields, "DLBM")
		}
		if ok && p.Record() != q.Record() {
			fields = append(fields, "TBMJ", "TBDLMJ")
		}
		switch {
		case !ok:
			want[k] = "removed"
		case same && fields == nil:
		case same:
			want[k] = "attribute " + strings.Join(fields, " ")
		case fields == nil:
			want[k] = "geometry"
		default:
			want[k] = "both " + strings.Join(fields, " ")
		}
	}
	for k := range now {
		if _, ok := old[k]; !ok {
			want[k] = "added"
		}
	}
	got := map[string]string{}
	err := r.List(t.Context(), func(i *compare.Item) error {
		var names []string
		for _, f := range i.Fields {
			names = append(names, f.Field)
		}
		got[i.Key] = strings.TrimSpace(string(i.Change) + " " + strings.Join(names, " "))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("changes (-made +found):\n%s", d)
	}
	c := r.Counts
	if n := c.Removed + c.Geometry + c.Attribute + c.Both + c.Unchanged; n != len(land.From) {
		t.Errorf("%d features of the earlier state are told of, there are %d", n, len(land.From))
	}
	if n := c.Added + c.Geometry + c.Attribute + c.Both + c.Unchanged; n != len(land.To) {
		t.Errorf("%d features of the later state are told of, there are %d", n, len(land.To))
	}
}

func flowsOf(r *compare.Result) map[[2]string]float64 {
	got := map[[2]string]float64{}
	for _, f := range r.Matrix.Flows {
		from, to := f.Names()
		got[[2]string{from, to}] += f.AreaM2
	}
	return got
}

func checkMatrix(t *testing.T, want map[[2]string]float64, r *compare.Result) {
	t.Helper()
	got := flowsOf(r)
	for k := range got {
		if _, ok := want[k]; !ok && got[k] > 1e-3 {
			t.Errorf("%v has %.4f m², it should have none", k, got[k])
		}
	}
	for k, w := range want {
		if g := got[k]; math.Abs(g-w) > 1e-3 {
			t.Errorf("%v has %.4f m², want %.4f", k, g, w)
		}
	}
}

// checkClosure adds rows and columns up: to 0.01 m² what each layer covers, measured by
// another method, and to the cent what its records have.
func checkClosure(t *testing.T, from, to *index.Layer, r *compare.Result) {
	t.Helper()
	for s, l := range []*index.Layer{from, to} {
		totals := [][]compare.Total{r.Matrix.Rows, r.Matrix.Columns}[s]
		whole := 0.0
		patch := 0.0
		for _, total := range totals {
			sum, records, nets := 0.0, 0.0, 0.0
			for _, f := range r.Matrix.Flows {
				class, p, n := f.From, f.FromPatchM2, f.FromNetM2
				if s == 1 {
					class, p, n = f.To, f.ToPatchM2, f.ToNetM2
				}
				if class != nil && *class == total.Class {
					sum += f.AreaM2
					records += *p
					nets += *n
				}
			}
			if math.Abs(sum-total.AreaM2) > 0.01 {
				t.Errorf("class %s: its flows add up to %.4f m², its total is %.4f", total.Class, sum, total.AreaM2)
			}
			if math.Abs(records-*total.PatchM2) > 1e-6 || math.Abs(nets-*total.NetM2) > 1e-6 {
				t.Errorf("class %s: shares add up to %.2f and %.2f, records to %.2f and %.2f", total.Class, records, nets, *total.PatchM2, *total.NetM2)
			}
			whole += total.AreaM2
			patch += *total.PatchM2
		}
		if once := groundOnce(t, l); math.Abs(whole-once) > 0.01 {
			t.Errorf("%s: classes add up to %.4f m², the layer covers %.4f", l.Meta.Key(), whole, once)
		}
		if math.Abs(patch-*l.Meta.PatchM2) > 1e-6 {
			t.Errorf("%s: records add up to %.2f m², the layer has %.2f", l.Meta.Key(), patch, *l.Meta.PatchM2)
		}
	}
}

// groundOnce is what a layer covers, by the measurement of features alone.
func groundOnce(t testing.TB, l *index.Layer) float64 {
	t.Helper()
	var items []overlay.Item
	for i := range l.Len() {
		f, err := l.Feature(i)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, overlay.Item{Group: overlay.NoGroup, Weight: math.NaN(), Geometry: f.Geometry})
	}
	res, err := overlay.Measure(t.Context(), geo.MultiPolygon{l.Extent().Polygon()}, items, overlay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return res.Layers[0].Area
}

// A state compared with itself has no change, with another class field another matrix,
// and a view is compared as its features are.
func TestSame(t *testing.T) {
	land := comparetest.New(3, 12)
	from, to := layers(t, land)
	r, err := compare.Layers(t.Context(), from, from, compare.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Changes) > 0 || r.Matrix.MovedM2+r.Matrix.LostM2+r.Matrix.GainedM2 != 0 || r.Counts.Unchanged != from.Len() {
		t.Errorf("compared with itself: %+v, matrix %+v", r.Counts, r.Matrix)
	}
	r, err = compare.Layers(t.Context(), from, to, compare.Options{Class: "SJNF", Ignored: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Counts.Unchanged != 0 || len(r.Matrix.Rows) != 1 || r.Matrix.Rows[0].Class != "2024" || r.Matrix.Columns[0].Class != "2025" {
		t.Errorf("by SJNF, which is not ignored: %+v, rows %+v", r.Counts, r.Matrix.Rows)
	}
	for _, class := range []string{"nosuch"} {
		if _, err := compare.Layers(t.Context(), from, to, compare.Options{Class: class}); problem.Of(err) == nil || problem.Of(err).Code != "DIFF_CLASS" {
			t.Errorf("by %q: %v", class, err)
		}
	}
	ix := comparetest.Open(t, comparetest.StateOf(t, land.From, "2024", idOf), comparetest.StateOf(t, land.To, "2025", idOf))
	a, b := ix.Layer("cropland", "2024"), ix.Layer("cropland", "2025")
	if r, err = compare.Layers(t.Context(), a, b, compare.Options{}); err != nil {
		t.Fatal(err)
	}
	want := map[[2]string]float64{}
	for k, v := range land.Matrix() {
		for i := range k {
			if !strings.HasPrefix(k[i], "01") {
				k[i] = "-"
			}
		}
		if k != [2]string{"-", "-"} {
			want[k] += v
		}
	}
	checkMatrix(t, want, r)
	checkClosure(t, a, b, r)
}
