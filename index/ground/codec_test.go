package ground

import (
	"bytes"
	"errors"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// oneCell returns a partition of one cell, with the kinds of records.
func oneCell(records []kept, cell []byte) (*Ground, error) {
	alone := []kept{{CellsBucket, nodeKey(0, 0), cell}}
	for _, r := range records {
		if r.bucket == HeadBucket {
			alone = append(alone, r)
		}
	}
	return opened(alone)
}

// around returns a box around the whole frame of a land.
func around(l *land) geo.MultiPolygon {
	b := l.Box()
	w, h := b.Max.Lon-b.Min.Lon, b.Max.Lat-b.Min.Lat
	return geo.MultiPolygon{geo.Box{
		Min: geo.Position{Lon: b.Min.Lon - 3*w, Lat: b.Min.Lat - 3*h}, Max: geo.Position{Lon: b.Max.Lon + 3*w, Lat: b.Max.Lat + 3*h},
	}.Polygon()}
}

// Whatever a cell's record says is an error or figures: of the whole cell, its
// faces' areas by the layers that their kinds name.
func FuzzCell(f *testing.F) {
	l := randomLand(1, 4)
	records := build(f, l)
	seeds := 0
	for _, r := range records {
		if r.bucket == CellsBucket && seeds < 6 {
			f.Add(r.value)
			seeds++
		}
	}
	f.Add([]byte{flagCell, 0, 1, 0, 0, 0, 1})
	box := around(l)
	part := star(rand.New(rand.NewPCG(1, 1)), 100, 100, 90, 9)
	f.Fuzz(func(t *testing.T, cell []byte) {
		g, err := oneCell(records, cell)
		if err != nil {
			return
		}
		q := Question{AOI: part, Layers: []uint64{1, 2, 8}, Within: 7, Overlapping: func([]uint64, float64) {}}
		for _, ask := range []func(*Question) (*Parts, error){g.Sum, g.Excess} {
			if _, err := ask(&q); err != nil && !errors.Is(err, errRecord) {
				t.Errorf("an error of another kind: %v", err)
			}
		}
		q.AOI = box
		parts, err := g.Sum(&q)
		if err != nil {
			if !errors.Is(err, errRecord) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		var packed overlay.PackedCell
		d := decode(cell)
		d.Take(1)
		d.Uvarint()
		if d.cell(&packed); d.Bad {
			t.Fatal("a cell that does not decode gave figures")
		}
		want, got := 0.0, 0.0
		for i := range packed.Faces() {
			want += packed.FaceArea(i)
		}
		for _, p := range parts.Sorted() {
			got += p.Area
		}
		if !math.IsNaN(want) && !math.IsInf(want, 0) && math.Abs(want) < 1e9 && math.Abs(got-want) > 1e-3 && sane(&packed) {
			t.Errorf("parts have %v m², faces %v", got, want)
		}
	})
}

// sane tells whether sums of the areas do not depend on their order.
func sane(c *overlay.PackedCell) bool {
	for i := range c.Faces() {
		if !(math.Abs(c.FaceArea(i)) < 1e9) {
			return false
		}
	}
	return true
}

// Each byte less than a cell's record has, or one more, is noticed by a question
// about all layers, whether features overlap in it or not, and so is a kind that
// there is not.
func TestCutCells(t *testing.T) {
	stars := randomLand(3, 4)
	lots := &land{}
	for i, m := range stars.shapes {
		if m.Vertices() <= 5 {
			lots.shapes, lots.layer = append(lots.shapes, m), append(lots.layer, stars.layer[i])
			lots.inView, lots.weights = append(lots.inView, stars.inView[i]), append(lots.weights, stars.weights[i])
		}
	}
	for name, l := range map[string]*land{"lots": lots, "lots and stars": stars} {
		records := build(t, l)
		q := Question{AOI: geo.MultiPolygon{l.Box().Polygon()}, Layers: []uint64{1, 2, 4, 8}}
		cells, overlapping := 0, 0
		for _, r := range records {
			if r.bucket != CellsBucket {
				continue
			}
			cells++
			if r.value[1] != 0 {
				overlapping++
			}
			for n := 1; n <= len(r.value)+1; n++ {
				g, err := oneCell(records, append(bytes.Clone(r.value), 0)[:n])
				if err != nil {
					t.Fatal(err)
				}
				if _, err := g.Sum(&q); (err == nil) != (n == len(r.value)) || err != nil && !errors.Is(err, errRecord) {
					t.Fatalf("%s: %d bytes of a record of %d give %v", name, n, len(r.value), err)
				}
			}
			g, err := oneCell(records, r.value)
			if err != nil {
				t.Fatal(err)
			}
			g.kinds, g.weights = nil, nil
			if _, err := g.Sum(&q); !errors.Is(err, errRecord) {
				t.Fatalf("%s: a kind that there is not gives %v", name, err)
			}
		}
		if cells < 3 || (overlapping > 0) != (l == stars) {
			t.Errorf("%s: %d cells, %d of which overlap, say little", name, cells, overlapping)
		}
	}
}

// A node whose sums are of a kind that there is not is damaged.
func TestSumsOfNoKind(t *testing.T) {
	l := randomLand(3, 12)
	g := open(t, build(t, l))
	if g.values[0][0] != flagSums {
		t.Fatal("a partition without sums says nothing")
	}
	q := Question{AOI: around(l), Layers: []uint64{1}}
	if _, err := g.Sum(&q); err != nil {
		t.Fatal(err)
	}
	for n := len(g.kinds) - 1; n >= 0; n-- {
		g.kinds = g.kinds[:n]
		if _, err := g.Sum(&q); err != nil && !errors.Is(err, errRecord) || err == nil && n == 0 {
			t.Errorf("sums of the first %d kinds give %v", n, err)
		}
	}
}

// Numbers of kinds come back whatever width they take, and kinds as they were.
func TestKinds(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, highest := range []uint32{0, 255, 256, 1<<16 - 1, 1 << 16, 1<<32 - 1} {
		want := []uint32{highest, 0, highest / 2}
		d := decode(appendNumbers(nil, want))
		numbers := d.numbers(len(want))
		if err := d.end(); err != nil {
			t.Fatal(err)
		}
		for i, n := range want {
			if got := numbers.at(i); got != int(n) {
				t.Errorf("number %d comes back as %d", n, got)
			}
		}
	}
	table := kindTable{numbers: map[kind]uint32{}}
	for range 300 {
		k := kind{mask: rng.Uint64() >> rng.IntN(64)}
		k.weightless = k.mask & rng.Uint64()
		k.mixed = k.mask &^ k.weightless & rng.Uint64()
		k.overlaps = k.mask & rng.Uint64()
		if n := table.number(k); table.number(k) != n || table.list[n] != k {
			t.Fatal("a kind has another number the second time")
		}
		if bits.OnesCount64(k.weighted()|k.lacking()) != bits.OnesCount64(k.mask) {
			t.Fatal("a layer neither has nor lacks weights")
		}
	}
	data := appendKinds(nil, table.list)
	kinds, err := decodeKinds(data)
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range kinds {
		if k != table.list[i] {
			t.Errorf("kind %d comes back as %v, was %v", i, k, table.list[i])
		}
	}
	for _, bad := range [][]byte{data[:len(data)-1], {1, 1, 2, 0, 0}, {1, 1, 0, 2, 0}, {1, 1, 0, 0, 2}, {1, 1, 1, 1, 0}, {200, 1, 0, 0, 0}} {
		if _, err := decodeKinds(bad); !errors.Is(err, errRecord) {
			t.Errorf("%x gives %v", bad, err)
		}
	}
}
