package source

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"gengtu/index/geo"
)

// smallVCT writes a VCT with a hole and values of each kind.
func smallVCT(tb testing.TB) []byte {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "x.vct")
	w, err := Create(path, &Layer{Table: "DLTB", CRS: CRSInfo{EPSG: 4524}, Fields: []Field{{Name: "BSM"}, {Name: "TBMJ", Kind: Real}, {Name: "SJNF", Kind: Integer}, {Name: "GXSJ", Kind: Date}}}, WriteOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	square := func(at, size float64) []geo.XY {
		return []geo.XY{{X: at, Y: at}, {X: at + size, Y: at}, {X: at + size, Y: at + size}, {X: at, Y: at + size}, {X: at, Y: at}}
	}
	for i := range 3 {
		f := Feature{Polygons: [][][]geo.XY{{square(36559000, 9), square(36559002, 3)}, {square(36559100, float64(i+1))}}, Values: []any{"水田", 1.25, int64(i), "2024-12-31"}}
		if err := w.Write(&f); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// Whatever a VCT holds, reading it must end with the end or a problem, and give the
// same records and notes one by one and in batches that are parsed in any order.
func FuzzVCT(f *testing.F) {
	f.Add(smallVCT(f))
	path := filepath.Join(f.TempDir(), "f.vct")
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := vctTables(path); err != nil && !readable(inFile(err, path)) {
			t.Fatal(err)
		}
		r, err := openVCT(context.Background(), path, Options{})
		if err != nil {
			if !readable(inFile(err, path)) {
				t.Fatal(err)
			}
			return
		}
		single := &stream{Reader: r, ctx: context.Background()}
		var want []Feature
		for {
			var f Feature
			err := single.Next(&f)
			if err != nil {
				if !readable(err) {
					t.Fatal(err)
				}
				break
			}
			want = append(want, f)
		}
		if int64(len(want)) != r.layer.Count {
			t.Fatalf("%d records, %d were told", len(want), r.layer.Count)
		}
		second, err := openVCT(context.Background(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		batched := &stream{Reader: second, ctx: context.Background()}
		var batches []*Batch
		for end := error(nil); end == nil; {
			var batch *Batch
			if batch, end = NextBatch(batched); batch != nil {
				batches = append(batches, batch)
			}
			if end != nil && !readable(end) {
				t.Fatal(end)
			}
		}
		got := make([][]Feature, len(batches))
		for i := len(batches) - 1; i >= 0; i-- {
			got[i] = batches[i].Features(&Scratch{})
		}
		n := 0
		for _, features := range got {
			for _, g := range features {
				if !reflect.DeepEqual(g, want[n]) {
					t.Fatalf("record %d: %+v in a batch, %+v alone", n+1, g, want[n])
				}
				n++
			}
		}
		if n != len(want) || !reflect.DeepEqual(r.layer.Notes, second.layer.Notes) {
			t.Fatalf("%d records in batches, %d alone; notes %v and %v", n, len(want), second.layer.Notes, r.layer.Notes)
		}
		if r.Close() != nil || second.Close() != nil {
			t.Fatal("close")
		}
	})
}

// What a polygon's lines say that they hold is bounded before it is read, points that
// repeat each other too; so is how often lines are named.
func TestVCTMost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.vct")
	if err := os.WriteFile(path, smallVCT(t), 0o600); err != nil {
		t.Fatal(err)
	}
	for most, want := range map[int]string{100: "", 15: "", 14: "GEOMETRY_LIMIT", 5: "GEOMETRY_LIMIT", 4: "GEOMETRY_LIMIT", 2: "GEOMETRY_LIMIT"} {
		r, err := openVCT(context.Background(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		r.own = newVCTParser(r)
		r.own.most = most
		var f Feature
		if err := r.Next(&f); err != nil {
			t.Fatal(err)
		}
		if got := f.Problem; (got == nil) != (want == "") || got != nil && got.Code != want {
			t.Errorf("of at most %d points: %v", most, got)
		}
		if most < 5 && cap(r.own.line) > 0 {
			t.Errorf("of at most %d points %d are kept", most, cap(r.own.line))
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
