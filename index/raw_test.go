package index_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/geo"
)

// plainValue is what [index.Feature] has of a raw value.
func plainValue(v index.RawValue) any {
	switch v.Kind {
	case index.RawText:
		return string(v.Text)
	case index.RawInteger:
		return v.Int
	case index.RawReal:
		return v.Real
	case index.RawBool:
		return v.Int != 0
	default:
		return nil
	}
}

// A feature read raw has what it has read whole, and a view holds what begins as
// it says, though the same Raw is used for all.
func TestRead(t *testing.T) {
	dir, m := write(t, randomFeatures(500))
	ix, err := index.OpenFiles(dir, m)
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	var raw index.Raw
	view := ix.Layer("cropland", "2024")
	held := 0
	for _, l := range []*index.Layer{view, ix.Layer("dltb", "2024")} {
		for i := range l.Len() {
			want, err := l.Feature(i)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Read(i, &raw); err != nil {
				t.Fatal(err)
			}
			var rings geo.Rings
			rings.Append(want.Geometry)
			values := make([]any, len(raw.Values))
			for k, v := range raw.Values {
				values[k] = plainValue(v)
			}
			got := index.Feature{ID: raw.ID, Values: values, AreaM2: raw.AreaM2, Net: raw.Net}
			if d := cmp.Diff(index.Feature{ID: want.ID, Values: want.Values, AreaM2: want.AreaM2, Net: want.Net}, got); d != "" {
				t.Fatal(d)
			}
			if d := cmp.Diff(rings, raw.Rings); d != "" {
				t.Fatal(d)
			}
			if l.Size(i) < 8*len(want.Values) {
				t.Fatalf("feature %d has %d bytes", i, l.Size(i))
			}
			if _, in := view.ByID(want.ID); l != view && in != view.Holds(i) {
				t.Fatalf("the view holds feature %d: %v, want %v", i, view.Holds(i), in)
			} else if l != view && in {
				held++
			}
		}
	}
	if held != view.Len() || !ix.Layer("dltb", "2024").Holds(3) {
		t.Errorf("%d features are held, the view has %d", held, view.Len())
	}
}
