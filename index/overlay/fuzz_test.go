package overlay

import (
	"encoding/binary"
	"math"
	"testing"

	"gengtu/index/geo"
)

// polygonsOf makes polygons from bytes: the first byte of each pair of numbers
// decides when a ring and a polygon begin; small steps make them meet each other.
func polygonsOf(data []byte, limit int) geo.MultiPolygon {
	m := geo.MultiPolygon{{nil}}
	at := geo.Position{Lon: homeLon, Lat: homeLat}
	for len(data) >= 5 && limit > 0 {
		kind := data[0]
		scale := int64(1) << (kind & 15)
		at.Lon = homeLon + int64(int16(binary.LittleEndian.Uint16(data[1:])))*scale
		at.Lat = homeLat + int64(int16(binary.LittleEndian.Uint16(data[3:])))*scale
		data = data[5:]
		limit--
		p := &m[len(m)-1]
		r := &(*p)[len(*p)-1]
		*r = append(*r, at)
		switch kind >> 4 {
		case 14:
			*p = append(*p, nil)
		case 15:
			m = append(m, geo.Polygon{nil})
		}
	}
	return m
}

func fuzzSeeds(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 0, 0, 0, 10, 0, 10, 0, 0, 10, 0, 0, 0, 0, 0, 0, 10, 0})
	f.Add([]byte{9, 1, 0, 1, 0, 9, 90, 0, 3, 0, 0xE9, 7, 0, 99, 0, 9, 1, 0, 40, 0, 9, 50, 0, 50, 0, 9, 3, 0, 60, 0})
	f.Add([]byte{1, 0, 0, 0, 0, 1, 4, 0, 0, 0, 1, 4, 0, 4, 0, 0xF1, 0, 0, 4, 0, 1, 2, 0, 2, 0, 1, 6, 0, 2, 0, 1, 6, 0, 6, 0, 1, 2, 0, 6, 0})
}

// The figures of one measurement fit each other, whatever the shapes.
func FuzzMeasure(f *testing.F) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		all := polygonsOf(data, 60)
		aoi := all[:1]
		var items []Item
		for i, p := range all[1:] {
			items = append(items, Item{Layer: i % 5, Group: int32(i % 3), Weight: 0.5, Geometry: geo.MultiPolygon{p}})
		}
		items = append(items, Item{Layer: 1, Group: NoGroup, Weight: math.NaN(), Geometry: aoi})
		r := mustMeasure(t, aoi, items)
		checkSums(t, items, r)
		// What the AOI has in itself is all of it.
		if got := r.Items[len(items)-1]; !agree(got, r.AOI, r.AOI) {
			t.Fatalf("the AOI shares %.12f with itself, has %.12f", got, r.AOI)
		}
	})
}

// Whatever comes in, what is mended is valid, keeps its ground, and stays as it is
// when mended again.
func FuzzMend(f *testing.F) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		checkMended(t, polygonsOf(data, 40))
	})
}
