package index

import (
	"bytes"
	"testing"

	"gengtu/index/geo"
)

// Whatever decodes encodes to a record that decodes to the same; whatever does
// not is told, and no record makes the decoder allocate beyond its length.
func FuzzDecodeRecord(f *testing.F) {
	rec, err := appendRecord(nil, &Feature{
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
		again, err := appendRecord(nil, &a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := decodeRecord(again)
		if err != nil {
			t.Fatalf("a record of our own does not decode: %v", err)
		}
		third, err := appendRecord(nil, &b)
		if err != nil || !bytes.Equal(again, third) {
			t.Fatalf("round trip differs: %x, %x (%v)", again, third, err)
		}
	})
}
