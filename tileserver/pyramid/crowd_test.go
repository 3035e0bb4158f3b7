package pyramid_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"gengtu/index/geo"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/pyramid/pyramidtest"
	"gengtu/tileserver/tile"
)

// budgetOf is how many bytes a tile of the deliveries below may have.
var budgetOf = map[string]int{"tiny": 16_000, "edge": 16_000, "corners": 13_000, "fields": 20_000, "texts": 12_000}

func packed(data []byte) int { return len(cache.Compress(data).Deflated) }

// crowdedStore is what was built, in memory.
type crowdedStore struct {
	mu           sync.Mutex
	tiles, cells map[tile.Tile][]byte
	before       map[tile.Tile][]byte // of an update: the cells that there were
}

func (s *crowdedStore) PutTile(_ string, t tile.Tile, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tiles[t] = bytes.Clone(data)
	return nil
}

func (s *crowdedStore) PutCells(_ string, t tile.Tile, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cells[t] = bytes.Clone(data)
	return nil
}

func (s *crowdedStore) Cells(_ string, t tile.Tile) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cells[t], nil
}

func (s *crowdedStore) CellsBefore(_ string, t tile.Tile) ([]byte, error) { return s.before[t], nil }

// field makes a parcel of corners corners: a rectangle whose sides are folded.
func field(id uint64, lon, lat, w, h float64, corners int) pyramid.Feature {
	var ring [][2]float64
	side := max(corners/4, 1)
	fold := func(i int) float64 {
		if i == 0 {
			return 0
		}
		return 0.12 * float64(i*7919%13) / 13
	}
	for i := range side {
		k := float64(i) / float64(side)
		ring = append(ring, [2]float64{lon + w*k, lat + h*fold(i)})
	}
	for i := range side {
		k := float64(i) / float64(side)
		ring = append(ring, [2]float64{lon + w*(1+fold(i)), lat + h*k})
	}
	for i := range side {
		k := 1 - float64(i)/float64(side)
		ring = append(ring, [2]float64{lon + w*k, lat + h*(1+fold(i))})
	}
	for i := range side {
		k := 1 - float64(i)/float64(side)
		ring = append(ring, [2]float64{lon + w*fold(i), lat + h*k})
	}
	m := geo.MultiPolygon{{oriented(append(ring, ring[0]), true)}}
	a := groundArea(m)
	return pyramid.Feature{ID: id, Geometry: m, Class: fmt.Sprintf("010%d", 1+id/40%3), AreaM2: a, NetM2: a * 0.9}
}

// deliveries are what breaks a budget, each in its own way: a village of tiny plots
// beside large fields, parcels of very many corners, many fields, and long texts that
// no two parcels have alike.
func deliveries() map[string][]pyramid.Feature {
	const lon, lat = 108.4075, 34.2227 // in each grid a corner of tiles lies in them
	grid := func(columns, rows int, lon, lat, w, h float64, corners int) (out []pyramid.Feature) {
		for i := range columns * rows {
			out = append(out, field(uint64(i+1), lon+w*float64(i%columns), lat+h*float64(i/columns), w, h, corners))
		}
		return out
	}
	r := rand.New(rand.NewPCG(3, 3))
	text := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(' ' + r.IntN(95))
		}
		return string(b)
	}
	bsm := func(f *pyramid.Feature) {
		f.Tags = []mvt.Tag{{Key: "DLBM", Value: f.Class}, {Key: "BSM", Value: fmt.Sprintf("6104022110%08d", r.IntN(1e8))}}
	}
	out := map[string][]pyramid.Feature{
		"tiny": append(grid(70, 70, lon, lat, 0.00017, 0.00014, 4), grid(8, 8, lon+0.0119, lat, 0.002, 0.002, 40)...),
		// Of this village hardly anything lies in the tile to the east.
		"edge":    append(grid(70, 70, lon-0.0058, lat, 0.00017, 0.00014, 4), grid(8, 8, lon+0.0061, lat, 0.002, 0.002, 40)...),
		"corners": grid(12, 12, lon, lat, 0.0011, 0.0009, 1000),
		"fields":  grid(22, 22, lon, lat, 0.0008, 0.0007, 16),
		"texts":   grid(14, 14, lon, lat, 0.0009, 0.0008, 16),
	}
	for name, list := range out {
		for i := range list {
			f := &list[i]
			f.ID = uint64(i + 1)
			bsm(f)
			switch name {
			case "fields":
				for k := range 30 {
					f.Tags = append(f.Tags, mvt.Tag{Key: fmt.Sprintf("F%02d", k), Value: text(1 + k/2)})
				}
			case "texts":
				f.Tags = append(f.Tags, mvt.Tag{Key: "BZ", Value: text(600)}, mvt.Tag{Key: "QSDWMC", Value: "a village"})
			}
		}
	}
	return out
}

