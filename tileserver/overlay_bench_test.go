package tileserver_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"gengtu/index/edition"
	"gengtu/index/geo"
)

// shapeBody is a request about a round shape of n positions that lies in one lot,
// so that reading and writing are most of the work.
func shapeBody(n int) []byte {
	c := lotBox(3, 3, 4, 4)
	var ring geo.Ring
	for i := range n - 1 {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n-1))
		ring = append(ring, geo.Position{Lon: (c.Min.Lon+c.Max.Lon)/2 + int64(cos*lot*0.4), Lat: (c.Min.Lat+c.Max.Lat)/2 + int64(sin*lot*0.4)})
	}
	return []byte(`{"geometry":` + string(geo.AppendGeoJSON(nil, geo.MultiPolygon{{append(ring, ring[0])}})) + `,"combinations":true}`)
}

// An overlay request without a connection: routing, reading, overlay of a shape
// of 64 positions with one lot of each layer, and writing.
func BenchmarkOverlayRequest(b *testing.B) {
	s := serve(b, nil, edition.Public)
	body := shapeBody(64)
	var ctx fasthttp.RequestCtx
	b.ReportAllocs()
	for b.Loop() {
		ctx.Request.Reset()
		ctx.Response.Reset()
		ctx.Request.Header.SetMethod("POST")
		ctx.Request.SetRequestURI("/public/overlay")
		ctx.Request.SetBody(body)
		s.Handle(&ctx)
		if ctx.Response.StatusCode() != fasthttp.StatusOK {
			b.Fatal(string(ctx.Response.Body()))
		}
	}
}

// Plots of 64 positions, answered over a connection in memory.
func BenchmarkOverlayPlots(b *testing.B) {
	const n = 1000
	s := serve(b, nil, edition.Public)
	one := string(shapeBody(64))
	one = one[len(`{"geometry":`):strings.Index(one, `,"combinations"`)]
	var parts []string
	for i := range n {
		parts = append(parts, fmt.Sprintf(`{"type":"Feature","id":%d,"geometry":%s}`, i, one))
	}
	body := `{"geometry":{"type":"FeatureCollection","features":[` + strings.Join(parts, ",") + `]}}`
	for _, form := range []string{"json", "ndjson", "csv", "xlsx", "html"} {
		b.Run(form, func(b *testing.B) {
			for b.Loop() {
				if r := s.post(b, "/public/overlay?f="+form, body); r.StatusCode != fasthttp.StatusOK {
					b.Fatalf("%d %.200s", r.StatusCode, r.body)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/n, "µs/plot")
		})
	}
}
