package compare_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
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
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/indextest"
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

// The content of a feature has one name, wherever its rings begin and in whatever
// order its parts and fields stand; another position or value has another.
func TestIdentity(t *testing.T) {
	b := func(x, y int) geo.Polygon { return comparetest.Cell{X: x, Y: y}.Box().Polygon() }
	outer := geo.Box{Min: (comparetest.Cell{}).Box().Min, Max: (comparetest.Cell{X: 5, Y: 5}).Box().Max}.Polygon()
	holed := geo.Polygon{outer[0], reversed(b(1, 1)[0]), reversed(b(3, 3)[0])}
	m := geo.MultiPolygon{holed, b(9, 9)}
	id := func(m geo.MultiPolygon, fields []string, values ...any) [32]byte {
		l := &edition.Layer{}
		for _, f := range fields {
			l.Fields = append(l.Fields, edition.Field{Name: f})
		}
		return compare.Identity(l, &index.Feature{Geometry: m, Values: values}, []string{"SJNF"})
	}
	names := []string{"A", "B", "SJNF"}
	want := id(m, names, "x", 1.0, int64(2024))
	turned := geo.MultiPolygon{{rotated(b(9, 9)[0], 2)}, {rotated(reversed(outer[0]), 3), b(3, 3)[0], rotated(reversed(b(1, 1)[0]), 1)}}
	for name, got := range map[string][32]byte{
		"turned":           id(turned, names, "x", 1.0, int64(2024)),
		"another year":     id(m, names, "x", 1.0, int64(2025)),
		"another order":    id(m, []string{"B", "A"}, int64(1), "x"),
		"a field of blank": id(m, []string{"A", "B", "C"}, "x", int64(1), ""),
	} {
		if got != want {
			t.Errorf("%s: another identity", name)
		}
	}
	moved := geo.MultiPolygon{holed, {slices.Clone(b(9, 9)[0])}}
	moved[1][0][2].Lon++
	for name, got := range map[string][32]byte{
		"a position moved": id(moved, names, "x", 1.0, int64(2024)),
		"another value":    id(m, names, "x", 2.0, int64(2024)),
		"another field":    id(m, []string{"A", "C", "SJNF"}, "x", 1.0, int64(2024)),
		"no hole":          id(geo.MultiPolygon{{outer[0]}, b(9, 9)}, names, "x", 1.0, int64(2024)),
	} {
		if got == want {
			t.Errorf("%s: the same identity", name)
		}
	}
}

func reversed(r geo.Ring) geo.Ring {
	r = slices.Clone(r)
	slices.Reverse(r)
	return r
}

func rotated(r geo.Ring, by int) geo.Ring {
	open := r[:len(r)-1]
	out := append(slices.Clone(open[by:]), open[:by]...)
	return append(out, out[0])
}