// parcelsFrom is the parcel zoom of the deliveries.
const parcelsFrom = 13

// builtCrowded builds a delivery and relieves it, and says which tiles were crowded.
func builtCrowded(t testing.TB, s *memory, g tile.Grid, workers int) (*crowdedStore, map[tile.Tile]int) {
	t.Helper()
	store := &crowdedStore{tiles: map[tile.Tile][]byte{}, cells: map[tile.Tile][]byte{}}
	p := planOf(s, g, workers)
	if _, err := pyramid.BuildAll(t.Context(), p, store); err != nil {
		t.Fatal(err)
	}
	budgets := map[tile.Tile]int{}
	for at, data := range store.tiles {
		if most := budgetOf[s.Name()]; packed(data) > most {
			budgets[at] = most
		}
	}
	r := pyramid.Relief{Packed: packed, Budgets: map[string]map[tile.Tile]int{"k": budgets}}
	if _, err := pyramid.Relieve(t.Context(), p, r, store); err != nil {
		t.Fatal(err)
	}
	return store, budgets
}

func planOf(s *memory, g tile.Grid, workers int) pyramid.Plan {
	return pyramid.Plan{
		Works: []pyramid.Work{{Source: s, Layers: []pyramid.Layer{{Key: "k", Name: s.Name(), ParcelZoom: parcelsFrom, ClassKey: "DLBM"}}}},
		Grids: []tile.Grid{g}, Cells: pyramid.CellsAll, MinZoom: parcelsFrom, MaxZoom: parcelsFrom + 1, Workers: workers,
	}
}

// No tile of the deliveries is above its budget, and a stranger finds area, classes,
// borders and margins as everywhere.
func TestCrowded(t *testing.T) {
	for name, features := range deliveries() {
		ground, err := pyramidtest.NewGround(t.Context(), inputOf(features))
		if err != nil {
			t.Fatal(err)
		}
		s := newMemory(name, features)
		for _, g := range tile.Grids() {
			t.Run(name+"/"+g.String(), func(t *testing.T) {
				store, crowded := builtCrowded(t, s, g, 2)
				if len(crowded) == 0 {
					t.Fatal("nothing is crowded")
				}
				judge(t, g, s.Name(), ground, store)
			})
		}
	}
}

func judge(t *testing.T, g tile.Grid, name string, ground *pyramidtest.Ground, store *crowdedStore) {
	t.Helper()
	c := pyramidtest.NewChecker(ground, g, name, "DLBM", parcelsFrom+1)
	t.Log(pyramidtest.Header)
	for z := uint8(parcelsFrom); z <= parcelsFrom+1; z++ {
		var tiles []pyramidtest.Tile
		for at, data := range store.tiles {
			if at.Z == z {
				tiles = append(tiles, pyramidtest.Tile{At: at, Data: data, Packed: packed(data)})
			}
		}
		found, err := c.Zoom(t.Context(), z, tiles)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(found)
		limits := pyramidtest.Asked()
		limits.Largest = budgetOf[name]
		for _, f := range found.Faults(limits, ground) {
			t.Error(f)
		}
		if int(found.Count)+found.Parcels < len(ground.Pieces) {
			t.Errorf("z%d: %d are counted and %d shown of %d", z, found.Count, found.Parcels, len(ground.Pieces))
		}
	}
}

