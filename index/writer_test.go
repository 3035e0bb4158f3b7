package index_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
)

// landed returns n features with codes, classes and areas, so many that they are put
// in order and added up in several runs.
func landed(n int) []index.Feature {
	rnd := rand.New(rand.NewPCG(4, 7))
	out := make([]index.Feature, n)
	for i := range out {
		at := geo.Position{Lon: rnd.Int64N(90e10), Lat: rnd.Int64N(60e10)}
		f := &out[i]
		*f = index.Feature{
			ID: uint64(i + 1), Geometry: square(at, 1+rnd.Int64N(1e7)), AreaM2: rnd.ExpFloat64() * 1000, Patch: rnd.Int64N(1e6), Net: index.NoArea,
			Values: []any{nil, []string{"0101", "0103", "0201", ""}[rnd.IntN(4)], int64(i % 5), "x"},
		}
		if i%3 == 0 {
			f.Patch, f.Values[1] = index.NoArea, nil
		}
		if i%7 > 0 {
			f.Values[0] = "61" + strings.Repeat(string(rune('0'+i%10)), 1+i%12)
		}
		if i%11 == 0 {
			f.Values[3] = f.Values[0] // two codes that are the same
		}
	}
	return out
}

var landedMeta = edition.Layer{Name: "dltb", Vintage: "1", Fields: []edition.Field{
	{Name: "BSM", Code: true}, {Name: "DLBM"}, {Name: "n", Kind: edition.Integer}, {Name: "other", Code: true},
}}

// landedView is a selection of the layer.
func landedView(prefix string) edition.Layer {
	return edition.Layer{Name: "v" + prefix, Vintage: "1", View: &edition.View{Of: "dltb", Field: "DLBM", Prefix: prefix}}
}

// content lists every key and value of a file.
func content(t *testing.T, path string) []string {
	t.Helper()
	var out []string
	err := index.Each(path, func(bucket string, key, value []byte) error {
		out = append(out, bucket+"\x00"+string(key)+"\x00"+string(value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Features that several goroutines encode, in any order, must make the file that one
// makes of them.
func TestEncoders(t *testing.T) {
	features := landed(3000)
	one, many := filepath.Join(t.TempDir(), "1.db"), filepath.Join(t.TempDir(), "2.db")
	w := index.NewWriter(one)
	l := w.Layer(landedMeta)
	for i := range features {
		if err := l.Add(&features[i]); err != nil {
			t.Fatal(err)
		}
	}
	want, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w = index.NewWriter(many)
	l = w.Layer(landedMeta)
	encoded := make([]index.Encoded, len(features))
	var wg sync.WaitGroup
	for k := range 4 {
		wg.Go(func() {
			e := l.Encoder()
			for i := k; i < len(features); i += 4 {
				encoded[i] = e.Encode(&features[i])
			}
		})
	}
	wg.Wait()
	for i := len(encoded) - 1; i >= 0; i-- {
		if err := l.AddEncoded(encoded[i]); err != nil {
			t.Fatal(err)
		}
	}
	got, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(content(t, one), content(t, many)); diff != "" {
		t.Error(diff)
	}
}

// The figures of a layer and its views must be those of its features, added up in the
// order of the file, and each code must lead to each feature that has it once.
func TestFigures(t *testing.T) {
	features := landed(80_000)
	path := filepath.Join(t.TempDir(), "f.db")
	w := index.NewWriter(path)
	l := w.Layer(landedMeta)
	for _, prefix := range []string{"01", "0103", "", "9"} {
		w.View(landedView(prefix))
	}
	for i := range features {
		if err := l.Add(&features[i]); err != nil {
			t.Fatal(err)
		}
	}
	layers, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var order []*index.Feature
	codes := map[string]int{}
	last := ""
	err = index.Each(path, func(bucket string, key, value []byte) error {
		switch bucket {
		case "codes/dltb@1":
			codes[string(key[:len(key)-9])]++
		case "features/dltb@1":
			f, err := index.DecodeRecord(value)
			if err != nil || string(key) <= last {
				t.Fatalf("key %x behind %x, %v", key, last, err)
			}
			last = string(key)
			order = append(order, &features[f.ID-1])
		}
		return nil
	})
	if err != nil || len(order) != len(features) {
		t.Fatal(len(order), err)
	}
	wantCodes := map[string]int{}
	for i := range features {
		a, _ := features[i].Values[0].(string)
		b, _ := features[i].Values[3].(string)
		if a != "" {
			wantCodes[a]++
		}
		if b != "" && b != a {
			wantCodes[b]++
		}
	}
	if diff := cmp.Diff(wantCodes, codes); diff != "" {
		t.Error(diff)
	}
	for i := range layers {
		m := &layers[i]
		want := edition.Layer{}
		patch, box := int64(0), geo.EmptyBox()
		for _, f := range order {
			if s, ok := f.Values[1].(string); m.View != nil && (!ok || !strings.HasPrefix(s, m.View.Prefix)) {
				continue
			}
			want.Features++
			want.Vertices += f.Geometry.Vertices()
			want.AreaM2 += f.AreaM2
			box = box.Union(f.Geometry.Box())
			if f.Patch != index.NoArea {
				patch += f.Patch
			}
		}
		if m.Features != want.Features || m.Vertices != want.Vertices || math.Float64bits(m.AreaM2) != math.Float64bits(want.AreaM2) {
			t.Errorf("%s: got %d, %d, %v, want %d, %d, %v", m.Name, m.Features, m.Vertices, m.AreaM2, want.Features, want.Vertices, want.AreaM2)
		}
		if m.NetM2 != nil || (want.Features == 0) != (m.PatchM2 == nil) || want.Features > 0 && *m.PatchM2 != float64(patch)/100 {
			t.Errorf("%s: patch area %v, net area %v, want %d", m.Name, m.PatchM2, m.NetM2, patch)
		}
		if lo := box.Min.LonLat(); want.Features > 0 && (m.Extent == nil || m.Extent[0] != lo.Lon || m.Extent[1] != lo.Lat) {
			t.Errorf("%s: extent %v, want %v", m.Name, m.Extent, box)
		}
	}
}