// What comes back from another format up to 0.1 mm off, from another position on, is
// the same geometry; farther off it is another.
func TestNearGeometry(t *testing.T) {
	land := comparetest.New(8, 10)
	was, is := comparetest.StateOf(t, land.From, "2024", idOf), comparetest.StateOf(t, land.From, "2025", idOf)
	shift := func(by int64) compare.Counts {
		for i := range is.Features {
			m := was.Features[i].Geometry
			var out geo.MultiPolygon
			for _, p := range m {
				var q geo.Polygon
				for _, r := range p {
					r = rotated(r, 1+i%(len(r)-1))
					for k := range r {
						r[k].Lon += by
						r[k].Lat -= by
					}
					q = append(q, r)
				}
				out = append(out, q)
			}
			is.Features[i].Geometry = out
		}
		ix := comparetest.Open(t, was, is)
		r, err := compare.Layers(t.Context(), ix.Layer("dltb", "2024"), ix.Layer("dltb", "2025"), compare.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return r.Counts
	}
	if c := shift(9); c.Unchanged != len(land.From) {
		t.Errorf("0.09 mm off: %+v", c)
	}
	if c := shift(50); c.Geometry != len(land.From) {
		t.Errorf("0.5 mm off: %+v", c)
	}
}

// Every form holds all changes, and says the same.
func TestWrite(t *testing.T) {
	land := comparetest.New(5, 16)
	from, to := layers(t, land)
	r, err := compare.Layers(t.Context(), from, to, compare.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := func(f compare.Form) []byte {
		var b bytes.Buffer
		if err := r.Write(t.Context(), &b, f, compare.Whole); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var doc struct {
		Counts  compare.Counts
		Changes []struct {
			Change string
			ID     uint64
		}
	}
	if err := json.Unmarshal(out(compare.JSON), &doc); err != nil {
		t.Fatal(err)
	}
	var features struct{ Features []struct{ ID uint64 } }
	if err := json.Unmarshal(out(compare.GeoJSON), &features); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(out(compare.CSV))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(r.Changes); n == 0 || len(doc.Changes) != n || len(features.Features) != n || len(rows) != n+1 {
		t.Errorf("%d changes: JSON has %d, GeoJSON %d, CSV %d", n, len(doc.Changes), len(features.Features), len(rows)-1)
	}
	if doc.Counts != r.Counts {
		t.Errorf("counts %+v, want %+v", doc.Counts, r.Counts)
	}
	if !bytes.HasPrefix(out(compare.XLSX), []byte("PK")) {
		t.Error("the workbook is none")
	}
	var b bytes.Buffer
	if err := r.Write(t.Context(), &b, compare.JSON, compare.SumsOnly); err != nil || strings.Contains(b.String(), `"changes"`) {
		t.Errorf("sums alone: %v, %s", err, &b)
	}
	for _, f := range []compare.Form{compare.CSV, compare.GeoJSON, compare.XLSX} {
		if err := r.Write(t.Context(), &b, f, compare.SumsOnly); problem.Of(err) == nil || problem.Of(err).Code != "POLICY" {
			t.Errorf("%s without a list: %v", f, err)
		}
	}
	broken := errors.New("broken")
	if err := r.Write(t.Context(), brokenWriter{broken}, compare.JSON, compare.Whole); !errors.Is(err, broken) {
		t.Errorf("a writer that breaks: %v", err)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

// The kin of a patch by its ground are those that the lattice has.
func TestKinOf(t *testing.T) {
	for seed := range uint64(6) {
		testKin(t, comparetest.New(seed, 18))
	}
	from, to := layers(t, comparetest.New(1, 8))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if kin, err := compare.KinOf(ctx, from, 0, to); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v, %v", kin, err)
	}
}

func testKin(t *testing.T, land *comparetest.Land) {
	t.Helper()
	from, to := layers(t, land)
	key := func(l *index.Layer, i int) string {
		f, err := l.Feature(i)
		if err != nil {
			t.Fatal(err)
		}
		return f.Values[0].(string)
	}
	got, want := map[string]float64{}, map[string]float64{}
	for i := range from.Len() {
		kin, err := compare.KinOf(t.Context(), from, i, to)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSortedFunc(kin, func(a, b compare.Kin) int { return int(math.Copysign(1, b.AreaM2-a.AreaM2)) }) {
			t.Error("kin are not in the order of their ground")
		}
		for _, k := range kin {
			got[key(from, i)+">"+key(to, k.At)] = math.Round(k.AreaM2*100) / 100
		}
	}
	for _, f := range land.Flows {
		if f.From == "" || f.To == "" {
			continue
		}
		for _, c := range f.Cells {
			want[f.From+">"+f.To] += c.AreaM2()
		}
	}
	for _, p := range land.From {
		if slices.Contains(land.Kept, p.BSM) {
			for _, c := range p.Cells {
				want[p.BSM+">"+p.BSM] += c.AreaM2()
			}
		}
	}
	for k, v := range want {
		want[k] = math.Round(v*100) / 100
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("kin (-lattice +found):\n%s", d)
	}
}

// What a delivery says is text in every table: no spreadsheet runs it as a formula.
func TestTablesAreText(t *testing.T) {
	land := comparetest.New(5, 8)
	to := slices.Clone(land.To)
	for i := range to {
		to[i].TBBH, to[i].DLBM = "=1+1", "@SUM(1)"
	}
	ix := comparetest.Open(t, comparetest.StateOf(t, land.From, "2024", idOf), comparetest.StateOf(t, to, "2025", idOf))
	r, err := compare.Layers(t.Context(), ix.Layer("dltb", "2024"), ix.Layer("dltb", "2025"), compare.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []compare.Form{compare.CSV, compare.Flows} {
		var b bytes.Buffer
		if err := r.Write(t.Context(), &b, form, compare.Whole); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&b).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		told := false
		for _, row := range rows {
			for _, cell := range row {
				told = told || strings.HasPrefix(cell, "'=") || strings.HasPrefix(cell, "'@")
				if cell != "" && strings.ContainsRune("=@", rune(cell[0])) {
					t.Fatalf("%s: the cell %q is a formula", form, cell)
				}
			}
		}
		if !told {
			t.Errorf("%s: what the delivery says is not told", form)
		}
	}
}

// What another format makes of the same feature is no change: holes in another order,
// blanks for nothing, numbers of another kind. What is another hole or value is one.
func TestSameContent(t *testing.T) {
	fields := []edition.Field{{Name: "A"}, {Name: "B"}, {Name: "C"}, {Name: "D"}}
	outer := geo.Box{Min: (comparetest.Cell{}).Box().Min, Max: (comparetest.Cell{X: 9, Y: 9}).Box().Max}.Polygon()[0]
	hole := func(x int) geo.Ring { return reversed(comparetest.Cell{X: x, Y: x}.Box().Polygon()[0]) }
	feature := func(id uint64, m geo.MultiPolygon, values ...any) index.Feature {
		return index.Feature{ID: id, Geometry: m, Values: values, AreaM2: geo.Area(m), Patch: index.NoArea, Net: index.NoArea}
	}
	shape := geo.MultiPolygon{{outer, hole(1), hole(3), hole(5), hole(7)}}
	turned := geo.MultiPolygon{{outer, hole(7), hole(5), rotated(hole(3), 2), hole(1)}}
	other := geo.MultiPolygon{{outer, hole(1), hole(3), hole(5), hole(6)}}
	var was, is []index.Feature
	for id, c := range map[uint64]struct {
		m      geo.MultiPolygon
		values []any
	}{
		1: {turned, []any{nil, int64(12345678), "7", true}},
		2: {other, []any{"", 12345678.0, int64(7), "true"}},
		3: {shape, []any{"x", 12345678.0, int64(7), true}},
		4: {shape, []any{"", 7.5, int64(7), true}},
		5: {other, []any{"", 12345678.0, int64(7), nil}},
	} {
		was, is = append(was, feature(id, shape, "", 12345678.0, int64(7), true)), append(is, feature(id, c.m, c.values...))
	}
	layer := func(vintage string, of []index.Feature) indextest.Layer {
		return indextest.Layer{Meta: edition.Layer{Name: "dltb", Vintage: vintage, Fields: fields}, Features: of}
	}
	ix := indextest.New(t, &edition.Manifest{}, layer("2024", was), layer("2025", is))
	r, err := compare.Layers(t.Context(), ix.Layer("dltb", "2024"), ix.Layer("dltb", "2025"), compare.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[uint64]string{}
	err = r.List(t.Context(), func(i *compare.Item) error {
		got[i.ID] = string(i.Change)
		for _, f := range i.Fields {
			got[i.ID] += " " + f.Field
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[uint64]string{2: "geometry", 3: "attribute A", 4: "attribute B", 5: "both D"}, got); d != "" {
		t.Errorf("changes (-made +found):\n%s", d)
	}
}
