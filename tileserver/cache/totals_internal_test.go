package cache

import (
	"encoding/json"
	"reflect"
	"testing"

	"gengtu/index/problem"
	"gengtu/tileserver/tile"
)

// Whatever a file has as its totals, it is refused as damaged, or can be counted on and is
// the same when it is written and read again.
func FuzzParseTotals(f *testing.F) {
	for _, s := range []string{`{"w":{"14":{"Tiles":3,"Bytes":700}},"c":{"9":{"Tiles":1,"Bytes":1}}}`, `{"w":null}`, `null`, `{}`, `{"x":{}}`, `{"w":{"999":{}}}`, `[]`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseTotals(text)
		if err != nil {
			if problem.Of(err) == nil {
				t.Fatal(err)
			}
			return
		}
		for range 2 { // as it was read, and as it was written
			out, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			again, err := parseTotals(out)
			if err != nil || !reflect.DeepEqual(again, s) {
				t.Fatalf("%v is read again as %v: %v", s, again, err)
			}
			at := tile.Tile{Grid: tile.W, Z: 14}
			before := s[at.Grid][at.Z].Tiles
			s.count(at, 1, recordHead+9)
			if now := s[at.Grid][at.Z].Tiles; now != before+1 {
				t.Fatalf("%d and one tile are %d", before, now)
			}
		}
	})
}
