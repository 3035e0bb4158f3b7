package access_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/tileserver/access"
)

// BenchmarkCheck is the cost that tokens add to every request.
func BenchmarkCheck(b *testing.B) {
	for _, n := range []int{10, access.MaxTokens} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			var f access.File
			for i := range n {
				f.Tokens = append(f.Tokens, access.Token{
					Name: fmt.Sprint(i), Tier: "secure", Hash: fmt.Sprintf("%064x", i), Created: day0,
				})
			}
			data, err := json.Marshal(f)
			if err != nil {
				b.Fatal(err)
			}
			path := filepath.Join(b.TempDir(), "access.json")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				b.Fatal(err)
			}
			s, err := access.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			token := "gt_" + strings.Repeat("x", 43)
			b.ReportAllocs()
			for b.Loop() {
				if got := s.Check(access.Request{Token: token, Tier: "secure"}); got.Outcome != access.Unknown {
					b.Fatal(got)
				}
			}
		})
	}
}

func BenchmarkMask(b *testing.B) {
	const path = "/secure/wmts?SERVICE=WMTS&REQUEST=GetTile&LAYER=dltb&TILEROW=2475&TILECOL=12889&tk=gt_0123456789"
	b.ReportAllocs()
	for b.Loop() {
		if got := access.Mask(path); len(got) >= len(path) {
			b.Fatal(got)
		}
	}
}
