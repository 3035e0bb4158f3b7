package tileserver_test

import (
	"path/filepath"
	"testing"

	"github.com/valyala/fasthttp"

	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/audit"
	"gengtu/tileserver/tile"
)

// BenchmarkAudit is what the audit log adds to a tile's answer, without a socket.
func BenchmarkAudit(b *testing.B) {
	dir, _ := newEdition(b, edition.Secure)
	for _, kept := range []string{"none", "log"} {
		b.Run("kept="+kept, func(b *testing.B) {
			cfg := tileserver.Config{Editions: []string{dir}}
			if kept == "log" {
				log, err := audit.OpenServer(filepath.Join(b.TempDir(), "audit"), audit.Record{Act: "serve"}, audit.Options{})
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() {
					if err := log.Close(); err != nil {
						b.Error(err)
					}
				})
				cfg.Audit = log
			}
			s, err := tileserver.New(cfg)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() {
				if err := s.Close(); err != nil {
					b.Error(err)
				}
			})
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				var req fasthttp.Request
				req.SetRequestURI("http://gengtu.test/secure/tiles/all/w/" + tileAt(tile.W, 12) + ".mvt")
				req.Header.Set("Accept-Encoding", "gzip")
				var ctx fasthttp.RequestCtx
				for pb.Next() {
					ctx.Init(&req, nil, nil)
					ctx.Response.Reset()
					s.Handle(&ctx)
					if status := ctx.Response.StatusCode(); status != fasthttp.StatusOK {
						b.Fatalf("%d %s", status, ctx.Response.Body())
					}
				}
			})
		})
	}
}
