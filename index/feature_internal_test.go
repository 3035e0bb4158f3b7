package index

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/geo"
)

// encodeRecord returns f as it is stored.
func encodeRecord(f *Feature) ([]byte, error) {
	var e Encoder
	err := e.encode(f)
	return e.record, err
}

// Whatever decodes encodes to a record that decodes to the same; whatever does
// not is told, and no record makes the decoder allocate beyond its length.
func FuzzDecodeRecord(f *testing.F) {
	rec, err := encodeRecord(&Feature{
		ID: 7, Place: "61", Values: []any{nil, "水田", int64(-5), 1.5, true, false}, Patch: 12, Net: NoArea,
		Geometry: geo.MultiPolygon{geo.Box{Max: geo.Position{Lon: 9, Lat: 9}}.Polygon()},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(rec)
	f.Add([]byte{1, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := decodeRecord(data)
		if err != nil {
			return
		}
		again, err := encodeRecord(&a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := decodeRecord(again)
		if err != nil {
			t.Fatalf("a record of our own does not decode: %v", err)
		}
		d := decode(again)
		d.shape()
		if h := d.head(); d.Bad || h.ID != b.ID || h.Box != b.Box || h.Place != b.Place {
			t.Fatalf("head is %+v, the feature %+v", h, b)
		}
		for i, v := range b.Values {
			at := d
			if got, ok := at.textAt(i); at.Bad || ok && got != v {
				t.Fatalf("value %d is %q, want %v", i, got, v)
			}
		}
		third, err := encodeRecord(&b)
		if err != nil || !bytes.Equal(again, third) {
			t.Fatalf("round trip differs: %x, %x (%v)", again, third, err)
		}
	})
}

// A file that holds an id twice, which no writer of ours makes, is refused.
func TestIDTwice(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, edition.FeaturesFile)
	db, err := create(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	f := Feature{ID: 7, Geometry: geo.MultiPolygon{geo.Box{Max: geo.Position{Lon: 9, Lat: 9}}.Polygon()}}
	f.Box = f.Geometry.Box()
	rec, err := encodeRecord(&f)
	if err != nil {
		t.Fatal(err)
	}
	meta := edition.Layer{Name: "x", Vintage: "1", Features: 2}
	schema, err := schemaOf(&meta)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		putAll(t.Context(), db, featuresBucket+"x@1", []entry{{key: []byte("a"), record: rec}, {key: []byte("b"), record: rec}}),
		putAll(t.Context(), db, layersBucket, []entry{{key: []byte("x@1"), record: schema}}), db.Close())
	if err != nil {
		t.Fatal(err)
	}
	_, err = OpenFiles(dir, &edition.Manifest{Layers: []edition.Layer{meta}})
	if err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("got %v", err)
	}
}

// Steps along the curve lead to a neighbour each, and to every place once.
func TestHilbert(t *testing.T) {
	// One cell of the curve's 32 × 32 part is 2^26 steps a side.
	const n = 32
	at := map[uint64][2]int{}
	for x := range n {
		for y := range n {
			centre := func(i int) int64 { return int64(((float64(i)+0.5)/n*360 - 180) * geo.Unit) }
			d := hilbert(geo.Position{Lon: centre(x), Lat: centre(y)}) >> 52
			if _, ok := at[d]; ok || d >= n*n {
				t.Fatalf("cell %d,%d is step %d again", x, y, d)
			}
			at[d] = [2]int{x, y}
		}
	}
	for d := uint64(1); d < n*n; d++ {
		a, b := at[d-1], at[d]
		if dx, dy := a[0]-b[0], a[1]-b[1]; dx*dx+dy*dy != 1 {
			t.Fatalf("step %d leads from %v to %v", d, a, b)
		}
	}
	world := hilbert(geo.Position{Lon: 180e10, Lat: 90e10})
	if world>>62 != 0 {
		t.Errorf("the antimeridian is at %x", world)
	}
}
