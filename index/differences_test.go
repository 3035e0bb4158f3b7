package index_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
)

// baseOf stores features as one layer and opens them.
func baseOf(t *testing.T, set map[uint64]index.Feature) *index.Base {
	t.Helper()
	dir := t.TempDir()
	w := index.NewWriter(filepath.Join(dir, edition.FeaturesFile))
	l := w.Layer(edition.Layer{Name: "x", Vintage: "1", Fields: []edition.Field{{Name: "A", Kind: edition.Text}}})
	for _, f := range set {
		if err := l.Add(&f); err != nil {
			t.Fatal(err)
		}
	}
	layers, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := index.OpenBase(dir, &edition.Manifest{Layers: layers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// recordsOf are the records of a layer by their ids.
func recordsOf(t *testing.T, b *index.Base) map[uint64][]byte {
	t.Helper()
	out := map[uint64][]byte{}
	err := b.Records(t.Context(), "x@1", func(record []byte) error {
		f, err := index.DecodeRecord(record)
		out[f.ID] = bytes.Clone(record)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What changed between two states is what a comparison of all records by their ids
// finds, features that moved far away included.
func TestDifferences(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	random := func(id uint64) index.Feature {
		x, y := rng.Int64N(100)*1e9, rng.Int64N(50)*1e9
		return index.Feature{ID: id, Values: []any{fmt.Sprint(rng.IntN(4))}, AreaM2: 1, Patch: index.NoArea, Net: index.NoArea,
			Geometry: geo.MultiPolygon{{{{Lon: x, Lat: y}, {Lon: x + 1e6, Lat: y}, {Lon: x + 1e6, Lat: y + 1e6}, {Lon: x, Lat: y}}}}}
	}
	for round := range 30 {
		then, now := map[uint64]index.Feature{}, map[uint64]index.Feature{}
		for id := range uint64(round * 4) {
			f := random(id + 1)
			switch rng.IntN(6) {
			case 0:
				then[f.ID] = f
			case 1:
				now[f.ID] = f
			case 2: // moved
				then[f.ID], now[f.ID] = f, random(f.ID)
			case 3: // another value
				g := f
				g.Values = []any{"other"}
				then[f.ID], now[f.ID] = f, g
			default:
				then[f.ID], now[f.ID] = f, f
			}
		}
		a, b := baseOf(t, then), baseOf(t, now)
		before, after := recordsOf(t, a), recordsOf(t, b)
		put := map[uint64]bool{}
		gone, err := b.Differences(t.Context(), a, "x@1", func(record []byte) error {
			f, err := index.DecodeRecord(record)
			if put[f.ID] || !bytes.Equal(record, after[f.ID]) || bytes.Equal(record, before[f.ID]) {
				t.Errorf("round %d: feature %d is none that changed, or came twice", round, f.ID)
			}
			put[f.ID] = true
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for id, record := range after {
			if !put[id] && !bytes.Equal(record, before[id]) {
				t.Errorf("round %d: feature %d was not found", round, id)
			}
		}
		var want []uint64
		for id := range before {
			if after[id] == nil {
				want = append(want, id)
			}
		}
		slices.Sort(want)
		if !slices.Equal(gone, want) {
			t.Errorf("round %d: gone %v, want %v", round, gone, want)
		}
	}
}

// The visitor's error and the caller's end are told.
func TestDifferencesEnd(t *testing.T) {
	f := index.Feature{ID: 1, Values: []any{nil}, Geometry: geo.MultiPolygon{{{{}, {Lon: 1e6}, {Lon: 1e6, Lat: 1e6}, {}}}}}
	a, b := baseOf(t, nil), baseOf(t, map[uint64]index.Feature{1: f})
	mine := errors.New("mine")
	if _, err := b.Differences(t.Context(), a, "x@1", func([]byte) error { return mine }); !errors.Is(err, mine) {
		t.Error(err)
	}
	ctx, end := context.WithCancel(t.Context())
	end()
	if _, err := b.Differences(ctx, a, "x@1", func([]byte) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := b.Records(ctx, "x@1", func([]byte) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := b.Differences(t.Context(), a, "y@1", nil); err == nil {
		t.Error("a layer that is not there")
	}
}
