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
	circle := make([]geo.XY, 2000)
	for i := range circle {
		circle[i] = geo.XY{X: float64(i), Y: float64(i * i)}
	}
	shared := func(parts int, part func() int) []byte {
		w.buffer.start()
		root, places := w.buffer.table(flatSlot{field: fgbFeatureGeometry, size: 4})
		multi, slots := w.buffer.table(flatSlot{field: fgbGeometryParts, size: 4}, flatSlot{field: fgbGeometryType, size: 1, value: wkbMultiPolygon})
		w.buffer.point(places[0], multi)
		vector := w.buffer.offsets(parts)
		w.buffer.point(slots[0], vector)
		same := part()
		for i := range parts {
			w.buffer.point(vector+4+4*i, same)
		}
		return w.buffer.finish(root)
	}
	if n, ok := parse(shared(1, func() int { return w.polygon([][]geo.XY{circle}) })); !ok || n != 2000 {
		t.Error("one part is refused")
	}
	if n, ok := parse(shared(20, func() int { return w.polygon([][]geo.XY{circle}) })); ok {
		t.Errorf("twenty parts in the same place give %d points", n)
	}
	if _, ok := parse(shared(20, func() int { return w.polygon(make([][]geo.XY, 2000)) })); ok {
		t.Error("twenty parts share two thousand empty rings")
	}
}
