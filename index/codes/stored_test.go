package codes_test

import (
	"errors"
	"reflect"
	"testing"

	"gengtu/index/codes"
)

// Whatever is stored as a register of codes, it is refused as damaged, or every code of it
// is one of its scheme, and it is stored again as it was read.
func FuzzReadRegister(f *testing.F) {
	r := codes.NewRegister(design)
	assigned(f, r, years(3, 12, 2))
	good := r.Entries()
	f.Add(good[0].Value, good[1].Key, good[1].Value, good[2].Key, good[2].Value)
	f.Add(good[0].Value, good[len(good)-1].Key, good[len(good)-1].Value, []byte{}, []byte{})
	f.Add([]byte("\x1512-2-6-iso7064-37-36\x00"), []byte("a\x00\x00\x00"), []byte{0, 0, 0, 0, 0}, []byte{0}, []byte{})
	f.Fuzz(func(t *testing.T, head, key1, value1, key2, value2 []byte) {
		entries := []codes.Entry{{Key: good[0].Key, Value: head}}
		for _, e := range []codes.Entry{{Key: key1, Value: value1}, {Key: key2, Value: value2}} {
			if len(e.Key) > 0 {
				entries = append(entries, e)
			}
		}
		r, err := codes.ReadRegister(entries)
		if err != nil {
			if !errors.Is(err, codes.ErrRegister) {
				t.Fatal(err)
			}
			return
		}
		for _, c := range r.Codes() {
			if err := r.Scheme.Verify(c); err != nil {
				t.Fatal(err)
			}
		}
		for g, n := range r.Highest() {
			if n < 0 {
				t.Fatalf("%d is the greatest number of %q", n, g)
			}
		}
		again, err := codes.ReadRegister(r.Entries())
		if err != nil || !reflect.DeepEqual(again.Entries(), r.Entries()) {
			t.Fatalf("it is read again as %v: %v", again, err)
		}
	})
}
