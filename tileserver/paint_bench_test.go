package tileserver_test

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/valyala/fasthttp"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/tileserver"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// parcelTile fills a tile with 25 × 20 parcels of 36 corners in three classes, whose
// borders are shared.
func parcelTile(tier edition.Tier) (*farm, tile.Tile) {
	f := newFarm(tier)
	f.maxZoom = 14
	const across, down, steps = 25, 20, 9
	at := tile.W.At(corner, 14)
	west, south := 360*float64(at.X)/(1<<14)-180, math.Atan(math.Sinh(math.Pi*(1-2*float64(at.Y+1)/(1<<14))))*180/math.Pi
	node := func(i, j int) geo.Position {
		x := float64(i) + 2*math.Sin(float64(j)*0.7)
		y := float64(j) + 2*math.Sin(float64(i)*0.9)
		return geo.PositionOf(geo.LonLat{Lon: west + x*360/(1<<14)/(across*steps), Lat: south + y*0.018/(down*steps)})
	}
	l := &f.layers[1] // cropland of 2024
	l.features = nil
	for n := range across * down {
		i, j := n%across*steps, n/across*steps
		var ring geo.Ring
		for k := range steps {
			ring = append(ring, node(i+k, j))
		}
		for k := range steps {
			ring = append(ring, node(i+steps, j+k))
		}
		for k := range steps {
			ring = append(ring, node(i+steps-k, j+steps))
		}
		for k := range steps {
			ring = append(ring, node(i, j+steps-k))
		}
		l.features = append(l.features, index.Feature{
			ID: uint64(1000 + n), Geometry: geo.MultiPolygon{{append(ring, ring[0])}}, AreaM2: 5000,
			Patch: 500000, Net: 460000, Place: "610402001200", Values: []any{fmt.Sprintf("6104022100%08d", n), classes[n%3], math.NaN()},
		})
	}
	return f, at
}

// BenchmarkPaintHandler measures a picture of 500 parcels from the stored vector tile
// to the answer, nothing painted before: inflating, decoding, painting and the PNG.
func BenchmarkPaintHandler(b *testing.B) {
	f, at := parcelTile(edition.Government)
	dir := filepath.Join(b.TempDir(), "edition")
	f.commit(b, dir, 2)
	s, err := tileserver.New(tileserver.Config{Editions: []string{dir}, Limits: tileserver.Limits{PictureMemory: 1, AnswerMemory: 1}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	ask := func(ctx *fasthttp.RequestCtx, end string) []byte {
		var req fasthttp.Request
		req.SetRequestURI(fmt.Sprintf("http://gengtu.test/government/tiles/cropland/w/14/%d/%d%s", at.X, at.Y, end))
		ctx.Init(&req, nil, nil)
		s.Handle(ctx)
		if ctx.Response.StatusCode() != fasthttp.StatusOK {
			b.Fatalf("%s: %d %s", end, ctx.Response.StatusCode(), ctx.Response.Body())
		}
		return ctx.Response.Body()
	}
	var first fasthttp.RequestCtx
	layers, err := mvt.Decode(ask(&first, ".mvt"))
	if err != nil || len(layers) != 1 {
		b.Fatal(len(layers), err)
	}
	b.Logf("%d parcels in the tile", len(layers[0].Features))
	for _, end := range []string{".png", "@2x.png"} {
		b.Run("end="+end, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				var ctx fasthttp.RequestCtx
				for pb.Next() {
					ask(&ctx, end)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tiles/s")
		})
	}
}
