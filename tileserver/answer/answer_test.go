package answer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/indextest"
	"gengtu/index/problem"
	"gengtu/tileserver/answer"
)

const run = "00112233aabbccdd"

// square returns a square with sides of n thousandths of a degree.
func square(n int64) geo.MultiPolygon {
	const step = 10_000_000
	at := geo.Position{Lon: 1087e9, Lat: 343e9}
	b := geo.Box{Min: at, Max: geo.Position{Lon: at.Lon + n*step, Lat: at.Lat + n*step}}
	return geo.MultiPolygon{b.Polygon()}
}

// result is an answer of two tables, the second of lots, of which the last has no shape.
// It is made anew each time; asked counts how often a shape is asked for.
func result(asked *int) *analyze.Result {
	title := func(s string) edition.Title { return edition.Title{Zh: s, En: s} }
	sums := &analyze.Table{Name: "sums", Title: title("sums"), Columns: []analyze.Column{{Name: "n", Title: title("n"), Kind: analyze.Count}}}
	sums.Add(int64(3))
	lots := &analyze.Table{Name: "lots", Title: title("lots"), Columns: []analyze.Column{
		{Name: "code", Title: title("code"), Kind: analyze.Code}, {Name: "ground", Title: title("ground"), Kind: analyze.Areas},
		{Name: "share", Title: title("share"), Kind: analyze.Ratio}, {Name: "over", Title: title("over"), Kind: analyze.Truth},
	}}
	shapes := []geo.MultiPolygon{square(1), square(2), nil}
	for i, g := range shapes {
		lots.Add(fmt.Sprint("lot", i), analyze.Area(geo.HundredthsOf(geo.Area(g))), float64(i)/2, i == 1)
	}
	return &analyze.Result{
		Run: run, Question: &analyze.Question{Name: "trial", Title: title("trial")}, Request: analyze.Request{Question: "trial"}, Tier: edition.Secure,
		Layers: []analyze.LayerVersion{{Layer: "pbf", Vintage: "2023"}, {Layer: "hsf", Vintage: "2024"}, {Layer: "eco", Vintage: "2030", Missing: true}},
		Tables: []*analyze.Table{sums, lots},
		Shapes: []*analyze.Shapes{{Name: "The Lots!", Title: title("lots"), Table: lots, Geometry: func(_ context.Context, row int) (geo.MultiPolygon, error) {
			*asked++
			return shapes[row], nil
		}}},
		Identities: []analyze.Identity{{Name: "whole", Left: 7, Right: 7}}, Policy: edition.Policy{Name: "secure", RoundM2: 5},
	}
}

// options are what an answer is written with to a directory of the test.
func options(t *testing.T) answer.Options {
	t.Helper()
	m := &edition.Manifest{Generation: "g0011223344556677", Tier: edition.Secure, MaxZoom: 18, Program: "v1"}
	return answer.Options{Dir: t.TempDir(), Of: indextest.New(t, m)}
}

