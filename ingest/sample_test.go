package ingest_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/ingest"
)

// large writes a layer of GeoJSON lines that is large enough to be sampled; the lines
// listed by their numbers stand instead of what the others are like.
func large(t *testing.T, name string, properties func(i int) string, others map[int]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	filler := strings.Repeat("x", 3000)
	for i := range largeLines {
		p := properties(i)
		if other, ok := others[i]; ok {
			p = other
		}
		_, err = fmt.Fprintf(w, "{\"type\":\"Feature\",\"properties\":{%s,\"BZ\":\"%s\"},\"geometry\":%s}\n", p, filler, at(float64(i%150), float64(i/150), 0.001))
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

const largeLines = 12_000

// What is taken from a large file, by a guess at its fields, must be what is taken
// when it is learned whole, as it is when its encoding has to be decoded; whether the
// guess is right, or a member, a kind of value or a fault comes where nobody looked.
func TestLargeFile(t *testing.T) {
	plain := func(i int) string { return fmt.Sprintf(`"BSM":"6104022110%08d","DLBM":"0101","n":%d`, i, i%9) }
	place := func(i int) string { return fmt.Sprintf(`"XZQDM":"610402211%03d","XZQMC":"v"`, i%1000) }
	small := deliver(t, "small.geojson", record{at(0.2, 0.2, 0.001), map[string]any{"BSM": "1", "DLBM": "0102"}})
	const unseen = largeLines/2 + 246 // midway between two pieces
	cases := map[string]struct {
		path  string
		layer string
		more  string
	}{
		"as expected":           {path: large(t, "a.geojsonl", plain, nil), layer: "dltb"},
		"a member more":         {path: large(t, "a.geojsonl", plain, map[int]string{unseen: `"late":1`}), layer: "dltb"},
		"a whole column is not": {path: large(t, "a.geojsonl", plain, map[int]string{unseen: `"n":1.5`}), layer: "dltb"},
		"faults":                {path: large(t, "a.geojsonl", plain, map[int]string{unseen: `"n":`, 7: `"n":1.5.5`}), layer: "dltb"},
		"places":                {path: large(t, "a.geojsonl", place, map[int]string{unseen: `"XZQDM":"610402","late":2`}), layer: "region", more: "dltb=" + small},
		"parcels in places": {
			path: large(t, "a.geojsonl", plain, map[int]string{unseen: `"late":1`}), layer: "dltb",
			more: "region=" + deliver(t, "r.geojson", record{at(0, 0, 0.2), map[string]any{"XZQDM": "610402"}}),
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inputs := []string{c.layer + "=" + c.path}
			if c.more != "" {
				inputs = append(inputs, c.more)
			}
			got := mustTake(t, inputs...)
			want, err := take(t, ingest.Options{Encoding: "GBK"}, inputs...)
			if err != nil {
				t.Fatal(err)
			}
			if got.hash != want.hash {
				t.Errorf("content %s, want %s", got.hash, want.hash)
			}
			if diff := cmp.Diff(told(want.report), told(got.report)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(want.layers, got.layers); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// told returns what a report says, but for the encoding of files.
func told(r *ingest.Report) []string {
	var out []string
	for _, l := range r.Layers {
		out = append(out, fmt.Sprint(l.Layer, l.Read, l.Kept, l.Refused, l.Mended, l.AreaIn, l.AreaOut, l.AreaRefused, l.UnknownFields, l.MissingFields, l.LeftOut, codes(l)), fmt.Sprint(l.Cropland))
		for _, s := range l.Sources {
			out = append(out, fmt.Sprint(s.Path, s.CRS, s.Read))
		}
	}
	return out
}
