package audit_test

import (
	"testing"
	"time"

	"gengtu/tileserver/audit"
)

// BenchmarkAppend is what the log adds to a tile's answer.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct{ name, path string }{
		{"header", "/secure/tiles/all/w/12/3284/1631.mvt"},
		{"tk", "/secure/tiles/all/w/12/3284/1631.mvt?tk=gt_0123456789abcdef0123456789abcdef0123456789a"},
	} {
		b.Run("token="+c.name, func(b *testing.B) {
			l, err := audit.Open(newDir(b), chain, audit.Options{})
			if err != nil {
				b.Fatal(err)
			}
			r := audit.Record{
				Time: time.Now(), Request: "0123456789abcdef", Tier: "secure", Who: "office", Address: "10.20.30.40", Outcome: "allowed", Method: "GET",
				Path: c.path, Route: "mvt", Layer: "all", Status: 200, Bytes: 12345, Generation: "g77714442c83980ed",
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := l.Append(r); err != nil {
					b.Fatal(err)
				}
			}
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
