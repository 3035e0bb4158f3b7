package source

import (
	"encoding/binary"
	"testing"

	"gengtu/index/geo"
)

// A geometry whose parts or rings point to the same bytes again and again, or
// whose rings end out of order, must be refused, not expanded.
func TestFlatGeobufHostileGeometry(t *testing.T) {
	w := &flatGeobufWriter{layer: &Layer{}}
	polygon := [][]geo.XY{square(0, 0, 8), square(0, 0, -4), square(0, 0, -2)}
	parse := func(b []byte) (int, bool) {
		var s shape
		parser := fgbGeometry{shape: &s, points: len(b) / 16, tables: len(b) / 4}
		p := parser.add(rootTable(b[4:]).table(fgbFeatureGeometry), 0, 0)
		return len(s.points), p == nil
	}
	sound := w.feature([][][]geo.XY{polygon}, wkbPolygon)
	if n, ok := parse(sound); n != 15 || !ok {
		t.Fatal(n, ok)
	}
	ends, valid := rootTable(sound[4:]).table(fgbFeatureGeometry).vector(fgbGeometryEnds, 4)
	if !valid || ends.n != 3 {
		t.Fatal(ends)
	}
	binary.LittleEndian.PutUint32(sound[4+ends.pos+4:], 2) // 5, 2, 15
	if _, ok := parse(sound); ok {
		t.Error("rings that end out of order are taken")
	}
	w.buffer.start()
	root, places := w.buffer.table(flatSlot{field: fgbFeatureGeometry, size: 4})
	multi, slots := w.buffer.table(flatSlot{field: fgbGeometryParts, size: 4}, flatSlot{field: fgbGeometryType, size: 1, value: wkbMultiPolygon})
	w.buffer.point(places[0], multi)
	const parts = 1000
	vector := w.buffer.offsets(parts)
	w.buffer.point(slots[0], vector)
	same := w.polygon(polygon)
	for i := range parts {
		w.buffer.point(vector+4+4*i, same)
	}
	if n, ok := parse(w.buffer.finish(root)); ok || n > 1000 {
		t.Errorf("a thousand parts in the same place give %d points", n)
	}
}