func write(t *testing.T, r *analyze.Result, opt answer.Options) *answer.Kept {
	t.Helper()
	kept, err := answer.Write(t.Context(), r, opt)
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// An answer is written in each form, tables and layers in files of their own where the form
// has them apart; what is told of a file is what lies there.
func TestWriteForms(t *testing.T) {
	opt, asked := options(t), 0
	var told []int
	opt.Tell = func(done, all int) { told = append(told, done, all) }
	opt.Object = func(object []byte) ([]byte, error) { return append(object, "\n{}"...), nil }
	opt.Extra = []answer.Extra{
		{Form: "txt", MediaType: "text/plain", Write: func(_ context.Context, r *analyze.Result, path string) error {
			return os.WriteFile(path, []byte(r.Run), 0o600)
		}},
		{Form: "none", Write: func(context.Context, *analyze.Result, string) error {
			return problem.New("ANSWER_TABLE", "没有", "there is none")
		}},
	}
	kept := write(t, result(&asked), opt)
	var got []string
	for _, f := range kept.Files {
		got = append(got, strings.TrimRight(f.Form+" "+f.Table, " "))
		data, err := os.ReadFile(filepath.Join(opt.Dir, f.File))
		if err != nil {
			t.Fatal(err)
		}
		if f.Bytes != int64(len(data)) || f.Tag != fmt.Sprintf("%016x", xxhash.Sum64(data)) || f.Media == "" {
			t.Errorf("%s: told %+v of %d bytes", f.Form, f, len(data))
		}
		if (f.Form == "json") != bytes.HasSuffix(data, []byte("\n{}")) {
			t.Errorf("%s: the object of JSON is not the one that was given, or another is", f.Form)
		}
	}
	want := []string{"json", "csv sums", "csv lots", "xlsx", "geojson The Lots!", "html", "txt"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
	if kept.Rows != 4 || kept.Identities != 1 || kept.Policy.RoundM2 != 5 {
		t.Errorf("told of %d rows, %d identities, policy %+v", kept.Rows, kept.Identities, kept.Policy)
	}
	if asked != 3 {
		t.Errorf("shapes were asked for %d times: once each is enough for all forms", asked)
	}
	if steps := len(forms.Forms) + 4; len(told) != 2*steps || told[0] != 0 || told[len(told)-2] != steps-1 || told[len(told)-1] != steps {
		t.Errorf("told of steps: %v, want 0 to %d of %d", told, steps-1, steps)
	}
	for table, file := range map[string]string{"": "1.csv", "sums": "1.csv", "lots": "2.csv"} {
		if f, ok := kept.File("csv", table); !ok || f.File != file {
			t.Errorf("csv of %q: %+v", table, f)
		}
	}
	if _, ok := kept.File("csv", "other"); ok {
		t.Error("there is a csv of a table that the answer does not have")
	}
}

// The same answer is the same bytes elsewhere, and is never written over.
func TestWriteOnce(t *testing.T) {
	asked, first, second := 0, options(t), options(t)
	a, b := write(t, result(&asked), first), write(t, result(&asked), second)
	if d := cmp.Diff(a, b); d != "" {
		t.Errorf("written twice (-first +second):\n%s", d)
	}
	if _, err := answer.Write(t.Context(), result(&asked), first); err == nil {
		t.Error("an answer was written over")
	}
	for _, f := range a.Files {
		x, err := os.ReadFile(filepath.Join(first.Dir, f.File))
		y, err2 := os.ReadFile(filepath.Join(second.Dir, f.File))
		if err := errors.Join(err, err2); err != nil || !bytes.Equal(x, y) {
			t.Errorf("%s: other bytes, %v", f.File, err)
		}
	}
}

// Shapes are an edition below the answer: a layer named by the run, of the latest vintage
// that it was made of, with the rows that have a shape and the table's columns.
func TestWriteLayers(t *testing.T) {
	opt, asked := options(t), 0
	kept := write(t, result(&asked), opt)
	const name = "a-" + run + "-the_lots"
	want := []answer.Layer{{Name: name, Title: edition.Title{Zh: "lots", En: "lots"}, Vintage: "2024", Features: 2}}
	if d := cmp.Diff(want, kept.Layers); d != "" {
		t.Errorf("layers (-want +got):\n%s", d)
	}
	ix, err := index.Open(answer.LayersOf(opt.Dir), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ix.Close() }() // only read
	l := ix.Layer(name, "2024")
	if l == nil || ix.Manifest.Tier != edition.Secure || l.Len() != 2 {
		t.Fatalf("an edition of %v: %v", ix.Manifest.Tier, ix.Names())
	}
	for i := range l.Len() {
		f, err := l.Feature(i)
		if err != nil {
			t.Fatal(err)
		}
		g := square(int64(f.ID))
		if d := cmp.Diff(g, f.Geometry); d != "" {
			t.Errorf("lot %d: %s", f.ID, d)
		}
		m2, ok := f.Values[1].(float64)
		if !ok || math.Abs(m2-geo.Area(g)) > 0.005+1e-9 {
			t.Errorf("lot %d: area %v, want %.3f", f.ID, f.Values[1], geo.Area(g))
		}
		if mu, ok := f.Values[2].(float64); !ok || math.Abs(mu-m2*geo.MuPerM2) > 1e-4 {
			t.Errorf("lot %d: %v mu of %v m²", f.ID, f.Values[2], m2)
		}
		if f.Values[0] != fmt.Sprint("lot", f.ID-1) || f.Values[4] != float64(f.ID-1)/2 || f.Values[5] != (f.ID == 2) {
			t.Errorf("lot %d: %v", f.ID, f.Values)
		}
	}
}

// An answer none of whose rows has a shape has no edition.
func TestWriteWithoutShapes(t *testing.T) {
	asked := 0
	bare, empty := result(&asked), result(&asked)
	bare.Shapes = nil
	empty.Shapes[0].Geometry = func(context.Context, int) (geo.MultiPolygon, error) { return nil, nil }
	for name, r := range map[string]*analyze.Result{"no layer": bare, "no shape": empty} {
		opt := options(t)
		kept := write(t, r, opt)
		if _, err := index.Open(answer.LayersOf(opt.Dir), ""); err == nil || len(kept.Layers) != 0 {
			t.Errorf("%s: layers %v, opened: %v", name, kept.Layers, err)
		}
	}
}

// What cannot be written is an error, whichever form it is.
func TestWriteErrors(t *testing.T) {
	broken := errors.New("broken")
	for name, change := range map[string]func(*analyze.Result, *answer.Options){
		"a shape": func(r *analyze.Result, _ *answer.Options) {
			r.Shapes[0].Geometry = func(context.Context, int) (geo.MultiPolygon, error) { return nil, broken }
		},
		"a form": func(_ *analyze.Result, o *answer.Options) {
			o.Extra = []answer.Extra{{Form: "txt", Write: func(context.Context, *analyze.Result, string) error { return broken }}}
		},
		"an object": func(_ *analyze.Result, o *answer.Options) {
			o.Object = func([]byte) ([]byte, error) { return nil, broken }
		},
	} {
		opt, asked := options(t), 0
		r := result(&asked)
		change(r, &opt)
		if kept, err := answer.Write(t.Context(), r, opt); !errors.Is(err, broken) || kept != nil {
			t.Errorf("%s: %v, %v", name, kept, err)
		}
	}
	opt, asked := options(t), 0
	opt.Dir = filepath.Join(opt.Dir, "absent")
	r := result(&asked)
	r.Shapes = nil
	if _, err := answer.Write(t.Context(), r, opt); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := answer.Write(ctx, result(&asked), options(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// The run stands in the names of an answer's layers, and in no others.
func TestRunOf(t *testing.T) {
	for text, want := range map[string]string{
		"a-" + run + "-lots": run, "a-" + run + "-lots,dltb": run, "a-" + run + "-": "", "a-" + run: "", "": "", "dltb": "",
		"b-" + run + "-lots": "", "dltb,a-" + run + "-lots": "", "a-" + run[1:] + "-lots": "", "a-" + strings.ToUpper(run) + "-lots": "",
	} {
		if got := answer.RunOf(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