// Tiles made one by one are those that were built, whatever the workers.
func TestCrowdedMake(t *testing.T) {
	for name, features := range deliveries() {
		t.Run(name, func(t *testing.T) {
			s := newMemory(name, features)
			store, budgets := builtCrowded(t, s, tile.W, 2)
			other, _ := builtCrowded(t, s, tile.W, 1)
			if !maps.EqualFunc(store.tiles, other.tiles, bytes.Equal) || !maps.EqualFunc(store.cells, other.cells, bytes.Equal) {
				t.Error("one worker makes other tiles than two")
			}
			opt := pyramid.Options{ParcelZoom: parcelsFrom, ClassKey: "DLBM", Crowding: &pyramid.Crowding{
				Packed: packed, Budget: func(_ context.Context, at tile.Tile) (int, error) { return budgets[at], nil },
			}}
			for at, want := range store.tiles {
				got, err := pyramid.Make(t.Context(), s, at, opt)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: %d bytes, %d when built, %v", at, len(got), len(want), err)
				}
			}
		})
	}
}

// What a change makes anew, and only that, is what a full build makes: a village that
// loses plots is crowded in other blocks, or not at all, and one that gains is.
func TestCrowdedUpdate(t *testing.T) {
	features, edge := deliveries()["tiny"], deliveries()["edge"]
	few, fewer, other := slices.Clone(features), slices.Clone(features[:1]), slices.Clone(features)
	few = slices.DeleteFunc(few, func(f pyramid.Feature) bool { return f.ID <= 4900 && f.ID%70 < 30 })
	fewer = append(fewer, features[4900:]...)
	other = slices.DeleteFunc(other, func(f pyramid.Feature) bool { return f.ID > 2000 && f.ID < 2040 })
	for _, change := range []struct {
		name          string
		before, after []pyramid.Feature
	}{
		{"tiny", features, few}, {"tiny", few, features}, {"tiny", features, fewer}, {"tiny", fewer, features}, {"tiny", features, other},
		// A field beside the village, in a tile that is not crowded itself.
		{"edge", edge, edge[:len(edge)-1]},
	} {
		before, after := newMemory(change.name, change.before), newMemory(change.name, change.after)
		store, _ := builtCrowded(t, before, tile.W, 2)
		want, _ := builtCrowded(t, after, tile.W, 2)
		in := map[uint64]bool{}
		var boxes []geo.Box
		for _, f := range change.before {
			in[f.ID] = true
		}
		for _, f := range change.after {
			if !in[f.ID] {
				boxes = append(boxes, f.Geometry.Box())
			}
			delete(in, f.ID)
		}
		for _, f := range change.before {
			if in[f.ID] {
				boxes = append(boxes, f.Geometry.Box())
			}
		}
		updateCrowded(t, store, after, boxes)
		for _, at := range slices.Concat(slices.Collect(maps.Keys(store.tiles)), slices.Collect(maps.Keys(want.tiles))) {
			if !bytes.Equal(store.tiles[at], want.tiles[at]) {
				t.Errorf("%d to %d: %s has %d bytes, %d of a full build", len(change.before), len(change.after), at, len(store.tiles[at]), len(want.tiles[at]))
			}
			if int(at.Z) >= parcelsFrom && !bytes.Equal(store.cells[at], want.cells[at]) {
				t.Errorf("%d to %d: %s is drawn in another way", len(change.before), len(change.after), at)
			}
		}
	}
}

// updateCrowded makes anew what is to be when what lies in boxes has changed.
func updateCrowded(t *testing.T, store *crowdedStore, s *memory, boxes []geo.Box) {
	t.Helper()
	p := planOf(s, tile.W, 2)
	r := pyramid.NewRemaking(p, map[string][]geo.Box{"k": boxes})
	tiles := maps.Clone(store.tiles)
	store.before = maps.Clone(store.cells)
	for at := range r.Tiles["k"] {
		delete(store.tiles, at)
	}
	for at := range r.Cells["k"] {
		delete(store.cells, at)
	}
	if err := r.Run(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	for at, data := range tiles {
		if !r.Tiles["k"][at] { // nothing has changed for it
			store.tiles[at] = data
		}
	}
	budgets := map[tile.Tile]int{}
	for at := range r.Tiles["k"] {
		if most := budgetOf[s.Name()]; packed(store.tiles[at]) > most {
			budgets[at] = most
		}
	}
	relief := pyramid.Relief{Packed: packed, Budgets: map[string]map[tile.Tile]int{"k": budgets}, Made: r.Tiles}
	if _, err := pyramid.Relieve(t.Context(), p, relief, store); err != nil {
		t.Fatal(err)
	}
}
