package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/problem"
)

// account is all that a reading of a file tells.
type account struct {
	Layer    Layer
	Features []told
	End      string
	Guessed  bool // a guess at the fields was right
}

// told is a feature as text.
type told struct{ Record, Values, Polygons, Problem string }

// tell returns err as text, in both languages when it is a problem.
func tell(err error) string {
	if p := problem.Of(err); p != nil {
		return p.Text(problem.Chinese) + "\n" + p.Text(problem.English)
	}
	return fmt.Sprint(err)
}

// retell reads the file at path in sizes, one feature after the other when workers
// is 1, and otherwise in batches that several goroutines parse, the last one first.
func retell(t *testing.T, path string, opt Options, sizes jsonSizes) account {
	t.Helper()
	g, err := openGeoJSONSized(t.Context(), path, opt, sizes)
	if err != nil {
		return account{End: tell(err)}
	}
	g.layer.Path = path
	r := &stream{Reader: g, ctx: t.Context()}
	var out account
	var batches []*Batch
	for err == nil {
		if opt.Workers == 1 {
			var f Feature
			if err = r.Next(&f); err == nil {
				out.Features = append(out.Features, tellFeature(f))
			}
			continue
		}
		var b *Batch
		if b, err = NextBatch(r); b != nil {
			batches = append(batches, b)
		}
	}
	parts := make([][]told, len(batches))
	scratch := new(Scratch)
	for i := len(batches) - 1; i >= 0; i-- {
		for _, f := range batches[i].Features(scratch) {
			parts[i] = append(parts[i], tellFeature(f))
		}
	}
	for _, p := range parts {
		out.Features = append(out.Features, p...)
	}
	if errors.Is(err, io.EOF) {
		if wrong := Confirm(r); wrong != nil {
			err = wrong
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if g.proof != nil && !errors.Is(err, io.EOF) {
		if !errors.Is(err, ErrSample) {
			t.Fatalf("sampled, a file ends with %v", err)
		}
		opt.Learning = LearnWhole
		return retell(t, path, opt, sizes)
	}
	out.Layer, out.End = g.layer, tell(err)
	out.Guessed, out.Layer.About = g.proof != nil, 0
	return out
}

// tellFeature returns f as text, without the values of what has thousands.
func tellFeature(f Feature) told {
	out := told{Record: fmt.Sprint(f.Record), Polygons: fmt.Sprint(f.Polygons)}
	if len(f.Values) < 100 {
		out.Values = fmt.Sprintf("%#v", f.Values)
	}
	if f.Problem != nil {
		out.Problem = tell(f.Problem)
	}
	return out
}

// drawSizes draws sizes that put the ends of windows and batches anywhere.
func drawSizes(rnd *rand.Rand) jsonSizes {
	of := func(sizes ...int) int { return sizes[rnd.IntN(len(sizes))] }
	return jsonSizes{
		window: of(512, 512+rnd.IntN(512), 1<<20), features: of(1, 2, 3, 1000),
		bytes: of(1, 100+rnd.IntN(1000), 1<<20), single: of(1, 100+rnd.IntN(300), 1<<20),
		head: of(1, 1000, 4000), piece: of(1, 300, 1000),
	}
}

// inOne are sizes in which one goroutine reads all at once.
var inOne = jsonSizes{window: 1 << 20, features: 1 << 20, bytes: 1 << 20, single: 1 << 20}

// borderCases are files whose features, strings and faults lie on every border there
// can be.
func borderCases() map[string]string {
	ring := "[[[108.8976888217,34.4521226855],[109,34],[109.5,35e0],[108.8976888217,34.4521226855]]]"
	feature := func(properties string) string {
		return `{"type":"Feature","properties":` + properties + `,"geometry":{"type":"Polygon","coordinates":` + ring + `}}`
	}
	var good []string
	for i := range 40 {
		good = append(good, feature(fmt.Sprintf(`{"BSM":"6104%014d","水田":"图斑%d号\u7530","n":%d,"same":"旱地","x%d":1.5}`, i, i, i%7, i%3)))
	}
	with := func(at int, others ...string) []string {
		out := append([]string{}, good[:at]...)
		return append(append(out, others...), good[at:]...)
	}
	huge := feature(`{"BSM":"` + strings.Repeat("长", 3000) + `","n":null}`)
	names := make([]string, 0, maxProperties+2)
	for i := range maxProperties + 2 {
		names = append(names, feature(fmt.Sprintf(`{"p%d":%d}`, i, i)))
	}
	cases := map[string][]string{
		"good":              good,
		"kinds that change": with(33, feature(`{"n":"text"}`), feature(`{"n":true,"BSM":7}`), feature(`{"n":18446744073709551616}`), feature(`{"n":1.5}`)),
		"names that change": with(20, feature(`{"n":1,"BSM":"x"}`), feature(`{"B\u0053M":"spelt otherwise"}`), feature(`{}`), feature(`null`), feature(`{"late":{"a": [1, 2]}}`)),
		"a name twice":      with(20, feature(`{"n":1,"n":2,"n":"1"}`), feature(`{"n":2,"n":2}`)),
		"strings": with(20, feature(`{"BSM":"a quote \" and a backslash \\"}`), feature(`{"BSM":"a quote \" and a backslash \\"}`),
			feature(`{"BSM":"brackets ]}[{ and , :"}`), feature(`{"BSM":"6104"}`), feature(`{"BSM":"61040"}`), feature(`{"n":12}`), feature(`{"n":1}`), feature(`{"n":120}`)),
		"separators in strings": with(20, feature("{\"BSM\":\"a\x1eb\"}"), feature("{\"BSM\":\"a\\u001eb\"}")),
		"broken lines": with(20, `{"type":`, `}`, `{"type":"Feature","properties":{"n":01},"geometry":null}`, `{"type":"Feature","properties":{"n":1`,
			feature(`{"BSM":"\x"}`), feature(`{"BSM":tru}`), feature(`{"n" 1}`), feature(`{"n":1,}`), feature(`{,"n":1}`), `[1]`, `"text"`, `7`),
		"broken positions":           with(20, strings.Replace(good[0], "109,34", "109,x", 1), strings.Replace(good[0], "109,34", "109", 1), strings.Replace(good[0], "]]]", "]]", 1)),
		"huge features":              with(20, huge, huge, good[0], huge),
		"one huge feature":           {huge},
		"huge broken":                with(39, huge[:len(huge)-5]),
		"ids":                        with(20, `{"type":"Feature","id":7,"properties":{},"geometry":null}`, `{"type":"Feature","id":"k","properties":{},"geometry":null}`),
		"no UTF-8":                   with(30, feature("{\"BSM\":\"\xcb\xae\"}"), feature(`{"new":1}`)),
		"no UTF-8 in names":          with(30, feature("{\"\xcb\xae\":1}")),
		"a first that is no GeoJSON": with(0, `{"a":1}`),
		"too many names":             names[:maxProperties+1],
		"just not too many names":    names[:maxProperties],
		"too many names, broken":     append(append([]string{}, names[:maxProperties]...), feature(`{"\x":1}`)),
		"a crs":                      with(0, `{"type":"Feature","crs":{"type":"name","properties":{"name":"EPSG:4524"}},"properties":{},"geometry":null}`),
		"a crs later":                with(3, `{"type":"Feature","crs":{"type":"name","properties":{"name":"EPSG:4524"}},"properties":{},"geometry":null}`),
	}
	out := map[string]string{}
	for name, list := range cases {
		out[name+", lines"] = strings.Join(list, "\n") + "\n"
		out[name+", lines ended as on Windows"] = strings.Join(list, "\r\n") + "\r\n\r\n"
		out[name+", no end of line"] = strings.Join(list, "\n\n")
		out[name+", sequence"] = "\x1e" + strings.Join(list, "\n\x1e") + "\n"
		out[name+", collection"] = `{"type":"FeatureCollection","features":[` + strings.Join(list, ", ") + `],"crs":{"type":"name","properties":{"name":"EPSG:4490"}}}`
		out[name+", crs first"] = `{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"EPSG:4490"}},"features":[` + "\n" + strings.Join(list, ",\n") + "\n]}"
		out[name+", no comma"] = `{"type":"FeatureCollection","features":[` + strings.Join(list, ",") + ` ` + list[0] + `]}`
		out[name+", cut"] = `{"type":"FeatureCollection","features":[` + strings.Join(list, ",")
	}
	return out
}

// Whatever the number of goroutines, and wherever a window or a batch ends: a file
// tells the same.
func TestBatchBorders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.geojson")
	rnd := rand.New(rand.NewPCG(4, 3))
	cases := borderCases()
	guessed := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		text := cases[name]
		if strings.Contains(name, "many names") && !strings.HasSuffix(name, "lines") {
			continue // large; and forms differ elsewhere
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		want := retell(t, path, Options{Workers: 1}, inOne)
		for range 3 {
			s := drawSizes(rnd)
			if diff := cmp.Diff(want, retell(t, path, Options{Workers: 3}, s)); diff != "" {
				t.Fatalf("%s, %+v: %s", name, s, diff)
			}
			for workers := range 2 {
				got := retell(t, path, Options{Workers: workers, Learning: LearnSamples}, s)
				if got.Guessed {
					guessed[name] = true
				}
				got.Guessed = false
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%s sampled, %+v: %s", name, s, diff)
				}
			}
		}
		if diff := cmp.Diff(want, retell(t, path, Options{Workers: 1}, jsonSizes{window: 512})); diff != "" {
			t.Fatalf("%s, a small window: %s", name, diff)
		}
	}
	for _, name := range []string{"good, lines", "good, sequence", "good, crs first", "huge features, lines", "broken positions, lines", "ids, lines"} {
		if !guessed[name] {
			t.Errorf("%s: no sample was enough", name)
		}
	}
}

