package tileserver_test

import (
	"fmt"
	"testing"

	"github.com/valyala/fasthttp"

	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/tile"
)

// BenchmarkHandle measures answers in process, without a socket: what is built,
// what was made before, and what is asked of the index.
func BenchmarkHandle(b *testing.B) {
	dir, _ := newEdition(b, edition.Public)
	s, err := tileserver.New(tileserver.Config{Editions: []string{dir}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	for _, c := range []struct {
		name, address string
		headers       []string
	}{
		{"mvt built gzip", "/public/tiles/all/w/" + tileAt(tile.W, 12) + ".mvt", []string{"Accept-Encoding", "gzip"}},
		{"mvt built plain", "/public/tiles/all/w/" + tileAt(tile.W, 12) + ".mvt", nil},
		{"mvt made before", "/public/tiles/all/w/" + tileAt(tile.W, 14) + ".mvt", []string{"Accept-Encoding", "gzip"}},
		{"mvt empty", "/public/tiles/all/w/12/0/0.mvt", nil},
		{"png painted before", "/public/tiles/all/w/" + tileAt(tile.W, 12) + ".png", nil},
		{"overlay of four lots", "/public/overlay?bbox=108.7,34.3,108.702,34.302", nil},
		{"map 1024", "/public/map.png?bbox=108.7,34.3,108.71,34.31", nil},
	} {
		b.Run(fmt.Sprintf("kind=%s", c.name), func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				var req fasthttp.Request
				req.SetRequestURI("http://gengtu.test" + c.address)
				for i := 0; i+1 < len(c.headers); i += 2 {
					req.Header.Set(c.headers[i], c.headers[i+1])
				}
				var ctx fasthttp.RequestCtx
				for pb.Next() {
					ctx.Init(&req, nil, nil)
					ctx.Response.Reset()
					s.Handle(&ctx)
					if status := ctx.Response.StatusCode(); status != 200 && status != 204 {
						b.Fatalf("%d %s", status, ctx.Response.Body())
					}
				}
			})
		})
	}
}
