package source

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"gengtu/index/geo"
)

// Whatever a .shx says, what is believed of it leads to records that lie in the .shp whole
// and have the length that it states, as many as the table has rows.
func FuzzShapefileIndex(f *testing.F) {
	record := func(n uint32, content []byte) []byte {
		head := binary.BigEndian.AppendUint32(nil, n)
		return append(binary.BigEndian.AppendUint32(head, uint32(len(content)/2)), content...)
	}
	entry := func(at, length int) []byte {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(at/2)), uint32(length/2))
	}
	head := make([]byte, shpHeader)
	one, two := record(1, make([]byte, 12)), record(2, make([]byte, 20))
	f.Add(bytes.Join([][]byte{head, one, two}, nil), bytes.Join([][]byte{head, entry(100, 12), entry(120, 20)}, nil))
	f.Add(bytes.Join([][]byte{head, one, make([]byte, 8), two}, nil), bytes.Join([][]byte{head, entry(100, 12), entry(128, 20)}, nil))
	f.Add(bytes.Join([][]byte{head, two, one}, nil), bytes.Join([][]byte{head, entry(128, 12), entry(100, 20)}, nil))
	f.Add(head, head)
	path := filepath.Join(f.TempDir(), "x.shp")
	f.Fuzz(func(t *testing.T, shp, shx []byte) {
		if len(shp) < shpHeader {
			return // refused by its own header
		}
		if err := os.WriteFile(path, shp, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = file.Close() }() // only read
		count := int64(max(0, len(shx)-shpHeader) / 8)
		r := shapefile{shp: file, end: int64(len(shp)), table: &dbfTable{count: count}}
		found, err := r.readIndex(t.Context(), bytes.NewReader(shx), int64(len(shx)))
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			if r.offsets != nil {
				t.Fatal("offsets are kept of a .shx that is not believed")
			}
			return
		}
		if r.offsets == nil { // in a row up to the end
			sum := int64(shpHeader)
			for i := range count {
				sum += 8 + 2*int64(binary.BigEndian.Uint32(shx[shpHeader+8*i+4:]))
			}
			if sum != r.end {
				t.Fatalf("records in a row end at %d of %d", sum, r.end)
			}
			return
		}
		if int64(len(r.offsets)) != count {
			t.Fatalf("%d offsets of %d records", len(r.offsets), count)
		}
		for i, at := range r.offsets {
			stated := 2 * int64(binary.BigEndian.Uint32(shx[shpHeader+8*i+4:]))
			if at < shpHeader || at+8+stated > r.end || 2*int64(binary.BigEndian.Uint32(shp[at+4:])) != stated {
				t.Fatalf("record %d at %d of %d bytes does not lie in %d bytes", i, at, stated, r.end)
			}
		}
	})
}

// Whatever reads as a GeoPackage, its tables are listed, and what is read of one is the
// same when it is read again.
func FuzzGeoPackage(f *testing.F) {
	dir := f.TempDir()
	first := filepath.Join(dir, "seed.gpkg")
	w, err := Create(first, &Layer{Table: "地块", Fields: []Field{{Name: "a", Kind: Text}}, CRS: CRSInfo{EPSG: 4490}}, WriteOptions{})
	if err != nil {
		f.Fatal(err)
	}
	if err := w.Write(&Feature{Values: []any{"x"}, Polygons: [][][]geo.XY{{square(108, 34, 1)}}}); err != nil {
		f.Fatal(err)
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	seed, err := os.ReadFile(first)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(bytes.Replace(seed, []byte("CREATE TABLE"), []byte("CREATE VIEW "), 1))
	f.Add(seed[:len(seed)/2])
	f.Add([]byte("SQLite format 3\x00"))
	path := filepath.Join(dir, "x.gpkg")
	f.Fuzz(func(t *testing.T, b []byte) {
		l, features := readBytes(t, path, b)
		if l == nil {
			return
		}
		again, same := readBytes(t, path, b)
		if again == nil || again.Table != l.Table || len(again.Fields) != len(l.Fields) || len(same) != len(features) {
			t.Fatalf("%d features, and then %d", len(features), len(same))
		}
		for i := range features {
			if len(features[i].Values) != len(l.Fields) || !equalPolygons(features[i].Polygons, same[i].Polygons) {
				t.Fatalf("feature %d is not the same", i)
			}
		}
	})
}
