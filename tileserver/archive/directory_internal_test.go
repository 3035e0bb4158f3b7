package archive

import (
	"errors"
	"slices"
	"testing"

	"gengtu/tileserver/archive/archivetest"
)

// A directory that can be read is the same when it is written and read again.
func FuzzDirectory(f *testing.F) {
	f.Add([]byte{2, 0, 1, 1, 1, 9, 9, 1, 0})
	f.Add(encode([]entry{{id: 5, run: 3, span: span{0, 100}}, {id: 8, run: 1, span: span{100, 7}}, {id: 1 << 40, run: 1, span: span{0, 100}}}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		first, err := archivetest.ParseDirectory(raw)
		if err != nil {
			if !errors.Is(err, archivetest.ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		entries := make([]entry, len(first))
		for i, e := range first {
			entries[i] = entry{id: e.ID, run: e.Run, span: span{e.Offset, e.Length}}
		}
		second, err := archivetest.ParseDirectory(encode(entries))
		if err != nil || !slices.Equal(first, second) {
			t.Fatalf("%+v came back as %+v, %v", first, second, err)
		}
	})
}
