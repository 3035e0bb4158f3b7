package reconcile_test

import (
	"strings"
	"testing"

	"gengtu/index/problem"
	"gengtu/index/reconcile"
)

// Whatever an operand says, it is refused with its problem, or is a layer that is there,
// and is read again from the layer's name, its vintage and the class.
func FuzzParseOperand(f *testing.F) {
	ix := newCounty().open(f)
	for _, s := range []string{"cropland", "cropland@2024", "cropland@2023:0101", "cropland:01", "@", ":", "cropland@2024@x", "none@2024", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := reconcile.ParseOperand(ix, text)
		if err != nil {
			if p := problem.Of(err); p == nil || p.Code != "RECONCILE_OPERAND" {
				t.Fatal(err)
			}
			return
		}
		_, class, _ := strings.Cut(text, ":")
		if o.Layer == nil || o.Index != ix || o.Name != text || o.Class != class {
			t.Fatalf("%q is %+v", text, o)
		}
		m := o.Layer.Meta
		if !strings.HasPrefix(text, m.Name) {
			t.Fatalf("%q is the layer %q", text, m.Name)
		}
		again, err := reconcile.ParseOperand(ix, m.Name+"@"+m.Vintage+":"+class)
		if err != nil || again.Layer.Meta != m || again.Class != o.Class {
			t.Fatalf("%q is %s@%s:%s, read again %+v: %v", text, m.Name, m.Vintage, class, again, err)
		}
	})
}
