package source

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Lines of every version of ogrinfo that name layers must be read, and no other.
func TestLayerList(t *testing.T) {
	text := "INFO: Open of `x.gdb'\n      using driver `OpenFileGDB' successful.\n" +
		"1: DLTB (Multi Polygon)\n2: 行政区 (3D Multi Polygon)\nLayer: XZQJX (Multi Line String)\nLayer: GCD (Point)\n" +
		"Group TDGX:\n  Layer: DLTBGX (Multi Surface)\nLayer: T (None)\nLayer: a (b) (Polygon)\nLayer name: x\nLayer: -f (Polygon)\n"
	want := []TableInfo{{Name: "DLTB"}, {Name: "行政区"}, {Name: "DLTBGX"}, {Name: "T", NoGeometry: true}, {Name: "a (b)"}}
	if d := cmp.Diff(want, parseLayerList([]byte(text))); d != "" {
		t.Error(d)
	}
}

// No layer's name may be taken for a flag.
func FuzzLayerList(f *testing.F) {
	f.Add([]byte("1: DLTB (Multi Polygon)\nLayer: x (None)\nFeature Count: 5\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, l := range parseLayerList(b) {
			if l.Name == "" || l.Name[0] == '-' {
				t.Fatalf("%q", l.Name)
			}
		}
		if featureCount(b) < -1 {
			t.Fatal("a negative count")
		}
	})
}
