package audit_test

import (
	"path/filepath"
	"testing"
	"time"

	"gengtu/tileserver/audit"
)

func BenchmarkAppend(b *testing.B) {
	l, err := audit.Open(filepath.Join(b.TempDir(), "audit.jsonl"), audit.FailClosed)
	if err != nil {
		b.Fatal(err)
	}
	r := audit.Record{
		Time: time.Now(), Request: "0123456789abcdef", Tier: "secure", Token: "office", Outcome: "allowed", Method: "GET",
		Path: "/secure/wmts?SERVICE=WMTS&REQUEST=GetTile&LAYER=dltb&TILEROW=2475&TILECOL=12889&tk=gt_0123456789", Layer: "dltb",
		Status: 200, Bytes: 12345, Generation: "0123456789abcdef",
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
}
