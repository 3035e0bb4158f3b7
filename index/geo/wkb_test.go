package geo_test

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
)

// wkbWriter writes well-known binary of any form, for the tests.
type wkbWriter struct {
	order      binary.AppendByteOrder
	kind       func(base uint32) uint32
	srid       bool
	dimensions int
}

func (w wkbWriter) header(b []byte, base uint32) []byte {
	b = append(b, w.order.AppendUint16(nil, 1)[0]) // 0 big-endian, 1 little-endian
	b = w.order.AppendUint32(b, w.kind(base))
	if w.srid {
		b = w.order.AppendUint32(b, 4490)
	}
	return b
}

func (w wkbWriter) polygon(b []byte, rings [][]geo.XY) []byte {
	b = w.order.AppendUint32(w.header(b, 3), uint32(len(rings)))
	for _, ring := range rings {
		b = w.order.AppendUint32(b, uint32(len(ring)))
		for _, p := range ring {
			b = w.order.AppendUint64(b, math.Float64bits(p.X))
			b = w.order.AppendUint64(b, math.Float64bits(p.Y))
			for range w.dimensions - 2 {
				b = w.order.AppendUint64(b, math.Float64bits(math.NaN()))
			}
		}
	}
	return b
}

func (w wkbWriter) multi(base uint32, polygons [][][]geo.XY) []byte {
	b := w.order.AppendUint32(w.header(nil, base), uint32(len(polygons)))
	for _, rings := range polygons {
		b = w.polygon(b, rings)
	}
	return b
}

func wkbForms() map[string]wkbWriter {
	plain := func(add uint32) func(uint32) uint32 { return func(base uint32) uint32 { return base + add } }
	return map[string]wkbWriter{
		"little-endian":        {binary.LittleEndian, plain(0), false, 2},
		"big-endian":           {binary.BigEndian, plain(0), false, 2},
		"ISO Z":                {binary.LittleEndian, plain(1000), false, 3},
		"ISO M":                {binary.BigEndian, plain(2000), false, 3},
		"ISO ZM":               {binary.LittleEndian, plain(3000), false, 4},
		"PostGIS Z":            {binary.LittleEndian, plain(0x80000000), false, 3},
		"PostGIS M":            {binary.LittleEndian, plain(0x40000000), false, 3},
		"PostGIS ZM with SRID": {binary.BigEndian, plain(0xe0000000), true, 4},
		"PostGIS SRID":         {binary.LittleEndian, plain(0x20000000), true, 2},
	}
}

func TestParseWKB(t *testing.T) {
	ring := []geo.XY{{1, 2}, {36512345.6789, 2}, {3, -4}, {1, 2}}
	one := [][][]geo.XY{{ring, ring[:3]}}
	two := [][][]geo.XY{{ring}, {ring[:1]}}
	for name, w := range wkbForms() {
		t.Run(name, func(t *testing.T) {
			for _, c := range []struct {
				data []byte
				want [][][]geo.XY
			}{
				{w.polygon(nil, one[0]), one},
				{w.multi(6, two), two},
				{w.multi(7, two), two},
				{w.multi(6, nil), nil},
				{w.polygon(nil, nil), nil},
			} {
				got, err := geo.ParseWKB(c.data, geo.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
				for cut := range c.data {
					if _, err := geo.ParseWKB(c.data[:cut], geo.Limits{}); !errors.Is(err, geo.ErrGeometrySyntax) {
						t.Fatalf("cut to %d of %d bytes: %v", cut, len(c.data), err)
					}
				}
				if _, err := geo.ParseWKB(append(c.data, 0), geo.Limits{}); !errors.Is(err, geo.ErrGeometrySyntax) {
					t.Errorf("a byte too many: %v", err)
				}
			}
		})
	}
}

func TestParseWKBRefused(t *testing.T) {
	nan := wkbForms()["little-endian"].multi(6, [][][]geo.XY{{{{1, 2}}}, {{{1, 2}}, {{1, 2}, {math.NaN(), 2}}}})
	many := wkbForms()["big-endian"].polygon(nil, [][]geo.XY{make([]geo.XY, 60), make([]geo.XY, 60)})
	var deep []byte
	for range 30 {
		deep = append(deep, 1, 7, 0, 0, 0, 1, 0, 0, 0)
	}
	deep = append(deep, 1, 7, 0, 0, 0, 0, 0, 0, 0)
	bytesOf := func(s string) []byte {
		b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, c := range []struct {
		name  string
		data  []byte
		kind  error
		place geo.Place
	}{
		{"empty", nil, geo.ErrGeometrySyntax, geo.Place{}},
		{"byte order 2", bytesOf("02 03000000 00000000"), geo.ErrGeometrySyntax, geo.Place{}},
		{"point", bytesOf("01 01000000 0000000000000000 0000000000000000"), geo.ErrGeometryType, geo.Place{}},
		{"line", bytesOf("01 02000000 00000000"), geo.ErrGeometryType, geo.Place{}},
		{"curve polygon", bytesOf("01 0a000000 00000000"), geo.ErrGeometryType, geo.Place{}},
		{"type 4003", bytesOf("01 a30f0000 00000000"), geo.ErrGeometryType, geo.Place{}},
		{"multipolygon in a multipolygon", bytesOf("01 06000000 01000000 01 06000000 00000000"), geo.ErrGeometryType, geo.Place{}},
		{"4 billion rings", bytesOf("01 03000000 ffffffff"), geo.ErrGeometrySyntax, geo.Place{}},
		{"4 billion positions", bytesOf("01 03000000 01000000 ffffffff"), geo.ErrGeometrySyntax, geo.Place{Polygon: 1, Ring: 1}},
		{"4 billion polygons", bytesOf("01 06000000 ffffffff"), geo.ErrGeometrySyntax, geo.Place{}},
		{"NaN", nan, geo.ErrGeometryCoordinate, geo.Place{Polygon: 2, Ring: 2, Position: 2}},
		{"too many positions", many, geo.ErrGeometryLimit, geo.Place{Polygon: 1, Ring: 2}},
		{"collections too deep", deep, geo.ErrGeometryLimit, geo.Place{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := geo.ParseWKB(c.data, geo.Limits{Vertices: 100})
			var e *geo.GeometryError
			if got != nil || !errors.Is(err, c.kind) || !errors.As(err, &e) || e.Place != c.place {
				t.Errorf("got %v, %v; want %v at %v", got, err, c.kind, c.place)
			}
		})
	}
}

// Every position comes back exactly from the bytes.
func TestWKBRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 10))
	for range 500 {
		m := randomMultiPolygon(r)
		polygons, err := geo.ParseWKB(geo.AppendWKB([]byte{}, m), geo.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		back, err := geo.CRS{}.MultiPolygon(polygons, geo.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, back); diff != "" {
			t.Fatal(diff)
		}
	}
}

