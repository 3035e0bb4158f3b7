package pyramid_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// kept is a sink in memory.
type kept struct {
	mu    sync.Mutex
	tiles map[string][]byte
	cells map[string][]byte
	fail  error
}

func newKept() *kept { return &kept{tiles: map[string][]byte{}, cells: map[string][]byte{}} }

func (k *kept) PutTile(key string, t tile.Tile, data []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.tiles[key+t.String()] != nil {
		return fmt.Errorf("%s %s was made twice", key, t)
	}
	k.tiles[key+t.String()] = bytes.Clone(data)
	return k.fail
}

func (k *kept) PutCells(key string, t tile.Tile, data []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cells[key+t.String()] = bytes.Clone(data)
	return nil
}

func (k *kept) Cells(key string, t tile.Tile) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cells[key+t.String()], nil
}

// reader is a memory that is read without taking memory, with values made once.
type reader struct{ *memory }

func (r reader) Size(i int) int { return 16 * r.features[i].Geometry.Vertices() }

func (r reader) Read(i int, to *pyramid.Reading) error {
	f := r.features[i]
	to.ID, to.Class, to.AreaM2, to.NetM2, to.Alone = f.ID, to.ClassOf([]byte(f.Class)), f.AreaM2, f.NetM2, false
	to.Rings.Reset()
	to.Rings.Append(f.Geometry)
	to.Tags, to.Cells = to.Tags[:0], to.Cells[:0]
	if to.Values.Columns == nil {
		for _, t := range f.Tags {
			to.Values.Columns = append(to.Values.Columns, t.Key)
		}
	}
	for k, t := range f.Tags {
		switch v := t.Value.(type) {
		case string:
			to.Cells = append(to.Cells, to.Values.TextOf(k, []byte(v)))
		case float64:
			to.Cells = append(to.Cells, to.Values.Real(v))
		default:
			return fmt.Errorf("a tag is a %T", v)
		}
	}
	return nil
}

// odd makes a layer of every third feature.
func odd(features []pyramid.Feature) (out []pyramid.Feature, holds func(i int) bool) {
	for i := range features {
		if i%3 == 0 {
			out = append(out, features[i])
		}
	}
	return out, func(i int) bool { return i%3 == 0 }
}

// Everything at once, whatever the workers and the memory, and each layer and grid
// by itself, from plain features, are the same tiles; and so is each tile made
// alone, from features and from stored cells.
func TestBuildAllEqualsBuild(t *testing.T) {
	features := landscape(3000, 108.4, 34.3, 5)
	// Ground that several cover belongs to the first of their ids, wherever it stands.
	features = append(features, landscape(900, 108.4103, 34.3104, 8)...)
	large := landscape(30, 108.45, 34.31, 6)
	part, holds := odd(features)
	type layer struct {
		key        string
		source     *memory
		parcelZoom int
	}
	layers := []layer{
		{"all", newMemory("all", features), 0}, {"part", newMemory("part", part), 11},
		{"places", newMemory("places", large), pyramid.ParcelsAlways},
	}
	want := map[string][]byte{}
	for _, l := range layers {
		for _, g := range tile.Grids() {
			tiles, _ := build(t, g, l.source, pyramid.Options{MinZoom: 4, MaxZoom: 14, ParcelZoom: l.parcelZoom, ClassKey: "DLBM"})
			for tl, data := range tiles {
				want[l.key+tl.String()] = data
			}
		}
	}
	plan := pyramid.Plan{Grids: tile.Grids(), MinZoom: 4, MaxZoom: 14, Cells: pyramid.CellsAll, Works: []pyramid.Work{
		{Source: reader{layers[0].source}, Layers: []pyramid.Layer{
			{Key: "all", Name: "all", ClassKey: "DLBM"}, {Key: "part", Name: "part", ClassKey: "DLBM", ParcelZoom: 11, Holds: holds},
		}},
		{Source: reader{layers[2].source}, Layers: []pyramid.Layer{{Key: "places", Name: "places", ClassKey: "DLBM", ParcelZoom: pyramid.ParcelsAlways}}},
	}}
	var cells map[string][]byte
	for _, c := range []struct {
		workers int
		memory  int64
	}{{1, 0}, {7, 0}, {3, 1}} {
		sink := newKept()
		p := plan
		p.Workers, p.MemoryBytes = c.workers, c.memory
		last := 0
		p.Progress = func(done, all int) {
			if done != last+1 || done > all {
				t.Errorf("progress went from %d to %d of %d", last, done, all)
			}
			last = done
		}
		if _, err := pyramid.BuildAll(t.Context(), p, sink); err != nil {
			t.Fatal(err)
		}
		same(t, fmt.Sprintf("%d workers, %d bytes: tiles", c.workers, c.memory), want, sink.tiles)
		if cells == nil {
			cells = sink.cells
		}
		same(t, fmt.Sprintf("%d workers, %d bytes: cells", c.workers, c.memory), cells, sink.cells)
	}
	// So few that covers are forgotten and opened again.
	covers := pyramid.NewCovers(12<<20, func(key string, t tile.Tile) ([]byte, error) { return cells[key+t.String()], nil })
	for _, l := range layers[:2] {
		for _, g := range tile.Grids() {
			for z := g.MinZoom(); z <= 14; z++ {
				x0, y0, _, _ := g.Range(l.source.Extent(), z)
				tl := tile.Tile{Grid: g, Z: z, X: x0, Y: y0}
				opt := pyramid.Options{ParcelZoom: l.parcelZoom, ClassKey: "DLBM"}
				alone, err := pyramid.Make(t.Context(), l.source, tl, opt)
				if err != nil {
					t.Fatal(err)
				}
				opt.Covers, opt.Key = covers, l.key
				stored, err := pyramid.Make(t.Context(), reader{l.source}, tl, opt)
				if err != nil {
					t.Fatal(err)
				}
				if z >= 4 && !bytes.Equal(alone, want[l.key+tl.String()]) {
					t.Errorf("%s %s: made alone it is another tile", l.key, tl)
				}
				if !bytes.Equal(stored, alone) || len(alone) == 0 {
					t.Errorf("%s %s: from stored cells it is another tile", l.key, tl)
				}
			}
		}
	}
}