// What several goroutines read of any bytes is what one reads, and what is read by
// a guess at its fields.
func FuzzBatches(f *testing.F) {
	for _, text := range borderCases() {
		if len(text) < 1<<14 {
			f.Add([]byte(text), uint8(2), uint16(600), uint16(300), uint16(150))
		}
	}
	path := filepath.Join(f.TempDir(), "x.geojson")
	f.Fuzz(func(t *testing.T, b []byte, features uint8, window, bytes, single uint16) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		want := retell(t, path, Options{Workers: 1}, inOne)
		got := retell(t, path, Options{Workers: 3}, jsonSizes{
			window: int(window), features: int(features) + 1, bytes: int(bytes), single: int(single),
			head: int(bytes), piece: int(single),
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		got = retell(t, path, Options{Workers: 3, Learning: LearnSamples}, jsonSizes{
			window: int(window), features: int(features) + 1, bytes: int(bytes), single: int(single), head: int(bytes), piece: int(single),
		})
		got.Guessed = false
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal("sampled:", diff)
		}
	})
}

// Values must be those that another decoder finds, however names and values repeat,
// change places, are left out or are spelt.
func TestRepeatedValues(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 1))
	names := []string{`a`, `b`, `水田`, `水\u7530`, `c\"d`, `e\\`, `a`, `long`, `n`}
	numbers := []string{`1`, `12`, `120`, `1.5`, `1.52`, `-1`, `null`, `1e2`, `1E+2`}
	values := []string{`"x"`, `"x"`, `"xy"`, `"旱地"`, `"\u65f1地"`, `""`, `null`, `"\\"`, `"\""`, `"` + strings.Repeat("z", maxKept) + `"`, `"` + strings.Repeat("z", maxKept-2) + `"`}
	var text strings.Builder
	var want []map[string]any
	for range 3000 {
		var members []string
		for _, i := range rnd.Perm(len(names))[:rnd.IntN(len(names))] {
			value := values[rnd.IntN(len(values))]
			if names[i] == "n" {
				value = numbers[rnd.IntN(len(numbers))]
			}
			members = append(members, `"`+names[i]+`":`+strings.Repeat(" ", rnd.IntN(2))+value)
		}
		properties := "{" + strings.Join(members, ",") + "}"
		fmt.Fprintf(&text, "{\"type\":\"Feature\",\"properties\":%s,\"geometry\":null}\n", properties)
		decoded := map[string]any{}
		if err := json.Unmarshal([]byte(properties), &decoded); err != nil {
			t.Fatal(err)
		}
		want = append(want, decoded)
	}
	path := filepath.Join(t.TempDir(), "x.geojson")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	scratch := new(Scratch)
	for err == nil {
		var b *Batch
		if b, err = NextBatch(r); b == nil {
			break
		}
		for _, f := range b.Features(scratch) {
			got := map[string]any{}
			for i, field := range r.Layer().Fields {
				if _, given := want[n][field.Name]; given || f.Values[i] != nil {
					got[field.Name] = f.Values[i]
				}
			}
			if diff := cmp.Diff(want[n], got); diff != "" {
				t.Fatalf("record %d: %s", n+1, diff)
			}
			n++
		}
	}
	if !errors.Is(err, io.EOF) || n != len(want) {
		t.Fatalf("%d records of %d: %v", n, len(want), err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// Opening ends with the context, and leaves no goroutine at work on the file.
func TestLearningEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.geojson")
	line := `{"type":"Feature","properties":{"a":1},"geometry":null}` + "\n"
	if err := os.WriteFile(path, []byte(strings.Repeat(line, 50_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, path, Options{Workers: 4}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A value ends where another decoder says, in whatever pieces it comes.
func TestValueEnds(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 8))
	parts := []string{`"`, `\\"`, `\\\\`, `{`, `}`, `[`, `]`, `a`, `田`, ` `, `0`, `,`, `\\u007b`, `:`, "\x1e", `;`, `]]]]`, `|`}
	for range 20_000 {
		var inside strings.Builder
		for range rnd.IntN(12) {
			inside.WriteString(parts[rnd.IntN(len(parts))])
		}
		name, err := json.Marshal(strings.ReplaceAll(inside.String(), `\\`, `\`))
		if err != nil {
			t.Fatal(err)
		}
		value := strings.Repeat(" ", rnd.IntN(9)) + `{"a":[[{}],` + string(name) + `,{` + string(name) + `:1.5}]}`
		text := strings.TrimLeft(value, " ") + `,"b":"]}"` + strings.Repeat(" ", rnd.IntN(9))
		d := json.NewDecoder(strings.NewReader(text))
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			t.Fatal(err, text)
		}
		var s jsonSkipper
		at := 0
		for end := false; !end && at < len(text); {
			var n int
			piece := min(len(text), at+1+rnd.IntN(12))
			n, end = s.run([]byte(text[at:piece]))
			if at += n; !end && at != piece {
				t.Fatalf("%s: stops at %d of %d", text, at, piece)
			}
		}
		if at != len(skipped) {
			t.Fatalf("%s ends at %d, want %d", text, at, len(skipped))
		}
		for cut := range len(name) + 1 {
			end, err := skipJSON(name[:cut:cut], 0)
			if whole := cut == len(name); whole != (err == nil) || whole && end != cut {
				t.Fatalf("%s cut at %d ends at %d (%v)", name, cut, end, err)
			}
		}
	}
}