// GDAL reads the bytes that AppendWKB writes as the geometry that AppendGeoJSON
// writes.
func TestWKBAgainstGDAL(t *testing.T) {
	t.Parallel()
	for _, m := range []geo.MultiPolygon{
		{{{{1081234567891, 350000000001}, {1081234567991, 350000000001}, {1081234567991, 350000000201}, {1081234567891, 350000000001}}}},
		{
			geo.Box{Min: geo.Position{Lon: -1e10, Lat: -2e10}, Max: geo.Position{Lon: 5e9, Lat: 1e10}}.Polygon(),
			geo.Box{Min: geo.Position{Lon: 10e10, Lat: 20e10}, Max: geo.Position{Lon: 11e10, Lat: 21e10}}.Polygon(),
		},
	} {
		sql := "SELECT AsGeoJSON(GeomFromWKB(x'" + hex.EncodeToString(geo.AppendWKB(nil, m)) + "', 4490), 10) AS g"
		got := run(t, "", "ogrinfo", "-q", "-dialect", "sqlite", "-sql", sql, "testdata/empty.geojson")
		_, text, _ := strings.Cut(got, "= ")
		polygons, err := geo.ParseGeometry([]byte(text), geo.Limits{})
		if err != nil {
			t.Fatalf("%v in %q", err, got)
		}
		want, err := geo.ParseGeometry(geo.AppendGeoJSON(nil, m), geo.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, polygons); diff != "" {
			t.Error(diff)
		}
	}
}

// What is accepted holds no more positions than bytes allow, and is the same
// when it is written and read again.
func FuzzParseWKB(f *testing.F) {
	for _, w := range wkbForms() {
		f.Add(w.polygon(nil, [][]geo.XY{{{1, 2}, {3, 2}, {3, 4}, {1, 2}}, {}}))
		f.Add(w.multi(6, [][][]geo.XY{{{{1, 2}, {3, 2}}}, {}}))
		f.Add(w.multi(7, [][][]geo.XY{{{{1, 2}}}}))
	}
	f.Add([]byte{1, 3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := geo.ParseWKB(data, geo.Limits{Vertices: 1000, Depth: 4})
		if err != nil {
			var e *geo.GeometryError
			if got != nil || !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(data) {
				t.Fatalf("%v, %v", got, err)
			}
			return
		}
		positions := 0
		for _, rings := range got {
			for _, ring := range rings {
				positions += len(ring)
			}
		}
		if positions*16 > len(data) {
			t.Fatalf("%d positions from %d bytes", positions, len(data))
		}
		back, err := geo.ParseWKB(wkbForms()["big-endian"].multi(6, got), geo.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, back); diff != "" {
			t.Fatal(diff)
		}
	})
}