func same(t *testing.T, what string, want, got map[string][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d, want %d", what, len(got), len(want))
	}
	for k, data := range want {
		if !bytes.Equal(got[k], data) {
			t.Errorf("%s: %s differs: %d bytes, want %d", what, k, len(got[k]), len(data))
		}
	}
}

// The sink's error, and damaged cells, end the work and are told.
func TestBuildAllErrors(t *testing.T) {
	s := newMemory("a", landscape(300, 108.4, 34.3, 5))
	plan := pyramid.Plan{Grids: tile.Grids(), MinZoom: 4, MaxZoom: 13, Works: []pyramid.Work{{Source: s, Layers: []pyramid.Layer{{Key: "a", Name: "a"}}}}}
	sink := newKept()
	sink.fail = errors.New("full")
	if _, err := pyramid.BuildAll(t.Context(), plan, sink); !errors.Is(err, sink.fail) {
		t.Errorf("got %v", err)
	}
	_, err := pyramid.Make(t.Context(), s, tile.W.At(s.features[0].Geometry[0][0][0], 8), pyramid.Options{Covers: pyramid.NewCovers(9<<20, func(string, tile.Tile) ([]byte, error) { return []byte{1, 2, 3}, nil })})
	if err == nil {
		t.Error("damaged cells were drawn")
	}
	plan.MinZoom = 14
	if _, err := pyramid.BuildAll(t.Context(), plan, newKept()); err == nil {
		t.Error("zooms the wrong way round were taken")
	}
	plan.MinZoom, plan.Works = 4, []pyramid.Work{{Source: newMemory("a", nil), Layers: []pyramid.Layer{{Key: "a", Name: "a"}}}}
	if _, err := pyramid.BuildAll(t.Context(), plan, newKept()); err != nil {
		t.Errorf("an empty layer: %v", err)
	}
}

// failing reads so many features and then fails.
type failing struct {
	reader
	left int
}

var errUnreadable = errors.New("unreadable")

func (f *failing) Read(i int, to *pyramid.Reading) error {
	if f.left--; f.left < 0 {
		return errUnreadable
	}
	return f.reader.Read(i, to)
}

// A build that failed leaves nothing behind that the next one in the process would find.
func TestBuildAfterFailure(t *testing.T) {
	s, few := reader{newMemory("k", landscape(600, 108.4, 34.3, 5))}, reader{newMemory("k", landscape(9, 108.4, 34.3, 5))}
	sparse, _ := odd(landscape(600, 108.4001, 34.3001, 6))
	next := reader{newMemory("k", sparse)}
	plan := func(source pyramid.Source, memory int64) pyramid.Plan {
		return pyramid.Plan{
			Grids: []tile.Grid{tile.W}, MinZoom: 12, MaxZoom: 12, Workers: 1, MemoryBytes: memory,
			Works: []pyramid.Work{{Source: source, Layers: []pyramid.Layer{{Key: "k", Name: "k", ClassKey: "DLBM"}}}},
		}
	}
	want := newKept()
	if _, err := pyramid.BuildAll(t.Context(), plan(next, 0), want); err != nil {
		t.Fatal(err)
	}
	// Cells are found from a part of the features after the other, and it fails among them.
	failures := 0
	for left := 50; ; left += 50 {
		_, err := pyramid.BuildAll(t.Context(), plan(&failing{s, left}, 20_000), newKept())
		if err == nil {
			break
		}
		if failures++; !errors.Is(err, errUnreadable) {
			t.Fatalf("after %d features: %v", left, err)
		}
		if _, err := pyramid.BuildAll(t.Context(), plan(few, 0), newKept()); err != nil {
			t.Fatal(err)
		}
		got := newKept()
		if _, err := pyramid.BuildAll(t.Context(), plan(next, 0), got); err != nil {
			t.Fatal(err)
		}
		same(t, fmt.Sprintf("after a failure at %d", left), want.tiles, got.tiles)
	}
	if failures < 10 {
		t.Errorf("it failed %d times", failures)
	}
}
