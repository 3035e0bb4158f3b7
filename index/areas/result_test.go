package areas_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/problem"
)

func errProblem(t *testing.T) *problem.Problem {
	t.Helper()
	_, err := areas.Ask(t.Context(), land{}.open(t), areas.Question{})
	return problem.Of(err)
}

// The table has the figures of the JSON answer, in order, and every shape's own
// id and properties; nothing of an answer is left out.
func TestWriteCSV(t *testing.T) {
	l := land{"cropland": {
		{rect: rect{0, 0, 2, 2}, class: "0101", patch: 100, net: 90},
		{rect: rect{2, 0, 4, 2}, class: "0102", patch: index.NoArea, net: index.NoArea},
	}}
	a, err := areas.Ask(t.Context(), l.open(t), areas.Question{
		Shape: rect{1, 1, 4, 4}.shape(), Combinations: true, GroupBy: map[string][]string{"cropland": {"DLBM"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.Failed = append(a.Failed, areas.Failed{Layer: "pbf", ID: 9, Reason: "why"})
	var b strings.Builder
	w := areas.NewWriter(&b, areas.CSV, areas.About{})
	for _, r := range []areas.Result{
		{ID: json.RawMessage(`"第一"`), Properties: json.RawMessage(`{ "名": "甲,乙" }`), Answer: a},
		{ID: json.RawMessage(`17`), Problem: errProblem(t)},
	} {
		if err := w.Write(&r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.String(), "\uFEFF"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	col := map[string]int{}
	for i, n := range rows[0] {
		col[n] = i
	}
	var kinds []string
	for _, r := range rows[1:] {
		kinds = append(kinds, r[col["row"]]+":"+r[col["layer"]]+":"+r[col["class"]])
	}
	want := "1:aoi: 1:cropland: 1:cropland:DLBM=0101 1:cropland:DLBM=0102 1:pbf: 1:hsf: 1:pbf: 1:combination:none 1:combination:cropland 2::"
	if got := strings.Join(kinds, " "); got != want {
		t.Errorf("rows\n got %s\nwant %s", got, want)
	}
	crop := rows[2]
	for name, v := range map[string]float64{"area_m2": a.Layers[0].AreaM2, "area_mu": a.Layers[0].AreaMu, "net_m2": *a.Layers[0].NetM2, "gross_area_m2": a.Layers[0].GrossM2} {
		if got := crop[col[name]]; got != strconv.FormatFloat(v, 'f', 4, 64) {
			t.Errorf("%s: %s in the table, %v in the answer", name, got, v)
		}
	}
	if rows[1][col["id"]] != "第一" || rows[1][col["properties"]] != `{"名":"甲,乙"}` || crop[col["status"]] != "ok" {
		t.Errorf("the first shape is told as %v", rows[1])
	}
	if last := rows[len(rows)-1]; last[col["id"]] != "17" || !strings.HasPrefix(last[col["status"]], "failed: the shape has no area") {
		t.Errorf("the shape that failed is told as %v", last)
	}
	if got := rows[7][col["status"]]; got != "failed: feature 9: why" {
		t.Errorf("the feature that failed is told as %q", got)
	}
}

// Of sealed results each is sealed in its place, the last one as the last, and of
// what is aborted none is.
func TestSealed(t *testing.T) {
	r := areas.Result{ID: []byte("1"), Problem: problem.New("X", "坏", "bad")}
	seal := func(element []byte, number int, last bool) ([]byte, error) {
		return fmt.Appendf(nil, `{"n":%d,"last":%t,"of":%s}`, number, last, element), nil
	}
	type sealed struct {
		N    int  `json:"n"`
		Last bool `json:"last"`
		Of   any  `json:"of"`
	}
	for n := range 4 {
		for _, abort := range []bool{false, true} {
			var b bytes.Buffer
			w := areas.SealedIndented(&b, seal)
			for range n {
				if err := w.Write(&r); err != nil {
					t.Fatal(err)
				}
			}
			end := w.Close
			if abort {
				end = func() error { return w.Abort(r.Problem) }
			}
			if err := end(); err != nil {
				t.Fatal(err)
			}
			var got []sealed
			if err := json.Unmarshal(b.Bytes(), &got); err != nil {
				t.Fatalf("%v: %s", err, b.Bytes())
			}
			if abort {
				got = got[:len(got)-1]
			}
			if len(got) != n {
				t.Fatalf("%d: %s", n, b.Bytes())
			}
			for i, g := range got {
				if g.N != i+1 || g.Last != (i == n-1 && !abort) || g.Of == nil {
					t.Errorf("%d of %d: %+v", i, n, g)
				}
			}
		}
	}
}
